/* Depthwise convolution of 3 x 3 windows on integers, one quad of channels, straight from the
 * plane. Rows are put together byte by byte, so that a lane has a channel of a pixel in up to four
 * rows, and a product of slots is the products of a whole column of the window: a third of the
 * steps of i8_depthwise.c. With stride 1 four rows are for two rows of the output. */
#include "cpu/kernels/i8_requantize.h"

enum { TAPS = 3, SLOT = 4 };

#ifdef CN_FOURS

/* What the sums of the channels become, in every four lanes. */
typedef struct scaling {
    const cn_requantize *to;
    V factor, bias;
} scaling;

/* Sums of four vectors to slots; lanes are channels. */
CN_INLINE I levels(const scaling *s, const I sum[4])
{
    I level[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        V x = FUSED(TO_FLOAT(sum[k]), s->factor, s->bias);
        x = i8_activate(s->to, x, s->to->activation);
        level[k] = TO_INT(MIN(BCAST(I8_BEYOND), x));
    }
    return SLOTS(level[0], level[1], level[2], level[3], ZEROS(s->to->zero));
}

/* VL pixels of four rows: of every four pixels the k-th becomes four lanes of mixed[k]. Only `n`
 * pixels are there. */
CN_INLINE void mix(const float *const rows[4], ptrdiff_t x, ptrdiff_t n, I mixed[4])
{
    I row[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        row[i] = AS_I(LDN(rows[i] + x, n));
    I low01 = ZIPL8(row[0], row[1]), high01 = ZIPH8(row[0], row[1]);
    I low23 = ZIPL8(row[2], row[3]), high23 = ZIPH8(row[2], row[3]);
    mixed[0] = ZIPL16(low01, low23), mixed[1] = ZIPH16(low01, low23);
    mixed[2] = ZIPL16(high01, high23), mixed[3] = ZIPH16(high01, high23);
}

/* The sum over the columns of a window whose first pixels are those of column[0]. */
CN_INLINE I window(const Q weight[TAPS], const U *column, I start)
{
#pragma GCC unroll 3
    for (int j = 0; j < TAPS; j++)
        start = DOT(weight[j], column[j], start);
    return start;
}

/* All six columns that windows of VL pixels may begin or end in. */
CN_INLINE void spread(const I now[4], const I next[4], U column[6])
{
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++)
        column[k] = UQ(now[k]);
    column[4] = UQ(NEXT(now[0], next[0], 4));
    column[5] = UQ(NEXT(now[1], next[1], 4));
}

/* Rows y and, if there is one, y + 1. */
CN_INLINE void two_rows(const cn_i8_depthwise *d, int32_t y, const Q upper[TAPS],
                        const Q lower[TAPS], I start, const scaling *s)
{
    const float *in = d->in + y * d->in_row;
    bool both = y + 1 < d->bottom;
    const float *const rows[4] = {in, in + d->in_row, in + 2 * d->in_row,
                                  in + (both ? 3 : 2) * d->in_row};
    float *out = d->out + y * d->out_row;
    ptrdiff_t pixels = d->w + TAPS - 1;
    I now[4], next[4];
    mix(rows, 0, pixels, next);
    for (ptrdiff_t x = 0; x < d->w; x += VL) {
        U column[6];
        I sum[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            now[k] = next[k];
        if (x + VL < pixels) mix(rows, x + VL, pixels - x - VL, next);
        spread(now, next, column);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            sum[k] = window(upper, column + k, start);
        STN(out + x, AS_V(levels(s, sum)), d->w - x);
        if (!both) continue;
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            sum[k] = window(lower, column + k, start);
        STN(out + d->out_row + x, AS_V(levels(s, sum)), d->w - x);
    }
}

/* Row y with stride 2. */
CN_INLINE void strided_row(const cn_i8_depthwise *d, int32_t y, const Q weight[TAPS], I start,
                           const scaling *s)
{
    const float *in = d->in + 2 * y * d->in_row;
    const float *const rows[4] = {in, in + d->in_row, in + 2 * d->in_row, in + 2 * d->in_row};
    ptrdiff_t pixels = 2 * d->w + TAPS - 2;
    I now[4], next[4];
    mix(rows, 0, pixels, next);
    for (ptrdiff_t x = 0; x < d->w; x += VL) {
        I sum[4];
#pragma GCC unroll 2
        for (int half = 0; half < 2; half++) {
            ptrdiff_t after = 2 * x + (half + 1) * VL;
            U column[6];
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++)
                now[k] = next[k];
            if (after < pixels) mix(rows, after, pixels - after, next);
            spread(now, next, column);
            sum[2 * half] = window(weight, column, start);
            sum[2 * half + 1] = window(weight, column + 2, start);
        }
        STN(d->out + y * d->out_row + x, AS_V(UNZIP(levels(s, sum))), d->w - x);
    }
}

void CN_KERNEL_NAME(i8_depthwise3)(const cn_i8_depthwise *d)
{
    const scaling s = {d->to, AS_V(REPEAT(d->to->factor)), AS_V(REPEAT(d->to->bias))};
    I start = REPEAT(d->start);
    Q upper[TAPS], lower[TAPS];
    for (int j = 0; j < TAPS; j++) {
        I weight = REPEAT(d->weight + j * 4 * SLOT);
        upper[j] = SQ(weight);
        lower[j] = SQ(ISHL(weight, 8)); /* a row further down */
    }
    if (d->window->stride_w == 1)
        for (int32_t y = d->top; y < d->bottom; y += 2)
            two_rows(d, y, upper, lower, start, &s);
    else
        for (int32_t y = d->top; y < d->bottom; y++)
            strided_row(d, y, upper, start, &s);
}

#else

/* One pixel after the other. */
void CN_KERNEL_NAME(i8_depthwise3)(const cn_i8_depthwise *d)
{
    int32_t stride = d->window->stride_w;
    for (int32_t y = d->top; y < d->bottom; y++)
        for (int32_t x = 0; x < d->w; x++) {
            const float *in = d->in + (ptrdiff_t)y * stride * d->in_row + (ptrdiff_t)x * stride;
            V level[4];
            for (int k = 0; k < 4; k++) {
                I sum = d->start[k];
                for (int i = 0; i < TAPS; i++)
                    for (int j = 0; j < TAPS; j++)
                        sum += d->weight[(j * 4 + k) * SLOT + i] *
                               BYTE(AS_I(LDU(in + i * d->in_row + j)), k);
                level[k] = i8_activate(d->to, i8_linear(d->to, k, sum, NULL, k), d->to->activation);
            }
            STU(d->out + y * d->out_row + x, AS_V(i8_slots(level, ZEROS(d->to->zero), false)));
        }
}

#endif
