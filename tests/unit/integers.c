#include "integers.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/session.h"
#include "lr/operators.h"
#include "nets.h"

static int32_t level_of(cn_scale s, float x)
{
    double level = rint((double)(x * (1 / s.scale))) + s.zero;
    return (int32_t)fmin(255, fmax(0, level));
}

static cn_scale scale_of(const integers *n, int32_t layer)
{
    return n->quantization->outputs[layer];
}

static bool is_curve(cn_activation activation)
{
    return activation == CN_ACT_SIGMOID || activation == CN_ACT_TANH;
}

/* Whether a layer's floats are in steps of its levels. */
static bool in_steps(const integers *n, int32_t index)
{
    const cn_layer *layer = &n->graph->layers[index];
    bool weights = layer->op == CN_OP_CONV || layer->op == CN_OP_FC;
    return weights && scale_of(n, index).scale > 0 && !is_curve(layer->activation);
}

/* The unit of a layer's floats, in 1. */
static float unit_of(const integers *n, int32_t index)
{
    return in_steps(n, index) ? 1 / scale_of(n, index).scale : 1;
}

/* The distance from zero at a place of a layer's output; 0 outside, which is padding. */
static int32_t steps_at(const integers *n, int32_t layer, int32_t c, int32_t y, int32_t x)
{
    cn_shape s = n->graph->layers[layer].shape;
    if (y < 0 || y >= s.h || x < 0 || x >= s.w) return 0;
    return n->levels[layer][(c * s.h + y) * s.w + x] - scale_of(n, layer).zero;
}

static const float *tensor(const integers *n, const char *layer, const char *suffix)
{
    const cn_tensor *t = cn_weights_of(n->weights, layer, suffix);
    return t ? t->data : NULL;
}

static void dot_products(const integers *n, int32_t index, float *to)
{
    const cn_layer *layer = &n->graph->layers[index];
    int32_t from = layer->inputs[0];
    cn_shape in = n->graph->layers[from].shape, out = layer->shape;
    cn_window w = layer->window;
    if (layer->op == CN_OP_FC) w = (cn_window){in.h, in.w, 1, 1, 1, 1, 0, 0, 0, 0};
    int32_t groups = layer->op == CN_OP_FC ? 1 : layer->groups, inputs = in.c / groups;
    const float *weight = tensor(n, layer->name, "weight");
    const float *bias = layer->bias ? tensor(n, layer->name, "bias") : NULL;
    const float *t = n->quantization->weight_scales[index];
    int32_t residual = layer->residual >= 0 ? layer->inputs[layer->residual] : -1;
    int32_t zero = residual >= 0 ? scale_of(n, residual).zero : 0;
    float unit = unit_of(n, index), f = residual >= 0 ? scale_of(n, residual).scale * unit : 0;
    for (int32_t o = 0; o < out.c; o++)
        for (int32_t p = 0; p < out.h * out.w; p++) {
            int64_t sum = 0;
            const float *next = weight + (ptrdiff_t)o * inputs * w.kernel_h * w.kernel_w;
            for (int32_t c = 0; c < inputs; c++)
                for (int32_t i = 0; i < w.kernel_h; i++)
                    for (int32_t j = 0; j < w.kernel_w; j++) {
                        int32_t y = p / out.w * w.stride_h + i * w.dilation_h - w.pad_top;
                        int32_t x = p % out.w * w.stride_w + j * w.dilation_w - w.pad_left;
                        sum += (int64_t)rintf(*next++ / t[o]) *
                               steps_at(n, from, o / (out.c / groups) * inputs + c, y, x);
                    }
            ptrdiff_t at = o * out.h * out.w + p;
            float b = (bias ? bias[o] : 0) * unit - (float)zero * f;
            to[at] = fmaf((float)sum, scale_of(n, from).scale * t[o] * unit, b);
            if (residual >= 0) to[at] = fmaf((float)n->levels[residual][at], f, to[at]);
        }
}

/* What a pool makes of one window. */
static float pooled(const integers *n, int32_t index, int32_t c, cn_span down, cn_span along)
{
    const cn_layer *layer = &n->graph->layers[index];
    int32_t from = layer->inputs[0], sum = 0, most = INT32_MIN;
    for (int32_t y = down.first; y < down.end; y++)
        for (int32_t x = along.first; x < along.end; x++) {
            int32_t steps = steps_at(n, from, c, y, x);
            sum += steps;
            most = steps > most ? steps : most;
        }
    float scale = scale_of(n, from).scale;
    if (layer->op == CN_OP_MAX_POOL) return (float)most * scale;
    int32_t count = (down.end - down.first) * (along.end - along.first);
    if (layer->count_padding) count = down.padded * along.padded;
    return (float)sum * (scale / (float)count);
}

