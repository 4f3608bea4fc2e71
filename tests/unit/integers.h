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

/* A network with what it was quantized to, and room for images. `weights` are those of `graph`,
 * with scales. */
enum { TEST_IMAGES = 3 };
typedef struct test_quantized {
    cn_graph graph, folded;
    cn_weights folded_weights, weights;
    cn_quantization quantization;
    int64_t in, out;
    float *input, *output, *right; /* of TEST_IMAGES; the input is what it was calibrated on */
} test_quantized;

/* Takes the graph, and the weights or random ones. Weights with scales are as 'condense calibrate'
 * writes them: unfolded. */
test_quantized test_quantize(cn_graph graph);
test_quantized test_quantize_weights(cn_graph graph, cn_weights weights);
void test_quantized_free(test_quantized *q);

/* With every rule of the contract and no operator that may be rounded otherwise: additions by
 * themselves and fused, concats of odd widths, groups of odd widths, strides, pads. */
cn_graph test_integer_net(void);

#endif
