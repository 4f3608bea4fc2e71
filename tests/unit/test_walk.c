/* A walk gives what the reference gives, with and without passes, and its hooks see and change what
 * lies between layers. */
#include <criterion/criterion.h>
#include <math.h>

#include "condense/memory.h"
#include "condense/passes.h"
#include "condense/session.h"
#include "condense/walk.h"
#include "nets.h"

enum { IMAGES = 3 };

static float *walk(const cn_graph *graph, const cn_weights *weights, const float *input,
                   const cn_walk_hooks *hooks)
{
    cn_walk *walked;
    cn_error error = {0};
    float *output = test_values(IMAGES * cn_shape_count(graph->layers[graph->count - 1].shape), 1);
    cr_assert_eq(cn_walk_new(&walked, graph, weights, 1, &error), CN_OK, "%s", error.message);
    cr_assert_eq(cn_walk_run(walked, IMAGES, input, output, hooks, &error), CN_OK, "%s",
                 error.message);
    cn_walk_free(walked);
    return output;
}

Test(walk, agrees_with_the_reference)
{
    static const unsigned masks[] = {0, CN_PASS_ALL};
    for (const test_net *net = test_nets; net->name; net++) {
        cn_graph graph = net->make();
        cn_weights weights = test_weights(&graph, 7);
        int64_t out = IMAGES * cn_shape_count(graph.layers[graph.count - 1].shape);
        float *input = test_values(IMAGES * cn_shape_count(graph.layers[0].shape), 3);
        double *right = cn_calloc((size_t)out, sizeof *right);
        cr_assert_eq(cn_reference_run(&graph, &weights, IMAGES, input, right, NULL, NULL), CN_OK);
        for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
            cn_graph planned;
            cn_weights own;
            cn_passes_apply(&graph, &weights, masks[m], &planned, &own, NULL);
            float *got = walk(&planned, &own, input, NULL);
            double error = test_error(got, right, out);
            cr_assert_lt(error, 2e-5, "%s with passes %x: off by %g", net->name, masks[m], error);
            cn_free(got);
            cn_graph_clear(&planned);
            cn_weights_clear(&own);
        }
        cn_free(input);
        cn_free(right);
        cn_graph_clear(&graph);
        cn_weights_clear(&weights);
    }
}

typedef struct seen {
    int32_t before, computed, finished;
    int64_t negative; /* numbers after the layer's activation */
    float *weight;
} seen;

static cn_status before(void *context, int32_t layer, const float *const *inputs, cn_error *error)
{
    seen *s = context;
    (void)error;
    s->before++;
    if (layer == 1) s->weight[0] = inputs[0][0]; /* read when the layer is computed */
    return CN_OK;
}

static cn_status computed(void *context, int32_t layer, float *output, cn_error *error)
{
    (void)error;
    ((seen *)context)->computed++;
    if (layer == 1) output[0] = -5;
    return CN_OK;
}

static cn_status finished(void *context, int32_t layer, float *output, cn_error *error)
{
    seen *s = context;
    (void)error;
    s->finished++;
    if (layer == 1) s->negative = output[0] < 0;
    if (layer == 1) output[0] = 9;
    return CN_OK;
}

/* input(1, 1, 2), conv 1 x 1 with relu: one weight. */
Test(walk, hooks_change_weights_and_values)
{
    cn_graph graph = test_graph(1, 1, 2);
    cn_layer conv = test_conv(1, 1, 1, 0);
    conv.activation = CN_ACT_RELU;
    test_add(&graph, conv, "conv", READS(0));
    cn_weights weights = test_weights(&graph, 1);
    const float input[IMAGES * 2] = {3, 2, 1, 4, -1, 1};
    seen s = {.weight = weights.tensors[0].data};
    cn_walk_hooks hooks = {before, computed, finished, &s};
    float *got = walk(&graph, &weights, input, &hooks);
    static const float want[IMAGES * 2] = {9, 6, 3, 12, 0, 3};
    cr_assert_eq(s.before, 1);
    cr_assert_eq(s.computed, 1);
    cr_assert_eq(s.finished, 2);
    cr_assert_eq(s.negative, 0);
    for (int i = 0; i < IMAGES * 2; i++)
        cr_assert_float_eq(got[i], want[i], 1e-6f);
    cn_free(got);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
}
