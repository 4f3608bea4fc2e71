/* Our layers as an ONNX graph. */
#ifndef CONDENSE_FORMAT_ONNX_GRAPH_H
#define CONDENSE_FORMAT_ONNX_GRAPH_H

#include "condense/graph.h"
#include "condense/status.h"
#include "condense/weights.h"
#include "format/onnx_message.h"

/* Fills onnx->graph, which is empty, with nodes, constants, input and output; arguments are those
 * of cn_onnx_write. Values of tensors stay the weights'. */
cn_status cn_onnx_fill(cn_onnx *onnx, const cn_graph *graph, const cn_weights *weights,
                       const cn_weights *scales, cn_error *error);

#endif
