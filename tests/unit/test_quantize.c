/* Eight-bit quantization after training: range estimators on known distributions, rounding,
 * equalization, and the emulation against plain integers. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/quantize.h"
#include "condense/random.h"
#include "condense/session.h"
#include "integers.h"
#include "nets.h"

static double low_of(cn_scale s)
{
    return -s.zero * (double)s.scale;
}

static double high_of(cn_scale s)
{
    return (255 - s.zero) * (double)s.scale;
}

Test(quantize, scales_hold_zero_and_the_range)
{
    static const double ranges[][2] = {{-1, 1}, {0, 6}, {-0.1, 20}, {3, 5}, {-7, -2}, {0, 0}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        double low = ranges[i][0], high = ranges[i][1];
        cn_scale s = cn_scale_of(low, high);
        double step = (double)s.scale;
        float x[4] = {0, (float)low, (float)high, (float)((low + high) / 2)}, y[4];
        cr_assert(s.zero >= 0 && s.zero <= 255);
        memcpy(y, x, sizeof y);
        cn_scale_round(s, y, 4);
        cr_assert_eq(y[0], 0);
        for (int k = 0; k < 4; k++)
            cr_assert_float_eq(y[k], x[k], step * 1.001, "%g in %g .. %g became %g", (double)x[k],
                               low, high, (double)y[k]);
        cn_scale_round(s, y, 4);
        float far[2] = {-1e30f, 1e30f};
        cn_scale_round(s, far, 2);
        cr_assert_float_eq(far[0], low_of(s), 1e-4 * step);
        cr_assert_float_eq(far[1], high_of(s), 1e-4 * step);
    }
}

static cn_histogram *histogram(const float *x, int64_t count)
{
    cn_histogram *h = cn_calloc(1, sizeof *h);
    for (int64_t i = 0; i < count; i++) {
        h->low = fmin(h->low, (double)x[i]);
        h->high = fmax(h->high, (double)x[i]);
    }
    cn_histogram_add(h, x, count);
    return h;
}

enum { VALUES = 400000 };

Test(quantize, uniform_values_keep_their_range)
{
    float *x = cn_calloc(VALUES, sizeof *x);
    cn_random random = cn_random_seed(3);
    for (int i = 0; i < VALUES; i++)
        x[i] = (float)(4 * cn_random_uniform(&random));
    cn_histogram *h = histogram(x, VALUES);
    for (int range = 0; range < CN_RANGES; range++) {
        cn_scale s = cn_range_estimate((cn_range)range, h);
        cr_assert_eq(s.zero, 0);
        cr_assert_float_eq(high_of(s), 4, 0.05, "%s: 0 .. %g", cn_range_name((cn_range)range),
                           high_of(s));
    }
    cn_free(h);
    cn_free(x);
}

/* Normal values with one far out. Known: 1 in 20,000 beyond 3.89 deviations at either end; the
 * least square error of 256 levels near 4. */
Test(quantize, outliers_are_clipped)
{
    float *x = test_values(VALUES, 5);
    x[7] = 60;
    cn_histogram *h = histogram(x, VALUES);
    cn_scale s = cn_range_estimate(CN_RANGE_MINMAX, h);
    cr_assert_float_eq(high_of(s), 60, 0.3);
    cr_assert_float_eq(low_of(s), h->low, 0.3);
    s = cn_range_estimate(CN_RANGE_PERCENTILE, h);
    cr_assert_float_eq(high_of(s), 3.89, 0.2);
    cr_assert_float_eq(low_of(s), -3.89, 0.2);
    s = cn_range_estimate(CN_RANGE_MSE, h); /* where what is cut off weighs as much as the steps */
    cr_assert(high_of(s) > 20 && high_of(s) < 55, "mse: %g", high_of(s));
    s = cn_range_estimate(CN_RANGE_KL, h);
    cr_assert(high_of(s) > 2 && high_of(s) < 20, "kl: %g", high_of(s));
    cn_free(h);
    cn_free(x);
}

/* No estimator's squared error on the values themselves is below the one that minimizes it. */
Test(quantize, mse_has_the_least_error)
{
    float *x = test_values(VALUES, 8), *y = cn_calloc(VALUES, sizeof *y);
    double errors[CN_RANGES];
    for (int i = 0; i < VALUES; i++)
        x[i] = x[i] < 0 ? 0 : x[i] * x[i] * x[i]; /* half zeros, a long tail */
    cn_histogram *h = histogram(x, VALUES);
    for (int range = 0; range < CN_RANGES; range++) {
        errors[range] = 0;
        memcpy(y, x, VALUES * sizeof *y);
        cn_scale_round(cn_range_estimate((cn_range)range, h), y, VALUES);
        for (int i = 0; i < VALUES; i++)
            errors[range] += (double)(y[i] - x[i]) * (double)(y[i] - x[i]);
    }
    for (int range = 0; range < CN_RANGES; range++)
        cr_assert_leq(errors[CN_RANGE_MSE], 1.02 * errors[range], "%s has less",
                      cn_range_name((cn_range)range));
    cn_free(h);
    cn_free(x);
    cn_free(y);
}

