/* Winograd's minimal filtering F(m x m, 3 x 3) for m = 2, 4, 6 (Lavin and Gray, "Fast algorithms
 * for convolutional neural networks", 2015): the transforms of the input and of the products; the
 * products themselves are the convolution kernel's. Interpolation points: 0, 1, -1 and infinity;
 * with m = 4 also 2, -2; with m = 6 also 1/2, -1/2. Lanes are tiles. */
#include "cpu/vector/interleave.h"
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

enum { MOST = 8 }; /* m + 2 */

/* c * x + y with a constant c */
CN_INLINE V scaled(float c, V x, V y)
{
    return FMA(BCAST(c), x, y);
}

/* One dimension of the input transform: m + 2 vectors, in place. */
CN_INLINE void spread(int m, V *d)
{
    if (m == 2) {
        V t0 = SUB(d[0], d[2]), t1 = ADD(d[1], d[2]), t2 = SUB(d[2], d[1]), t3 = SUB(d[1], d[3]);
        d[0] = t0, d[1] = t1, d[2] = t2, d[3] = t3;
    } else if (m == 4) {
        V even = scaled(-4, d[2], d[4]), odd = scaled(-4, d[1], d[3]);
        V wide = SUB(d[4], d[2]), step = MUL(BCAST(2), SUB(d[3], d[1]));
        d[0] = scaled(4, d[0], scaled(-5, d[2], d[4]));
        d[5] = scaled(4, d[1], scaled(-5, d[3], d[5]));
        d[1] = ADD(even, odd), d[2] = SUB(even, odd);
        d[3] = ADD(wide, step), d[4] = SUB(wide, step);
    } else {
        V t0 = scaled(5.25f, SUB(d[4], d[2]), SUB(d[0], d[6]));
        V t7 = scaled(5.25f, SUB(d[3], d[5]), SUB(d[7], d[1]));
        V even1 = scaled(-4.25f, d[4], ADD(d[2], d[6]));
        V odd1 = scaled(-4.25f, d[3], ADD(d[1], d[5]));
        V even2 = scaled(0.25f, d[2], scaled(-1.25f, d[4], d[6]));
        V odd2 = scaled(0.5f, d[1], scaled(-2.5f, d[3], MUL(BCAST(2), d[5])));
        V even3 = scaled(4, scaled(-1.25f, d[4], d[2]), d[6]);
        V odd3 = scaled(2, d[1], scaled(-2.5f, d[3], MUL(BCAST(0.5f), d[5])));
        d[0] = t0, d[7] = t7;
        d[1] = ADD(even1, odd1), d[2] = SUB(even1, odd1);
        d[3] = ADD(even2, odd2), d[4] = SUB(even2, odd2);
        d[5] = ADD(even3, odd3), d[6] = SUB(even3, odd3);
    }
}

/* One dimension of the output transform: m + 2 vectors to m. */
CN_INLINE void gather(int m, const V *p, V *y)
{
    V sum1 = ADD(p[1], p[2]), difference1 = SUB(p[1], p[2]);
    if (m == 2) {
        y[0] = ADD(p[0], sum1);
        y[1] = SUB(difference1, p[3]);
        return;
    }
    V sum2 = ADD(p[3], p[4]), difference2 = SUB(p[3], p[4]);
    if (m == 4) {
        y[0] = ADD(p[0], ADD(sum1, sum2));
        y[1] = scaled(2, difference2, difference1);
        y[2] = scaled(4, sum2, sum1);
        y[3] = scaled(8, difference2, ADD(difference1, p[5]));
        return;
    }
    V sum3 = ADD(p[5], p[6]), difference3 = SUB(p[5], p[6]);
    y[0] = scaled(32, sum3, ADD(p[0], ADD(sum1, sum2)));
    y[1] = scaled(16, difference3, scaled(2, difference2, difference1));
    y[2] = scaled(8, sum3, scaled(4, sum2, sum1));
    y[3] = scaled(4, difference3, scaled(8, difference2, difference1));
    y[4] = scaled(2, sum3, scaled(16, sum2, sum1));
    y[5] = scaled(32, difference2, ADD(difference1, ADD(difference3, p[7])));
}

