/* The convolution's inner product on 8-bit integers: output channels x pixels in registers, each
 * panel vector shared by all the channels, each slot of four weights broadcast to all the pixels.
 * The kernel for sparse weights is the same with a list of the panel's rows. */
#include "cpu/kernels/i8_requantize.h"
#include "cpu/kernels/pack.h"

enum { ROWS = i8_conv_ROWS, PIXELS = i8_conv_PIXELS, VECTORS = PIXELS / VL, SLOT = 4 };

/* Bytes by which weights are asked for ahead of their use: see f32_conv.c. */
enum { AHEAD = 4096 };

/* Saturation to levels is all of the activation. */
CN_INLINE I slots_of(const cn_requantize *to, int row, const I sum[4], const I *residual)
{
    V x[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++)
        x[k] = i8_linear(to, row + k, sum[k], residual, k);
    return i8_slots(x, ZEROS(to->zero), true);
}

/* The sums into the planes they are for, where every vector goes to one place. Local copies: stores
 * of vectors may change all that is in memory. */
CN_INLINE void store_whole(const cn_store *s, const cn_requantize *requantize, int vectors,
                           I sum[ROWS][VECTORS])
{
    const cn_requantize to = {.factor = requantize->factor,
                              .bias = requantize->bias,
                              .residual_factor = requantize->residual_factor,
                              .zero = requantize->zero};
    float *out = s->out;
    const float *residual = s->residual;
    ptrdiff_t out_plane = s->out_plane, residual_plane = s->residual_plane;
    ptrdiff_t at[VECTORS], also[VECTORS];
    int rows = s->rows;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
        at[v] = s->pieces[v].at, also[v] = s->pieces[v].also;
#pragma GCC unroll 2
    for (int r = 0; r < ROWS / 4; r++) {
        if (r >= rows) return;
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            I four[4], other;
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++)
                four[k] = sum[r * 4 + k][v];
            if (residual) other = AS_I(LDU(residual + also[v]));
            STU(out + at[v], AS_V(slots_of(&to, r * 4, four, residual ? &other : NULL)));
        }
        out += out_plane;
        if (residual) residual += residual_plane;
    }
}

/* The same where a vector may be for several places, and be cut. */
CN_INLINE void store_pieces(const cn_store *s, const cn_requantize *to, int vectors,
                            I sum[ROWS][VECTORS])
{
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
#pragma GCC unroll 2
        for (int r = 0; r < ROWS / 4; r++) {
            if (r >= s->rows) break;
            float *out = s->out + r * s->out_plane;
            const float *residual = s->residual ? s->residual + r * s->residual_plane : NULL;
            I four[4], slots;
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++)
                four[k] = sum[r * 4 + k][v];
            slots = residual ? IBCAST(0) : slots_of(to, r * 4, four, NULL);
            for (int32_t i = s->first[v]; i < s->first[v + 1]; i++) {
                const cn_piece *p = &s->pieces[i];
                int from = p->from, end = p->to;
                if (residual) {
                    I other = AS_I(LDM(residual + p->also, from, end));
                    slots = slots_of(to, r * 4, four, &other);
                }
                STM(out + p->at, AS_V(slots), from, end);
            }
        }
}

CN_INLINE void store(const cn_i8_block *b, int vectors, I sum[ROWS][VECTORS])
{
    if (b->store->whole)
        store_whole(b->store, b->to, vectors, sum);
    else
        store_pieces(b->store, b->to, vectors, sum);
}

/* Where a kernel finds row k of the panel: there; in a list; in planes, from where it is packed
 * first, with strides of 1 or 2. */
typedef enum source { PACKED, LISTED, PLANES, STRIDED } source;

CN_INLINE int stride_of(source from_where)
{
    return from_where == STRIDED ? 2 : 1;
}

/* Adds the products of all rows of the panel. */
CN_INLINE void add_rows(const cn_i8_block *b, int vectors, source from_where, packing *planes,
                        I sum[ROWS][VECTORS])
{
    const int8_t *weight = b->weight;
    const float *panel = b->panel;
    const float *listed = b->from ? b->from : b->panel;
    ptrdiff_t pitch = b->from ? b->from_row : PIXELS;
    for (size_t k = 0; k < b->depth; k++, weight += ROWS * SLOT, panel += PIXELS) {
        if (from_where >= PLANES && k + PACK_AHEAD < b->depth)
            pack_row(planes, stride_of(from_where));
        __builtin_prefetch(weight + AHEAD);
        const float *row = from_where == LISTED ? listed + b->rows[k] * pitch : panel;
        U x[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            x[v] = UQ(AS_I(from_where == LISTED ? LDU(row + v * VL) : LD(row + v * VL)));
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            int32_t four;
            __builtin_memcpy(&four, weight + r * SLOT, sizeof four);
            Q w = SQ(IBCAST(four));
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[r][v] = DOT(w, x[v], sum[r][v]);
        }
    }
}

CN_INLINE void multiply(const cn_i8_block *b, int vectors, source from_where)
{
    I sum[ROWS][VECTORS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[r][v] = IBCAST(b->start[r]);
    packing planes;
    if (from_where >= PLANES)
        pack_ahead(&planes, b->pack, b->panel, b->depth, stride_of(from_where));
    add_rows(b, vectors, from_where, &planes, sum);
    if (b->store) {
        store(b, vectors, sum);
        return;
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            ISTU(b->tile + r * PIXELS + v * VL, sum[r][v]);
}

CN_INLINE void multiply_width(const cn_i8_block *b, source from_where)
{
    switch ((b->width + VL - 1) / VL) {
    case 1:
        multiply(b, 1, from_where);
        break;
    case 2:
        multiply(b, 2, from_where);
        break;
    default:
        multiply(b, VECTORS, from_where);
    }
}

void CN_KERNEL_NAME(i8_conv)(const cn_i8_block *b)
{
    if (b->pack && b->pack->stride == 2)
        multiply_width(b, STRIDED);
    else if (b->pack)
        multiply_width(b, PLANES);
    else
        multiply_width(b, PACKED);
}

void CN_KERNEL_NAME(i8_sparse)(const cn_i8_block *b)
{
    multiply_width(b, LISTED);
}
