/* Sessions of quantized networks: to the bit what plain integers give, at every level of
 * instruction sets, with any threads and batch; and near the emulation in float. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/passes.h"
#include "condense/random.h"
#include "condense/session.h"
#include "data/catalog.h"
#include "integers.h"
#include "nets.h"
#include "run/quantization.h"

/* Runs twice: the second run finds the arena as the first left it. */
static void run(const test_quantized *q, const cn_session_options *options, const float *input,
                float *output)
{
    cn_session *session;
    cn_error error = {0};
    cr_assert_eq(cn_session_new(&session, &q->graph, &q->weights, options, &error), CN_OK, "%s",
                 error.message);
    for (int round = 0; round < 2; round++)
        cr_assert_eq(cn_session_run(session, input, output, &error), CN_OK);
    cn_session_memory memory = cn_session_memory_use(session);
    cr_assert_geq(memory.arena, memory.live_peak);
    cn_session_free(session);
}

/* Whether the plain integers of all images are there; `right` then has what they give. */
static bool work_out(test_quantized *q)
{
    bool exact = true;
    for (int64_t i = 0; i < TEST_IMAGES; i++) {
        integers n =
            integers_run(&q->folded, &q->folded_weights, &q->quantization, q->input + i * q->in);
        memcpy(q->right + i * q->out, n.floats[q->folded.count - 1],
               (size_t)q->out * sizeof *q->right);
        exact = exact && n.exact;
        integers_free(&n);
    }
    return exact;
}

static void check(test_quantized *q, const char *name)
{
    bool exact = work_out(q);
    cn_session_options options = cn_session_defaults();
    options.batch = TEST_IMAGES;
    for (int isa = CN_ISA_SCALAR; isa < CN_ISA_BEST; isa++) {
        if (cn_isa_available((cn_isa)isa) != (cn_isa)isa) continue;
        options.isa = (cn_isa)isa;
        run(q, &options, q->input, q->output);
        if (exact)
            for (int64_t i = 0; i < q->out * TEST_IMAGES; i++)
                cr_assert_eq(q->output[i], q->right[i], "%s at level %s: output %ld is %a, not %a",
                             name, cn_isa_name(options.isa), (long)i, (double)q->output[i],
                             (double)q->right[i]);
        else {
            double *right = cn_calloc((size_t)(q->out * TEST_IMAGES), sizeof *right);
            for (int64_t i = 0; i < q->out * TEST_IMAGES; i++)
                right[i] = (double)q->right[i];
            double error = test_error(q->output, right, q->out * TEST_IMAGES);
            cr_assert_lt(error, 0.02, "%s at level %s: off by %g", name, cn_isa_name(options.isa),
                         error);
            cn_free(right);
        }
    }
}

Test(integers, sessions_give_what_plain_integers_give)
{
    test_quantized q = test_quantize(test_integer_net());
    cr_assert(work_out(&q), "this network is to be exact");
    check(&q, "exact");
    test_quantized_free(&q);
    for (const test_net *net = test_nets; net->name; net++) {
        q = test_quantize(net->make());
        check(&q, net->name);
        test_quantized_free(&q);
    }
}

Test(integers, threads_and_batches_do_not_change_a_bit)
{
    test_quantized q = test_quantize(test_integer_net());
    cn_session_options options = cn_session_defaults();
    options.batch = TEST_IMAGES;
    run(&q, &options, q.input, q.right);
    for (options.threads = 2; options.threads <= 3; options.threads++) {
        run(&q, &options, q.input, q.output);
        cr_assert_arr_eq(q.output, q.right, (size_t)(q.out * TEST_IMAGES) * sizeof *q.output);
    }
    options.batch = options.threads = 1;
    for (int64_t i = 0; i < TEST_IMAGES; i++) {
        run(&q, &options, q.input + i * q.in, q.output);
        cr_assert_arr_eq(q.output, q.right + i * q.out, (size_t)q.out * sizeof *q.output);
    }
    test_quantized_free(&q);
}

