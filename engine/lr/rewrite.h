/* What the passes share: surgery on a graph and its weights. */
#ifndef CONDENSE_LR_REWRITE_H
#define CONDENSE_LR_REWRITE_H

#include "condense/graph.h"
#include "condense/weights.h"

/* A graph and weights that a pass may change; both belong to whoever asked for the passes. */
typedef struct cn_rewrite {
    cn_graph *graph;
    cn_weights *weights;
} cn_rewrite;

/* One pass: rewrites as often as it can. */
typedef cn_status (*cn_pass_function)(cn_rewrite *rewrite, cn_error *error);

cn_status cn_pass_identity(cn_rewrite *rewrite, cn_error *error);
cn_status cn_pass_fold_batch_norm(cn_rewrite *rewrite, cn_error *error);
cn_status cn_pass_fuse_pad(cn_rewrite *rewrite, cn_error *error);
cn_status cn_pass_fuse_add(cn_rewrite *rewrite, cn_error *error);
cn_status cn_pass_fuse_activation(cn_rewrite *rewrite, cn_error *error);
cn_status cn_pass_fc_as_conv(cn_rewrite *rewrite, cn_error *error);
cn_status cn_pass_shrink(cn_rewrite *rewrite, cn_error *error);

/* How many inputs in the graph read layer `index`. */
int32_t cn_rewrite_consumers(const cn_graph *graph, int32_t index);

/* Whether layer `index` may vanish with its readers reading layer `heir` (an earlier one) instead:
 * the network's output may only vanish where `heir` then is the last layer. */
bool cn_rewrite_can_bypass(const cn_graph *graph, int32_t index, int32_t heir);

/* Lets everything that reads layer `index` read `heir`, and removes the layer. */
void cn_rewrite_bypass(cn_graph *graph, int32_t index, int32_t heir);

/* Whether layer `index` can take `next`, its reader, into itself: nothing else reads it, nothing is
 * fused behind it yet, and it is a convolution or fully connected. */
bool cn_rewrite_can_absorb(const cn_graph *graph, int32_t index, int32_t next);

/* The bias of a convolution or fully connected layer, made of zeros where it has none. Making one
 * moves the other tensors. */
cn_status cn_rewrite_bias(cn_rewrite *rewrite, cn_layer *layer, cn_tensor **bias, cn_error *error);

#endif