/* Shapes: output channels, inputs, kernel, groups. */
Test(quantize, learned_rounding_is_never_worse)
{
    static const int32_t shapes[][4] = {
        {1, 1, 1, 1}, {3, 8, 3, 1}, {16, 24, 1, 1}, {10, 8, 3, 2}, {8, 8, 3, 8}};
    int32_t better = 0;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        cn_graph graph = test_graph(shapes[s][1], 9, 7);
        cn_layer conv = test_conv(shapes[s][0], shapes[s][2], 1, shapes[s][2] / 2);
        conv.groups = shapes[s][3];
        test_add(&graph, conv, "conv", READS(0));
        cn_weights weights = test_weights(&graph, 4), nearest, learned;
        int64_t count = 3 * cn_shape_count(graph.layers[0].shape);
        float *inputs = test_values(count, 9), scales[16], same[16];
        for (int64_t i = 1; i < count; i++)
            inputs[i] = fabsf(0.7f * inputs[i - 1] + 0.7f * inputs[i]);
        cn_moments m;
        cn_moments_take(&m, &graph, 1, 3, inputs, 1 << 20, NULL);
        cn_weights_copy(&weights, &nearest, NULL);
        cn_weights_copy(&weights, &learned, NULL);
        cr_assert_eq(cn_round_weights(nearest.tensors, NULL, scales, NULL), CN_OK);
        cr_assert_eq(cn_round_weights(learned.tensors, &m, same, NULL), CN_OK);
        cr_assert_arr_eq(scales, same, (size_t)shapes[s][0] * sizeof *scales);
        double error, floor;
        cn_moments_error(&m, weights.tensors, nearest.tensors->data, &floor, NULL);
        cn_moments_error(&m, weights.tensors, learned.tensors->data, &error, NULL);
        cr_assert_leq(error, floor);
        better += error < 0.7 * floor;
        int64_t row = cn_tensor_count(weights.tensors) / shapes[s][0];
        for (int64_t i = 0; i < cn_tensor_count(weights.tensors); i++) {
            double scale = (double)scales[i / row];
            double level = (double)learned.tensors->data[i] / scale;
            cr_assert_float_eq(level, rint(level), 1e-4);
            cr_assert_leq(fabs(level), 127.001);
            cr_assert_float_eq(learned.tensors->data[i], weights.tensors->data[i], scale);
        }
        cn_moments_clear(&m);
        cn_free(inputs);
        cn_graph_clear(&graph);
        cn_weights_clear(&weights);
        cn_weights_clear(&nearest);
        cn_weights_clear(&learned);
    }
    cr_assert_geq(better, 3, "learned rounding is much better on %d of 5", better);
}

/* A chain with depthwise and grouped convolutions, pools that end it, and a fully connected layer
 * that reads planes. */
static cn_graph chain(void)
{
    cn_graph graph = test_graph(4, 8, 8);
    cn_layer conv = test_conv(8, 3, 1, 1), fc = cn_layer_defaults(CN_OP_FC);
    conv.bias = true;
    conv.activation = CN_ACT_RELU;
    test_add(&graph, conv, "first", READS(0));
    conv.groups = 8;
    test_add(&graph, conv, "depthwise", READS(1));
    conv.groups = 2;
    conv.units = 6;
    test_add(&graph, conv, "grouped", READS(2));
    fc.units = 5;
    test_add(&graph, fc, "fc", READS(3));
    return graph;
}

Test(quantize, equalization_changes_nothing)
{
    cn_graph graph = chain();
    cn_weights weights = test_weights(&graph, 5), own;
    float *input = test_values(256, 6);
    double before[5], after[5];
    cn_weights_copy(&weights, &own, NULL);
    cr_assert_eq(cn_equalize(&graph, &own), 3);
    cn_reference_run(&graph, &weights, 1, input, before, NULL, NULL);
    cn_reference_run(&graph, &own, 1, input, after, NULL, NULL);
    for (int i = 0; i < 5; i++)
        cr_assert_float_eq(after[i], before[i], 1e-5);
    /* The depthwise layer writes each channel with what it is read by. */
    const float *writes = cn_weights_of(&own, "depthwise", "weight")->data;
    const float *reads = cn_weights_of(&own, "grouped", "weight")->data;
    for (int c = 0; c < 8; c++) {
        double written = 0, read = 0;
        for (int k = 0; k < 9; k++)
            written = fmax(written, fabs((double)writes[c * 9 + k]));
        for (int o = c / 4 * 3; o < c / 4 * 3 + 3; o++)
            for (int k = 0; k < 9; k++)
                read = fmax(read, fabs((double)reads[(o * 4 + c % 4) * 9 + k]));
        cr_assert_float_eq(written, read, 0.01 * read);
    }
    cn_free(input);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
    cn_weights_clear(&own);
}

