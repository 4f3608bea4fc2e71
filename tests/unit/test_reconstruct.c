/* Layer-wise reconstruction: its matrices, its moments, and that it is never worse than magnitude
 * pruning. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "compress/matrix.h"
#include "condense/memory.h"
#include "condense/post.h"
#include "condense/reconstruct.h"
#include "condense/session.h"
#include "nets.h"

static double *doubles(int64_t count, uint64_t seed)
{
    float *values = test_values(count, seed);
    double *wide = cn_calloc((size_t)count, sizeof *wide);
    for (int64_t i = 0; i < count; i++)
        wide[i] = (double)values[i];
    cn_free(values);
    return wide;
}

/* Sizes about the kernels' tiles and the blocks. */
Test(matrix, products_of_odd_sizes)
{
    static const int64_t sizes[][3] = {{1, 1, 1}, {3, 7, 5}, {97, 25, 300}, {130, 500, 9}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t rows = sizes[s][0], columns = sizes[s][1], depth = sizes[s][2], pitch = columns + 2;
        double *a = doubles(rows * depth, 1), *to = doubles(rows * pitch, 3);
        double *old = doubles(rows * pitch, 3);
        float *b = test_values(columns * depth, 2);
        factor left = {.wide = a, .row = 1, .depth = rows}; /* transposed */
        factor right = {.narrow = b, .row = depth, .depth = 1};
        cr_assert_eq(
            matrix_add_product(rows, columns, depth, -2, left, right, to, pitch, false, NULL),
            CN_OK);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < pitch; j++) {
                double want = old[i * pitch + j];
                for (int64_t k = 0; j < columns && k < depth; k++)
                    want -= 2 * a[k * rows + i] * (double)b[j * depth + k];
                cr_assert_float_eq(to[i * pitch + j], want, 1e-11, "(%ld, %ld)", i, j);
            }
        cn_free(a);
        cn_free(b);
        cn_free(to);
        cn_free(old);
    }
}

Test(matrix, inverts)
{
    static const int64_t sizes[] = {1, 2, 63, 64, 65, 200};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t n = sizes[s];
        double *a = doubles(n * n, 5), *h = cn_calloc((size_t)(n * n), sizeof *h);
        factor x = {.wide = a, .row = n, .depth = 1};
        matrix_add_product(n, n, n, 1.0 / (double)n, x, x, h, n, true, NULL);
        matrix_mirror(h, n);
        for (int64_t i = 0; i < n; i++)
            h[i * n + i] += 0.01;
        memcpy(a, h, (size_t)(n * n) * sizeof *a);
        cr_assert_eq(matrix_invert(a, n, NULL), CN_OK);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t k = 0; k < n; k++)
                    sum += h[i * n + k] * a[k * n + j];
                cr_assert_float_eq(sum, i == j, 1e-11);
            }
        h[n * n - 1] = -1;
        cr_assert_eq(matrix_invert(h, n, NULL), CN_EDIVERGED);
        cn_free(a);
        cn_free(h);
    }
}

/* One layer on an input of 8 x 9 x 7 and its neighbours correlated, as pictures' are. */
typedef struct sample {
    cn_graph graph;
    cn_weights weights;
    float *inputs;
    cn_moments moments;
} sample;
enum { IMAGES = 4 };

static cn_layer layer_of(const char *kind)
{
    cn_layer layer = test_conv(11, 3, 2, 1);
    if (!strcmp(kind, "pointwise")) layer = test_conv(16, 1, 1, 0);
    if (!strcmp(kind, "grouped")) layer.groups = 2, layer.units = 10;
    if (!strcmp(kind, "depthwise")) layer.groups = layer.units = 8;
    if (!strcmp(kind, "dilated")) layer.window.dilation_h = 2, layer.window.pad_left = 0;
    if (!strcmp(kind, "fc")) {
        layer = cn_layer_defaults(CN_OP_FC);
        layer.units = 13;
    }
    return layer;
}
static const char *const kinds[] = {"plain",   "pointwise", "grouped", "depthwise",
                                    "dilated", "fc",        NULL};

