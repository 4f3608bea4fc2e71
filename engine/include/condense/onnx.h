/* ONNX, the format in which networks go from one program to another (IR version 8, operator set
 * 13; https://onnx.ai). */
#ifndef CONDENSE_ONNX_H
#define CONDENSE_ONNX_H

#include <stddef.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/status.h"
#include "condense/weights.h"

/* Writes `graph`, under `name`, with its weights to `path`. Input and output bear the names of the
 * first and the last layer; the input is batch x C x H x W float32, the output batch x C x H x W
 * or, after fully connected and flatten, batch x C. With `batch` 0 the batch stays open, as the
 * symbol N. Passes may have been applied or not. CN_EUNSUPPORTED where the file would be larger
 * than 2 GiB (a limit of protocol buffers), or where an operator has no equal in ONNX.
 *
 * With `scales` (else NULL) the network is a quantized one: graph and weights are those of
 * cn_quantization_fold, and `scales` a set that has the tensors of condense/quantize.h. Values are
 * rounded to levels between QuantizeLinear and DequantizeLinear, weights and biases are integers. A
 * convolution that a residual is added to is rounded before the addition, too, so that outputs may
 * be some levels from ours. */
cn_status cn_onnx_write(const char *path, const cn_graph *graph, const cn_weights *weights,
                        const cn_weights *scales, const char *name, int32_t batch, cn_error *error);

/* The same to memory: *bytes is for cn_free. */
cn_status cn_onnx_pack(const cn_graph *graph, const cn_weights *weights, const cn_weights *scales,
                       const char *name, int32_t batch, unsigned char **bytes, size_t *size,
                       cn_error *error);

#endif
