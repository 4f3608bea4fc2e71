/* The memory plan: nothing alive is overwritten, and little is wasted. */
#include <criterion/criterion.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/model.h"
#include "condense/passes.h"
#include "data/catalog.h"
#include "nets.h"
#include "plan/arena.h"
#include "plan/memory.h"
#include "run/step.h"

static const cn_integers floats; /* none */

static cn_memory_plan plan_of(const cn_graph *graph, int32_t batch)
{
    cn_memory_need *needs = cn_calloc((size_t)graph->count, sizeof *needs);
    for (int32_t i = 0; i < graph->count; i++)
        needs[i] = cn_step_need(graph, i, &floats);
    for (int32_t i = 0; i < graph->count; i++)
        cn_step_ask_halo(graph, i, &floats, needs);
    cn_memory_plan plan;
    cn_error error = {0};
    cr_assert_eq(cn_memory_plan_make(&plan, graph, needs, batch, &error), CN_OK, "%s",
                 error.message);
    cn_free(needs);
    return plan;
}

Test(arena, blocks_of_one_time_do_not_overlap)
{
    enum { COUNT = 60 };
    for (uint64_t seed = 1; seed <= 50; seed++) {
        cn_block blocks[COUNT];
        float *draw = test_values(3 * COUNT, seed);
        for (int32_t i = 0; i < COUNT; i++) {
            int32_t first = (int32_t)((draw[3 * i] + 4) * 10);
            blocks[i] = (cn_block){(size_t)((draw[3 * i + 1] + 5) * 16) * 64, first,
                                   first + (int32_t)((draw[3 * i + 2] + 4) * 2), 0};
        }
        size_t total;
        cr_assert_eq(cn_arena_place(blocks, COUNT, &total, NULL), CN_OK);
        cr_assert_geq(total, cn_arena_live_peak(blocks, COUNT));
        for (int32_t a = 0; a < COUNT; a++) {
            cr_assert_leq(blocks[a].offset + blocks[a].bytes, total);
            cr_assert_eq(blocks[a].offset % CN_ALIGNMENT, 0);
            for (int32_t b = 0; b < a; b++) {
                bool together =
                    blocks[a].first <= blocks[b].last && blocks[b].first <= blocks[a].last;
                bool apart = blocks[a].offset >= blocks[b].offset + blocks[b].bytes ||
                             blocks[b].offset >= blocks[a].offset + blocks[a].bytes;
                cr_assert(!together || apart);
            }
        }
        cn_free(draw);
    }
}

Test(memory_plan, planes_are_laid_out_as_the_views_demand)
{
    for (const test_net *net = test_nets; net->name; net++) {
        cn_graph graph = net->make();
        cn_memory_plan plan = plan_of(&graph, 3);
        for (int32_t i = 0; i < graph.count; i++) {
            cn_view view = cn_memory_view(&plan, &graph, i, NULL);
            cr_assert_eq((uintptr_t)view.data % CN_ALIGNMENT, 0);
            cr_assert_eq(view.plane % 16, 0);
            cr_assert_neq(view.plane % 1024, 0);
            cr_assert_geq(view.row, view.w + view.halo_left);
            cr_assert_geq(view.row, view.w + view.halo_right);
            uintptr_t first = (uintptr_t)(view.halo_top * view.row + view.halo_left) * 4;
            cr_assert_leq(first, (uintptr_t)view.data, "the first zeros lie in the arena");
            const float *last = view.data + (view.n - 1) * view.image + (view.c - 1) * view.plane +
                                (view.h - 1 + view.halo_bottom) * view.row + view.w +
                                view.halo_right;
            cr_assert_leq((uintptr_t)last, plan.arena, "%s: the last zeros", net->name);
        }
        cn_memory_plan_clear(&plan);
        cn_graph_clear(&graph);
    }
}

Test(memory_plan, concats_are_written_in_place)
{
    const test_net *net = test_nets + 1;
    cr_assert_str_eq(net->name, "branches");
    cn_graph graph = net->make();
    cn_memory_plan plan = plan_of(&graph, 1);
    int32_t inner = cn_graph_find(&graph, "inner"), outer = cn_graph_find(&graph, "outer");
    cr_assert(cn_memory_concat_in_place(&plan, &graph, inner, 0));
    cr_assert(cn_memory_concat_in_place(&plan, &graph, inner, 1));
    for (int32_t k = 0; k < 3; k++)
        cr_assert(cn_memory_concat_in_place(&plan, &graph, outer, k), "input %d", k);
    cr_assert_not(cn_memory_concat_in_place(&plan, &graph, outer, 3),
                  "it lies in the inner concat already");
    cn_memory_plan_clear(&plan);
    cn_graph_clear(&graph);
}

/* Weights of zero: their values do not matter here, and drawing 100 million takes a while. */
static cn_weights zeros(const cn_graph *graph)
{
    cn_weights weights = {0};
    for (int32_t i = 0; i < graph->count; i++) {
        cn_weight_spec specs[4];
        int32_t count = cn_layer_weights(graph, i, specs);
        for (int32_t k = 0; k < count; k++) {
            char *name = cn_sprintf("%s.%s", graph->layers[i].name, specs[k].suffix);
            cr_assert_eq(cn_weights_add(&weights, name, specs[k].rank, specs[k].dims, NULL, NULL),
                         CN_OK);
            cn_free(name);
        }
    }
    return weights;
}

static cn_graph fused_graph(const cn_graph *graph)
{
    cn_weights weights = zeros(graph), own;
    cn_graph fused;
    cn_error error = {0};
    unsigned mask = CN_PASS_ALL & ~CN_PASS_SHRINK; /* of weights that are zero nothing stays */
    cr_assert_eq(cn_passes_apply(graph, &weights, mask, &fused, &own, &error), CN_OK, "%s",
                 error.message);
    cn_weights_clear(&weights);
    cn_weights_clear(&own);
    return fused;
}

/* A plan may waste a tenth of what no plan can do without. */
Test(memory_plan, arena_is_close_to_the_largest_live_set)
{
    for (int m = 0; st_catalog_models[m]; m++)
        for (int32_t fused = 0; fused < 2; fused++) {
            cn_model model;
            cn_error error = {0};
            cn_status status =
                st_catalog_load(st_catalog_models[m], "imagenet", NULL, 0, &model, &error);
            cr_assert_eq(status, CN_OK, "%s", error.message);
            cn_graph graph = fused ? fused_graph(&model.graph) : model.graph;
            cn_memory_plan plan = plan_of(&graph, 1);
            double ratio = (double)plan.arena / (double)plan.live_peak;
            cr_assert_leq(ratio, 1.10, "%s: the arena is %zu bytes, %.3f of the live set",
                          model.name, plan.arena, ratio);
            cn_memory_plan_clear(&plan);
            if (fused) cn_graph_clear(&graph);
            cn_model_clear(&model);
        }
}
