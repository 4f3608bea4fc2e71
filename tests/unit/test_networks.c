/* The study's networks at fashion scale: session against reference. Reference and sanitizers are
 * slow, so the largest are left to `condense bench --against onednn`, which compares before it
 * times. */
#include <criterion/criterion.h>

#include "condense/memory.h"
#include "condense/passes.h"
#include "condense/session.h"
#include "data/catalog.h"
#include "nets.h"

/* Values before the last softmax: it would hide differences where one class takes all. */
static void drop_softmax(cn_graph *graph)
{
    cn_layer *last = &graph->layers[graph->count - 1];
    if (last->op != CN_OP_SOFTMAX) return;
    cn_free(last->name);
    cn_free(last->inputs);
    graph->count--;
}

typedef struct network {
    cn_model model;
    cn_weights weights;
    float *input, *output;
    double *right;
    int64_t outputs;
} network;

static network take(const char *name)
{
    network n = {0};
    cn_error error = {0};
    cr_assert_eq(st_catalog_load(name, "fashion", NULL, 0, &n.model, &error), CN_OK, "%s",
                 error.message);
    drop_softmax(&n.model.graph);
    const cn_graph *graph = &n.model.graph;
    n.weights = test_weights(graph, 5);
    n.outputs = cn_shape_count(graph->layers[graph->count - 1].shape);
    n.input = test_values(cn_shape_count(graph->layers[0].shape), 6);
    n.output = test_values(n.outputs, 7);
    n.right = cn_calloc((size_t)n.outputs, sizeof *n.right);
    cr_assert_eq(cn_reference_run(graph, &n.weights, 1, n.input, n.right, NULL, &error), CN_OK,
                 "%s", error.message);
    return n;
}

static void give(network *n)
{
    cn_model_clear(&n->model);
    cn_weights_clear(&n->weights);
    cn_free(n->input);
    cn_free(n->output);
    cn_free(n->right);
}

static void check(const network *n, unsigned passes, int32_t threads)
{
    cn_session_options options = cn_session_defaults();
    options.passes = passes;
    options.threads = threads;
    cn_session *session;
    cn_error error = {0};
    cr_assert_eq(cn_session_new(&session, &n->model.graph, &n->weights, &options, &error), CN_OK,
                 "%s", error.message);
    cr_assert_eq(cn_session_run(session, n->input, n->output, &error), CN_OK);
    double worst = test_error(n->output, n->right, n->outputs);
    cr_assert_lt(worst, 1e-4, "%s, passes %#x: error %g", n->model.name, passes, worst);
    cn_session_free(session);
}

static void check_all_passes(const char *name)
{
    network n = take(name);
    check(&n, CN_PASS_ALL, 2);
    check(&n, 0, 1);
    for (unsigned i = 0; cn_pass_name(i); i++)
        check(&n, CN_PASS_ALL & ~(1u << i), 1);
    give(&n);
}

Test(networks, no_pass_changes_lenet5)
{
    check_all_passes("lenet5");
}

Test(networks, no_pass_changes_resnet18)
{
    check_all_passes("resnet18");
}

Test(networks, no_pass_changes_squeezenet)
{
    check_all_passes("squeezenet_v1.1");
}

Test(networks, no_pass_changes_mobilenet_v2)
{
    check_all_passes("mobilenet_v2");
}

Test(networks, no_pass_changes_inception_v1)
{
    check_all_passes("inception_v1");
}

Test(networks, all_agree_with_the_reference)
{
    for (int m = 0; st_catalog_models[m]; m++) {
        network n = take(st_catalog_models[m]);
        check(&n, CN_PASS_ALL, 1);
        give(&n);
    }
}
