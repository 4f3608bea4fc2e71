/* The passes that move what follows a layer into its store. */
#include "condense/memory.h"
#include "lr/operators.h"
#include "lr/rewrite.h"

/* The operand of addition `add` that is computed last, and the other one. */
static void operands(const cn_layer *add, int32_t *last, int32_t *other)
{
    bool first_later = add->inputs[0] > add->inputs[1];
    *last = add->inputs[first_later ? 0 : 1];
    *other = add->inputs[first_later ? 1 : 0];
}

/* The later operand takes the addition: the other one is ready by then. */
static cn_status take_add(cn_graph *graph, int32_t add, cn_error *error)
{
    int32_t last, other;
    operands(&graph->layers[add], &last, &other);
    cn_layer *layer = &graph->layers[last];
    size_t count = (size_t)layer->input_count;
    int32_t *inputs = cn_recalloc(layer->inputs, count, count + 1, sizeof *inputs);
    if (!inputs) return cn_fail(error, CN_ENOMEM, "no memory to fuse '%s'", layer->name);
    inputs[count] = other;
    layer->inputs = inputs;
    layer->residual = layer->input_count++;
    cn_activation activation = graph->layers[add].activation;
    cn_rewrite_bypass(graph, add, last);
    graph->layers[last].activation = activation;
    return CN_OK;
}

cn_status cn_pass_fuse_add(cn_rewrite *rewrite, cn_error *error)
{
    cn_graph *graph = rewrite->graph;
    for (int32_t i = graph->count - 1; i > 0; i--) {
        const cn_layer *add = &graph->layers[i];
        if (add->op != CN_OP_ADD || add->input_count != 2) continue;
        int32_t last, other;
        operands(add, &last, &other);
        if (last == other || !cn_rewrite_can_absorb(graph, last, i)) continue;
        cn_status status = take_add(graph, i, error);
        if (status) return status;
    }
    return CN_OK;
}

/* Operators whose kernels can apply an activation in their store. */
static bool takes_activation(cn_op op)
{
    return cn_op_is_tensor(op) || op == CN_OP_ADD || op == CN_OP_BATCH_NORM;
}

cn_status cn_pass_fuse_activation(cn_rewrite *rewrite, cn_error *error)
{
    (void)error;
    cn_graph *graph = rewrite->graph;
    for (int32_t i = graph->count - 1; i > 0; i--) {
        cn_activation activation = cn_op_activation(graph->layers[i].op);
        if (activation == CN_ACT_NONE) continue;
        int32_t from = graph->layers[i].inputs[0];
        cn_layer *layer = &graph->layers[from];
        if (!takes_activation(layer->op) || layer->activation != CN_ACT_NONE) continue;
        if (cn_rewrite_consumers(graph, from) != 1 || !cn_rewrite_can_bypass(graph, i, from))
            continue;
        layer->activation = activation;
        cn_rewrite_bypass(graph, i, from);
    }
    return CN_OK;
}
