#include "nets.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/random.h"

int32_t test_add(cn_graph *graph, cn_layer layer, const char *name, const int32_t *inputs)
{
    int32_t count = 0, index = -1;
    while (inputs[count] >= 0)
        count++;
    cn_error error = {0};
    cr_assert_eq(cn_graph_add(graph, &layer, name, inputs, count, &index, &error), CN_OK, "%s",
                 error.message);
    return index;
}

/* The layer `op` with nothing set, after layer `from`, named by its number. */
static int32_t plain(cn_graph *graph, cn_op op, int32_t from)
{
    char name[64];
    snprintf(name, sizeof name, "%s%d", cn_op_name(op), graph->count);
    return test_add(graph, cn_layer_defaults(op), name, READS(from));
}

static int32_t after(cn_graph *graph, cn_layer layer, int32_t from)
{
    char name[64];
    snprintf(name, sizeof name, "%s%d", cn_op_name(layer.op), graph->count);
    return test_add(graph, layer, name, READS(from));
}

cn_layer test_conv(int32_t units, int32_t kernel, int32_t stride, int32_t pad)
{
    cn_layer layer = cn_layer_defaults(CN_OP_CONV);
    layer.units = units;
    layer.window.kernel_h = layer.window.kernel_w = kernel;
    layer.window.stride_h = layer.window.stride_w = stride;
    layer.window.pad_top = layer.window.pad_bottom = pad;
    layer.window.pad_left = layer.window.pad_right = pad;
    return layer;
}

cn_layer test_pool(cn_op op, int32_t kernel, int32_t stride, int32_t pad)
{
    cn_layer layer = test_conv(0, kernel, stride, pad);
    layer.op = op;
    layer.groups = 0;
    return layer;
}

cn_graph test_graph(int32_t c, int32_t h, int32_t w)
{
    cn_graph graph = {0};
    cn_layer layer = cn_layer_defaults(CN_OP_INPUT);
    layer.shape = (cn_shape){c, h, w};
    test_add(&graph, layer, "input", (const int32_t[]){-1});
    return graph;
}

static int32_t fc(cn_graph *graph, int32_t units, int32_t from)
{
    cn_layer layer = cn_layer_defaults(CN_OP_FC);
    layer.units = units;
    layer.bias = true;
    return after(graph, layer, from);
}

/* Residual blocks: identity, projection first, projection last, activation before the addition. */
static cn_graph residual(void)
{
    cn_graph g = test_graph(5, 17, 13);
    int32_t x = after(&g, test_conv(12, 3, 1, 1), 0);
    x = plain(&g, CN_OP_RELU, plain(&g, CN_OP_BATCH_NORM, x));
    int32_t a = plain(&g, CN_OP_BATCH_NORM, after(&g, test_conv(12, 3, 1, 1), x));
    x = plain(&g, CN_OP_RELU, test_add(&g, cn_layer_defaults(CN_OP_ADD), "add.a", READS(a, x)));
    int32_t down = plain(&g, CN_OP_BATCH_NORM, after(&g, test_conv(20, 1, 2, 0), x));
    a = plain(&g, CN_OP_BATCH_NORM, after(&g, test_conv(20, 3, 2, 1), x));
    x = plain(&g, CN_OP_RELU, test_add(&g, cn_layer_defaults(CN_OP_ADD), "add.b", READS(a, down)));
    a = plain(&g, CN_OP_RELU6, after(&g, test_conv(20, 3, 1, 1), x));
    x = test_add(&g, cn_layer_defaults(CN_OP_ADD), "add.c", READS(x, a));
    x = test_add(&g, cn_layer_defaults(CN_OP_ADD), "add.d", READS(x, a, x));
    x = plain(&g, CN_OP_SIGMOID, x);
    fc(&g, 7, plain(&g, CN_OP_GLOBAL_AVG_POOL, x));
    return g;
}

