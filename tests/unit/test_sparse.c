/* Networks with zeros among their weights: a session that skips them gives what the reference
 * gives, whatever the scheme, and says what it skipped. */
#include <criterion/criterion.h>
#include <float.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/random.h"
#include "condense/scheme.h"
#include "condense/session.h"
#include "nets.h"

typedef struct sample {
    cn_graph graph;
    cn_weights weights;
    int64_t out;
    float *input, *output;
    double *right;
} sample;

enum { BATCH = 2 };

/* Projects every tensor layer onto the scheme, or what cn_scheme_for puts in its place. */
static void prune(sample *s, cn_scheme scheme, double keep)
{
    cn_error error = {0};
    for (int32_t i = 0; i < s->graph.count; i++) {
        const cn_layer *layer = &s->graph.layers[i];
        const char *rule;
        if (!cn_op_is_tensor(layer->op)) continue;
        cn_constraint constraint = {.scheme = cn_scheme_for(&s->graph, i, scheme, &rule),
                                    .keep = keep};
        cr_assert(cn_patterns_parse("01b,036,0d8,1b0", &constraint.patterns));
        cn_tensor *tensor = cn_weights_of(&s->weights, layer->name, "weight");
        cr_assert_eq(cn_project_scheme(tensor, &constraint, tensor->data, tensor->data, &error),
                     CN_OK, "%s", error.message);
    }
}

static sample take(const test_net *net, cn_scheme scheme, double keep)
{
    sample s = {.graph = net->make()};
    s.weights = test_weights(&s.graph, 7);
    prune(&s, scheme, keep);
    s.out = cn_shape_count(s.graph.layers[s.graph.count - 1].shape);
    s.input = test_values(cn_shape_count(s.graph.layers[0].shape) * BATCH, 3);
    s.output = test_values(s.out * BATCH, 4);
    s.right = cn_calloc((size_t)(s.out * BATCH), sizeof *s.right);
    cn_error error = {0};
    cr_assert_eq(cn_reference_run(&s.graph, &s.weights, BATCH, s.input, s.right, NULL, &error),
                 CN_OK, "%s: %s", net->name, error.message);
    return s;
}

static void give(sample *s)
{
    cn_graph_clear(&s->graph);
    cn_weights_clear(&s->weights);
    cn_free(s->input);
    cn_free(s->output);
    cn_free(s->right);
}

/* Runs the network and compares; returns how many layers ran on kernels that skip zeros, and looks
 * at what the profile says of them. */
static int32_t check(const char *name, const sample *s, const cn_session_options *options)
{
    cn_session *session;
    cn_error error = {0};
    int32_t count, sparse = 0;
    cr_assert_eq(cn_session_new(&session, &s->graph, &s->weights, options, &error), CN_OK, "%s: %s",
                 name, error.message);
    memset(s->output, 0xff, (size_t)(s->out * BATCH) * sizeof *s->output);
    cr_assert_eq(cn_session_run(session, s->input, s->output, &error), CN_OK);
    double difference = test_error(s->output, s->right, s->out * BATCH);
    cr_assert_lt(difference, 1e-5, "%s: error %g", name, difference);
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    for (int32_t i = 0; i < count; i++) {
        if (!strstr(profile[i].kernel, "sparse")) continue;
        sparse++;
        int64_t pixels = (int64_t)profile[i].shape.h * profile[i].shape.w * BATCH;
        cr_assert_geq(profile[i].products, profile[i].nonzero * pixels);
        cr_assert_geq(profile[i].imbalance, 1);
        cr_assert(profile[i].nonzero == 0 || profile[i].loads > 0);
    }
    cn_session_free(session);
    return sparse;
}

Test(sparse, every_scheme_gives_what_the_reference_gives)
{
    static const double keeps[] = {0.02, 0.3, 0.8};
    for (int scheme = CN_SCHEME_UNSTRUCTURED; scheme < CN_SCHEME_COUNT; scheme++)
        for (size_t k = 0; k < sizeof keeps / sizeof *keeps; k++) {
            int32_t sparse = 0;
            for (const test_net *net = test_nets; net->name; net++) {
                sample s = take(net, (cn_scheme)scheme, keeps[k]);
                cn_session_options options = cn_session_defaults();
                options.batch = BATCH;
                sparse += check(net->name, &s, &options);
                options.threads = 2;
                sparse += check(net->name, &s, &options);
                options.reorder = false;
                check(net->name, &s, &options);
                options.sparse = false;
                cr_assert_eq(check(net->name, &s, &options), 0);
                give(&s);
            }
            cr_assert(keeps[k] > 0.5 || sparse > 0, "%s: no layer skipped its zeros",
                      cn_scheme_name((cn_scheme)scheme));
        }
}

