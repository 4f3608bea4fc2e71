/* Average pooling of levels, one quad: sums of integers, down the columns and then along the rows.
 * Windows three wide are done in registers; others by way of four rows of the scratch memory, one a
 * channel, with zeros for padding. */
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

/* What the sums of a row of outputs are multiplied by, and what their pixels that are there add for
 * the zero point. */
static void set_factors(const cn_i8_pool *p, cn_span down, float *factors, int32_t *zeros)
{
    for (int32_t j = 0; j < p->out_w; j++) {
        cn_span along = cn_pool_span(p->window, true, j, p->in_w);
        int32_t there = (down.end - down.first) * (along.end - along.first);
        int32_t count = p->count_padding ? down.padded * along.padded : there;
        factors[j] = p->scale / (float)count;
        if (zeros) zeros[j] = there * p->from_zero;
    }
}

#ifdef CN_FOURS

/* Sums of bytes down the columns, of VL pixels from `first` on, which may lie outside. */
CN_INLINE void add_columns(const cn_i8_pool *p, cn_span rows, ptrdiff_t first, I sum[4])
{
    M there = LANES(-first, p->in_w - first);
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++)
        sum[k] = IBCAST(0);
    for (int32_t r = rows.first; r < rows.end; r++) {
        I slots = AS_I(LDW(p->in + r * p->in_row + first, there));
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            sum[k] = IADD(sum[k], BYTE(slots, k));
    }
}

/* A row of windows three wide, stride 1: all in registers. */
CN_INLINE void row_of_three(const cn_i8_pool *p, cn_span down, const float *factors,
                            const int32_t *zeros, float *out)
{
    ptrdiff_t first = -p->window->pad_left;
    I now[4], next[4], sum[4];
    add_columns(p, down, first, next);
    for (ptrdiff_t j = 0; j < p->out_w; j += VL) {
        first += VL;
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            now[k] = next[k];
        add_columns(p, down, first, next); /* zeros where nothing is */
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            I pair = IADD(now[k], NEXT(now[k], next[k], 1));
            sum[k] = ISUB(IADD(pair, NEXT(now[k], next[k], 2)), ILDU(zeros + j));
        }
        STN(out + j, AS_V(average(p, sum, LDU(factors + j))), p->out_w - j);
    }
}
#endif

/* A row of any windows, by way of sums down the columns in `row`. */
CN_INLINE void row_of_any(const cn_i8_pool *p, cn_span down, const float *factors,
                          int32_t *const row[4], float *out)
{
    const cn_window *w = p->window;
    add_rows(p, down, row);
    for (ptrdiff_t j = 0; j < p->out_w; j += VL) {
        I sum[4];
        for (int k = 0; k < 4; k++) {
            const int32_t *x = row[k] + j * w->stride_w;
            sum[k] = load(x, w->stride_w);
            for (int32_t t = 1; t < w->kernel_w; t++)
                sum[k] = IADD(sum[k], load(x + t, w->stride_w));
        }
        STN(out + j, AS_V(average(p, sum, LDU(factors + j))), p->out_w - j);
    }
}

void CN_KERNEL_NAME(i8_avg_pool)(const cn_i8_pool *p)
{
    const cn_window *w = p->window;
    if (!w) {
        whole(p);
        return;
    }
#ifdef CN_FOURS
    bool three = w->kernel_w == 3 && w->stride_w == 1;
#else
    bool three = false;
#endif
    size_t slots = cn_i8_pool_row(p->in_w, p->out_w, w);
    int32_t *row[4];
    for (int k = 0; k < 4; k++)
        row[k] = (int32_t *)(void *)(p->scratch + (size_t)k * slots);
    float *factors = p->scratch + 4 * slots;
    for (size_t i = 0; i < 4 * slots && !three; i++)
        p->scratch[i] = 0;
    int32_t height = -1, padded = -1; /* few rows' windows differ from those before */
    for (int32_t y = 0; y < p->out_h; y++) {
        cn_span down = cn_pool_span(w, false, y, p->in_h);
        if (height != down.end - down.first || padded != down.padded)
            set_factors(p, down, factors, three ? row[0] : NULL);
        height = down.end - down.first;
        padded = down.padded;
        float *out = p->out + y * p->out_row;
#ifdef CN_FOURS
        if (three) {
            row_of_three(p, down, factors, row[0], out);
            continue;
        }
#endif
        row_of_any(p, down, factors, row, out);
    }
}