/* Most blocks of four input by eight output channels become zero, whole output channels too. */
static void prune(cn_weights *weights)
{
    cn_random random = cn_random_seed(8);
    for (int32_t t = 0; t < weights->count; t++) {
        cn_tensor *w = &weights->tensors[t];
        if (w->rank < 2) continue;
        int64_t taps = w->rank == 4 ? (int64_t)w->dims[2] * w->dims[3] : 1;
        int64_t row = cn_tensor_count(w) / w->dims[0];
        for (int64_t o = 0; o < w->dims[0]; o += 8)
            for (int64_t k = 0; k < row; k++) {
                if (k / taps % 4 || cn_random_uniform(&random) < 0.3) continue;
                for (int64_t i = o; i < o + 8 && i < w->dims[0]; i++)
                    for (int64_t c = k; c < row && c < k + 4 * taps; c += taps)
                        w->data[i * row + c] = 0;
            }
    }
}

Test(integers, zeros_that_are_skipped_change_no_bit)
{
    cn_graph graph = test_integer_net();
    cn_weights weights = test_weights(&graph, 3);
    prune(&weights);
    test_quantized q = test_quantize_weights(graph, weights);
    cr_assert(work_out(&q));
    cn_session_options options = cn_session_defaults();
    options.batch = TEST_IMAGES;
    for (int i = 0; i < 6; i++) {
        cn_session *session;
        int32_t count, fewer = 0;
        options.sparse = i % 2;
        options.threads = i / 2 + 1;
        run(&q, &options, q.input, q.output);
        cr_assert_arr_eq(q.output, q.right, (size_t)(q.out * TEST_IMAGES) * sizeof *q.output);
        cr_assert_eq(cn_session_new(&session, &q.graph, &q.weights, &options, NULL), CN_OK);
        const cn_layer_profile *profile = cn_session_profile(session, &count);
        for (int32_t l = 0; l < count; l++)
            fewer += profile[l].products < profile[l].dense_products;
        cr_assert(options.sparse ? fewer >= 3 : !fewer, "%d layers do fewer products", fewer);
        cn_session_free(session);
    }
    test_quantized_free(&q);
}

/* What the scheme removes is what the kernels skip: a quarter of the blocks of eight by four stays,
 * and a quarter of the products. */
Test(integers, blocks_of_eight_by_four_are_skipped_whole)
{
    cn_graph graph = test_graph(16, 9, 7);
    test_add(&graph, test_conv(24, 3, 1, 1), "wide", READS(0));
    test_add(&graph, test_conv(32, 1, 1, 0), "point", READS(1));
    cn_weights weights = test_weights(&graph, 3);
    const cn_constraint constraint = {.scheme = CN_SCHEME_BLOCK8X4, .keep = 0.25};
    for (int32_t i = 1; i < graph.count; i++) {
        cn_tensor *w = cn_weights_of(&weights, graph.layers[i].name, "weight");
        cr_assert_eq(cn_project(w, &constraint, w->data, w->data, NULL), CN_OK);
    }
    test_quantized q = test_quantize_weights(graph, weights);
    for (int isa = CN_ISA_SCALAR; isa < CN_ISA_BEST; isa++) {
        cn_session *session;
        int32_t count, seen = 0;
        cn_session_options options = cn_session_defaults();
        options.isa = (cn_isa)isa;
        if (cn_isa_available(options.isa) != options.isa) continue;
        cr_assert_eq(cn_session_new(&session, &q.graph, &q.weights, &options, NULL), CN_OK);
        const cn_layer_profile *profile = cn_session_profile(session, &count);
        for (int32_t l = 0; l < count; l++) {
            if (!profile[l].dense_products) continue;
            cr_expect_eq(4 * profile[l].products, profile[l].dense_products, "%s at level %s",
                         profile[l].kernel, cn_isa_name(options.isa));
            seen++;
        }
        cr_expect_eq(seen, 2);
        cn_session_free(session);
    }
    test_quantized_free(&q);
}

/* Weights that are few levels, as training within a constraint leaves them: odd multiples of a step
 * of each output channel, some of them removed. Returns the multiples. */
static cn_weights few_levels(cn_weights *weights)
{
    cn_weights levels;
    cn_random random = cn_random_seed(9);
    cr_assert_eq(cn_weights_copy(weights, &levels, NULL), CN_OK);
    for (int32_t t = 0; t < weights->count; t++) {
        cn_tensor *w = &weights->tensors[t], *level = &levels.tensors[t];
        int64_t count = cn_tensor_count(w), row = count / w->dims[0];
        for (int64_t i = 0; i < count && w->rank > 1; i++) {
            bool removed = cn_random_uniform(&random) < 0.3;
            level->data[i] = removed ? 0 : 2 * (float)cn_random_below(&random, 16) - 15;
            w->data[i] = level->data[i] * 0.0137f * (float)(1 + i / row % 5);
        }
    }
    return levels;
}

