/* What the kernels compute, as function types and their arguments, and the tables of them.
 * docs/kernels.md tells how to add one. */
#ifndef CN_CPU_KERNELS_H
#define CN_CPU_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/isa.h"
#include "cpu/kernels/integer.h"
#include "cpu/kernels/simple.h"

/* Pixels that lie side by side both in a tile (from `first`) and in memory (from `at`, an offset in
 * floats from a plane's pixel (0, 0) of image 0). `also` is the same in a second view. */
typedef struct cn_segment {
    ptrdiff_t at, also;
    int32_t first, count;
} cn_segment;

/* pack: the pixels that a tile's window taps read, as a panel with one row of `pitch` floats for
 * each channel, kernel row and kernel column (in that order: the order of the weights). Row k of
 * the panel holds, for each pixel of the tile, the input under tap k. Up to a vector after each
 * row's pixels may be written, with anything. */
typedef struct cn_pack {
    const float *data;            /* tap (0, 0) of the first channel for offset 0 */
    ptrdiff_t plane, row, column; /* from tap to tap: channel, kernel row, kernel column */
    int32_t channels, kernel_h, kernel_w;
    int32_t stride; /* between neighbouring pixels of a segment */
    int32_t segment_count;
    const cn_segment *segments;
    size_t pitch;
} cn_pack;
enum { CN_PANEL_SLACK = 16 }; /* floats that kernels may touch past weights, tiles and panels */
typedef void cn_f32_pack_kernel(const cn_pack *pack, float *panel);

/* Where a tile goes without being kept as one. A piece is lanes from .. to - 1 of a vector, which
 * go to out[at ...]: lane 0 would lie at `at`. Vector v has the pieces first[v] .. first[v + 1]
 * - 1. Out of row r: out + r * out_plane. What is stored is min(high, max(low, tile + residual)),
 * NaN kept. With `plane` row r is that of plane[r]. */
enum { CN_MAX_PIXELS = 128, CN_MAX_VECTORS = 8, CN_MAX_ROWS = 8, CN_NARROW_PIXELS = 4 };
typedef struct cn_piece {
    ptrdiff_t at, also; /* also: in the residual */
    int32_t from, to;
} cn_piece;
typedef struct cn_store {
    float *out;
    const float *residual; /* or NULL */
    ptrdiff_t out_plane, residual_plane;
    int32_t rows;         /* that there are; the others are dropped */
    const int32_t *plane; /* NULL: rows are planes side by side */
    float low, high;
    int32_t first[CN_MAX_VECTORS + 1];
    bool whole; /* piece v is all of vector v, for all vectors that are computed */
    cn_piece pieces[CN_MAX_PIXELS];
    /* Of pixels after the vectors, one by one, where a kernel takes some along. */
    ptrdiff_t left_at[CN_NARROW_PIXELS], left_also[CN_NARROW_PIXELS];
} cn_store;

/* conv: tile[ROWS][PIXELS] = bias + weight[depth][ROWS] x panel[depth][PIXELS]. ROWS and PIXELS are
 * the kernel's own; only the first `width` pixels (rounded up to whole vectors) are computed. Panel
 * and tile are aligned to vectors. With `pack`, whose stride is 1 or 2, the panel is packed while
 * it is multiplied. With `store` the tile is not written but stored. */
typedef struct cn_conv_block {
    size_t depth;
    int32_t width;
    const float *weight, *bias;
    float *panel;
    const cn_pack *pack; /* or NULL: the panel is packed */
    float *tile;
    const cn_store *store; /* or NULL */
} cn_conv_block;
typedef void cn_f32_conv_kernel(const cn_conv_block *block);

/* sparse1, 2, 4, 8: the same product for weights without their zeros: tile[ROWS][PIXELS] = bias +
 * sum over steps of weight[step][ROWS] x the pixels from in + offset[step] on. Only the first
 * `vectors` vectors are computed. Nothing is aligned. With `store` the tile is not written but
 * stored, and sparse8 takes up to CN_NARROW_PIXELS pixels after the vectors along, if these are all
 * that it has: `left` of them. */
typedef struct cn_sparse_block {
    size_t steps;
    int32_t vectors, left;
    const float *weight, *bias;
    const int32_t *offset;
    const float *in;
    float *tile;
    const cn_store *store; /* or NULL */
} cn_sparse_block;
typedef void cn_f32_sparse_kernel(const cn_sparse_block *block);
typedef cn_f32_sparse_kernel cn_f32_sparse1_kernel, cn_f32_sparse2_kernel, cn_f32_sparse4_kernel,
    cn_f32_sparse8_kernel;

/* sparse_narrow: the same for up to CN_NARROW_PIXELS pixels and blocks of `rows` outputs, which
 * are in the lanes if there are eight: tile[row * CN_NARROW_PIXELS + pixel]. Sums are the same to
 * the bit, but for one pixel of one output, whose steps are in the lanes. */
