/* Every gradient of the trainer against central differences of the double-precision reference. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "condense/memory.h"
#include "condense/random.h"
#include "condense/session.h"
#include "condense/train.h"

enum { BATCH = 3, CLASSES = 3 };
static const float smoothing = 0.1f;

/* Adds the operators of one case after layer `at` and returns the last layer's index. */
typedef int32_t (*builder)(cn_graph *graph, int32_t at);

static int32_t add(cn_graph *graph, cn_layer layer, const int32_t *inputs, int32_t count)
{
    char name[32];
    snprintf(name, sizeof name, "layer%d", graph->count);
    cn_error error = {0};
    int32_t index = -1;
    cn_status status = cn_graph_add(graph, &layer, name, inputs, count, &index, &error);
    cr_assert_eq(status, CN_OK, "%s", error.message);
    return index;
}

static int32_t after(cn_graph *graph, cn_layer layer, int32_t at)
{
    return add(graph, layer, &at, 1);
}

static int32_t simple(cn_graph *graph, cn_op op, int32_t at)
{
    return after(graph, cn_layer_defaults(op), at);
}

/* kernel h, w; stride h, w; pad top, bottom, left, right */
static cn_layer windowed(cn_op op, const int32_t w[8])
{
    cn_layer layer = cn_layer_defaults(op);
    layer.window = (cn_window){.kernel_h = w[0],
                               .kernel_w = w[1],
                               .stride_h = w[2],
                               .stride_w = w[3],
                               .dilation_h = 1,
                               .dilation_w = 1,
                               .pad_top = w[4],
                               .pad_bottom = w[5],
                               .pad_left = w[6],
                               .pad_right = w[7]};
    return layer;
}

static cn_layer conv(int32_t units, const int32_t w[8], int32_t groups, bool bias)
{
    cn_layer layer = windowed(CN_OP_CONV, w);
    layer.units = units;
    layer.groups = groups;
    layer.bias = bias;
    return layer;
}

static const int32_t point[8] = {1, 1, 1, 1}, three[8] = {3, 3, 1, 1, 1, 1, 1, 1};

static int32_t conv_odd(cn_graph *g, int32_t at)
{
    static const int32_t w[8] = {3, 2, 2, 1, 0, 2, 1, 0};
    return after(g, conv(5, w, 1, true), at);
}

static int32_t conv_strided(cn_graph *g, int32_t at)
{
    static const int32_t w[8] = {1, 1, 2, 2};
    return after(g, conv(16, w, 1, false), at);
}

static int32_t conv_dilated(cn_graph *g, int32_t at)
{
    cn_layer layer = conv(3, three, 1, true);
    layer.window.dilation_h = 2;
    layer.window.pad_top = layer.window.pad_bottom = 2;
    return after(g, layer, at);
}

static int32_t conv_grouped(cn_graph *g, int32_t at)
{
    return after(g, conv(6, three, 2, true), at);
}

static int32_t conv_depthwise(cn_graph *g, int32_t at)
{
    static const int32_t w[8] = {3, 3, 2, 2};
    cn_layer layer = conv(4, w, 4, false);
    layer.same = true;
    return after(g, layer, at);
}

static int32_t conv_relu(cn_graph *g, int32_t at)
{
    return simple(g, CN_OP_RELU, after(g, conv(16, three, 1, true), at));
}

static int32_t fc_tanh(cn_graph *g, int32_t at)
{
    cn_layer layer = cn_layer_defaults(CN_OP_FC);
    layer.units = 7;
    layer.bias = true;
    return simple(g, CN_OP_TANH, after(g, layer, at));
}

static int32_t max_pool(cn_graph *g, int32_t at)
{
    static const int32_t w[8] = {3, 3, 2, 2, 1, 0, 0, 1};
    cn_layer layer = windowed(CN_OP_MAX_POOL, w);
    layer.ceil_mode = true;
    return after(g, layer, at);
}

static int32_t avg_pool_same(cn_graph *g, int32_t at)
{
    static const int32_t w[8] = {3, 2, 2, 2};
    cn_layer layer = windowed(CN_OP_AVG_POOL, w);
    layer.same = true;
    return after(g, layer, at);
}

