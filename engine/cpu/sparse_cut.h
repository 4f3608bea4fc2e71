/* How the sparse convolution (conv_sparse.c) cuts its pixels into tiles, and what it expects a cut
 * to cost: chosen by shape and mask, before the weights are packed and after. */
#ifndef CN_CPU_SPARSE_CUT_H
#define CN_CPU_SPARSE_CUT_H

#include "cpu/conv_methods.h"

/* The kernel for blocks of the method's rows. */
typedef struct cn_sparse_kernel {
    cn_f32_sparse_kernel *run;
    const char *name;
    int32_t rows, pixels;
} cn_sparse_kernel;

cn_sparse_kernel cn_sparse_kernel_of(const cn_conv *conv);

/* Pixels in runs (of one image, or of all of them), these in vectors, the last of which may begin
 * before the one before it ends, or up to CN_NARROW_PIXELS pixels are left over. */
typedef struct cn_cutting {
    size_t runs, pixels, left, vectors, tiles; /* of a run, but for runs */
} cn_cutting;
cn_cutting cn_cut_packed(const cn_conv *conv, int32_t batch);
/* `row`: floats from row to row of the input. */
cn_cutting cn_cut_direct(const cn_conv *conv, int32_t batch, ptrdiff_t row);
/* The one that the convolution uses; directly read, for rows as far apart as the padding demands.
 */
cn_cutting cn_cut_up(const cn_conv *conv, int32_t batch);

/* Whether the last tile takes the pixels that are left over along. */
bool cn_cut_takes_left(const cn_conv *conv, cn_cutting cut);

bool cn_sparse_is_packed(const cn_conv *conv);

/* Floats from row to row of the panel: a tile, and what is left over where that is taken along. */
size_t cn_sparse_pitch(const cn_conv *conv);

/* The mask's blocks, their steps of all groups, and the taps that a panel has rows for. */
const cn_mask_blocks *cn_sparse_blocks(const cn_conv *conv);
size_t cn_sparse_steps(const cn_conv *conv);
size_t cn_sparse_taps(const cn_conv *conv);

/* Vector operations, as cn_conv_method has it. */
double cn_sparse_cost(const cn_conv *conv, int32_t batch);

#endif