static sample take(const char *kind)
{
    sample s = {.graph = test_graph(8, 9, 7)};
    test_add(&s.graph, layer_of(kind), "layer", READS(0));
    s.weights = test_weights(&s.graph, 2);
    int64_t count = IMAGES * cn_shape_count(s.graph.layers[0].shape);
    s.inputs = test_values(count, 6);
    for (int64_t i = 1; i < count; i++)
        s.inputs[i] = 0.8f * s.inputs[i - 1] + 0.6f * s.inputs[i] + 0.1f;
    memset(s.inputs + 63, 0, 63 * sizeof *s.inputs); /* a channel that is dead in one image */
    cr_assert_eq(cn_moments_take(&s.moments, &s.graph, 1, IMAGES, s.inputs, 1 << 20, NULL), CN_OK);
    return s;
}

static void give(sample *s)
{
    cn_graph_clear(&s->graph);
    cn_weights_clear(&s->weights);
    cn_moments_clear(&s->moments);
    cn_free(s->inputs);
}

/* The mean of ||W x - V x||^2 by running the layer on the difference. */
static double error_by_running(const sample *s, const float *to)
{
    const cn_layer *layer = &s->graph.layers[1];
    int64_t out = IMAGES * cn_shape_count(layer->shape);
    double *output = cn_calloc((size_t)out, sizeof *output), sum = 0;
    cn_weights difference;
    cn_weights_copy(&s->weights, &difference, NULL);
    cn_tensor *weight = &difference.tensors[0];
    for (int64_t i = 0; i < cn_tensor_count(weight); i++)
        weight->data[i] -= to ? to[i] : 0;
    cr_assert_eq(cn_reference_run(&s->graph, &difference, IMAGES, s->inputs, output, NULL, NULL),
                 CN_OK);
    for (int64_t i = 0; i < out; i++)
        sum += output[i] * output[i];
    cn_weights_clear(&difference);
    cn_free(output);
    return sum / (double)(IMAGES * layer->shape.h * layer->shape.w);
}

Test(reconstruct, moments_give_the_error)
{
    for (int k = 0; kinds[k]; k++) {
        sample s = take(kinds[k]);
        float *other = test_values(cn_tensor_count(&s.weights.tensors[0]), 9);
        double got, want = error_by_running(&s, other);
        cr_assert_eq(cn_moments_error(&s.moments, &s.weights.tensors[0], other, &got, NULL), CN_OK);
        cr_assert_float_eq(got, want, 1e-5 * want, "%s: %g, not %g", kinds[k], got, want);
        cn_moments_error(&s.moments, &s.weights.tensors[0], NULL, &got, NULL);
        want = error_by_running(&s, NULL);
        cr_assert_float_eq(got, want, 1e-5 * want, "%s: power %g, not %g", kinds[k], got, want);
        cn_free(other);
        give(&s);
    }
}

Test(reconstruct, draws_no_more_columns_than_asked)
{
    sample s = take("plain");
    cn_moments few, again;
    cn_moments_take(&few, &s.graph, 1, IMAGES, s.inputs, 10, NULL);
    cn_moments_take(&again, &s.graph, 1, IMAGES, s.inputs, 10, NULL);
    cr_assert_eq(few.columns, 10);
    cr_assert_eq(s.moments.columns, IMAGES * 5 * 4);
    cr_assert_arr_eq(few.values, again.values,
                     (size_t)(few.inputs * few.inputs) * sizeof *few.values);
    cn_moments_clear(&few);
    cn_moments_clear(&again);
    give(&s);
}

static const cn_patterns some_patterns = {{0x033, 0x0b2, 0x09a, 0x198}, 4};

/* How many of `count` are not zero, and whether zero units are zero whole: the projection of the
 * result under its own constraint is the result. */
static void check_fits(const cn_tensor *weight, const cn_constraint *constraint, const float *to,
                       const char *what)
{
    int64_t count = cn_tensor_count(weight);
    float *projected = cn_calloc((size_t)count, sizeof *projected);
    cn_project_scheme(weight, constraint, to, projected, NULL);
    cr_assert_arr_eq(projected, to, (size_t)count * sizeof *to, "%s leaves the constraint", what);
    cn_free(projected);
}