/* Batch norm multiplies a channel's levels, which are found again: each layer's numbers are those
 * of before but for a factor of the channel, and zeros are zeros. */
static void check_levels(const test_quantized *q, const cn_weights *before, const char *net)
{
    for (int32_t i = 0; i < q->folded.count; i++) {
        const float *scales = q->quantization.weight_scales[i];
        if (!scales) continue;
        const char *name = q->folded.layers[i].name;
        const cn_tensor *w = cn_weights_of(&q->folded_weights, name, "weight");
        const float *was = cn_weights_of(before, name, "weight")->data;
        int64_t count = cn_tensor_count(w), row = count / w->dims[0];
        for (int64_t k = 0; k < count; k++) {
            int64_t first = k / row * row;
            float scale = scales[k / row], level = rintf(w->data[k] / scale);
            while (first < k && was[first] == 0)
                first++;
            cr_assert_eq(level * scale, w->data[k]);
            cr_assert_leq(fabsf(level), 15);
            cr_assert_eq(level * was[first], rintf(w->data[first] / scale) * was[k],
                         "%s, %s: weight %ld is level %g, was %g", net, name, (long)k,
                         (double)level, (double)was[k]);
        }
    }
}

Test(integers, levels_that_are_there_stay)
{
    for (const test_net *net = test_nets; net->name; net++) {
        cn_graph graph = net->make();
        cn_weights weights = test_weights(&graph, 3), levels = few_levels(&weights);
        test_quantized q = test_quantize_weights(graph, weights);
        check_levels(&q, &levels, net->name);
        check(&q, net->name);
        cn_weights_clear(&levels);
        test_quantized_free(&q);
    }
}

/* The range of every layer's output, those that share a scale together. */
typedef struct ranges {
    const cn_graph *graph;
    int32_t *roots;
    double *low, *high;
} ranges;

static cn_status see(void *context, int32_t layer, float *output, cn_error *error)
{
    const ranges *r = context;
    int32_t root = r->roots[layer];
    (void)error;
    for (int64_t i = 0; root >= 0 && i < cn_shape_count(r->graph->layers[layer].shape); i++) {
        r->low[root] = fmin(r->low[root], (double)output[i]);
        r->high[root] = fmax(r->high[root], (double)output[i]);
    }
    return CN_OK;
}

/* Scales by the ranges of one input, and weights rounded to the nearest level. */
static cn_quantization scales_of(const cn_graph *graph, cn_weights *weights, const float *input)
{
    size_t count = (size_t)graph->count;
    ranges r = {graph, cn_calloc(count, sizeof(int32_t)), cn_calloc(count, sizeof(double)),
                cn_calloc(count, sizeof(double))};
    cn_quantization q;
    cn_walk *walk;
    cn_walk_hooks hooks = {.finished = see, .context = &r};
    cr_assert_eq(quantization_new(&q, graph, NULL), CN_OK);
    quantization_roots(graph, r.roots);
    cr_assert_eq(cn_walk_new(&walk, graph, weights, 1, NULL), CN_OK);
    cr_assert_eq(cn_walk_run(walk, 1, input, NULL, &hooks, NULL), CN_OK);
    cn_walk_free(walk);
    for (int32_t i = 0; i < graph->count; i++) {
        if (r.roots[i] >= 0) q.outputs[i] = cn_scale_of(r.low[r.roots[i]], r.high[r.roots[i]]);
        if (cn_op_is_tensor(graph->layers[i].op))
            cr_assert_eq(cn_round_weights(cn_weights_of(weights, graph->layers[i].name, "weight"),
                                          NULL, q.weight_scales[i], NULL),
                         CN_OK);
    }
    cn_free(r.roots);
    cn_free(r.low);
    cn_free(r.high);
    return q;
}

/* A network of the catalogue without its softmax. */
static cn_graph network(const char *name)
{
    cn_model model = {0};
    cn_graph graph;
    cr_assert_eq(st_catalog_load(name, "fashion", NULL, 0, &model, NULL), CN_OK);
    cn_layer *last = &model.graph.layers[model.graph.count - 1];
    if (last->op == CN_OP_SOFTMAX) {
        cn_free(last->name);
        cn_free(last->inputs);
        model.graph.count--;
    }
    cr_assert_eq(cn_graph_copy(&model.graph, &graph, NULL), CN_OK);
    cn_model_clear(&model);
    return graph;
}

