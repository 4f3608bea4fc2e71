/* Shape inference of one layer; private to engine/lr. */
#ifndef ENGINE_LR_SHAPES_H
#define ENGINE_LR_SHAPES_H

#include "condense/graph.h"

/* Checks `layer` (with its name and inputs set) against the layers of `graph` before it, and fills
 * layer->shape and, for `same`, the padding. */
cn_status cn_layer_infer(const cn_graph *graph, cn_layer *layer, cn_error *error);

#endif
