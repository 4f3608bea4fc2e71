/* Arithmetic that passes, planning, kernels and the reference share: which input pixels belong to
 * an output pixel, and activations in double precision. */
#ifndef CONDENSE_LR_OPERATORS_H
#define CONDENSE_LR_OPERATORS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "condense/graph.h"

/* The input rows (or columns) of one pooling window: [first, end) inside the input, and `padded`,
 * their number with the padding that the window covers. A window that reaches past the padding
 * (ceil mode) covers nothing there. */
typedef struct cn_span {
    int32_t first, end, padded;
} cn_span;

static inline cn_span cn_pool_span(const cn_window *window, bool horizontal, int32_t out,
                                   int32_t extent)
{
    int32_t stride = horizontal ? window->stride_w : window->stride_h;
    int32_t kernel = horizontal ? window->kernel_w : window->kernel_h;
    int32_t before = horizontal ? window->pad_left : window->pad_top;
    int32_t after = horizontal ? window->pad_right : window->pad_bottom;
    int32_t first = out * stride - before, end = first + kernel;
    if (end > extent + after) end = extent + after;
    cn_span span = {first, end, end - first};
    if (span.first < 0) span.first = 0;
    if (span.end > extent) span.end = extent;
    return span;
}

/* Resize with half-pixel centres: output o lies at (o + 0.5) * in / out in the input, where pixel i
 * has its centre at i + 0.5. */
static inline int32_t cn_nearest_source(int32_t o, int32_t in, int32_t out)
{
    return (int32_t)((2 * (int64_t)o + 1) * in / (2 * (int64_t)out));
}

/* value = (1 - weight) * x[low] + weight * x[high] */
typedef struct cn_blend {
    int32_t low, high;
    double weight;
} cn_blend;

static inline cn_blend cn_bilinear_source(int32_t o, int32_t in, int32_t out)
{
    double position = (o + 0.5) * in / out - 0.5;
    if (position < 0.0) position = 0.0;
    cn_blend blend = {.low = (int32_t)position};
    if (blend.low > in - 1) blend.low = in - 1;
    blend.high = blend.low + 1 < in ? blend.low + 1 : blend.low;
    blend.weight = position - blend.low;
    return blend;
}

/* The activation that an operator is: CN_OP_RELU is CN_ACT_RELU; CN_ACT_NONE for other operators.
 */
static inline cn_activation cn_op_activation(cn_op op)
{
    switch (op) {
    case CN_OP_RELU:
        return CN_ACT_RELU;
    case CN_OP_RELU6:
        return CN_ACT_RELU6;
    case CN_OP_SIGMOID:
        return CN_ACT_SIGMOID;
    case CN_OP_TANH:
        return CN_ACT_TANH;
    default:
        return CN_ACT_NONE;
    }
}

static inline double cn_activate(cn_activation activation, double x)
{
    switch (activation) {
    case CN_ACT_NONE:
        return x;
    case CN_ACT_RELU:
        return x < 0.0 ? 0.0 : x;
    case CN_ACT_RELU6:
        return x < 0.0 ? 0.0 : x > 6.0 ? 6.0 : x;
    case CN_ACT_SIGMOID:
        return 1.0 / (1.0 + exp(-x));
    case CN_ACT_TANH:
        return tanh(x);
    }
    return x;
}

#endif