static int32_t avg_pool_counted(cn_graph *g, int32_t at)
{
    cn_layer layer = windowed(CN_OP_AVG_POOL, three);
    layer.count_padding = true;
    return after(g, layer, at);
}

/* The last windows hang over the padding, which does count. */
static int32_t avg_pool_hanging(cn_graph *g, int32_t at)
{
    static const int32_t w[8] = {3, 3, 3, 2, 1, 1, 1, 0};
    cn_layer layer = windowed(CN_OP_AVG_POOL, w);
    layer.ceil_mode = layer.count_padding = true;
    return after(g, layer, at);
}

static int32_t global_pool(cn_graph *g, int32_t at)
{
    return simple(g, CN_OP_GLOBAL_AVG_POOL, at);
}

static int32_t batch_norm(cn_graph *g, int32_t at)
{
    return simple(g, CN_OP_BATCH_NORM, at);
}

static int32_t batch_norm_relu(cn_graph *g, int32_t at)
{
    return simple(g, CN_OP_RELU, simple(g, CN_OP_BATCH_NORM, at));
}

static int32_t batch_norm_relu6(cn_graph *g, int32_t at)
{
    return simple(g, CN_OP_RELU6, simple(g, CN_OP_BATCH_NORM, after(g, conv(16, point, 1, 0), at)));
}

static int32_t lrn(cn_graph *g, int32_t at)
{
    cn_layer layer = cn_layer_defaults(CN_OP_LRN);
    layer.lrn_alpha = 0.5f;
    layer.lrn_k = 2;
    return after(g, layer, after(g, conv(16, point, 1, true), at));
}

static int32_t lrn_small(cn_graph *g, int32_t at)
{
    cn_layer layer = cn_layer_defaults(CN_OP_LRN);
    layer.lrn_size = 3;
    layer.lrn_alpha = 1;
    return after(g, layer, at);
}

static int32_t relu_shared(cn_graph *g, int32_t at)
{
    int32_t both[2] = {at, simple(g, CN_OP_RELU, at)};
    return add(g, cn_layer_defaults(CN_OP_ADD), both, 2);
}

static int32_t relu6(cn_graph *g, int32_t at)
{
    return simple(g, CN_OP_RELU6, at);
}

static int32_t sigmoid(cn_graph *g, int32_t at)
{
    return simple(g, CN_OP_SIGMOID, at);
}

static int32_t residual(cn_graph *g, int32_t at)
{
    int32_t three_inputs[3] = {at, after(g, conv(4, three, 1, false), at),
                               after(g, conv(4, point, 1, false), at)};
    return simple(g, CN_OP_RELU, add(g, cn_layer_defaults(CN_OP_ADD), three_inputs, 3));
}

/* Channel counts that no block of 16 fits, and one input read twice. */
static int32_t concat_odd(cn_graph *g, int32_t at)
{
    int32_t inputs[3] = {at, after(g, conv(5, three, 1, false), at), at};
    return add(g, cn_layer_defaults(CN_OP_CONCAT), inputs, 3);
}

static int32_t concat_blocks(cn_graph *g, int32_t at)
{
    int32_t inputs[2] = {after(g, conv(16, three, 1, false), at),
                         after(g, conv(32, point, 1, false), at)};
    int32_t joined = add(g, cn_layer_defaults(CN_OP_CONCAT), inputs, 2);
    return after(g, conv(16, three, 1, false), joined);
}

static int32_t softmax(cn_graph *g, int32_t at)
{
    return simple(g, CN_OP_SOFTMAX, at);
}

static int32_t flatten(cn_graph *g, int32_t at)
{
    int32_t blocked = after(g, conv(16, three, 1, false), at);
    return simple(g, CN_OP_TANH, simple(g, CN_OP_FLATTEN, blocked));
}

static int32_t pad(cn_graph *g, int32_t at)
{
    cn_layer layer = cn_layer_defaults(CN_OP_PAD);
    layer.window = (cn_window){.pad_top = 1, .pad_left = 2, .pad_right = 1};
    return after(g, conv(4, three, 1, false), after(g, layer, at));
}

static int32_t resized(cn_graph *g, int32_t at, cn_resize kind, int32_t h, int32_t w)
{
    cn_layer layer = cn_layer_defaults(CN_OP_RESIZE);
    layer.resize = kind;
    layer.resize_h = h;
    layer.resize_w = w;
    return after(g, layer, at);
}

