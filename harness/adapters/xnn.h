/* A network on XNNPACK: operators in the order of the layers, over values that share one arena.
 * Pixels lie interleaved (N, H, W, C). */
#ifndef HARNESS_ADAPTERS_XNN_H
#define HARNESS_ADAPTERS_XNN_H

#include <stddef.h>
#include <stdint.h>
#include <xnnpack.h>

#include "condense/graph.h"
#include "condense/status.h"
#include "condense/weights.h"

/* A layer's output: `stride` values from pixel to pixel. Parts of a concat lie in its pixels. */
typedef struct st_xnn_value {
    int32_t block;         /* of the arena */
    size_t offset, stride; /* in values; offset inside the block's first pixel */
    float *data;
} st_xnn_value;

typedef struct st_xnn_net {
    pthreadpool_t pool; /* NULL: one thread */
    size_t batch;
    const cn_graph *graph;
    const cn_weights *weights;
    st_xnn_value *values; /* one a layer */
    xnn_operator_t *operators;
    int32_t count, room;
} st_xnn_net;

/* Appends the operators of layer `index`. CN_EUNSUPPORTED, with layer and operator, where XNNPACK
 * has none. */
cn_status st_xnn_layer(st_xnn_net *net, int32_t index, cn_error *error);

#endif
