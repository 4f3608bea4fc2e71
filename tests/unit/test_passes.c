/* Graph passes: what they rewrite, and that nothing but rounding changes. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/passes.h"
#include "condense/session.h"
#include "nets.h"

static int32_t count_of(const cn_graph *graph, cn_op op)
{
    int32_t count = 0;
    for (int32_t i = 0; i < graph->count; i++)
        count += graph->layers[i].op == op;
    return count;
}

static double *reference(const cn_graph *graph, const cn_weights *weights, const float *input)
{
    int64_t count = cn_shape_count(graph->layers[graph->count - 1].shape);
    double *output = cn_calloc((size_t)count, sizeof *output);
    cn_error error = {0};
    cr_assert_eq(cn_reference_run(graph, weights, 1, input, output, NULL, &error), CN_OK, "%s",
                 error.message);
    return output;
}

static void check_mask(const test_net *net, unsigned mask)
{
    cn_graph graph = net->make(), changed;
    cn_weights weights = test_weights(&graph, 9), own;
    cn_error error = {0};
    cr_assert_eq(cn_passes_apply(&graph, &weights, mask, &changed, &own, &error), CN_OK, "%s",
                 error.message);
    cr_assert_eq(cn_graph_infer_shapes(&changed, &error), CN_OK, "%s", error.message);
    float *input = test_values(cn_shape_count(graph.layers[0].shape), 2);
    double *right = reference(&graph, &weights, input), *got = reference(&changed, &own, input);
    int64_t count = cn_shape_count(graph.layers[graph.count - 1].shape);
    for (int64_t i = 0; i < count; i++)
        cr_assert_leq(fabs(got[i] - right[i]), 1e-5 * fmax(1, fabs(right[i])),
                      "%s, passes %#x, output %d", net->name, mask, (int)i);
    cn_free(input);
    cn_free(right);
    cn_free(got);
    cn_graph_clear(&graph);
    cn_graph_clear(&changed);
    cn_weights_clear(&weights);
    cn_weights_clear(&own);
}

Test(passes, none_changes_what_is_computed)
{
    for (const test_net *net = test_nets; net->name; net++)
        for (unsigned mask = 0; mask <= CN_PASS_ALL; mask++)
            check_mask(net, mask);
}

typedef struct planned {
    cn_graph before, graph;
    cn_weights weights, own;
} planned;

static planned apply(const char *name, unsigned mask)
{
    const test_net *net = test_nets;
    while (strcmp(net->name, name) != 0)
        net++;
    planned p = {.before = net->make()};
    p.weights = test_weights(&p.before, 1);
    cr_assert_eq(cn_passes_apply(&p.before, &p.weights, mask, &p.graph, &p.own, NULL), CN_OK);
    return p;
}

static void give(planned *p)
{
    cn_graph_clear(&p->before);
    cn_graph_clear(&p->graph);
    cn_weights_clear(&p->weights);
    cn_weights_clear(&p->own);
}

Test(passes, a_residual_network_becomes_convolutions)
{
    planned p = apply("residual", CN_PASS_ALL);
    cr_assert_eq(count_of(&p.graph, CN_OP_BATCH_NORM), 0);
    cr_assert_eq(count_of(&p.graph, CN_OP_RELU), 0);
    /* add.a and add.b fuse; add.c's later operand is read twice, add.d has three operands. */
    cr_assert_eq(count_of(&p.graph, CN_OP_ADD), 2);
    cr_assert_lt(cn_graph_find(&p.graph, "add.a"), 0);
    cr_assert_geq(cn_graph_find(&p.graph, "add.c"), 0);
    const cn_layer *fused = &p.graph.layers[cn_graph_find(&p.graph, "conv4")];
    cr_assert_eq(fused->activation, CN_ACT_RELU);
    cr_assert_eq(fused->residual, 1);
    cr_assert_str_eq(p.graph.layers[fused->inputs[1]].name, "conv1");
    cr_assert_null(cn_weights_find(&p.own, "batch_norm2.weight"), "dropped once folded");
    cr_assert_not_null(cn_weights_find(&p.weights, "batch_norm2.weight"));
    give(&p);
}

Test(passes, each_pass_does_its_own_work_only)
{
    planned p = apply("padded_pool", CN_PASS_ALL);
    cr_assert_eq(count_of(&p.graph, CN_OP_PAD), 1, "pooling ignores padding: its pad stays");
    give(&p);
    p = apply("separable", CN_PASS_ALL);
    cr_assert_eq(count_of(&p.graph, CN_OP_PAD), 0);
    cr_assert_eq(count_of(&p.graph, CN_OP_FC), 2);
    give(&p);
    p = apply("separable", CN_PASS_ALL & ~CN_PASS_FUSE_PAD & ~CN_PASS_FC_AS_CONV);
    cr_assert_eq(count_of(&p.graph, CN_OP_PAD), 1);
    cr_assert_eq(count_of(&p.graph, CN_OP_FC), 0);
    give(&p);
    p = apply("residual", CN_PASS_FUSE_ADD);
    cr_assert_eq(count_of(&p.graph, CN_OP_ADD), 4, "batch norm stands between");
    cr_assert_eq(p.graph.count, p.before.count);
    give(&p);
    p = apply("branches", CN_PASS_IDENTITY);
    cr_assert_eq(count_of(&p.graph, CN_OP_DROPOUT), 0);
    cr_assert_eq(count_of(&p.graph, CN_OP_FLATTEN), 0);
    cr_assert_eq(count_of(&p.graph, CN_OP_CONCAT), 2);
    give(&p);
}

Test(passes, weights_that_do_not_fit_are_refused)
{
    cn_graph graph = test_nets[0].make(), out_graph;
    cn_weights weights = test_weights(&graph, 1), out_weights;
    cn_error error = {0};
    weights.tensors[0].dims[0]--;
    cr_assert_neq(cn_passes_apply(&graph, &weights, CN_PASS_ALL, &out_graph, &out_weights, &error),
                  CN_OK);
    cr_assert(strstr(error.message, "conv1"), "%s", error.message);
    cr_assert_eq(out_graph.count, 0);
    cr_assert_eq(out_weights.count, 0);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
}

Test(passes, have_names)
{
    cr_assert_str_eq(cn_pass_name(1), "fold_batch_norm");
    cr_assert_null(cn_pass_name(7));
}
