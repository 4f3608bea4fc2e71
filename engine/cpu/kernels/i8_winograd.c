/* Winograd's F(4 x 4, 3 x 3) (f32_winograd.c) on integers, exactly. G has the denominator 24;
 * weights are transformed by 24 G, but for half of the last row, which makes 16 bits of 8:
 *
 *   (6 0 0) (-4 -4 -4) (-4 4 -4) (1 2 4) (1 -2 4) (0 0 12)
 *
 * The output transform doubles the last product again, so that 24 * 24 times the sums come out.
 * Transformed activations are at most 68 * 255 in magnitude: 16 bits. What follows is right modulo
 * 2^32, whatever overflows: 576 is 64 * 9, 9 has an inverse, and a sum of less than 2^25 in
 * magnitude is known from its 64-fold.
 *
 * In the transform of the input lanes are channels of neighbouring tiles' slots; in the products
 * and the transform of the output they are output channels. */
#include "cpu/kernels/i8_lanes.h"
#include "cpu/vector/interleave.h"

enum {
    ROWS = i8_winograd_ROWS,
    TILES = i8_winograd_PIXELS,
    VECTORS = ROWS / VL,
    TILE = 4,
    POINTS = 6,
    QUAD = 4,
    STEP = VL > 1 ? VL / 2 : 1, /* tiles whose channels of a quad are 16-bit integers of a vector */
    NINTH = 0x38e38e39          /* times 9 is 1 modulo 2^32 */
};

/* Bytes by which weights are asked for ahead of their use: see f32_conv.c. */
enum { AHEAD = 4096 };

/* One dimension of the input transform, in place. */
CN_INLINE void spread(H *d)
{
    H even = HSUB(d[4], HSHL(d[2], 2)), odd = HSUB(d[3], HSHL(d[1], 2));
    H wide = HSUB(d[4], d[2]), step = HSHL(HSUB(d[3], d[1]), 1);
    d[0] = HADD(HSHL(HSUB(d[0], d[2]), 2), wide);
    d[5] = HSUB(HADD(HSHL(HSUB(d[1], d[3]), 2), d[5]), d[3]);
    d[1] = HADD(even, odd), d[2] = HSUB(even, odd);
    d[3] = HADD(wide, step), d[4] = HSUB(wide, step);
}

/* STEP tiles, the first of which begins at `in`, in a quad's channels, of which one tile's are two
 * halves. Only `rows` by `columns` pixels are there, which may be fewer or more. */
CN_INLINE void transform_tiles(const cn_i8_winograd_in *w, const float *in, ptrdiff_t rows,
                               ptrdiff_t columns, int half, int16_t *panel)
{
    H d[POINTS][POINTS];
#pragma GCC unroll 6
    for (int i = 0; i < POINTS; i++) {
        V x[2 * TILE];
        ptrdiff_t there = i < rows ? columns : 0;
        QUARTERS(in + i * w->row, there, x);
        QUARTERS(in + i * w->row + TILE, there - TILE, x + TILE);
#pragma GCC unroll 6
        for (int j = 0; j < POINTS; j++)
            d[i][j] = HALF(AS_I(x[j]), half);
        spread(d[i]);
    }
#pragma GCC unroll 6
    for (int j = 0; j < POINTS; j++) {
        H column[POINTS];
#pragma GCC unroll 6
        for (int i = 0; i < POINTS; i++)
            column[i] = d[i][j];
        spread(column);
#pragma GCC unroll 6
        for (int i = 0; i < POINTS; i++)
            HSTU(panel + (size_t)(i * POINTS + j) * w->position, column[i]);
    }
}

void CN_KERNEL_NAME(i8_winograd_in)(const cn_i8_winograd_in *w)
{
    for (int32_t q = 0; q < w->quads; q++)
        for (int32_t s = 0; s < w->piece_count; s++) {
            const cn_winograd_piece *piece = w->pieces + s;
            const float *in = w->in + q * w->plane + piece->at;
            int16_t *panel = w->panel + ((size_t)q * w->pitch + (size_t)piece->first) * QUAD;
            for (int32_t t = 0; t < piece->count; t += STEP)
#pragma GCC unroll 2
                for (int half = 0; half < QUAD * STEP / (2 * VL); half++)
                    transform_tiles(w, in + TILE * t, piece->rows, piece->columns - TILE * t, half,
                                    panel + t * QUAD + half * 2 * VL);
        }
}

