/* The convolution's inner product for weights without their zeros: each step loads the pixels under
 * one tap once and multiplies them with a weight of each of the block's outputs. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"
#include "cpu/kernels/store.h"

/* Rows that registers hold beside each other with all of a kernel's vectors; a block of more is
 * done in parts. */
enum { MOST_ROWS = CN_BY_ISA(8, 8, 4, 8) };

/* Floats by which weights are asked for ahead of their use: the processor's own guesses stop at
 * each page. */
enum { AHEAD = 512 };

/* `rows` of a block's `of` rows from `first` on. */
CN_INLINE void multiply(const cn_sparse_block *b, int first, int rows, int of, int most,
                        int vectors)
{
    sums sum;
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            sum[r][v] = BCAST(b->bias[first + r]);
    const float *weight = b->weight + first, *in = b->in;
    const int32_t *offset = b->offset;
    for (size_t k = 0; k < b->steps; k++, weight += of) {
        const float *at = in + offset[k];
        __builtin_prefetch(weight + AHEAD);
        V x[CN_MAX_VECTORS];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            x[v] = LDU(at + v * VL);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            V w = BCAST(weight[r]);
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                sum[r][v] = FMA(w, x[v], sum[r][v]);
        }
    }
    if (b->store && b->store->whole) {
        store_whole(b->store, first, rows, vectors, true, sum);
        return;
    }
    if (b->store) {
        store_pieces(b->store, first, rows, vectors, true, sum);
        return;
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            STU(b->tile + (first + r) * most * VL + v * VL, sum[r][v]);
}

/* All of a block's `of` rows, by `vectors` vectors of the `most` that the kernel has. */
CN_INLINE void multiply_rows(const cn_sparse_block *b, int of, int most, int vectors)
{
    int rows = of < MOST_ROWS ? of : MOST_ROWS;
    for (int first = 0; first < of; first += rows)
        multiply(b, first, rows, of, most, vectors);
}

CN_INLINE void multiply_block(const cn_sparse_block *b, int of, int most)
{
    switch (b->vectors < most ? b->vectors : most) {
#define CASE(n)                                                                                    \
    case n:                                                                                        \
        if (n <= most) multiply_rows(b, of, most, n);                                              \
        break;
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#undef CASE
    }
}

#define SPARSE(rows)                                                                               \
    void CN_KERNEL_NAME(f32_sparse##rows)(const cn_sparse_block *b)                                \
    {                                                                                              \
        multiply_block(b, rows, f32_sparse##rows##_PIXELS / VL);                                   \
    }
SPARSE(1)
SPARSE(2)
SPARSE(4)
SPARSE(8)

/* Few pixels of a block of eight: outputs in the lanes. */
CN_INLINE void multiply_narrow(const cn_sparse_narrow *n, int pixels)
{
    enum { ROWS = 8, VECTORS = (ROWS + SL - 1) / SL };
    S sum[VECTORS][CN_NARROW_PIXELS];
    const float *weight = n->weight;
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++)
#pragma GCC unroll 4
        for (int p = 0; p < pixels; p++)
            sum[v][p] = SLDU(n->bias + v * SL);
    for (size_t k = 0; k < n->steps; k++, weight += ROWS) {
        const float *at = n->in + n->offset[k];
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; v++) {
            S w = SLDU(weight + v * SL);
#pragma GCC unroll 4
            for (int p = 0; p < pixels; p++)
                sum[v][p] = SFMA(w, SBCAST(at[p]), sum[v][p]);
        }
    }
    for (int v = 0; v < VECTORS; v++)
        for (int p = 0; p < pixels; p++) {
            float lanes[SL];
            SSTU(lanes, sum[v][p]);
            for (int l = 0; l < SL; l++)
                n->tile[(v * SL + l) * CN_NARROW_PIXELS + p] = lanes[l];
        }
}

/* One pixel of one output: steps in the lanes. */
CN_INLINE void multiply_scattered(const cn_sparse_narrow *n)
{
    V a = ZERO(), b = ZERO();
    size_t k = 0;
    for (; k + 2 * VL <= n->steps; k += 2 * VL) {
        a = FMA(LDU(n->weight + k), GATHER(n->in, n->offset + k), a);
        b = FMA(LDU(n->weight + k + VL), GATHER(n->in, n->offset + k + VL), b);
    }
    float sum = n->bias[0] + HSUM(ADD(a, b));
    for (; k < n->steps; k++)
        sum += n->weight[k] * n->in[n->offset[k]];
    n->tile[0] = sum;
}

/* Few pixels of a smaller block, which are what is in the lanes. */
CN_INLINE void multiply_short(const cn_sparse_narrow *n, int rows)
{
    for (int32_t p = 0; p < n->pixels; p += VL) {
        const float *weight = n->weight;
        ptrdiff_t left = n->pixels - p;
        V sum[4];
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
            sum[r] = BCAST(n->bias[r]);
        for (size_t k = 0; k < n->steps; k++, weight += rows) {
            V x = LDN(n->in + n->offset[k] + p, left);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++)
                sum[r] = FMA(BCAST(weight[r]), x, sum[r]);
        }
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
            STN(n->tile + r * CN_NARROW_PIXELS + p, sum[r], left);
    }
}

void CN_KERNEL_NAME(f32_sparse_narrow)(const cn_sparse_narrow *n)
{
    if (n->rows == 1 && n->pixels == 1)
        multiply_scattered(n);
    else if (n->rows == 1)
        multiply_short(n, 1);
    else if (n->rows == 2)
        multiply_short(n, 2);
    else if (n->rows == 4)
        multiply_short(n, 4);
    else if (n->pixels == 1)
        multiply_narrow(n, 1);
    else if (n->pixels == 2)
        multiply_narrow(n, 2);
    else if (n->pixels == 3)
        multiply_narrow(n, 3);
    else
        multiply_narrow(n, 4);
}