/* Branches that meet in concats: nested, with an input read twice, and with one read elsewhere. */
static cn_graph branches(void)
{
    cn_graph g = test_graph(3, 30, 33);
    cn_layer first = test_conv(16, 7, 2, 3);
    first.bias = true;
    cn_layer pool = test_pool(CN_OP_MAX_POOL, 3, 2, 0);
    pool.ceil_mode = true;
    cn_layer lrn = cn_layer_defaults(CN_OP_LRN), concat = cn_layer_defaults(CN_OP_CONCAT);
    int32_t x = after(&g, pool, plain(&g, CN_OP_RELU, after(&g, first, 0)));
    lrn.lrn_alpha = 0.5f;
    x = after(&g, lrn, x);
    int32_t a = plain(&g, CN_OP_RELU, after(&g, test_conv(6, 1, 1, 0), x));
    int32_t b = plain(&g, CN_OP_TANH, after(&g, test_conv(9, 3, 1, 1), a));
    cn_layer average = test_pool(CN_OP_AVG_POOL, 3, 1, 1);
    int32_t c = after(&g, average, x);
    average.count_padding = true;
    int32_t d = after(&g, average, b);
    int32_t inner = test_add(&g, concat, "inner", READS(a, b));
    int32_t outer = test_add(&g, concat, "outer", READS(c, inner, d, a));
    cn_layer wide = test_conv(10, 1, 1, 0);
    wide.window.kernel_w = 7;
    wide.window.pad_left = wide.window.pad_right = 3;
    x = plain(&g, CN_OP_RELU, after(&g, wide, outer));
    x = after(&g, concat, x);
    cn_layer shrink = test_pool(CN_OP_AVG_POOL, 2, 2, 0);
    shrink.ceil_mode = true;
    x = after(&g, shrink, plain(&g, CN_OP_BATCH_NORM, x));
    lrn.lrn_beta = 0.6f;
    x = plain(&g, CN_OP_DROPOUT, after(&g, lrn, x));
    plain(&g, CN_OP_SOFTMAX, fc(&g, 10, plain(&g, CN_OP_FLATTEN, x)));
    return g;
}

/* Depthwise and grouped convolution, "same" padding, dilation, explicit pads. */
static cn_graph separable(void)
{
    cn_graph g = test_graph(4, 21, 26);
    cn_layer same = test_conv(16, 3, 2, 0), deep = test_conv(16, 3, 1, 1);
    same.same = true;
    deep.groups = 16;
    int32_t x = plain(&g, CN_OP_RELU6, plain(&g, CN_OP_BATCH_NORM, after(&g, same, 0)));
    x = plain(&g, CN_OP_RELU6, plain(&g, CN_OP_BATCH_NORM, after(&g, deep, x)));
    cn_layer pad = cn_layer_defaults(CN_OP_PAD);
    pad.window = (cn_window){.pad_top = 0, .pad_bottom = 1, .pad_left = 2, .pad_right = 0};
    deep = test_conv(32, 5, 2, 0);
    deep.groups = 16;
    x = after(&g, deep, after(&g, pad, x));
    cn_layer grouped = test_conv(12, 3, 1, 2);
    grouped.groups = 4;
    grouped.window.dilation_h = grouped.window.dilation_w = 2;
    grouped.bias = true;
    x = plain(&g, CN_OP_SIGMOID, after(&g, grouped, x));
    cn_layer pool = test_pool(CN_OP_MAX_POOL, 3, 2, 0);
    pool.same = true;
    x = after(&g, pool, after(&g, pool, x));
    cn_shape s = g.layers[x].shape;
    cn_layer cover = test_conv(11, 1, 1, 0);
    cover.window.kernel_h = s.h;
    cover.window.kernel_w = s.w;
    x = plain(&g, CN_OP_TANH, plain(&g, CN_OP_BATCH_NORM, after(&g, cover, x)));
    after(&g, test_conv(6, 1, 1, 0), x);
    return g;
}

/* What every engine has: depthwise convolution, nested concats, pools, bilinear resize, softmax. */
static cn_graph common(void)
{
    cn_graph g = test_graph(3, 19, 22);
    cn_layer first = test_conv(8, 3, 2, 0), deep = test_conv(8, 5, 1, 2);
    first.same = true;
    deep.groups = 8;
    deep.bias = true;
    int32_t x =
        plain(&g, CN_OP_RELU6, after(&g, deep, plain(&g, CN_OP_RELU6, after(&g, first, 0))));
    cn_layer pool = test_pool(CN_OP_MAX_POOL, 3, 2, 0), concat = cn_layer_defaults(CN_OP_CONCAT);
    pool.ceil_mode = true;
    x = after(&g, pool, x);
    int32_t a = plain(&g, CN_OP_RELU, after(&g, test_conv(6, 1, 1, 0), x));
    int32_t b = plain(&g, CN_OP_SIGMOID, after(&g, test_conv(10, 3, 1, 1), a));
    int32_t c = after(&g, test_pool(CN_OP_AVG_POOL, 3, 1, 1), x);
    int32_t inner = test_add(&g, concat, "inner", READS(a, b, a));
    x = test_add(&g, concat, "outer", READS(c, inner, x));
    cn_layer resize = cn_layer_defaults(CN_OP_RESIZE);
    resize.resize = CN_RESIZE_BILINEAR;
    resize.resize_h = 9;
    resize.resize_w = 5;
    pool.op = CN_OP_AVG_POOL;
    x = after(&g, pool, after(&g, resize, x));
    plain(&g, CN_OP_SOFTMAX, fc(&g, 10, plain(&g, CN_OP_RELU, fc(&g, 12, x))));
    return g;
}

