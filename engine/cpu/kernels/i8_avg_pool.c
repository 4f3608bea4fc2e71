/* Average pooling of levels, one quad: sums of integers, down the columns into four rows of the
 * scratch memory (one a channel, with zeros for padding), then along the rows. */
#include "cpu/kernels/i8_requantize.h"
#include "lr/operators.h"

/* The levels of four sums of `(q - from_zero)` times `factor`. */
CN_INLINE I average(const cn_i8_pool *p, const I sum[4], V factor)
{
    V x[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++)
        x[k] = MUL(MUL(TO_FLOAT(sum[k]), factor), BCAST(p->inverse));
    return i8_slots(x, ZEROS(p->zero), false);
}

/* The whole plane to one pixel. */
static void whole(const cn_i8_pool *p)
{
    I sum[4];
    for (int k = 0; k < 4; k++)
        sum[k] = IBCAST(0);
    for (int32_t y = 0; y < p->in_h; y++)
        for (ptrdiff_t i = 0; i < p->in_w; i += VL) {
            I slots = AS_I(LDN(p->in + y * p->in_row + i, p->in_w - i));
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++)
                sum[k] = IADD(sum[k], BYTE(slots, k));
        }
    int32_t count = p->in_h * p->in_w;
    for (int k = 0; k < 4; k++)
        sum[k] = IBCAST(IHSUM(sum[k]) - count * p->from_zero);
    STN(p->out, AS_V(average(p, sum, BCAST(p->scale / (float)count))), 1);
}

/* Sums of the rows [first, end) down the columns. */
CN_INLINE void add_rows(const cn_i8_pool *p, cn_span rows, int32_t *const row[4])
{
    I zero = IBCAST(p->from_zero);
    for (ptrdiff_t i = 0; i < p->in_w; i += VL) {
        I sum[4];
        for (int k = 0; k < 4; k++)
            sum[k] = IBCAST(0);
        for (int32_t r = rows.first; r < rows.end; r++) {
            I slots = AS_I(LDN(p->in + r * p->in_row + i, p->in_w - i));
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++)
                sum[k] = IADD(sum[k], ISUB(BYTE(slots, k), zero));
        }
        for (int k = 0; k < 4; k++)
            STN((float *)(void *)(row[k] + p->window->pad_left + i), AS_V(sum[k]), p->in_w - i);
    }
}

CN_INLINE I load(const int32_t *p, int32_t stride)
{
    if (stride == 1) return ILDU(p);
    int32_t lanes[VL];
    for (int i = 0; i < VL; i++)
        __builtin_memcpy(&lanes[i], p + (ptrdiff_t)i * stride, sizeof *lanes);
    return ILDU(lanes);
}

/* What the sums of a row of outputs are multiplied by. */
static void set_factors(const cn_i8_pool *p, cn_span down, float *factors)
{
    for (int32_t j = 0; j < p->out_w; j++) {
        cn_span along = cn_pool_span(p->window, true, j, p->in_w);
        int32_t count = p->count_padding ? down.padded * along.padded
                                         : (down.end - down.first) * (along.end - along.first);
        factors[j] = p->scale / (float)count;
    }
}

void CN_KERNEL_NAME(i8_avg_pool)(const cn_i8_pool *p)
{
    const cn_window *w = p->window;
    if (!w) {
        whole(p);
        return;
    }
    size_t slots = cn_i8_pool_row(p->in_w, p->out_w, w);
    int32_t *row[4];
    for (int k = 0; k < 4; k++)
        row[k] = (int32_t *)(void *)(p->scratch + (size_t)k * slots);
    float *factors = p->scratch + 4 * slots;
    for (size_t i = 0; i < 4 * slots; i++)
        p->scratch[i] = 0;
    int32_t before = -1;
    for (int32_t y = 0; y < p->out_h; y++) {
        cn_span down = cn_pool_span(w, false, y, p->in_h);
        add_rows(p, down, row);
        int32_t height = p->count_padding ? down.padded : down.end - down.first;
        if (height != before) set_factors(p, down, factors); /* few rows' windows differ */
        before = height;
        for (ptrdiff_t j = 0; j < p->out_w; j += VL) {
            I sum[4];
            for (int k = 0; k < 4; k++) {
                const int32_t *x = row[k] + j * w->stride_w;
                sum[k] = load(x, w->stride_w);
                for (int32_t t = 1; t < w->kernel_w; t++)
                    sum[k] = IADD(sum[k], load(x + t, w->stride_w));
            }
            STN(p->out + y * p->out_row + j, AS_V(average(p, sum, LDU(factors + j))), p->out_w - j);
        }
    }
}