Test(reconstruct, never_worse_than_magnitude)
{
    static const double keeps[] = {0.5, 0.25, 0.1, 0.01};
    int32_t better = 0, all = 0;
    for (int k = 0; kinds[k]; k++) {
        sample s = take(kinds[k]);
        const cn_tensor *weight = &s.weights.tensors[0];
        float *to = cn_calloc((size_t)cn_tensor_count(weight), sizeof *to);
        for (int i = CN_SCHEME_UNSTRUCTURED; i < CN_SCHEME_COUNT; i++)
            for (size_t j = 0; j < sizeof keeps / sizeof *keeps; j++) {
                const char *rule;
                cn_constraint c = {.keep = keeps[j], .patterns = some_patterns};
                c.scheme = cn_scheme_for(&s.graph, 1, (cn_scheme)i, &rule);
                if (c.scheme == CN_SCHEME_NONE) continue;
                cn_reconstruction r;
                cn_error error = {0};
                cr_assert_eq(cn_reconstruct(weight, &c, &s.moments, to, &r, &error), CN_OK, "%s",
                             error.message);
                double by_running = error_by_running(&s, to);
                cr_assert_leq(r.error, r.magnitude, "%s, %s at %g: %g is worse than %g", kinds[k],
                              cn_scheme_name(c.scheme), keeps[j], r.error, r.magnitude);
                cr_assert_float_eq(r.error, by_running, 1e-4 * r.power);
                check_fits(weight, &c, to, cn_scheme_name(c.scheme));
                better += r.error < 0.9 * r.magnitude;
                all++;
            }
        cn_free(to);
        give(&s);
    }
    cr_assert_geq(better, all * 3 / 4, "%d of %d are much better", better, all);
}

Test(reconstruct, exact_where_everything_stays)
{
    sample s = take("plain");
    const cn_tensor *weight = &s.weights.tensors[0];
    size_t bytes = (size_t)cn_tensor_count(weight) * sizeof(float);
    float *to = cn_calloc(1, bytes);
    cn_constraint c = {.scheme = CN_SCHEME_BLOCK8, .keep = 1};
    cn_reconstruction r;
    cr_assert_eq(cn_reconstruct(weight, &c, &s.moments, to, &r, NULL), CN_OK);
    cr_assert_arr_eq(to, weight->data, bytes);
    cr_assert_eq(r.error, 0);
    cr_assert_eq(r.magnitude, 0);
    cn_free(to);
    give(&s);
}

/* Inputs of which one is the sum of two others: a weight on it can be moved to them. */
Test(reconstruct, finds_what_costs_nothing)
{
    sample s = {.graph = test_graph(3, 1, 50)};
    test_add(&s.graph, test_conv(1, 1, 1, 0), "layer", READS(0));
    s.weights = test_weights(&s.graph, 1);
    s.inputs = test_values(IMAGES * 150, 2);
    for (int n = 0; n < IMAGES; n++)
        for (int i = 0; i < 50; i++)
            s.inputs[n * 150 + 100 + i] = s.inputs[n * 150 + i] + s.inputs[n * 150 + 50 + i];
    static const float weights[] = {1, 1, -0.9f}, want[] = {0.1f, 0.1f, 0};
    memcpy(s.weights.tensors[0].data, weights, sizeof weights);
    cn_moments_take(&s.moments, &s.graph, 1, IMAGES, s.inputs, 1 << 20, NULL);
    cn_constraint c = {.scheme = CN_SCHEME_UNSTRUCTURED, .keep = 2.0 / 3};
    cn_reconstruction r;
    float to[3];
    cr_assert_eq(cn_reconstruct(s.weights.tensors, &c, &s.moments, to, &r, NULL), CN_OK);
    for (int i = 0; i < 3; i++)
        cr_assert_float_eq(to[i], want[i], 0.02f, "weight %d is %g", i, (double)to[i]);
    cr_assert_lt(r.error, 1e-3 * r.magnitude);
    give(&s);
}

Test(post, unfolds_to_the_same_bits)
{
    for (const test_net *net = test_nets; net->name; net++) {
        cn_graph graph = net->make(), folded, again;
        cn_weights weights = test_weights(&graph, 7), own, own_again;
        cr_assert_eq(cn_post_fold(&graph, &weights, &folded, &own, NULL), CN_OK);
        for (int32_t t = 0; t < own.count; t++)
            own.tensors[t].data[0] *= 0.75f;
        cr_assert_eq(cn_post_unfold(&graph, &weights, &folded, &own, NULL), CN_OK);
        cr_assert_eq(cn_post_fold(&graph, &weights, &again, &own_again, NULL), CN_OK);
        for (int32_t t = 0; t < own.count; t++) {
            const cn_tensor *want = &own.tensors[t];
            const cn_tensor *got = cn_weights_find(&own_again, want->name);
            cr_assert_arr_eq(got->data, want->data,
                             (size_t)cn_tensor_count(want) * sizeof *want->data, "%s: %s differs",
                             net->name, want->name);
        }
        cn_graph_clear(&graph);
        cn_graph_clear(&folded);
        cn_graph_clear(&again);
        cn_weights_clear(&weights);
        cn_weights_clear(&own);
        cn_weights_clear(&own_again);
    }
}

