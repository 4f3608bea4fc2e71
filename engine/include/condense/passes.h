/* Graph passes. Each can be switched off; none changes what the network computes beyond rounding.
 * They are applied in the order of their bits. */
#ifndef CONDENSE_PASSES_H
#define CONDENSE_PASSES_H

#include "condense/graph.h"
#include "condense/weights.h"

/* clang-format off */
typedef enum cn_pass {
    CN_PASS_IDENTITY = 1 << 0,        /* dropout, 1-input concat, flatten before fc vanish */
    CN_PASS_FOLD_BATCH_NORM = 1 << 1, /* into the convolution or fc before it: new weights */
    CN_PASS_FUSE_PAD = 1 << 2,        /* an explicit pad into the convolution after it */
    CN_PASS_FUSE_ADD = 1 << 3,        /* a residual addition into the convolution before it */
    CN_PASS_FUSE_ACTIVATION = 1 << 4, /* into the layer before it */
    CN_PASS_FC_AS_CONV = 1 << 5,      /* a convolution that covers its input once, as fc */
    CN_PASS_SHRINK = 1 << 6,          /* channels that are constant or that nobody reads vanish */
    CN_PASS_ALL = (1 << 7) - 1
} cn_pass;
/* clang-format on */

/* The name of the pass of bit 1 << index, for example "fold_batch_norm"; NULL past the last. */
const char *cn_pass_name(unsigned index);

/* Applies the passes in `mask` to copies: `graph` and `weights` stay as they are. Weights that no
 * pass changes are shared by copying. */
cn_status cn_passes_apply(const cn_graph *graph, const cn_weights *weights, unsigned mask,
                          cn_graph *out_graph, cn_weights *out_weights, cn_error *error);

#endif