Test(sparse, ways_of_a_layer_with_zeros)
{
    sample s = take(&test_nets[0], CN_SCHEME_BLOCK8, 0.1);
    cn_session *session;
    cn_error error = {0};
    cn_session_options options = cn_session_defaults();
    cr_assert_eq(cn_session_new(&session, &s.graph, &s.weights, &options, &error), CN_OK);
    int32_t count, chosen = 0;
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    for (int32_t i = 0; i < count; i++) {
        char ways[CN_MOST_WAYS][CN_WAY_SIZE];
        int32_t n = cn_session_ways(session, i, ways), dense = 0;
        if (!profile[i].choice) continue;
        cr_assert_str_eq(ways[0], profile[i].choice);
        for (int32_t w = 0; w < n; w++)
            dense += strncmp(ways[w], "sparse", 6) != 0;
        cr_assert_gt(dense, 0, "%s: no way without skipping", profile[i].name);
        if (strncmp(profile[i].choice, "sparse", 6) != 0) continue;
        chosen++;
        cr_assert_not_null(strstr(profile[i].signature, ":z"));
    }
    cr_assert_gt(chosen, 0);
    cn_session_free(session);
    give(&s);
}

/* Packed weights of all layers, in bytes. */
static int64_t packed_bytes(const sample *s, bool sparse)
{
    cn_session *session;
    cn_session_options options = cn_session_defaults();
    options.sparse = sparse;
    cr_assert_eq(cn_session_new(&session, &s->graph, &s->weights, &options, NULL), CN_OK);
    int32_t count;
    int64_t bytes = 0;
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    for (int32_t i = 0; i < count; i++)
        bytes += profile[i].packed_bytes;
    cn_session_free(session);
    return bytes;
}

Test(sparse, weights_take_no_more_memory_than_dense_ones)
{
    static const double keeps[] = {0.02, 0.1, 0.3, 0.5, 0.7, 0.9};
    for (int scheme = CN_SCHEME_UNSTRUCTURED; scheme < CN_SCHEME_COUNT; scheme++)
        for (size_t k = 0; k < sizeof keeps / sizeof *keeps; k++)
            for (const test_net *net = test_nets; net->name; net++) {
                sample s = take(net, (cn_scheme)scheme, keeps[k]);
                int64_t sparse = packed_bytes(&s, true), dense = packed_bytes(&s, false);
                cr_assert_leq(sparse, dense, "%s, %s, %g kept: %lld bytes, dense %lld", net->name,
                              cn_scheme_name((cn_scheme)scheme), keeps[k], (long long)sparse,
                              (long long)dense);
                give(&s);
            }
}

/* Whatever finite numbers a weight file holds, the packer takes them, and layers may have no weight
 * left. Sanitizers watch. */
Test(sparse, any_values_can_be_packed)
{
    static const float values[] = {0, 0, 0, 1, -0.0f, 1e-42f, -1e-38f, FLT_MAX, -FLT_MAX};
    enum { VALUES = sizeof values / sizeof *values };
    cn_random random = cn_random_named(1, "test: any values");
    for (const test_net *net = test_nets; net->name; net++)
        for (uint32_t kinds = 1; kinds <= VALUES; kinds += 4) {
            sample s = take(net, CN_SCHEME_UNSTRUCTURED, 0.5);
            for (int32_t t = 0; t < s.weights.count; t++)
                for (int64_t i = 0; i < cn_tensor_count(&s.weights.tensors[t]); i++)
                    s.weights.tensors[t].data[i] = values[cn_random_below(&random, kinds)];
            cn_session_options options = cn_session_defaults();
            cn_session *session;
            cn_error error = {0};
            options.batch = BATCH;
            cr_assert_eq(cn_session_new(&session, &s.graph, &s.weights, &options, &error), CN_OK,
                         "%s: %s", net->name, error.message);
            cr_assert_eq(cn_session_run(session, s.input, s.output, &error), CN_OK);
            cn_session_free(session);
            give(&s);
        }
}