/* A network with everything that the contract has a rule for. */
static cn_graph everything(void)
{
    cn_graph g = test_graph(3, 10, 10);
    cn_layer conv = test_conv(8, 3, 1, 1), fc = cn_layer_defaults(CN_OP_FC);
    conv.bias = fc.bias = true;
    test_add(&g, conv, "a", READS(0));
    test_add(&g, cn_layer_defaults(CN_OP_RELU), "a.relu", READS(1));
    test_add(&g, conv, "b", READS(2));
    test_add(&g, cn_layer_defaults(CN_OP_ADD), "sum", READS(2, 3));
    test_add(&g, cn_layer_defaults(CN_OP_RELU6), "sum.relu", READS(4));
    test_add(&g, test_pool(CN_OP_MAX_POOL, 3, 1, 1), "pool", READS(5));
    test_add(&g, conv, "c", READS(5));
    test_add(&g, cn_layer_defaults(CN_OP_CONCAT), "join", READS(6, 7));
    test_add(&g, cn_layer_defaults(CN_OP_GLOBAL_AVG_POOL), "mean", READS(8));
    fc.units = 6;
    test_add(&g, fc, "fc", READS(9));
    test_add(&g, cn_layer_defaults(CN_OP_SOFTMAX), "softmax", READS(10));
    return g;
}

typedef struct quantized {
    cn_graph graph; /* folded */
    cn_weights weights, before;
    cn_quantization quantization;
    cn_quantize_layer layers[32];
    float *input;
} quantized;
enum { IMAGES = 6 };

static quantized quantize(cn_graph graph, cn_quantize_options options)
{
    quantized q = {0};
    cn_weights weights = test_weights(&graph, 3);
    cr_assert_eq(cn_post_fold(&graph, &weights, &q.graph, &q.weights, NULL), CN_OK);
    cn_weights_copy(&q.weights, &q.before, NULL);
    q.input = test_values(IMAGES * cn_shape_count(graph.layers[0].shape), 4);
    cn_calibration calibration = {.images = IMAGES, .input = q.input, .threads = 1};
    cn_error error = {0};
    cr_assert_eq(cn_quantize(&q.graph, &q.weights, &calibration, &options, &q.quantization,
                             q.layers, &error),
                 CN_OK, "%s", error.message);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
    return q;
}

static void give(quantized *q)
{
    cn_quantization_clear(&q->quantization);
    cn_graph_clear(&q->graph);
    cn_weights_clear(&q->weights);
    cn_weights_clear(&q->before);
    cn_free(q->input);
}

typedef struct comparison {
    const integers *n;
    int64_t all, other;
    double most; /* levels apart */
} comparison;

/* The first image's values of the emulation beside the integers. What follows goes on from the
 * integers, so that one level's difference does not grow. */
static cn_status compare(void *context, int32_t layer, float *output, cn_error *error)
{
    comparison *c = context;
    (void)error;
    cn_scale s = c->n->quantization->outputs[layer];
    if (!(s.scale > 0)) return CN_OK;
    cn_scale_round(s, output, cn_shape_count(c->n->graph->layers[layer].shape));
    for (int64_t i = 0; i < cn_shape_count(c->n->graph->layers[layer].shape); i++) {
        double apart = fabs((double)(output[i] - c->n->floats[layer][i]) / (double)s.scale);
        c->all++;
        c->other += apart > 0.01;
        c->most = fmax(c->most, apart);
        output[i] = c->n->floats[layer][i];
    }
    return CN_OK;
}

Test(quantize, emulation_is_what_integers_give)
{
    quantized q =
        quantize(everything(), (cn_quantize_options){CN_RANGE_MSE, true, CN_CORRECT_NORM});
    integers n = integers_run(&q.graph, &q.weights, &q.quantization, q.input);
    cn_walk *walk;
    comparison c = {.n = &n};
    cn_walk_hooks hooks = {.finished = compare, .context = &c};
    cr_assert_eq(cn_walk_new(&walk, &q.graph, &q.weights, 1, NULL), CN_OK);
    cr_assert_eq(cn_walk_run(walk, 1, q.input, NULL, &hooks, NULL), CN_OK);
    cr_assert_gt(c.all, 4000);
    cr_assert_leq(c.most, 1.01, "levels are %g apart", c.most);
    cr_assert_leq(c.other, c.all / 500, "%ld of %ld levels differ", c.other, c.all);
    cn_walk_free(walk);
    integers_free(&n);
    give(&q);
}

