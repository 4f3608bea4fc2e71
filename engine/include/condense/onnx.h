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
 * first and the last layer; the input is batch x C x H x W float32, the output batch x C x H x W or,
 * after fully connected and flatten, batch x C. With `batch` 0 the batch stays open, as the symbol
 * N. Passes may have been applied or not. CN_EUNSUPPORTED where the file would be larger than 2 GiB
 * (a limit of protocol buffers), or where an operator has no equal in ONNX. */
cn_status cn_onnx_write(const char *path, const cn_graph *graph, const cn_weights *weights,
                        const char *name, int32_t batch, cn_error *error);

/* The same to memory: *bytes is for cn_free. */
cn_status cn_onnx_pack(const cn_graph *graph, const cn_weights *weights, const char *name,
                       int32_t batch, unsigned char **bytes, size_t *size, cn_error *error);

#endif