/* A pad that no convolution can take: the pool's own padding never wins, these zeros may. */
static cn_graph padded_pool(void)
{
    cn_graph g = test_graph(4, 7, 9);
    cn_layer pool = test_pool(CN_OP_MAX_POOL, 3, 2, 1), pad = cn_layer_defaults(CN_OP_PAD);
    pad.window = (cn_window){.pad_top = 0, .pad_bottom = 1, .pad_left = 2, .pad_right = 0};
    after(&g, pool, after(&g, pad, after(&g, test_conv(6, 3, 1, 1), 0)));
    return g;
}

/* Picture to picture: pads, resizes, pixel shuffle, softmax over planes. */
static cn_graph picture(void)
{
    cn_graph g = test_graph(3, 9, 14);
    int32_t x = plain(&g, CN_OP_TANH, after(&g, test_conv(8, 5, 1, 2), 0));
    cn_layer shuffle = cn_layer_defaults(CN_OP_PIXEL_SHUFFLE);
    shuffle.factor = 2;
    cn_layer resize = cn_layer_defaults(CN_OP_RESIZE);
    resize.resize_h = 11;
    resize.resize_w = 40;
    x = after(&g, resize, after(&g, shuffle, x));
    resize.resize = CN_RESIZE_BILINEAR;
    resize.resize_h = 25;
    resize.resize_w = 17;
    x = after(&g, resize, x);
    x = after(&g, test_conv(5, 3, 3, 4), x);
    cn_layer pad = cn_layer_defaults(CN_OP_PAD);
    pad.window = (cn_window){.pad_top = 1, .pad_bottom = 2, .pad_left = 3, .pad_right = 4};
    int32_t padded = after(&g, pad, x);
    int32_t y = after(&g, test_conv(5, 3, 1, 1), padded);
    x = test_add(&g, cn_layer_defaults(CN_OP_ADD), "add", READS(padded, y));
    plain(&g, CN_OP_SOFTMAX, x);
    return g;
}

/* The smallest networks, where a pass could lose the output or the input. */
static cn_graph only_input(void)
{
    return test_graph(2, 3, 5);
}
static cn_graph only_dropout(void)
{
    cn_graph g = test_graph(2, 3, 5);
    plain(&g, CN_OP_FLATTEN, plain(&g, CN_OP_DROPOUT, 0));
    return g;
}
static cn_graph input_twice(void)
{
    cn_graph g = test_graph(2, 3, 5);
    plain(&g, CN_OP_RELU, 0); /* nobody reads it */
    int32_t x = test_add(&g, cn_layer_defaults(CN_OP_CONCAT), "twice", READS(0, 0));
    plain(&g, CN_OP_RELU, test_add(&g, cn_layer_defaults(CN_OP_ADD), "double", READS(x, x)));
    return g;
}

const test_net test_nets[] = {{"residual", residual},       {"branches", branches},
                              {"separable", separable},     {"common", common},
                              {"padded_pool", padded_pool}, {"picture", picture},
                              {"only_input", only_input},   {"only_dropout", only_dropout},
                              {"input_twice", input_twice}, {NULL, NULL}};

cn_weights test_weights(const cn_graph *graph, uint64_t seed)
{
    cn_weights weights = {0};
    cn_error error = {0};
    cr_assert_eq(cn_weights_random(&weights, graph, seed, &error), CN_OK, "%s", error.message);
    for (int32_t t = 0; t < weights.count; t++) {
        cn_tensor *tensor = &weights.tensors[t];
        if (tensor->rank != 1) continue;
        cn_random random = cn_random_named(seed, tensor->name);
        bool positive = strstr(tensor->name, "running_var") != NULL;
        for (int64_t i = 0; i < tensor->dims[0]; i++)
            tensor->data[i] = (float)(cn_random_uniform(&random) * 1.5 + (positive ? 0.1 : -0.5));
    }
    return weights;
}

float *test_values(int64_t count, uint64_t seed)
{
    float *values = cn_calloc((size_t)count, sizeof *values);
    cr_assert_not_null(values);
    cn_random random = cn_random_seed(seed);
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)cn_random_normal(&random);
    return values;
}

double test_error(const float *got, const double *right, int64_t count)
{
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(got[i]) || !isfinite(right[i])) return INFINITY;
        worst = fmax(worst, fabs(got[i] - right[i]));
        largest = fmax(largest, fabs(right[i]));
    }
    return largest > 0 ? worst / largest : worst;
}
