/* The convolution's inner product: output channels x pixels in registers, each panel vector shared
 * by all the channels, each weight broadcast to all the pixels. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

enum { ROWS = f32_conv_ROWS, PIXELS = f32_conv_PIXELS, VECTORS = PIXELS / VL };

/* Floats by which weights are asked for ahead of their use: they come from far, in order, but the
 * processor's own guesses stop at each page. */
enum { AHEAD = 1024 };

/* The sums into the planes they are for, where every vector goes to one place. */
CN_INLINE void store_whole(const cn_store *s, int vectors, V sum[ROWS][VECTORS])
{
    V low = BCAST(s->low), high = BCAST(s->high);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
        if (r >= s->rows) return;
        float *out = s->out + r * s->out_plane;
        const float *residual = s->residual ? s->residual + r * s->residual_plane : NULL;
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            V x = sum[r][v];
            if (residual) x = ADD(x, LDU(residual + s->pieces[v].also));
            STU(out + s->pieces[v].at, MIN(high, MAX(low, x)));
        }
    }
}

/* The same where a vector may be for several places, and be cut: each piece row by row, so that its
 * mask is made once. */
CN_INLINE void store_pieces(const cn_store *s, int vectors, V sum[ROWS][VECTORS])
{
    V low = BCAST(s->low), high = BCAST(s->high);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
        for (int32_t i = s->first[v]; i < s->first[v + 1]; i++) {
            const cn_piece *p = &s->pieces[i];
            int from = p->from, to = p->to;
            float *out = s->out + p->at;
            const float *residual = s->residual ? s->residual + p->also : NULL;
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) {
                if (r >= s->rows) break;
                V x = sum[r][v];
                if (residual) x = ADD(x, LDM(residual + r * s->residual_plane, from, to));
                STM(out + r * s->out_plane, MIN(high, MAX(low, x)), from, to);
            }
        }
}

CN_INLINE void multiply(const cn_conv_block *b, int vectors, bool copies)
{
    V sum[ROWS][VECTORS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[r][v] = BCAST(b->bias[r]);
    const float *weight = b->weight, *from = b->from;
    float *panel = b->panel;
    for (size_t k = 0; k < b->depth; k++, weight += ROWS, panel += PIXELS) {
        __builtin_prefetch(weight + AHEAD);
        V x[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            x[v] = copies ? LDU(from + v * VL) : LD(panel + v * VL);
            if (copies) ST(panel + v * VL, x[v]);
        }
        if (copies) from += b->from_row;
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            V w = BCAST(weight[r]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[r][v] = FMA(w, x[v], sum[r][v]);
        }
    }
    if (b->store && b->store->whole) {
        store_whole(b->store, vectors, sum);
        return;
    }
    if (b->store) {
        store_pieces(b->store, vectors, sum);
        return;
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            ST(b->tile + r * PIXELS + v * VL, sum[r][v]);
}

CN_INLINE void multiply_width(const cn_conv_block *b, bool copies)
{
    switch ((b->width + VL - 1) / VL) {
    case 1:
        multiply(b, 1, copies);
        break;
    case 2:
        multiply(b, 2, copies);
        break;
    default:
        multiply(b, VECTORS, copies);
    }
}

void CN_KERNEL_NAME(f32_conv)(const cn_conv_block *b)
{
    if (b->from)
        multiply_width(b, true);
    else
        multiply_width(b, false);
}