typedef struct cn_sparse_narrow {
    size_t steps;
    int32_t rows, pixels;
    const float *weight, *bias;
    const int32_t *offset;
    const float *in;
    float *tile;
} cn_sparse_narrow;
typedef void cn_f32_sparse_narrow_kernel(const cn_sparse_narrow *narrow);

/* bitmap: sum[r] = bias[r] + row r of a sparse matrix x in, for `rows` rows. Bit k of a row, in
 * words of 64, lowest bit first, says whether weight k is there; the weights of row r are
 * weight[first[r] - first[0]] up to first[r + 1]. `in` is 64 * words floats, aligned to vectors.
 * May read up to CN_PANEL_SLACK floats past the weights. */
typedef struct cn_bitmap {
    size_t words;
    int32_t rows;
    const uint64_t *bits; /* rows x words */
    const size_t *first;
    const float *weight, *bias, *in;
    float *sum;
} cn_bitmap;
typedef void cn_f32_bitmap_kernel(const cn_bitmap *bitmap);

/* gather: a panel row of `pitch` floats for each of `taps` taps: the pixels of the segments, which
 * are in order, from data + tap[i] on. Writes anything to the rest of a row and up to
 * CN_PANEL_SLACK floats past the last. */
typedef struct cn_gather {
    const float *data;
    const int32_t *tap;
    size_t taps, pitch;
    int32_t stride, segment_count;
    const cn_segment *segments;
} cn_gather;
typedef void cn_f32_gather_kernel(const cn_gather *gather, float *panel);

/* narrow: tile[block * ROWS + row][pixel] = bias + weight x panel for `pixels` pixels (1 .. 4) and
 * `blocks` blocks of conv's ROWS output channels, which are depth * ROWS floats apart. Sums are the
 * same to the bit as conv's. May read up to CN_PANEL_SLACK floats past the weights. */
enum { CN_NARROW_BLOCKS = 8 }; /* at most */
typedef struct cn_narrow {
    size_t depth;
    int32_t blocks, pixels;
    const float *weight, *bias, *panel;
    size_t pitch; /* of the panel */
    float *tile;
    size_t tile_pitch;
} cn_narrow;
typedef void cn_f32_narrow_kernel(const cn_narrow *narrow);

/* finish: stores `rows` rows of a tile, each `pitch` floats, into planes: for each segment,
 * out[r * out_plane + at ...] = activation(tile + residual[r * residual_plane + also ...]). May
 * read the tile up to a vector past a segment. */
typedef struct cn_finish {
    const float *tile;
    size_t pitch;
    int32_t rows;
    float *out;
    const float *residual; /* or NULL */
    ptrdiff_t out_plane, residual_plane;
    const cn_segment *segments;
    int32_t segment_count;
    cn_activation activation;
} cn_finish;
typedef void cn_f32_finish_kernel(const cn_finish *finish);

/* winograd_in: the input transform of F(m x m, taps x taps) for tiles of `channels` planes: m is 2,
 * 4 or 6 with 3 taps, 4 with 4. With a stride (1, 2, 4) the pixels of a plane are stride * stride
 * phases, each a plane of its own: a window of the plane is a window of that many taps in each of
 * them, in the phases after last_phase one less. Position p (row * n + column of the transformed
 * tile, n = m + taps - 1) of tile t of phase f of channel c becomes
 * panel[p * position + (c * stride * stride + f) * pitch + t]. A piece is tiles side by side in one
 * row of tiles. `strip` has n rows of strip_pitch floats (a multiple of 16, at least m * (count
 * rounded up to whole vectors + 1)) and is aligned to CN_ALIGNMENT. */
struct cn_winograd_piece {
    ptrdiff_t at;         /* floats from `in` to the pixel under the first tile's corner */
    int32_t first, count; /* tiles, in the panel */
    /* Of a phase, that may be read from `at` on, in the phases after last_phase one less; what lies
     * beyond counts as zero. */
    int32_t rows, columns;
};
typedef struct cn_winograd_in {
    int32_t m, taps, stride, last_phase, channels;
    const float *in;
    ptrdiff_t plane, row;
    const cn_winograd_piece *pieces;
    int32_t piece_count;
    float *strip, *panel;
    size_t strip_pitch, pitch, position;
} cn_winograd_in;
typedef void cn_f32_winograd_in_kernel(const cn_winograd_in *w);

/* winograd_out: the output transform of one channel: from products[p * position + t] to m rows of
 * `pitch` floats, in which the tiles' pixels lie side by side, with `bias` added. Whole vectors are
 * read and written; all is aligned to CN_ALIGNMENT. */
