/* Layers of plans beside each other: what skipping zeros is worth, our own ways, the best other. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/passes.h"
#include "data/masked_weights.h"
#include "measure/duel.h"
#include "measure/own.h"
#include "measure/speedup.h"
#include "nets.h"

/* One that stays whole, one with a quarter of its weights, one with half of them whose dense kernel
 * is a Winograd convolution of a third of the products, one with nothing left, one that is no
 * convolution. */
static st_layer_time planned[] = {
    {.name = "whole", .op = CN_OP_CONV, .least_ms = 5, .nonzero_macs = 100, .products = 100},
    {.name = "quarter", .op = CN_OP_CONV, .least_ms = 2, .nonzero_macs = 100, .products = 125},
    {.name = "half", .op = CN_OP_CONV, .least_ms = 2, .nonzero_macs = 150, .products = 100},
    {.name = "empty", .op = CN_OP_CONV, .least_ms = 1},
    {.name = "fc", .op = CN_OP_FC, .least_ms = 1, .nonzero_macs = 100, .products = 100},
};
static st_layer_time dense[] = {
    {.name = "fc", .least_ms = 3, .macs = 400, .products = 400},
    {.name = "half", .least_ms = 1.8, .macs = 300, .products = 100},
    {.name = "quarter", .least_ms = 6, .macs = 400, .products = 400},
    {.name = "empty", .least_ms = 2, .macs = 400, .products = 400},
    {.name = "whole", .least_ms = 5, .macs = 100, .products = 100},
};
static st_layer_time direct[] = {{.name = "quarter", .least_ms = 8},
                                 {.name = "half", .least_ms = 3}};
static const st_layer_plan plans[] = {
    {.layers = planned, .count = 5}, {.layers = dense, .count = 5}, {.layers = direct, .count = 2}};

Test(speedup, is_of_the_layer_of_the_same_name)
{
    st_speedup s = st_speedup_of(&plans[0], 1, &plans[1], &plans[2]);
    cr_expect_float_eq(s.theoretical, 4, 1e-12);
    cr_expect_float_eq(s.realized, 3, 1e-12);
    cr_expect_float_eq(s.attained, 0.75, 1e-12);
    cr_expect_float_eq(s.product_ratio, 3.2, 1e-12);
    cr_expect_float_eq(s.mac_ratio, 4, 1e-12);
    cr_expect_float_eq(s.direct, 4, 1e-12);
    cr_expect(isnan(st_speedup_of(&plans[0], 0, &plans[1], &plans[2]).direct), "it is not there");
}

/* Theory allows nothing over a dense kernel that does fewer products than there are weights left.
 */
Test(speedup, theory_is_at_least_one)
{
    st_speedup s = st_speedup_of(&plans[0], 2, &plans[1], &plans[2]);
    cr_expect_float_eq(s.theoretical, 1, 1e-12);
    cr_expect_float_eq(s.attained, 0.9, 1e-12);
    cr_expect_float_eq(s.mac_ratio, 2, 1e-12);
}

Test(speedup, means_are_geometric_over_convolutions_with_zeros)
{
    st_speedup s;
    cr_assert_eq(st_speedup_means(&plans[0], &plans[1], &plans[2], &s), 2);
    cr_expect_float_eq(s.theoretical, 2, 1e-12);
    cr_expect_float_eq(s.realized, sqrt(3 * 0.9), 1e-12);
    cr_expect_float_eq(s.attained, sqrt(0.75 * 0.9), 1e-12);
    cr_expect_float_eq(s.mac_ratio, sqrt(4 * 2), 1e-12);
    cr_expect_float_eq(s.direct, sqrt(4 * 1.5), 1e-12);
    st_layer_plan whole = {.layers = planned, .count = 1};
    cr_expect_eq(st_speedup_means(&whole, &plans[1], &plans[2], &s), 0);
    cr_expect(isnan(s.attained));
}

/* A network of 3 x 3 and 1 x 1 convolutions, pruned. */
static cn_graph make_pruned(cn_weights *weights, st_mask *mask)
{
    cn_graph graph = test_graph(3, 28, 28);
    test_add(&graph, test_conv(32, 3, 1, 1), "first", READS(0));
    test_add(&graph, test_conv(64, 3, 1, 1), "wide", READS(1));
    test_add(&graph, test_conv(64, 1, 1, 0), "point", READS(2));
    *weights = test_weights(&graph, 3);
    cr_assert_eq(st_weights_mask(&graph, weights, CN_SCHEME_BLOCK8, 4, mask, NULL), CN_OK);
    return graph;
}

