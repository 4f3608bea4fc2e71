/* A quantized network in plain integers, by the words of condense/quantize.h: straight loops, one
 * image. */
#ifndef TESTS_UNIT_INTEGERS_H
#define TESTS_UNIT_INTEGERS_H

#include "condense/quantize.h"

/* `graph` is folded. Of each layer its levels, and the floats that they stand for or that there are
 * instead. */
typedef struct integers {
    const cn_graph *graph;
    const cn_weights *weights;
    const cn_quantization *quantization;
    int32_t **levels;
    float **floats;
    bool exact; /* no operator was computed that an engine may round otherwise */
} integers;

integers integers_run(const cn_graph *graph, const cn_weights *weights,
                      const cn_quantization *quantization, const float *input);
void integers_free(integers *n);

#endif
