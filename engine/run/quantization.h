/* What quantizing and running quantized networks share. */
#ifndef CONDENSE_RUN_QUANTIZATION_H
#define CONDENSE_RUN_QUANTIZATION_H

#include "condense/quantize.h"

/* Room for the scales of all layers, which are 0. On failure what there is is for
 * cn_quantization_clear. */
cn_status quantization_new(cn_quantization *quantization, const cn_graph *graph, cn_error *error);

/* roots[i] = the earliest layer that shares layer i's scale (itself, often), -1 where the output
 * stays float. */
void quantization_roots(const cn_graph *graph, int32_t *roots);

#endif