static int32_t resize_nearest(cn_graph *g, int32_t at)
{
    return resized(g, at, CN_RESIZE_NEAREST, 10, 4);
}

static int32_t resize_bilinear(cn_graph *g, int32_t at)
{
    return resized(g, at, CN_RESIZE_BILINEAR, 4, 11);
}

static int32_t pixel_shuffle(cn_graph *g, int32_t at)
{
    cn_layer layer = cn_layer_defaults(CN_OP_PIXEL_SHUFFLE);
    layer.factor = 2;
    return after(g, layer, at);
}

static const struct operator_case {
    const char *name;
    builder build;
} cases[] = {
    {"convolution, asymmetric padding", conv_odd},
    {"convolution, 1x1, stride 2", conv_strided},
    {"convolution, dilated", conv_dilated},
    {"convolution, two groups", conv_grouped},
    {"convolution, depthwise, same padding", conv_depthwise},
    {"convolution with relu", conv_relu},
    {"fully connected with tanh", fc_tanh},
    {"max pool, ceil", max_pool},
    {"average pool, same padding", avg_pool_same},
    {"average pool, counted padding", avg_pool_counted},
    {"average pool, hanging over", avg_pool_hanging},
    {"global average pool", global_pool},
    {"batch norm", batch_norm},
    {"batch norm with relu", batch_norm_relu},
    {"batch norm with relu6", batch_norm_relu6},
    {"local response norm", lrn},
    {"local response norm, few channels", lrn_small},
    {"relu beside its input", relu_shared},
    {"relu6", relu6},
    {"sigmoid", sigmoid},
    {"addition of three with relu", residual},
    {"concatenation, odd channels", concat_odd},
    {"concatenation, whole blocks", concat_blocks},
    {"softmax inside", softmax},
    {"flatten", flatten},
    {"pad", pad},
    {"resize, nearest", resize_nearest},
    {"resize, bilinear", resize_bilinear},
    {"pixel shuffle", pixel_shuffle},
};

/* input 2 x 7 x 6 -> 3x3 convolution to 4 channels -> the case -> fully connected -> softmax */
static cn_graph build(const struct operator_case *c)
{
    cn_graph graph = {0};
    cn_layer input = cn_layer_defaults(CN_OP_INPUT);
    input.shape = (cn_shape){2, 7, 6};
    int32_t at = add(&graph, input, NULL, 0);
    at = c->build(&graph, after(&graph, conv(4, three, 1, true), at));
    cn_layer fc = cn_layer_defaults(CN_OP_FC);
    fc.units = CLASSES;
    fc.bias = true;
    simple(&graph, CN_OP_SOFTMAX, after(&graph, fc, at));
    return graph;
}

static void draw(cn_weights *weights, const cn_graph *graph)
{
    cn_error error = {0};
    cr_assert_eq(cn_weights_random(weights, graph, 3, &error), CN_OK, "%s", error.message);
    cn_random random = cn_random_seed(4);
    for (int32_t i = 0; i < weights->count; i++)
        if (weights->tensors[i].rank == 1)
            for (int64_t k = 0; k < cn_tensor_count(&weights->tensors[i]); k++)
                weights->tensors[i].data[k] += (float)(0.3 * cn_random_uniform(&random));
}

/* Sets the running statistics of batch norm number `index` to those of its input in this batch, so
 * that inference computes what training does. */