/* The columns of the piece's pixels, transformed along y, into the strip. */
CN_INLINE void down(const cn_winograd_in *w, const cn_winograd_piece *piece, const float *in, int m)
{
    for (ptrdiff_t x = 0; x < m * piece->count + 2; x += VL) {
        V d[MOST];
#pragma GCC unroll 8
        for (int i = 0; i < m + 2; i++)
            d[i] = i < piece->rows ? LDN(in + i * w->row + x, piece->columns - x) : ZERO();
        spread(m, d);
#pragma GCC unroll 8
        for (int i = 0; i < m + 2; i++)
            ST(w->strip + i * w->strip_pitch + x, d[i]);
    }
}

/* VL tiles of the strip, transformed along x, into the panel. */
CN_INLINE void along(const cn_winograd_in *w, ptrdiff_t first, ptrdiff_t count, float *panel, int m)
{
#pragma GCC unroll 8
    for (int i = 0; i < m + 2; i++) {
        const float *strip = w->strip + i * w->strip_pitch + first * m;
        V x[MOST], d[MOST];
#pragma GCC unroll 6
        for (int k = 0; k < m; k++)
            x[k] = LD(strip + k * VL);
        DEINTERLEAVE(m, x, d);
        d[m] = SHIFT_IN(d[0], strip[m * VL]);
        d[m + 1] = SHIFT_IN(d[1], strip[m * VL + 1]);
        spread(m, d);
#pragma GCC unroll 8
        for (int j = 0; j < m + 2; j++)
            STN(panel + (size_t)(i * (m + 2) + j) * w->position, d[j], count);
    }
}

CN_INLINE void transform_in(const cn_winograd_in *w, int m)
{
    for (int32_t c = 0; c < w->channels; c++)
        for (int32_t s = 0; s < w->piece_count; s++) {
            const cn_winograd_piece *piece = w->pieces + s;
            down(w, piece, w->in + c * w->plane + piece->at, m);
            for (ptrdiff_t t = 0; t < piece->count; t += VL)
                along(w, t, piece->count - t, w->panel + (size_t)c * w->pitch + piece->first + t,
                      m);
        }
}

void CN_KERNEL_NAME(f32_winograd_in)(const cn_winograd_in *w)
{
    if (w->m == 2)
        transform_in(w, 2);
    else if (w->m == 4)
        transform_in(w, 4);
    else
        transform_in(w, 6);
}

CN_INLINE void transform_out(const cn_winograd_out *w, int m)
{
    for (ptrdiff_t t = 0; t < w->tiles; t += VL) {
        V half[MOST][MOST], y[MOST], pixels[MOST];
#pragma GCC unroll 8
        for (int j = 0; j < m + 2; j++) {
            V p[MOST];
#pragma GCC unroll 8
            for (int i = 0; i < m + 2; i++)
                p[i] = LD(w->products + (size_t)(i * (m + 2) + j) * w->position + t);
            gather(m, p, y);
#pragma GCC unroll 6
            for (int i = 0; i < m; i++)
                half[i][j] = y[i];
        }
#pragma GCC unroll 6
        for (int i = 0; i < m; i++) {
            gather(m, half[i], y);
#pragma GCC unroll 6
            for (int k = 0; k < m; k++)
                y[k] = ADD(y[k], BCAST(w->bias));
            INTERLEAVE(m, y, pixels);
#pragma GCC unroll 6
            for (int k = 0; k < m; k++)
                ST(w->tile + (size_t)i * w->pitch + m * t + k * VL, pixels[k]);
        }
    }
}

void CN_KERNEL_NAME(f32_winograd_out)(const cn_winograd_out *w)
{
    if (w->m == 2)
        transform_out(w, 2);
    else if (w->m == 4)
        transform_out(w, 4);
    else
        transform_out(w, 6);
}