/* The whole network: the rate that was asked for, never worse than magnitude on any layer. */
Test(post, prunes_networks)
{
    for (const test_net *net = test_nets; net->name; net++) {
        cn_graph graph = net->make(), folded;
        cn_weights weights = test_weights(&graph, 7), own;
        cn_post_fold(&graph, &weights, &folded, &own, NULL);
        float *input = test_values(6 * cn_shape_count(graph.layers[0].shape), 8);
        cn_calibration calibration = {.images = 6, .input = input, .threads = 1};
        cn_post_prune_options options = {.scheme = CN_SCHEME_UNSTRUCTURED,
                                         .rate = 1.5,
                                         .reconstruct = true,
                                         .correction = CN_CORRECT_NORM};
        cn_post_layer *layers = cn_calloc((size_t)folded.count, sizeof *layers);
        cn_error error = {0};
        cn_status status = cn_post_prune(&folded, &own, &calibration, &options, layers, &error);
        int64_t all = 0, left = 0;
        for (int32_t i = 0; i < folded.count && !status; i++) {
            all += layers[i].weights;
            left += layers[i].nonzero;
            cr_assert_leq(layers[i].fit.error, layers[i].fit.magnitude, "%s", net->name);
        }
        cr_assert(status == CN_OK || (status == CN_EINVAL && strstr(error.message, "stay whole")),
                  "%s: %s", net->name, error.message);
        if (status == CN_OK)
            cr_assert_float_eq((double)all / (double)left, 1.5, 0.1, "%s: rate %g", net->name,
                               (double)all / (double)left);
        cr_assert_eq(cn_weights_check(&own, &folded, NULL), CN_OK);
        cn_free(layers);
        cn_free(input);
        cn_graph_clear(&graph);
        cn_graph_clear(&folded);
        cn_weights_clear(&weights);
        cn_weights_clear(&own);
    }
}

/* After the correction each channel has the mean and deviation it had. */
Test(post, corrects_statistics)
{
    cn_graph graph = test_graph(2, 6, 6), folded;
    cn_layer conv = test_conv(3, 3, 1, 1);
    conv.bias = true;
    test_add(&graph, conv, "first", READS(0));
    test_add(&graph, conv, "second", READS(1));
    test_add(&graph, conv, "last", READS(2));
    cn_weights weights = test_weights(&graph, 3), own;
    float *input = test_values(5 * 72, 4);
    double *before = cn_calloc(5 * 108, sizeof *before), *after = cn_calloc(5 * 108, sizeof *after);
    cn_post_fold(&graph, &weights, &folded, &own, NULL);
    cn_calibration calibration = {.images = 5, .input = input, .threads = 1};
    cn_post_prune_options options = {
        .scheme = CN_SCHEME_UNSTRUCTURED, .rate = 1.6, .correction = CN_CORRECT_NORM};
    cn_post_layer layers[4];
    cr_assert_eq(cn_post_prune(&folded, &own, &calibration, &options, layers, NULL), CN_OK);
    cn_reference_run(&graph, &weights, 5, input, before, NULL, NULL);
    cn_reference_run(&folded, &own, 5, input, after, NULL, NULL);
    for (int c = 0; c < 3; c++) { /* of the last layer: its mean */
        double want = 0, got = 0;
        for (int n = 0; n < 5; n++)
            for (int i = 0; i < 36; i++) {
                want += before[(n * 3 + c) * 36 + i];
                got += after[(n * 3 + c) * 36 + i];
            }
        cr_assert_float_eq(got / 180, want / 180, 1e-4);
    }
    cn_free(input);
    cn_free(before);
    cn_free(after);
    cn_graph_clear(&graph);
    cn_graph_clear(&folded);
    cn_weights_clear(&weights);
    cn_weights_clear(&own);
}
