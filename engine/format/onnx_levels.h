/* Quantized networks in ONNX, in the form that readers know as QDQ: operators on floats, each value
 * between them rounded to levels by QuantizeLinear and read back by DequantizeLinear, weights and
 * biases as integers behind a DequantizeLinear. Readers make integer operators of that. */
#ifndef CONDENSE_FORMAT_ONNX_LEVELS_H
#define CONDENSE_FORMAT_ONNX_LEVELS_H

#include <stdbool.h>

#include "condense/graph.h"
#include "condense/weights.h"
#include "format/onnx_message.h"

/* A layer's output stands for (q - zero) scale, q in 0 .. 255. Scale 0: it is of floats. */
typedef struct cn_onnx_levels {
    float scale;
    int32_t zero;
} cn_onnx_levels;

/* By the tensors "<layer>.output_scale" and "<layer>.output_zero" (condense/quantize.h). */
cn_onnx_levels cn_onnx_levels_of(const cn_weights *scales, const cn_layer *layer);

/* Levels for a value that `addend` is added to before `sum` is made of it: as far as the sum can
 * tell values apart. */
cn_onnx_levels cn_onnx_levels_before_sum(cn_onnx_levels sum, cn_onnx_levels addend);

/* Whether `levels` end where the activation does, so that rounding to them does it. */
bool cn_onnx_levels_bound(cn_onnx_levels levels, cn_activation activation);

/* Makes `name` the value `from` rounded to levels. */
void cn_onnx_round(cn_onnx *onnx, cn_onnx_levels levels, const char *from, const char *name);

/* The value of a weight with a scale for each of its first dimension, and of the bias beside it,
 * which has the scales of products with an input of levels `in`: integers of 8 and of 32 bits. */
const char *cn_onnx_weight_levels(cn_onnx *onnx, const cn_tensor *weight, const float *scales);
const char *cn_onnx_bias_levels(cn_onnx *onnx, const cn_tensor *bias, const float *scales,
                                cn_onnx_levels in);

#endif