/* `count` tiles. */
CN_INLINE void multiply(const cn_i8_winograd *w, const int16_t *panel, int32_t *products, int count)
{
    const int16_t *weight = w->weight;
    size_t pitch = w->pitch * QUAD;
    I sum[TILES][VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++)
#pragma GCC unroll 16
        for (int t = 0; t < count; t++)
            sum[t][v] = IBCAST(0);
    for (int32_t q = 0; q < w->quads; q++, panel += pitch)
#pragma GCC unroll 2
        for (int pair = 0; pair < QUAD / 2; pair++, weight += ROWS * 2) {
            P pairs[VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                __builtin_prefetch((const char *)(weight + v * VL * 2) + AHEAD);
                pairs[v] = PQ(ILDU(weight + v * VL * 2));
            }
#pragma GCC unroll 16
            for (int t = 0; t < count; t++) {
                int32_t two;
                __builtin_memcpy(&two, panel + t * QUAD + pair * 2, sizeof two);
                I x = IBCAST(two);
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; v++)
                    sum[t][v] = PAIRS(pairs[v], x, sum[t][v]);
            }
        }
#pragma GCC unroll 16
    for (int t = 0; t < count; t++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            ISTU(products + t * ROWS + v * VL, sum[t][v]);
}

#define CASE(n)                                                                                    \
    case n:                                                                                        \
        if ((n) <= TILES) multiply(w, panel, products, n);                                         \
        break;

/* A constant number of tiles, so that sums are in registers. */
_Static_assert(TILES <= 14, "a run needs its case");
CN_INLINE void multiply_run(const cn_i8_winograd *w, const int16_t *panel, int32_t *products,
                            int32_t count)
{
    switch (count) {
        CASE(1)
        CASE(2)
        CASE(3)
        CASE(4)
        CASE(5)
        CASE(6)
        CASE(7)
        CASE(8)
        CASE(9)
        CASE(10)
        CASE(11)
        CASE(12)
        CASE(13)
        CASE(14)
    }
}

void CN_KERNEL_NAME(i8_winograd)(const cn_i8_winograd *w)
{
    int32_t runs = (w->tiles + TILES - 1) / TILES;
    for (int32_t r = 0, t = 0; r < runs; r++) {
        int32_t count = w->tiles / runs + (r < w->tiles % runs);
        multiply_run(w, w->panel + t * QUAD, w->products + t * ROWS, count);
        t += count;
    }
}

/* One dimension of the output transform: six vectors to four. */
CN_INLINE void gather(const I *p, I *y)
{
    I sum1 = IADD(p[1], p[2]), difference1 = ISUB(p[1], p[2]);
    I sum2 = IADD(p[3], p[4]), difference2 = ISUB(p[3], p[4]);
    y[0] = IADD(IADD(p[0], sum1), sum2);
    y[1] = IADD(difference1, ISHL(difference2, 1));
    y[2] = IADD(sum1, ISHL(sum2, 2));
    y[3] = IADD(difference1, ISHL(IADD(ISHL(difference2, 2), p[5]), 1));
}

/* VL channels of a tile, `rows` by `columns` pixels of it. */
CN_INLINE void transform_out(const cn_i8_winograd_out *w, const i8_place *place, int row,
                             const int32_t *products, ptrdiff_t at, ptrdiff_t also, int32_t rows,
                             int columns)
{
    I half[TILE][POINTS], y[TILE], start = ILDU(w->start + row);
#pragma GCC unroll 6
    for (int j = 0; j < POINTS; j++) {
        I p[POINTS];
#pragma GCC unroll 6
        for (int i = 0; i < POINTS; i++)
            p[i] = ILDU(products + (size_t)(i * POINTS + j) * w->position);
        gather(p, y);
#pragma GCC unroll 4
        for (int i = 0; i < TILE; i++)
            half[i][j] = y[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < TILE; i++) {
        if (i >= rows) break;
        gather(half[i], y);
#pragma GCC unroll 4
        for (int k = 0; k < TILE; k++)
            y[k] = IADD(IMUL(y[k], IBCAST(NINTH)), start);
        i8_store(place, w->to, row, at + i * w->out_row, also + i * w->residual_row, columns, y);
    }
}

void CN_KERNEL_NAME(i8_winograd_out)(const cn_i8_winograd_out *w)
{
    const i8_place place = {w->out, w->residual, w->out_plane, w->residual_plane, w->rows};
    for (int32_t s = 0; s < w->place_count; s++) {
        const cn_winograd_place *to = w->places + s;
        for (int32_t t = 0; t < to->count; t++) {
            const int32_t *products = w->products + (ptrdiff_t)(to->first + t) * ROWS;
            int32_t x = t * TILE, columns = to->columns - x < TILE ? to->columns - x : TILE;
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++)
                if (v * VL / 4 < w->rows)
                    transform_out(w, &place, v * VL, products + v * VL, to->at + x, to->also + x,
                                  to->rows, columns);
        }
    }
}