Test(layers, of_several_plans_are_timed_in_turn)
{
    enum { BATCH = 2 };
    cn_weights weights;
    st_mask mask;
    cn_graph graph = make_pruned(&weights, &mask);
    float *input = test_values(BATCH * cn_shape_count(graph.layers[0].shape), 4);
    cn_session_options options[2] = {cn_session_defaults(), cn_session_defaults()};
    options[0].batch = options[1].batch = BATCH;
    options[0].passes = options[1].passes = CN_PASS_ALL & ~CN_PASS_SHRINK;
    options[1].sparse = false;
    st_layer_plan timed[2];
    cn_error error = {0};
    cr_assert_eq(st_layers_measure(&graph, &weights, options, 2, input, 0.01, timed, &error), CN_OK,
                 "%s", error.message);
    for (int32_t i = 0; i < timed[0].count; i++) {
        const st_layer_time *l = &timed[0].layers[i], *other = st_layers_find(&timed[1], l->name);
        cr_assert(other, "%s", l->name);
        cr_expect(l->ms >= 0 && other->ms >= 0);
        if (!cn_op_is_tensor(l->op)) continue;
        cr_expect(l->ms > 0 && other->ms > 0, "%s was not timed", l->name);
        const cn_tensor *weight = cn_weights_of(&weights, l->name, "weight");
        cr_expect_eq(l->nonzero_macs * cn_tensor_count(weight), l->macs * l->nonzero, "%s",
                     l->name);
        cr_expect_eq(other->products, other->dense_products, "%s skips zeros", other->name);
    }
    cr_expect_null(st_layers_find(&timed[0], "nothing"));
    for (int i = 0; i < 2; i++)
        st_layer_plan_clear(&timed[i]);
    cn_free(input);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
}

/* The choice of the layer called `name` under options; "" where it has none. */
static void choice_of(const cn_graph *graph, const cn_weights *weights,
                      const cn_session_options *options, const char *name, char choice[64])
{
    cn_session *session;
    int32_t count;
    cr_assert_eq(cn_session_new(&session, graph, weights, options, NULL), CN_OK);
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    choice[0] = '\0';
    for (int32_t i = 0; i < count; i++)
        if (!strcmp(profile[i].name, name) && profile[i].choice)
            snprintf(choice, 64, "%s", profile[i].choice);
    cn_session_free(session);
}

Test(own, goes_dense_and_direct)
{
    cn_weights weights;
    st_mask mask;
    cn_graph graph = make_pruned(&weights, &mask);
    cn_session_options planned_options = cn_session_defaults();
    cn_wisdom *wisdom;
    cr_assert_eq(st_own_direct(&graph, &weights, &planned_options, &wisdom, NULL), CN_OK);
    cn_session_options own[ST_OWN_COUNT];
    for (int i = 0; i < ST_OWN_COUNT; i++)
        own[i] = st_own_options((st_own)i, &planned_options, wisdom);
    cr_expect(own[ST_OWN_PLANNED].sparse && own[ST_OWN_PLANNED].reorder);
    cr_expect(own[ST_OWN_UNORDERED].sparse && !own[ST_OWN_UNORDERED].reorder);
    cr_expect(!own[ST_OWN_DENSE].sparse && !own[ST_OWN_DIRECT].sparse);
    char choice[64];
    choice_of(&graph, &weights, &own[ST_OWN_DENSE], "wide", choice);
    cr_expect(strstr(choice, "winograd"), "the dense choice is '%s'", choice);
    choice_of(&graph, &weights, &own[ST_OWN_DIRECT], "wide", choice);
    cr_expect_str_eq(choice, "panel");
    cn_wisdom_free(wisdom);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
}

/* Our own sessions are no references, nor is our engine in floats. */
Test(duel, best_is_another_engine)
{
    cn_weights weights;
    st_mask mask;
    cn_graph graph = make_pruned(&weights, &mask);
    cn_session_options options = cn_session_defaults();
    cn_session *session;
    cr_assert_eq(cn_session_new(&session, &graph, &weights, &options, NULL), CN_OK);
    st_duel duel = {.count = 5};
    duel.contestants[1] = (st_contestant){.session = session, .summary.median = 1};
    duel.contestants[2] = (st_contestant){.kind = &st_engine_onednn, .summary.median = 3};
    duel.contestants[3] = (st_contestant){.kind = &st_engine_xnnpack, .summary.median = 2};
    duel.contestants[4] = (st_contestant){.kind = &st_engine_floats, .summary.median = 1};
    cr_expect_eq(st_duel_best(&duel), &duel.contestants[3]);
    duel.count = 2;
    cr_expect_null(st_duel_best(&duel));
    cn_session_free(session);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
}