Test(integers, all_networks_give_what_plain_integers_give)
{
    for (int m = 0; st_catalog_models[m]; m++) {
        const char *name = st_catalog_models[m];
        test_quantized q = {.graph = network(name)};
        q.weights = test_weights(&q.graph, 3);
        q.in = cn_shape_count(q.graph.layers[0].shape);
        q.out = cn_shape_count(q.graph.layers[q.graph.count - 1].shape);
        q.input = test_values(q.in, 4);
        q.output = test_values(q.out, 5);
        cr_assert_eq(cn_post_fold(&q.graph, &q.weights, &q.folded, &q.folded_weights, NULL), CN_OK);
        q.quantization = scales_of(&q.folded, &q.folded_weights, q.input);
        cn_post_unfold(&q.graph, &q.weights, &q.folded, &q.folded_weights, NULL);
        cn_quantization_store(&q.quantization, &q.folded, &q.weights, NULL);
        integers n = integers_run(&q.folded, &q.folded_weights, &q.quantization, q.input);
        cn_session_options options = cn_session_defaults();
        run(&q, &options, q.input, q.output);
        const float *right = n.floats[q.folded.count - 1];
        int64_t different = 0;
        for (int64_t i = 0; i < q.out; i++)
            different += n.exact ? q.output[i] != right[i]
                                 : fabsf(q.output[i] - right[i]) > 0.05f * fabsf(right[i]) + 0.05f;
        cr_assert_eq(different, 0, "%s: %ld of %ld outputs differ", name, (long)different,
                     (long)q.out);
        integers_free(&n);
        test_quantized_free(&q);
    }
}

Test(integers, layers_say_that_they_run_on_integers)
{
    test_quantized q = test_quantize(test_integer_net());
    cn_session_options options = cn_session_defaults();
    for (int i = 0; i < 3; i++) {
        cn_session *session;
        int32_t count, found = 0;
        options.integers = i != 1;
        options.passes = i == 2 ? 0 : CN_PASS_ALL;
        cr_assert_eq(cn_session_new(&session, &q.graph, &q.weights, &options, NULL), CN_OK);
        const cn_layer_profile *profile = cn_session_profile(session, &count);
        for (int32_t l = 0; l < count; l++)
            found += !strncmp(profile[l].kernel, "i8_", 3);
        if (i == 0)
            cr_assert_gt(found, 10);
        else
            cr_assert_eq(found, 0, "%s", i == 1 ? "switched off" : "not folded");
        if (i) cr_assert_eq(cn_session_isa(session), cn_isa_of_floats(cn_session_isa(session)));
        cn_session_free(session);
    }
    test_quantized_free(&q);
}

Test(integers, refuses_weights_that_are_no_levels)
{
    test_quantized q = test_quantize(test_integer_net());
    cn_session_options options = cn_session_defaults();
    cn_session *session;
    cn_error error = {0};
    cn_tensor *weight = cn_weights_of(&q.weights, "wide", "weight");
    weight->data[3] = 0.4f * cn_weights_of(&q.weights, "wide", "weight_scale")->data[0];
    cr_assert_eq(cn_session_new(&session, &q.graph, &q.weights, &options, &error), CN_EFORMAT);
    cr_assert(strstr(error.message, "'wide'"), "%s", error.message);
    cn_weights_of(&q.weights, "c", "output_zero")->data[0] = 300;
    cr_assert_eq(cn_session_new(&session, &q.graph, &q.weights, &options, &error), CN_EFORMAT);
    cr_assert(strstr(error.message, "'c'"), "%s", error.message);
    test_quantized_free(&q);
}

Test(integers, the_layer_that_is_not_finite_is_named)
{
    test_quantized q = test_quantize(test_integer_net());
    cn_session_options options = cn_session_defaults();
    cn_session *session;
    const char *layer = "?";
    cr_assert_eq(cn_session_new(&session, &q.graph, &q.weights, &options, NULL), CN_OK);
    cr_assert_eq(cn_session_find_nonfinite(session, q.input, &layer, NULL), CN_OK);
    cr_assert_null(layer);
    q.input[5] = NAN;
    cr_assert_eq(cn_session_find_nonfinite(session, q.input, &layer, NULL), CN_OK);
    cr_assert_str_eq(layer, "input");
    cn_session_free(session);
    test_quantized_free(&q);
}
