/* Kernels of 8-bit integers: their types and arguments. condense/quantize.h has the arithmetic.
 *
 * An activation of C channels is ceil(C / 4) planes of slots: four bytes, one for each of four
 * channels, in the place of a float. The views, segments, panels and stores of floats serve as they
 * are, with slots for floats and quads of channels for channels. What the bytes are that no channel
 * has in the last quad does not matter. */
#ifndef CN_CPU_KERNELS_INTEGER_H
#define CN_CPU_KERNELS_INTEGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/graph.h"
#include "cpu/view.h"

typedef struct cn_segment cn_segment;
typedef struct cn_store cn_store;
typedef struct cn_pack cn_pack;
typedef struct cn_winograd_piece cn_winograd_piece;

/* From a sum of products to the activation it becomes: per row (output channel) x = sum * factor +
 * bias, + residual * residual_factor, activated; then the level round(x) + zero. Each product is
 * added without being rounded before. */
typedef struct cn_requantize {
    const float *factor, *bias; /* one a row */
    cn_activation activation;
    float residual_factor; /* of its levels as they are: what its zero point takes is in the bias */
    float six;             /* where ReLU6 ends */
    float inverse;         /* what sigmoid and tanh are multiplied by: steps in 1 */
    int32_t zero;
    bool floats;    /* x itself is the output: then rows, not quads of rows, have planes */
    bool saturates; /* to levels, which is all of the activation, and no x is more than 2^30 */
} cn_requantize;

/* conv: sums[ROWS][PIXELS] = start + weight x panel, over `depth` slots; products of the weights'
 * bytes, signed, and the panel's, without sign and less the level's i8_offset. Weights lie as depth
 * x ROWS slots. Panel, width, pack and tile are as for f32_conv. With `store`, whose rows are quads
 * of rows, sums are requantized by `to`, which saturates, and stored rather than written. */
typedef struct cn_i8_block {
    size_t depth;
    int32_t width;
    const int8_t *weight;
    const int32_t *start; /* one a row */
    float *panel;
    const cn_pack *pack; /* or NULL */
    const float *from;   /* for sparse, or NULL */
    ptrdiff_t from_row;
    int32_t *tile;
    const cn_store *store; /* or NULL */
    const cn_requantize *to;
    const int32_t *rows; /* for sparse */
} cn_i8_block;
typedef void cn_i8_conv_kernel(const cn_i8_block *block);

/* sparse: the same with weights for some rows of the panel only: the k-th slots of weights meet row
 * rows[k], and depth is how many they are. With `from` row k of the panel is read at from + k *
 * from_row. */
typedef void cn_i8_sparse_kernel(const cn_i8_block *block);

/* narrow: the same sums for `pixels` pixels (1 .. 4) and `blocks` blocks of conv's ROWS channels:
 * see cn_narrow. May read up to CN_PANEL_SLACK slots past the weights. */
typedef struct cn_i8_narrow {
    size_t depth;
    int32_t blocks, pixels;
    const int8_t *weight;
    const int32_t *start;
    const float *panel;
    size_t pitch;
    int32_t *tile;
    size_t tile_pitch;
    const int32_t *rows; /* of one block, as for sparse; NULL: all of them */
} cn_i8_narrow;
typedef void cn_i8_narrow_kernel(const cn_i8_narrow *narrow);

/* finish: requantizes `rows` rows of a tile of sums and stores them: see cn_finish. Output and
 * residual planes are quads of rows; with to->floats the output's are rows. The tile has rows up to
 * a multiple of four, and may be read up to a vector past a segment. */
typedef struct cn_i8_finish {
    const int32_t *tile;
    size_t pitch;
    int32_t rows;
    float *out;
    const float *residual; /* or NULL */
    ptrdiff_t out_plane, residual_plane;
    const cn_segment *segments;
    int32_t segment_count;
    const cn_requantize *to;
} cn_i8_finish;
typedef void cn_i8_finish_kernel(const cn_i8_finish *finish);

/* direct: the levels of ROWS output channels of `pixels` successive pixels of one row of the
 * output, CN_DIRECT_LEAST(PIXELS) .. PIXELS of them; sums are as conv's, and saturation is all of
 * the activation. Input is read where it lies, padding too, but for taps that are left out. */
#define CN_DIRECT_LEAST(pixels) (((pixels) + 1) / 2)
typedef struct cn_i8_direct {
    const float *in;              /* tap (0, 0) of the first pixel, in the first quad of channels */
    ptrdiff_t plane, row, column; /* from tap to tap: quad, kernel row, kernel column */
    int32_t stride;               /* 1 or 2: from pixel to pixel */
    int32_t quads, kernel_w, pixels;
    int32_t top, bottom; /* only kernel rows top .. bottom - 1 */
    /* Columns before `left` are not for the first pixel, from `right` on not for the last. */
    int32_t left, right;
    const int8_t *weight; /* kernel_h x kernel_w x quads x ROWS slots */
    const int32_t *start; /* one a row */
    const int8_t *ahead;  /* weights to ask for meanwhile, so many lines with each tap */
    int32_t ahead_lines;
    const cn_requantize *to;
    float *out;            /* the first pixel, in the first quad of rows */
    const float *residual; /* or NULL */
    ptrdiff_t out_plane, residual_plane;
    int32_t rows; /* quads of rows that there are */
} cn_i8_direct;
typedef void cn_i8_direct_kernel(const cn_i8_direct *direct);

/* winograd_in: the input transform of F(4 x 4, 3 x 3), with stride 1: levels as they are, without
 * the offset, become 16-bit integers. Position p (row * 6 + column of the transformed tile) of
 * channel k of quad q of tile t becomes panel[p * position + (q * pitch + t) * 4 + k]; up to
 * CN_WINOGRAD_SLACK more are written after the last. Pieces are as for f32_winograd_in, with slots
 * for floats. */
