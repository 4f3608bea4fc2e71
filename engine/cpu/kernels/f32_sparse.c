/* The convolution's inner product for weights without their zeros: each step loads the pixels under
 * one tap once and multiplies them with a weight of each of the block's outputs. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"
#include "cpu/kernels/store.h"

/* Rows that registers hold beside each other with all of a kernel's vectors; a block of more is
 * done in parts. */
enum { MOST_ROWS = CN_BY_ISA(8, 8, 4, 8) };

/* Pixels after the vectors for which registers are left beside a whole tile's sums. */
enum { MOST_BESIDE = CN_BY_ISA(0, 1, 0, CN_NARROW_PIXELS) };

/* Floats by which weights are asked for ahead of their use: the processor's own guesses stop at
 * each page. */
enum { AHEAD = 512 };

/* A block's outputs in the lanes, for pixels one by one. */
enum { LANED_ROWS = 8, LANED_VECTORS = (LANED_ROWS + SL - 1) / SL };
typedef S laned[LANED_VECTORS][CN_NARROW_PIXELS];

CN_INLINE void laned_begin(const float *bias, int pixels, laned sum)
{
#pragma GCC unroll 8
    for (int v = 0; v < LANED_VECTORS; v++)
#pragma GCC unroll 4
        for (int p = 0; p < pixels; p++)
            sum[v][p] = SLDU(bias + v * SL);
}

CN_INLINE void laned_step(const float *weight, const float *at, int pixels, laned sum)
{
#pragma GCC unroll 8
    for (int v = 0; v < LANED_VECTORS; v++) {
        S w = SLDU(weight + v * SL);
#pragma GCC unroll 4
        for (int p = 0; p < pixels; p++)
            sum[v][p] = SFMA(w, SBCAST(at[p]), sum[v][p]);
    }
}

/* Pixel p's sums, side by side. */
CN_INLINE void laned_end(laned sum, int p, float *out)
{
    for (int v = 0; v < LANED_VECTORS; v++)
        SSTU(out + v * SL, sum[v][p]);
}

/* `rows` of a block's `of` rows from `first` on, and of all of them the `left` pixels after the
 * vectors. */
CN_INLINE void multiply(const cn_sparse_block *b, int first, int rows, int of, int most,
                        int vectors, int left)
{
    sums sum;
    laned beside;
    if (left) laned_begin(b->bias, left, beside);
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
        if (left) laned_step(weight, at + vectors * VL, left, beside);
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
#pragma GCC unroll 4
    for (int p = 0; p < left; p++) {
        float lanes[LANED_VECTORS * SL];
        laned_end(beside, p, lanes);
        store_left(b->store, p, lanes);
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
        multiply(b, first, rows, of, most, vectors, 0);
}

static void multiply_laned(const cn_sparse_narrow *n);

/* A whole block and the pixels after it: together where registers are enough for that. */
CN_INLINE void multiply_both(const cn_sparse_block *b, int of, int most)
{
    switch (b->left <= MOST_BESIDE ? b->left : 0) {
#define CASE(n)                                                                                    \
    case n:                                                                                        \
        if (n <= MOST_BESIDE) multiply(b, 0, of, of, most, most, n);                               \
        return;
        CASE(1) CASE(2) CASE(3) CASE(4)
#undef CASE
    }
    float tile[LANED_ROWS * CN_NARROW_PIXELS];
    cn_sparse_narrow n = {b->steps, of,        b->left,           b->weight,
                          b->bias,  b->offset, b->in + most * VL, tile};
    multiply_laned(&n);
    for (int p = 0; p < b->left; p++) {
        float lanes[LANED_ROWS];
        for (int r = 0; r < LANED_ROWS; r++)
            lanes[r] = tile[r * CN_NARROW_PIXELS + p];
        store_left(b->store, p, lanes);
    }
    multiply_rows(b, of, most, most);
}

CN_INLINE void multiply_block(const cn_sparse_block *b, int of, int most)
{
    if (of == LANED_ROWS && b->left) {
        multiply_both(b, of, most);
        return;
    }
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

/* Few pixels of a block of eight. */
CN_INLINE void multiply_narrow(const cn_sparse_narrow *n, int pixels)
{
    laned sum;
    laned_begin(n->bias, pixels, sum);
    const float *weight = n->weight;
    for (size_t k = 0; k < n->steps; k++, weight += LANED_ROWS)
        laned_step(weight, n->in + n->offset[k], pixels, sum);
    for (int p = 0; p < pixels; p++) {
        float lanes[LANED_VECTORS * SL];
        laned_end(sum, p, lanes);
        for (int r = 0; r < LANED_ROWS; r++)
            n->tile[r * CN_NARROW_PIXELS + p] = lanes[r];
    }
}

static void multiply_laned(const cn_sparse_narrow *n)
{
    switch (n->pixels) {
#define CASE(p)                                                                                    \
    case p:                                                                                        \
        multiply_narrow(n, p);                                                                     \
        break;
        CASE(1) CASE(2) CASE(3) CASE(4)
#undef CASE
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
    else
        multiply_laned(n);
}