static void use_batch_statistics(const cn_graph *graph, cn_weights *weights, const float *images,
                                 int32_t index)
{
    cn_shape in = graph->layers[graph->layers[index].inputs[0]].shape;
    double probabilities[BATCH * CLASSES], **outputs = NULL;
    cn_error error = {0};
    cr_assert_eq(cn_reference_run(graph, weights, BATCH, images, probabilities, &outputs, &error),
                 CN_OK, "%s", error.message);
    const double *x = outputs[graph->layers[index].inputs[0]];
    float *mean = cn_weights_of(weights, graph->layers[index].name, "running_mean")->data;
    float *variance = cn_weights_of(weights, graph->layers[index].name, "running_var")->data;
    int64_t plane = (int64_t)in.h * in.w;
    for (int32_t c = 0; c < in.c; c++) {
        double sum = 0, squares = 0, n = (double)(BATCH * plane);
        for (int32_t b = 0; b < BATCH; b++)
            for (int64_t i = 0; i < plane; i++)
                sum += x[(b * in.c + c) * plane + i];
        for (int32_t b = 0; b < BATCH; b++)
            for (int64_t i = 0; i < plane; i++)
                squares += pow(x[(b * in.c + c) * plane + i] - sum / n, 2);
        mean[c] = (float)(sum / n);
        variance[c] = (float)(squares / n);
    }
    for (int32_t i = 0; i < graph->count; i++)
        cn_free(outputs[i]);
    cn_free(outputs);
}

/* Mean smoothed cross-entropy of the batch by the reference. */
static double reference_loss(const cn_graph *graph, cn_weights *weights, const float *images,
                             const int32_t *labels)
{
    for (int32_t i = 0; i < graph->count; i++)
        if (graph->layers[i].op == CN_OP_BATCH_NORM)
            use_batch_statistics(graph, weights, images, i);
    double probabilities[BATCH * CLASSES], loss = 0;
    cn_error error = {0};
    cr_assert_eq(cn_reference_run(graph, weights, BATCH, images, probabilities, NULL, &error),
                 CN_OK, "%s", error.message);
    for (int32_t b = 0; b < BATCH; b++)
        for (int32_t c = 0; c < CLASSES; c++) {
            double wanted =
                (double)smoothing / CLASSES + (c == labels[b] ? 1 - (double)smoothing : 0);
            loss -= wanted * log(probabilities[b * CLASSES + c]) / BATCH;
        }
    return loss;
}

static double difference(const cn_graph *graph, cn_weights *weights, const float *images,
                         const int32_t *labels, float *w)
{
    const float old = *w, step = 2e-4f;
    volatile float high = old + step, low = old - step;
    *w = high;
    double above = reference_loss(graph, weights, images, labels);
    *w = low;
    double below = reference_loss(graph, weights, images, labels);
    *w = old;
    return (above - below) / ((double)high - low);
}

/* At most this many of a tensor's values are checked, spread evenly. */
enum { CHECKED = 12 };

static void check_case(const struct operator_case *c)
{
    cn_graph graph = build(c);
    cn_weights weights = {0};
    draw(&weights, &graph);
    float images[BATCH * 2 * 7 * 6];
    int32_t labels[BATCH] = {0, 2, 1}, correct;
    cn_random random = cn_random_seed(12);
    for (size_t i = 0; i < sizeof images / sizeof *images; i++)
        images[i] = (float)cn_random_normal(&random);
    cn_trainer *trainer;
    cn_error error = {0};
    double loss;
    cr_assert_eq(cn_trainer_new(&trainer, &graph, &weights, BATCH, 1, &error), CN_OK, "%s: %s",
                 c->name, error.message);
    cr_assert_eq(cn_trainer_backward(trainer, images, labels, smoothing, &loss, &correct, &error),
                 CN_OK, "%s: %s", c->name, error.message);
    cr_expect_float_eq(loss, reference_loss(&graph, &weights, images, labels), 1e-5, "%s: loss",
                       c->name);
    const cn_weights *gradients = cn_trainer_gradients(trainer);
    for (int32_t i = 0; i < gradients->count; i++) {
        const cn_tensor *g = &gradients->tensors[i];
        cn_tensor *w = cn_weights_find(&weights, g->name);
        int64_t count = cn_tensor_count(g), stride = count / CHECKED + 1;
        for (int64_t k = 0; k < count; k += stride) {
            double expected = difference(&graph, &weights, images, labels, &w->data[k]);
            double slack = 2e-4 + 5e-3 * fabs(expected);
            cr_expect(fabs((double)g->data[k] - expected) <= slack,
                      "%s: gradient %lld of %s is %g, differences give %g", c->name, (long long)k,
                      g->name, (double)g->data[k], expected);
        }
    }
    cn_trainer_free(trainer);
    cn_weights_clear(&weights);
    cn_graph_clear(&graph);
}

Test(gradients, match_central_differences)
{
    cn_train_threads(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i]);
}