static void pool(const integers *n, int32_t index, float *to)
{
    const cn_layer *layer = &n->graph->layers[index];
    cn_shape in = n->graph->layers[layer->inputs[0]].shape, out = layer->shape;
    cn_span all_rows = {0, in.h, in.h}, all_columns = {0, in.w, in.w};
    bool whole = layer->op == CN_OP_GLOBAL_AVG_POOL;
    for (int32_t c = 0; c < out.c; c++)
        for (int32_t y = 0; y < out.h; y++)
            for (int32_t x = 0; x < out.w; x++)
                *to++ = pooled(n, index, c,
                               whole ? all_rows : cn_pool_span(&layer->window, false, y, in.h),
                               whole ? all_columns : cn_pool_span(&layer->window, true, x, in.w));
}

/* By the reference in double precision: a layer that may be rounded otherwise. */
static void by_reference(integers *n, int32_t index, float *to)
{
    const cn_layer *layer = &n->graph->layers[index];
    cn_layer input = cn_layer_defaults(CN_OP_INPUT), alone = *layer;
    int32_t zero = 0;
    int64_t count = cn_shape_count(layer->shape);
    cn_graph graph = {0};
    double *result = cn_calloc((size_t)count, sizeof *result);
    alone.activation = CN_ACT_NONE;
    input.shape = n->graph->layers[layer->inputs[0]].shape;
    cr_assert_eq(cn_graph_add(&graph, &input, "the input", NULL, 0, NULL, NULL), CN_OK);
    cr_assert_eq(cn_graph_add(&graph, &alone, layer->name, &zero, 1, NULL, NULL), CN_OK);
    cr_assert_eq(
        cn_reference_run(&graph, n->weights, 1, n->floats[layer->inputs[0]], result, NULL, NULL),
        CN_OK);
    for (int64_t i = 0; i < count; i++)
        to[i] = (float)result[i];
    if (layer->op != CN_OP_PAD && layer->op != CN_OP_PIXEL_SHUFFLE && layer->op != CN_OP_FLATTEN &&
        layer->op != CN_OP_RELU && layer->op != CN_OP_RELU6 &&
        !(layer->op == CN_OP_RESIZE && layer->resize == CN_RESIZE_NEAREST))
        n->exact = false;
    cn_free(result);
    cn_graph_clear(&graph);
}

static void join(const integers *n, const cn_layer *layer, float *to)
{
    for (int32_t k = 0; k < layer->input_count; k++) {
        int64_t part = cn_shape_count(n->graph->layers[layer->inputs[k]].shape);
        memcpy(to, n->floats[layer->inputs[k]], (size_t)part * sizeof *to);
        to += part;
    }
}

static void add(const integers *n, const cn_layer *layer, float *to)
{
    int64_t count = cn_shape_count(layer->shape);
    for (int32_t k = 0; k < layer->input_count; k++)
        for (int64_t i = 0; i < count; i++)
            to[i] = (k ? to[i] : 0) + n->floats[layer->inputs[k]][i];
}

static void run_operator(integers *n, int32_t index, float *to)
{
    const cn_layer *layer = &n->graph->layers[index];
    bool floats = !(scale_of(n, layer->inputs[0]).scale > 0);
    switch (layer->op) {
    case CN_OP_CONV:
    case CN_OP_FC:
        dot_products(n, index, to);
        break;
    case CN_OP_MAX_POOL:
    case CN_OP_AVG_POOL:
    case CN_OP_GLOBAL_AVG_POOL:
        if (floats)
            by_reference(n, index, to);
        else
            pool(n, index, to);
        break;
    case CN_OP_CONCAT:
        join(n, layer, to);
        break;
    case CN_OP_ADD:
        add(n, layer, to);
        break;
    default:
        by_reference(n, index, to);
    }
}

static void run_layer(integers *n, int32_t index, const float *input)
{
    const cn_layer *layer = &n->graph->layers[index];
    int64_t count = cn_shape_count(layer->shape);
    cn_scale s = scale_of(n, index);
    float *to = n->floats[index] = cn_calloc((size_t)count, sizeof *to);
    n->levels[index] = cn_calloc((size_t)count, sizeof(int32_t));
    if (index == 0)
        memcpy(to, input, (size_t)count * sizeof *to);
    else
        run_operator(n, index, to);
    n->exact = n->exact && !is_curve(layer->activation);
    float unit = unit_of(n, index);
    for (int64_t i = 0; i < count; i++) {
        if (layer->activation == CN_ACT_RELU || layer->activation == CN_ACT_RELU6)
            to[i] = fmaxf(0, to[i]);
        if (layer->activation == CN_ACT_RELU6) to[i] = fminf(6 * unit, to[i]);
        if (layer->activation == CN_ACT_SIGMOID) to[i] = 1 / (1 + expf(-to[i]));
        if (layer->activation == CN_ACT_TANH) to[i] = tanhf(to[i]);
        if (!(s.scale > 0)) continue;
        n->levels[index][i] = level_of(in_steps(n, index) ? (cn_scale){1, s.zero} : s, to[i]);
        to[i] = (float)(n->levels[index][i] - s.zero) * s.scale;
    }
}

