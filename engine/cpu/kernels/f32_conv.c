/* The convolution's inner product: output channels x pixels in registers, each panel vector shared
 * by all the channels, each weight broadcast to all the pixels. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

enum { ROWS = f32_conv_ROWS, PIXELS = f32_conv_PIXELS, VECTORS = PIXELS / VL };

/* Floats by which weights are asked for ahead of their use: they come from far, in order, but the
 * processor's own guesses stop at each page. */
enum { AHEAD = 1024 };

/* The sums into the planes they are for. */
CN_INLINE void store_rows(const cn_store *s, int vectors, V sum[ROWS][VECTORS])
{
    V low = BCAST(s->low), high = BCAST(s->high);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
        if (r >= s->rows) return;
        float *out = s->out + r * s->out_plane;
        const float *residual = s->residual ? s->residual + r * s->residual_plane : NULL;
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            for (int32_t i = s->first[v]; i < s->first[v + 1]; i++) {
                const cn_piece *p = &s->pieces[i];
                V x = sum[r][v];
                if (residual) x = ADD(x, LDM(residual + p->also, p->from, p->to));
                STM(out + p->at, MIN(high, MAX(low, x)), p->from, p->to);
            }
    }
}

CN_INLINE void multiply(size_t depth, int vectors, const float *weight, const float *panel,
                        const float *bias, float *tile, const cn_store *store)
{
    V sum[ROWS][VECTORS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[r][v] = BCAST(bias[r]);
    for (size_t k = 0; k < depth; k++, weight += ROWS, panel += PIXELS) {
        __builtin_prefetch(weight + AHEAD);
        V x[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            x[v] = LD(panel + v * VL);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            V w = BCAST(weight[r]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[r][v] = FMA(w, x[v], sum[r][v]);
        }
    }
    if (store) {
        store_rows(store, vectors, sum);
        return;
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            ST(tile + r * PIXELS + v * VL, sum[r][v]);
}

void CN_KERNEL_NAME(f32_conv)(size_t depth, int32_t width, const float *weight, const float *panel,
                              const float *bias, float *tile, const cn_store *store)
{
    switch ((width + VL - 1) / VL) {
    case 1:
        multiply(depth, 1, weight, panel, bias, tile, store);
        break;
    case 2:
        multiply(depth, 2, weight, panel, bias, tile, store);
        break;
    default:
        multiply(depth, VECTORS, weight, panel, bias, tile, store);
    }
}
