#include "format/onnx_levels.h"

#include <math.h>

#include "condense/memory.h"

enum { LEVELS = 255 };

cn_onnx_levels cn_onnx_levels_of(const cn_weights *scales, const cn_layer *layer)
{
    const cn_tensor *scale = cn_weights_of(scales, layer->name, "output_scale");
    const cn_tensor *zero = cn_weights_of(scales, layer->name, "output_zero");
    if (!scale || !zero) return (cn_onnx_levels){0};
    return (cn_onnx_levels){scale->data[0], (int32_t)zero->data[0]};
}

static float lowest(cn_onnx_levels levels)
{
    return (float)-levels.zero * levels.scale;
}

static float highest(cn_onnx_levels levels)
{
    return (float)(LEVELS - levels.zero) * levels.scale;
}

/* Below what takes the largest addend to the sum's lowest level the sum is that level, too, and
 * likewise above. An activation that is still to come only narrows the sum. */
cn_onnx_levels cn_onnx_levels_before_sum(cn_onnx_levels sum, cn_onnx_levels addend)
{
    float low = lowest(sum) - highest(addend), high = highest(sum) - lowest(addend);
    float scale = (high - low) / LEVELS;
    return (cn_onnx_levels){scale, (int32_t)rintf(-low / scale)};
}

bool cn_onnx_levels_bound(cn_onnx_levels levels, cn_activation activation)
{
    if (!(levels.scale > 0) || levels.zero) return false;
    return activation == CN_ACT_RELU ||
           (activation == CN_ACT_RELU6 && rintf(6.0f / levels.scale) >= LEVELS);
}

/* One number, or with rank 1 `count` of them. */
static const char *add_scales(cn_onnx *onnx, const char *name, const float *scales, int64_t count,
                              size_t rank)
{
    const char *text = cn_onnx_text(onnx, "%s_scale", name);
    cn_onnx_constant(onnx, text, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, &count, rank, scales,
                     (size_t)count * sizeof *scales, true);
    return text;
}

void cn_onnx_round(cn_onnx *onnx, cn_onnx_levels levels, const char *from, const char *name)
{
    const unsigned char zero = (unsigned char)levels.zero;
    const char *scale = add_scales(onnx, name, &levels.scale, 1, 0);
    const char *zero_name = cn_onnx_text(onnx, "%s_zero", name);
    const char *whole = cn_onnx_text(onnx, "%s_levels", name);
    cn_onnx_constant(onnx, zero_name, ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, NULL, 0, &zero, 1,
                     true);
    cn_onnx_node(onnx, "QuantizeLinear", whole, (const char *[]){from, scale, zero_name}, 3);
    cn_onnx_node(onnx, "DequantizeLinear", name, (const char *[]){whole, scale, zero_name}, 3);
}

/* A value that is `integers`, of `size` bytes each, times a scale for each of its first dimension.
 * Zero points are 0 where none are given, but ONNX Runtime makes integer products only where they
 * are given. */
static const char *scaled(cn_onnx *onnx, const cn_tensor *tensor, Onnx__TensorProto__DataType type,
                          const void *integers, size_t size, const float *scales)
{
    int64_t dims[4];
    for (int32_t i = 0; i < tensor->rank; i++)
        dims[i] = tensor->dims[i];
    size_t bytes = (size_t)cn_tensor_count(tensor) * size, zero_bytes = (size_t)dims[0] * size;
    const char *value = cn_onnx_text(onnx, "%s_value", tensor->name);
    const char *zero = cn_onnx_text(onnx, "%s_zero", tensor->name);
    void *zeros = cn_calloc(zero_bytes, 1);
    onnx->failed = onnx->failed || !zeros;
    if (!zeros) return value;
    cn_onnx_constant(onnx, tensor->name, type, dims, (size_t)tensor->rank, integers, bytes, true);
    cn_onnx_constant(onnx, zero, type, dims, 1, zeros, zero_bytes, true);
    cn_free(zeros);
    const char *inputs[] = {tensor->name, add_scales(onnx, tensor->name, scales, dims[0], 1), zero};
    cn_onnx_int(onnx, cn_onnx_node(onnx, "DequantizeLinear", value, inputs, 3), "axis", 0);
    return value;
}

const char *cn_onnx_weight_levels(cn_onnx *onnx, const cn_tensor *weight, const float *scales)
{
    int64_t count = cn_tensor_count(weight), row = count / weight->dims[0];
    signed char *levels = cn_calloc((size_t)count, 1);
    onnx->failed = onnx->failed || !levels;
    for (int64_t i = 0; i < count && levels; i++)
        levels[i] = (signed char)rintf(weight->data[i] / scales[i / row]);
    const char *value =
        levels ? scaled(onnx, weight, ONNX__TENSOR_PROTO__DATA_TYPE__INT8, levels, 1, scales) : "";
    cn_free(levels);
    return value;
}

const char *cn_onnx_bias_levels(cn_onnx *onnx, const cn_tensor *bias, const float *scales,
                                cn_onnx_levels in)
{
    size_t count = (size_t)bias->dims[0];
    int32_t *sums = cn_calloc(count, sizeof *sums);
    float *products = cn_calloc(count, sizeof *products);
    const char *value = "";
    onnx->failed = onnx->failed || !sums || !products;
    for (size_t c = 0; c < count && sums && products; c++) {
        products[c] = in.scale * scales[c];
        double sum = rint((double)bias->data[c] / (double)products[c]);
        sums[c] = (int32_t)fmax(INT32_MIN, fmin(INT32_MAX, sum));
    }
    if (sums && products)
        value =
            scaled(onnx, bias, ONNX__TENSOR_PROTO__DATA_TYPE__INT32, sums, sizeof *sums, products);
    cn_free(sums);
    cn_free(products);
    return value;
}