enum { CN_WINOGRAD_SLACK = 64, CN_WINOGRAD_POSITIONS = 36 };
typedef struct cn_i8_winograd_in {
    const float *in;
    ptrdiff_t plane, row;
    int32_t quads, piece_count;
    const cn_winograd_piece *pieces;
    int16_t *panel;
    size_t pitch, position;
} cn_i8_winograd_in;
typedef void cn_i8_winograd_in_kernel(const cn_i8_winograd_in *w);

/* winograd: the products of one position: products[t * ROWS + r] of any number of tiles. Weights
 * lie as quads x 2 x ROWS pairs of input channels; sums are modulo 2^32. */
typedef struct cn_i8_winograd {
    const int16_t *weight, *panel;
    size_t pitch;
    int32_t quads, tiles;
    int32_t *products;
} cn_i8_winograd;
typedef void cn_i8_winograd_kernel(const cn_i8_winograd *w);

/* winograd_out: the output transform of ROWS channels. Sums come out 64 times as large as they are,
 * to which `start` is added: they and `to->factor` are for sums of this size. Saturation is all of
 * the activation. */
enum { CN_WINOGRAD_SUMS = 64 };
typedef struct cn_winograd_place {
    ptrdiff_t at, also;    /* of the first tile's first pixel in the output, in the residual */
    int32_t first, count;  /* tiles side by side in one row of tiles */
    int32_t rows, columns; /* pixels from there on that the output has; tiles may have more */
} cn_winograd_place;
typedef struct cn_i8_winograd_out {
    const int32_t *products;
    size_t position;      /* from position to position */
    const int32_t *start; /* one a row */
    const cn_requantize *to;
    float *out;            /* in the first quad of rows */
    const float *residual; /* or NULL */
    ptrdiff_t out_plane, out_row, residual_plane, residual_row;
    int32_t rows; /* quads of rows that there are */
    int32_t place_count;
    const cn_winograd_place *places;
} cn_i8_winograd_out;
typedef void cn_i8_winograd_out_kernel(const cn_i8_winograd_out *w);

/* depthwise: rows top .. bottom - 1 of the quad at `out`, any window. The input has its zero point
 * around the plane, as far as windows reach. Weights: for each tap four slots, the k-th with
 * channel k's weight as byte k, else zero. */
typedef struct cn_i8_depthwise {
    const float *in; /* tap (0, 0) of output pixel (0, 0) */
    ptrdiff_t in_row;
    const cn_window *window;
    const int8_t *weight;
    const int32_t *start; /* four */
    float *out;           /* pixel (0, 0) */
    const float *residual;
    ptrdiff_t out_row, residual_row;
    int32_t top, bottom, w;
    const cn_requantize *to;
} cn_i8_depthwise;
typedef void cn_i8_depthwise_kernel(const cn_i8_depthwise *d);

/* depthwise3: the same for windows of 3 x 3 with stride 1 or 2, without dilation and residual.
 * Weights: for each column of the window four slots, the k-th with channel k's weights in this
 * column, from the top, and zero. */
typedef cn_i8_depthwise_kernel cn_i8_depthwise3_kernel;

/* Pools, one quad from `in` to `out`. Average: the level of float(sum of (q - from_zero)) * (scale
 * / float(count)); without a window over the whole plane. `scratch` has five rows of cn_i8_pool_row
 * slots. */
typedef struct cn_i8_pool {
    const float *in;
    float *out;
    ptrdiff_t in_row, out_row;
    int32_t in_h, in_w, out_h, out_w;
    const cn_window *window; /* NULL: average of all */
    bool count_padding;
    float scale; /* of the input */
    int32_t from_zero, zero;
    float inverse; /* of the output's scale */
    float *scratch;
} cn_i8_pool;
/* Room for the row with its padding, for all windows of whole vectors, and for reading vectors. */
static inline size_t cn_i8_pool_row(int32_t in_w, int32_t out_w, const cn_window *w)
{
    enum { VECTOR = 16 };
    size_t outputs = ((size_t)out_w + VECTOR - 1) / VECTOR * VECTOR;
    size_t windows = outputs * (size_t)w->stride_w + (size_t)w->kernel_w + 2 * VECTOR;
    size_t inputs = (size_t)w->pad_left + (size_t)in_w + VECTOR;
    return windows > inputs ? windows : inputs;
}
typedef void cn_i8_max_pool_kernel(const cn_i8_pool *pool);
typedef void cn_i8_avg_pool_kernel(const cn_i8_pool *pool);

/* Between floats and levels: `count` pixels of four planes of floats, of which `channels` are
 * there, and slots. quantize: level = round(x * by) + zero; expand: x = (level - zero) * by. */
typedef struct cn_i8_convert {
    const float *in;
    float *out;
    ptrdiff_t plane; /* of the floats */
    int32_t channels;
    ptrdiff_t count;
    float by;
    int32_t zero;
} cn_i8_convert;
typedef void cn_i8_quantize_kernel(const cn_i8_convert *convert);
typedef void cn_i8_expand_kernel(const cn_i8_convert *convert);

/* peak: the most products of bytes that a core can do, for shares of the peak: `rounds` times
 * CN_I8_PEAK_STEPS x rows x pixels x 4 of them, all in registers. Each lane of row i starts at i
 * and gains in each step the products of the bytes of weight[i] with those of one of the slots, in
 * turn, as in conv. The sum of all. */
enum { CN_I8_PEAK_STEPS = 12 }; /* an even number */
typedef int32_t cn_i8_peak_kernel(size_t rounds, const int32_t *weight, const int32_t slot[2]);

#endif
