#include "condense/passes.h"

#include <string.h>

#include "condense/memory.h"
#include "lr/rewrite.h"

/* In the order of application, which is the order of the bits of cn_pass. */
static const struct pass {
    const char *name;
    cn_pass_function apply;
} passes[] = {
    {"identity", cn_pass_identity},
    {"fold_batch_norm", cn_pass_fold_batch_norm},
    {"fuse_pad", cn_pass_fuse_pad},
    {"fuse_add", cn_pass_fuse_add},
    {"fuse_activation", cn_pass_fuse_activation},
    {"fc_as_conv", cn_pass_fc_as_conv},
    {"shrink", cn_pass_shrink},
};
enum { PASS_COUNT = sizeof passes / sizeof *passes };
_Static_assert((1 << PASS_COUNT) - 1 == CN_PASS_ALL, "a pass without a row, or the reverse");

const char *cn_pass_name(unsigned index)
{
    return index < PASS_COUNT ? passes[index].name : NULL;
}

/* Whether a layer computes nothing new. A flatten before fully connected layers is such a one: they
 * flatten by themselves. */
static bool is_identity(const cn_graph *graph, int32_t index)
{
    const cn_layer *layer = &graph->layers[index];
    if (layer->op == CN_OP_DROPOUT) return true;
    if (layer->op == CN_OP_CONCAT || layer->op == CN_OP_ADD)
        return layer->input_count == 1 && layer->activation == CN_ACT_NONE;
    if (layer->op != CN_OP_FLATTEN) return false;
    cn_shape in = graph->layers[layer->inputs[0]].shape;
    if (in.h == 1 && in.w == 1) return true;
    if (index == graph->count - 1) return false;
    for (int32_t i = index + 1; i < graph->count; i++)
        for (int32_t k = 0; k < graph->layers[i].input_count; k++)
            if (graph->layers[i].inputs[k] == index && graph->layers[i].op != CN_OP_FC)
                return false;
    return true;
}

cn_status cn_pass_identity(cn_rewrite *rewrite, cn_error *error)
{
    (void)error;
    cn_graph *graph = rewrite->graph;
    for (int32_t i = graph->count - 1; i > 0; i--) {
        int32_t heir = graph->layers[i].inputs ? graph->layers[i].inputs[0] : -1;
        if (heir >= 0 && is_identity(graph, i) && cn_rewrite_can_bypass(graph, i, heir))
            cn_rewrite_bypass(graph, i, heir);
    }
    return CN_OK;
}

/* Drops the tensors that no layer names any more. */
static cn_status drop_unused(const cn_graph *graph, cn_weights *weights, cn_error *error)
{
    bool *used = cn_calloc((size_t)weights->count, sizeof *used);
    if (!used) return cn_fail(error, CN_ENOMEM, "no memory for %d marks", weights->count);
    for (int32_t i = 0; i < graph->count; i++) {
        cn_weight_spec specs[4];
        int32_t count = cn_layer_weights(graph, i, specs);
        for (int32_t k = 0; k < count; k++)
            used[cn_weights_of(weights, graph->layers[i].name, specs[k].suffix) -
                 weights->tensors] = true;
    }
    int32_t kept = 0;
    for (int32_t t = 0; t < weights->count; t++) {
        if (used[t]) {
            weights->tensors[kept++] = weights->tensors[t];
            continue;
        }
        cn_free(weights->tensors[t].name);
        cn_free(weights->tensors[t].data);
    }
    weights->count = kept;
    cn_free(used);
    return CN_OK;
}

cn_status cn_passes_apply(const cn_graph *graph, const cn_weights *weights, unsigned mask,
                          cn_graph *out_graph, cn_weights *out_weights, cn_error *error)
{
    memset(out_graph, 0, sizeof *out_graph);
    memset(out_weights, 0, sizeof *out_weights);
    cn_status status = cn_weights_check(weights, graph, error);
    if (!status) status = cn_graph_copy(graph, out_graph, error);
    if (!status) status = cn_weights_copy(weights, out_weights, error);
    cn_rewrite rewrite = {out_graph, out_weights};
    for (unsigned i = 0; i < PASS_COUNT && !status; i++)
        if (mask & (1u << i)) status = passes[i].apply(&rewrite, error);
    if (!status) status = drop_unused(out_graph, out_weights, error);
    if (!status) return CN_OK;
    cn_graph_clear(out_graph);
    cn_weights_clear(out_weights);
    return status;
}