Test(quantize, scales_are_shared_where_integers_only_move)
{
    quantized q = quantize(everything(), (cn_quantize_options){CN_RANGE_MINMAX, false, 0});
    const cn_scale *o = q.quantization.outputs;
    int32_t pool = cn_graph_find(&q.graph, "pool"), join = cn_graph_find(&q.graph, "join");
    int32_t b = cn_graph_find(&q.graph, "b"), c = cn_graph_find(&q.graph, "c");
    cr_assert_eq(memcmp(&o[pool], &o[join], sizeof *o), 0);
    cr_assert_eq(memcmp(&o[b], &o[join], sizeof *o), 0, "what the pool reads");
    cr_assert_eq(memcmp(&o[c], &o[join], sizeof *o), 0);
    cr_assert_neq(o[1].scale, o[join].scale);
    cr_assert_eq(o[cn_graph_find(&q.graph, "fc")].scale, 0, "the network's output stays float");
    cr_assert_gt(o[0].scale, 0);
    give(&q);
}

/* All small networks: close to what they gave, with the scales going to weights and back. */
Test(quantize, networks_stay_close)
{
    for (const test_net *net = test_nets; net->name; net++) {
        quantized q =
            quantize(net->make(), (cn_quantize_options){CN_RANGE_MINMAX, true, CN_CORRECT_BIAS});
        int64_t out = cn_shape_count(q.graph.layers[q.graph.count - 1].shape) * IMAGES;
        float *got = cn_calloc((size_t)out, sizeof *got);
        double *want = cn_calloc((size_t)out, sizeof *want);
        cn_walk *walk;
        cn_quantization again;
        cn_error error = {0};
        cr_assert_eq(cn_quantization_store(&q.quantization, &q.graph, &q.weights, NULL), CN_OK);
        cr_assert_eq(cn_quantization_load(&again, &q.graph, &q.weights, &error), CN_OK, "%s: %s",
                     net->name, error.message);
        cr_assert_eq(memcmp(again.outputs, q.quantization.outputs,
                            (size_t)q.graph.count * sizeof *again.outputs),
                     0);
        cn_reference_run(&q.graph, &q.before, IMAGES, q.input, want, NULL, NULL);
        cr_assert_eq(cn_walk_new(&walk, &q.graph, &q.weights, 1, NULL), CN_OK);
        cr_assert_eq(cn_quantization_run(&again, walk, IMAGES, q.input, got, NULL), CN_OK);
        double off = test_error(got, want, out);
        cr_assert_lt(off, 0.1, "%s: off by %g", net->name, off);
        for (int32_t i = 0; i < q.graph.count; i++)
            cr_assert_leq(q.layers[i].error, q.layers[i].nearest);
        cn_walk_free(walk);
        cn_quantization_clear(&again);
        cn_free(got);
        cn_free(want);
        give(&q);
    }
}

Test(quantize, refuses_what_are_no_scales)
{
    quantized q = quantize(everything(), (cn_quantize_options){CN_RANGE_MINMAX, false, 0});
    cn_quantization again;
    cn_error error;
    cr_assert_eq(cn_quantization_load(&again, &q.graph, &q.weights, &error), CN_ENOTFOUND);
    cr_assert(strstr(error.message, "calibrate"), "%s", error.message);
    cn_quantization_store(&q.quantization, &q.graph, &q.weights, NULL);
    cn_tensor *zero = cn_weights_of(&q.weights, "a", "output_zero");
    float old = zero->data[0];
    static const float wrong[] = {-1, 256, 0.5f, NAN};
    for (int i = 0; i < 4; i++) {
        zero->data[0] = wrong[i];
        cr_assert_eq(cn_quantization_load(&again, &q.graph, &q.weights, &error), CN_EFORMAT);
        cr_assert(strstr(error.message, "'a'"), "%s", error.message);
    }
    zero->data[0] = old;
    cn_weights_of(&q.weights, "pool", "output_scale")->data[0] *= 2;
    cr_assert_eq(cn_quantization_load(&again, &q.graph, &q.weights, &error), CN_EFORMAT);
    cn_weights_of(&q.weights, "pool", "output_scale")->data[0] /= 2;
    cn_weights_of(&q.weights, "c", "weight_scale")->data[1] = 0;
    cr_assert_eq(cn_quantization_load(&again, &q.graph, &q.weights, &error), CN_EFORMAT);
    give(&q);
}