integers integers_run(const cn_graph *graph, const cn_weights *weights,
                      const cn_quantization *quantization, const float *input)
{
    size_t count = (size_t)graph->count;
    integers n = {.graph = graph, .weights = weights, .quantization = quantization, .exact = true};
    n.levels = cn_calloc(count, sizeof *n.levels);
    n.floats = cn_calloc(count, sizeof *n.floats);
    for (int32_t i = 0; i < graph->count; i++)
        run_layer(&n, i, input);
    return n;
}

void integers_free(integers *n)
{
    for (int32_t i = 0; i < n->graph->count; i++) {
        cn_free(n->levels[i]);
        cn_free(n->floats[i]);
    }
    cn_free(n->levels);
    cn_free(n->floats);
}

test_quantized test_quantize_weights(cn_graph graph, cn_weights weights)
{
    test_quantized q = {.graph = graph, .weights = weights};
    cn_error error = {0};
    cr_assert_eq(cn_post_fold(&graph, &q.weights, &q.folded, &q.folded_weights, NULL), CN_OK);
    cn_quantize_layer *layers = cn_calloc((size_t)graph.count, sizeof *layers);
    q.in = cn_shape_count(graph.layers[0].shape);
    q.out = cn_shape_count(graph.layers[graph.count - 1].shape);
    q.input = test_values(TEST_IMAGES * q.in, 4);
    q.output = test_values(TEST_IMAGES * q.out, 5);
    q.right = test_values(TEST_IMAGES * q.out, 6);
    cn_calibration calibration = {.images = TEST_IMAGES, .input = q.input, .threads = 1};
    cn_quantize_options options = {CN_RANGE_MINMAX, true, CN_CORRECT_BIAS};
    cr_assert_eq(cn_quantize(&q.folded, &q.folded_weights, &calibration, &options, &q.quantization,
                             layers, &error),
                 CN_OK, "%s", error.message);
    cr_assert_eq(cn_post_unfold(&graph, &q.weights, &q.folded, &q.folded_weights, &error), CN_OK);
    cr_assert_eq(cn_quantization_store(&q.quantization, &q.folded, &q.weights, &error), CN_OK);
    cn_free(layers);
    return q;
}

test_quantized test_quantize(cn_graph graph)
{
    return test_quantize_weights(graph, test_weights(&graph, 3));
}

void test_quantized_free(test_quantized *q)
{
    cn_quantization_clear(&q->quantization);
    cn_graph_clear(&q->graph);
    cn_graph_clear(&q->folded);
    cn_weights_clear(&q->weights);
    cn_weights_clear(&q->folded_weights);
    cn_free(q->input);
    cn_free(q->output);
    cn_free(q->right);
}

cn_graph test_integer_net(void)
{
    cn_graph g = test_graph(3, 23, 19);
    cn_layer conv = test_conv(10, 3, 2, 1), deep = test_conv(10, 3, 1, 1);
    cn_layer concat = cn_layer_defaults(CN_OP_CONCAT), sum = cn_layer_defaults(CN_OP_ADD);
    conv.bias = deep.bias = true;
    deep.groups = 10;
    test_add(&g, conv, "a", READS(0));
    test_add(&g, cn_layer_defaults(CN_OP_RELU), "a.relu", READS(1));
    test_add(&g, deep, "b", READS(2));
    test_add(&g, cn_layer_defaults(CN_OP_RELU6), "b.relu", READS(3));
    test_add(&g, test_conv(10, 1, 1, 0), "c", READS(4));
    test_add(&g, sum, "c.sum", READS(2, 5));
    test_add(&g, cn_layer_defaults(CN_OP_RELU), "c.relu", READS(6));
    cn_layer average = test_pool(CN_OP_AVG_POOL, 3, 1, 1);
    average.count_padding = true;
    test_add(&g, average, "average", READS(7));
    test_add(&g, test_pool(CN_OP_MAX_POOL, 3, 2, 1), "pool", READS(7));
    test_add(&g, sum, "three", READS(7, 8, 4));
    conv.groups = 2;
    test_add(&g, conv, "grouped", READS(10));      /* groups of five channels */
    test_add(&g, concat, "join", READS(9, 11, 9)); /* of ten channels each */
    cn_layer wide = test_conv(24, 5, 1, 2);
    test_add(&g, wide, "wide", READS(12));
    cn_layer shuffle = cn_layer_defaults(CN_OP_PIXEL_SHUFFLE);
    shuffle.factor = 2;
    test_add(&g, shuffle, "shuffle", READS(13));
    deep = test_conv(12, 3, 1, 2);
    deep.window.dilation_h = deep.window.dilation_w = 2;
    test_add(&g, deep, "dilated", READS(14));
    test_add(&g, cn_layer_defaults(CN_OP_GLOBAL_AVG_POOL), "mean", READS(15));
    cn_layer fc = cn_layer_defaults(CN_OP_FC);
    fc.units = 37;
    fc.bias = true;
    test_add(&g, fc, "fc1", READS(15));
    fc.units = 7;
    test_add(&g, fc, "fc2", READS(16));
    test_add(&g, fc, "fc3", READS(17));
    test_add(&g, concat, "ends", READS(18, 19, 16));
    return g;
}
