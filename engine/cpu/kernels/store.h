/* The end of a product of outputs with pixels: from registers into the planes. */
#ifndef CN_CPU_KERNELS_STORE_H
#define CN_CPU_KERNELS_STORE_H

#include "cpu/kernels/kernels.h"

/* Sums of a block's rows; what a kernel does not use of it does not exist. */
typedef V sums[CN_MAX_ROWS][CN_MAX_VECTORS];

/* Which plane row r is. Rows are counted from `first` on, where a block is done in parts. */
CN_INLINE ptrdiff_t plane_of(const cn_store *s, int r, bool anywhere)
{
    return anywhere ? s->plane[r] : r;
}

/* The sums into the planes they are for, where every vector goes to one place. */
CN_INLINE void store_whole(const cn_store *s, int first, int rows, int vectors, bool anywhere,
                           sums sum)
{
    V low = BCAST(s->low), high = BCAST(s->high);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
        if (first + r >= s->rows) return;
        ptrdiff_t plane = plane_of(s, first + r, anywhere);
        float *out = s->out + plane * s->out_plane;
        const float *residual = s->residual ? s->residual + plane * s->residual_plane : NULL;
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            V x = sum[r][v];
            if (residual) x = ADD(x, LDU(residual + s->pieces[v].also));
            STU(out + s->pieces[v].at, MIN(high, MAX(low, x)));
        }
    }
}

/* The same where a vector may be for several places, and be cut: each piece row by row, so that its
 * mask is made once. */
CN_INLINE void store_pieces(const cn_store *s, int first, int rows, int vectors, bool anywhere,
                            sums sum)
{
    V low = BCAST(s->low), high = BCAST(s->high);
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++)
        for (int32_t i = s->first[v]; i < s->first[v + 1]; i++) {
            const cn_piece *p = &s->pieces[i];
            int from = p->from, to = p->to;
            float *out = s->out + p->at;
            const float *residual = s->residual ? s->residual + p->also : NULL;
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                if (first + r >= s->rows) break;
                ptrdiff_t plane = plane_of(s, first + r, anywhere);
                V x = sum[r][v];
                if (residual) x = ADD(x, LDM(residual + plane * s->residual_plane, from, to));
                STM(out + plane * s->out_plane, MIN(high, MAX(low, x)), from, to);
            }
        }
}

/* Pixel p after the vectors: its sums of all rows side by side. */
CN_INLINE void store_left(const cn_store *s, int p, const float *sums_of_rows)
{
    for (int r = 0; r < s->rows; r++) {
        ptrdiff_t plane = plane_of(s, r, s->plane != NULL);
        float x = sums_of_rows[r];
        if (s->residual) x += s->residual[plane * s->residual_plane + s->left_also[p]];
        x = x < s->low ? s->low : x;
        s->out[plane * s->out_plane + s->left_at[p]] = x > s->high ? s->high : x;
    }
}

#endif