typedef struct cn_winograd_out {
    int32_t m, taps, tiles;
    const float *products;
    size_t position;
    float bias;
    float *tile;
    size_t pitch;
} cn_winograd_out;
typedef void cn_f32_winograd_out_kernel(const cn_winograd_out *w);

/* depthwise: rows top .. bottom - 1 of output channels first .. first + planes - 1 of one image.
 * The window is square, 3 or 5 wide, with stride 1 or 2 both ways and no dilation. Channel c reads
 * plane c / multiplier, weight + c * kernel_h * kernel_w, and bias[c]. What a window reads outside
 * its plane is zero; that memory is not touched. */
typedef struct cn_depthwise {
    int32_t first, planes, multiplier;
    const float *in; /* pixel (0, 0) of the first plane */
    ptrdiff_t in_plane, in_row;
    int32_t in_h, in_w;
    const cn_window *window;
    const float *weight, *bias;
    float *out;            /* pixel (0, 0) of channel 0 */
    const float *residual; /* likewise, or NULL */
    ptrdiff_t out_plane, out_row, residual_plane, residual_row;
    int32_t top, bottom, w; /* of the output */
    cn_activation activation;
} cn_depthwise;
typedef void cn_f32_depthwise_kernel(const cn_depthwise *d);

/* peak: the most fused multiply-adds that a core can do, for shares of the peak: `rounds` times
 * rows x pixels of them, all in registers. Row i starts at i and becomes factor * itself + addend
 * in each round; returns the sum of all. */
typedef float cn_f32_peak_kernel(size_t rounds, float factor, float addend);

/* read: the fastest way to read memory, for shares of its bandwidth: the sum of `count` floats,
 * a multiple of rows x pixels; `from` is aligned to vectors. */
typedef float cn_f32_read_kernel(size_t count, const float *from);

/* product: tile[i * PIXELS + j] = sum over k of a[k * ROWS + i] * b[k * PIXELS + j], in doubles. */
typedef void cn_f64_product_kernel(size_t depth, const double *a, const double *b, double *tile);

/* One kernel at one level. */
#define CN_KERNEL_SLOT(type, op)                                                                   \
    struct {                                                                                       \
        cn_##type##_##op##_kernel *run;                                                            \
        const char *name;                                                                          \
        int32_t rows, pixels;                                                                      \
    } type##_##op

typedef struct cn_kernels {
    cn_isa isa;
    int32_t lanes; /* floats a vector */
#define CN_KERNEL(type, op, ...) CN_KERNEL_SLOT(type, op);
#include "cpu/kernels/registry.inc"
#undef CN_KERNEL
#define CN_INTEGER_KERNEL(op, ...) CN_KERNEL_SLOT(i8, op);
#include "cpu/kernels/integer.inc"
#undef CN_INTEGER_KERNEL
    int32_t i8_offset; /* what the convolution kernels take off each activation */
} cn_kernels;

#define CN_KERNEL(type, op, ...)                                                                   \
    cn_##type##_##op##_kernel cn_##type##_##op##_scalar, cn_##type##_##op##_neon,                  \
        cn_##type##_##op##_avx2, cn_##type##_##op##_avx512;
#include "cpu/kernels/registry.inc"
#undef CN_KERNEL

#define CN_INTEGER_KERNEL(op, ...)                                                                 \
    cn_i8_##op##_kernel cn_i8_##op##_scalar, cn_i8_##op##_neon, cn_i8_##op##_neon_dot,             \
        cn_i8_##op##_avx2, cn_i8_##op##_avx512, cn_i8_##op##_avx512_vnni;
#include "cpu/kernels/integer.inc"
#undef CN_INTEGER_KERNEL

/* The kernels of the highest level that the processor has and that is not above `limit`. Static. */
const cn_kernels *cn_kernels_for(cn_isa limit);

/* Inside a kernel: the tile of its registry line at the level being compiled, as the constants
 * f32_conv_ROWS and f32_conv_PIXELS. */
#ifdef CN_CPU_VECTOR_H
enum {
#define CN_KERNEL(type, op, rs, ps, rn, pn, r2, p2, r5, p5)                                        \
    type##_##op##_ROWS = CN_BY_ISA(rs, rn, r2, r5),                                                \
    type##_##op##_PIXELS = CN_BY_ISA(ps, pn, p2, p5),
#include "cpu/kernels/registry.inc"
#undef CN_KERNEL
#define CN_INTEGER_KERNEL(op, rs, ps, rn, pn, rd, pd, r2, p2, r5, p5, rv, pv)                      \
    i8_##op##_ROWS = CN_BY_INTEGER_ISA(rs, rn, rd, r2, r5, rv),                                    \
    i8_##op##_PIXELS = CN_BY_INTEGER_ISA(ps, pn, pd, p2, p5, pv),
#include "cpu/kernels/integer.inc"
#undef CN_INTEGER_KERNEL
};
#endif

#endif
