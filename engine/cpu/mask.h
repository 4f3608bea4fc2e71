/* Which weights of a convolution are not zero, and the blocks of outputs that kernels for sparse
 * weights work on.
 *
 * A block is `rows` outputs of one group that are computed together: one step of the kernel loads
 * an input vector once and multiplies it with a weight of each of the block's outputs. So a block
 * takes a step for each tap (input channel and place of the window) at which any of its outputs has
 * a weight that is not zero, and what is shared is loaded once (PatDNN's and CADNN's redundant load
 * elimination between filters). Which outputs form a block is free: outputs with like masks are put
 * together (matrix reorder, "Towards Real-Time DNN Inference on Mobile Platforms", section 3), so
 * that the blocks have few steps; the order is undone by where the kernel stores. */
#ifndef CN_CPU_MASK_H
#define CN_CPU_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/status.h"

enum { CN_MASK_SIZES = 4, CN_MASK_MOST_ROWS = 8 }; /* blocks of 1, 2, 4 and 8 outputs */

typedef struct cn_mask_blocks {
    int32_t rows;
    size_t blocks;    /* of one group; the last may be short */
    int32_t *outputs; /* groups x blocks x rows: outputs of the whole convolution; -1: none */
    size_t *first;    /* groups x blocks + 1: the steps before each block */
} cn_mask_blocks;

typedef struct cn_mask {
    int32_t groups, group_out;
    size_t depth, words; /* taps of an output; 64-bit words that hold a bit for each */
    uint64_t *bits;      /* groups x group_out rows of `words`: the weights that are not zero */
    int64_t nonzero;
    size_t taps; /* at which any output has a weight, of all groups */
    bool reordered;
    cn_mask_blocks sizes[CN_MASK_SIZES];
} cn_mask;

/* The mask of groups x group_out x depth weights. Without `reorder` blocks are successive outputs.
 * CN_ENOMEM. */
cn_status cn_mask_new(cn_mask **out, const float *weight, int32_t groups, int32_t group_out,
                      size_t depth, bool reorder, cn_error *error);
void cn_mask_free(cn_mask *mask);

/* The blocks of 1, 2, 4 or 8 outputs. */
const cn_mask_blocks *cn_mask_blocks_of(const cn_mask *mask, int32_t rows);
size_t cn_mask_steps(const cn_mask *mask, int32_t rows); /* of all blocks */

/* bits[0 .. words - 1]: the taps of a block, or of all outputs of a group. */
void cn_mask_block_taps(const cn_mask *mask, const cn_mask_blocks *blocks, size_t block,
                        uint64_t *bits);
void cn_mask_group_taps(const cn_mask *mask, int32_t group, uint64_t *bits);

#endif
