/* A walk: a network computed layer by layer, each over all images before the next, so that what
 * lies between layers can be looked at and changed: activations, and a layer's weights once its
 * inputs are known. Each layer runs on the engine's kernels as a network of its own. A layer's
 * output lives until the last layer that reads it is done. */
#ifndef CONDENSE_WALK_H
#define CONDENSE_WALK_H

#include <stdint.h>

#include "condense/graph.h"
#include "condense/status.h"
#include "condense/weights.h"

typedef struct cn_walk cn_walk;

/* `graph`, after any passes, and `weights` stay the caller's and must outlive the walk. A layer's
 * weights are read when it is first computed, and after cn_walk_forget. */
cn_status cn_walk_new(cn_walk **out, const cn_graph *graph, const cn_weights *weights,
                      int32_t threads, cn_error *error);

const cn_graph *cn_walk_graph(const cn_walk *walk);

/* The layer's weights have changed. */
void cn_walk_forget(cn_walk *walk, int32_t layer);

/* What is done at each layer, the input layer among them; any may be NULL. Activations are dense,
 * images x C x H x W. A failure ends the walk. */
typedef struct cn_walk_hooks {
    /* Before the layer is computed: inputs[k] is what layer->inputs[k] gave. */
    cn_status (*before)(void *context, int32_t layer, const float *const *inputs, cn_error *error);
    /* What the operator gave, with its bias, before a fused addition and activation. */
    cn_status (*computed)(void *context, int32_t layer, float *output, cn_error *error);
    /* The layer's output. */
    cn_status (*finished)(void *context, int32_t layer, float *output, cn_error *error);
    void *context;
} cn_walk_hooks;

/* All layers over `images` images; `output` (may be NULL) receives what the last one gives. `hooks`
 * may be NULL. */
cn_status cn_walk_run(cn_walk *walk, int64_t images, const float *input, float *output,
                      const cn_walk_hooks *hooks, cn_error *error);

void cn_walk_free(cn_walk *walk);

#endif
