/* Max pooling of levels, one quad: down the columns into a row of the scratch memory, which has its
 * padding (level 0, which is never above another), then along the row. */
#include "cpu/vector/integer.h"

#include "cpu/kernels/kernels.h"
#include "lr/operators.h"

/* n output pixels' slots, `stride` apart. */
CN_INLINE I load(const float *p, int32_t stride)
{
    if (stride == 1) return AS_I(LDU(p));
    if (stride == 2) return AS_I(EVEN(LDU(p), LDU(p + VL)));
    float lanes[VL];
    for (int i = 0; i < VL; i++)
        lanes[i] = p[(ptrdiff_t)i * stride];
    return AS_I(LDU(lanes));
}

CN_INLINE void pool(const cn_i8_pool *p, int32_t stride)
{
    const cn_window *w = p->window;
    size_t slots = cn_i8_pool_row(p->in_w, p->out_w, w);
    float *row = p->scratch + w->pad_left;
    for (size_t i = 0; i < slots; i++)
        p->scratch[i] = 0;
    for (int32_t y = 0; y < p->out_h; y++) {
        cn_span span = cn_pool_span(w, false, y, p->in_h);
        for (ptrdiff_t i = 0; i < p->in_w; i += VL) {
            const float *x = p->in + span.first * p->in_row + i;
            I most = AS_I(LDN(x, p->in_w - i));
            for (int32_t r = span.first + 1; r < span.end; r++) {
                x += p->in_row;
                most = BYTES_MAX(most, AS_I(LDN(x, p->in_w - i)));
            }
            STN(row + i, AS_V(most), p->in_w - i);
        }
        for (ptrdiff_t j = 0; j < p->out_w; j += VL) {
            const float *x = p->scratch + j * w->stride_w;
            I most = load(x, stride);
            for (int32_t k = 1; k < w->kernel_w; k++)
                most = BYTES_MAX(most, load(x + k, stride));
            STN(p->out + y * p->out_row + j, AS_V(most), p->out_w - j);
        }
    }
}

void CN_KERNEL_NAME(i8_max_pool)(const cn_i8_pool *p)
{
    if (p->window->stride_w == 1)
        pool(p, 1);
    else if (p->window->stride_w == 2)
        pool(p, 2);
    else
        pool(p, p->window->stride_w);
}
