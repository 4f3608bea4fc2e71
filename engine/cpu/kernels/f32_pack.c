/* A tile's input as a panel: see cn_pack. Piece by piece (what of a segment fills a vector), so
 * that its mask is made once for all the taps; some channels at a time, so that a row of the panel
 * is still near when its next piece comes. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"
#include "cpu/kernels/strided.h"

enum { NEAR_TAPS = 64 };

/* The n pixels from `at` on under every tap of channels first .. end - 1. */
CN_INLINE void copy(const cn_pack *p, int32_t first, int32_t end, const float *at, float *to,
                    ptrdiff_t n, int stride)
{
    for (int32_t c = first; c < end; c++)
        for (int32_t y = 0; y < p->kernel_h; y++) {
            const float *tap = at + c * p->plane + y * p->row;
            for (int32_t x = 0; x < p->kernel_w; x++, tap += p->column, to += p->pitch)
                if (n == VL)
                    STU(to, load_strided(tap, VL, stride));
                else
                    STN(to, load_strided(tap, n, stride), n);
        }
}

/* The same for strides that vectors have no words for. */
static void copy_singly(const cn_pack *p, int32_t first, int32_t end, const float *at, float *to,
                        ptrdiff_t n)
{
    for (int32_t c = first; c < end; c++)
        for (int32_t y = 0; y < p->kernel_h; y++)
            for (int32_t x = 0; x < p->kernel_w; x++, to += p->pitch)
                for (ptrdiff_t i = 0; i < n; i++)
                    to[i] = at[c * p->plane + y * p->row + x * p->column + i * p->stride];
}

CN_INLINE void fill(const cn_pack *p, float *panel, int stride)
{
    size_t taps = (size_t)p->kernel_h * (size_t)p->kernel_w;
    int32_t step = taps < NEAR_TAPS ? (int32_t)(NEAR_TAPS / taps) : 1;
    for (int32_t c = 0; c < p->channels; c += step) {
        int32_t end = c + step < p->channels ? c + step : p->channels;
        float *rows = panel + (size_t)c * taps * p->pitch;
        for (int32_t s = 0; s < p->segment_count; s++) {
            const cn_segment *g = &p->segments[s];
            const float *from = p->data + g->at;
            for (ptrdiff_t i = 0; i < g->count; i += VL) {
                ptrdiff_t n = g->count - i;
                float *to = rows + g->first + i;
                if (!stride)
                    copy_singly(p, c, end, from + i * p->stride, to, n < VL ? n : VL);
                else if (n >= VL)
                    copy(p, c, end, from + i * stride, to, VL, stride);
                else
                    copy(p, c, end, from + i * stride, to, n, stride);
            }
        }
    }
}

void CN_KERNEL_NAME(f32_pack)(const cn_pack *p, float *panel)
{
    if (p->stride == 1)
        fill(p, panel, 1);
    else if (p->stride == 2)
        fill(p, panel, 2);
    else if (p->stride == 4)
        fill(p, panel, 4);
    else
        fill(p, panel, 0);
}
