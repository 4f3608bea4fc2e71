/* What all compression after training shares: the network it works on, and writing back. */
#include "condense/post.h"

#include <string.h>

#include "condense/passes.h"

static const char *const correction_names[CN_CORRECTIONS] = {"none", "bias", "norm"};

const char *cn_correction_name(cn_correction correction)
{
    return (unsigned)correction < CN_CORRECTIONS ? correction_names[correction] : NULL;
}

bool cn_correction_find(const char *name, cn_correction *correction)
{
    for (int i = 0; i < CN_CORRECTIONS; i++)
        if (!strcmp(name, correction_names[i])) {
            *correction = (cn_correction)i;
            return true;
        }
    return false;
}

cn_status cn_post_fold(const cn_graph *graph, const cn_weights *weights, cn_graph *folded,
                       cn_weights *folded_weights, cn_error *error)
{
    unsigned same_shapes = CN_PASS_ALL & ~CN_PASS_FC_AS_CONV & ~CN_PASS_SHRINK;
    return cn_passes_apply(graph, weights, same_shapes, folded, folded_weights, error);
}

static void copy_tensor(cn_tensor *to, const cn_tensor *from)
{
    memcpy(to->data, from->data, (size_t)cn_tensor_count(to) * sizeof *to->data);
}

static void fill(cn_weights *weights, const char *layer, const char *suffix, float value)
{
    cn_tensor *tensor = cn_weights_of(weights, layer, suffix);
    for (int64_t i = 0; i < cn_tensor_count(tensor); i++)
        tensor->data[i] = value;
}

/* The batch norm that was folded into `layer`: the one that reads it and is gone; NULL where there
 * is none. */
static const cn_layer *norm_of(const cn_graph *graph, int32_t index, const cn_graph *folded)
{
    for (int32_t i = index + 1; i < graph->count; i++)
        if (graph->layers[i].op == CN_OP_BATCH_NORM && graph->layers[i].inputs[0] == index &&
            cn_graph_find(folded, graph->layers[i].name) < 0)
            return &graph->layers[i];
    return NULL;
}

/* y = (x - 0) / sqrt(variance + epsilon) + shift; the divisor is 1 but for less than a quarter of a
 * unit in the last place, which no weight feels when it is folded again. */
static void restore_norm(cn_weights *weights, const cn_layer *norm, const cn_tensor *bias)
{
    fill(weights, norm->name, "weight", 1);
    fill(weights, norm->name, "running_mean", 0);
    fill(weights, norm->name, "running_var", 1 - norm->epsilon);
    copy_tensor(cn_weights_of(weights, norm->name, "bias"), bias);
}

cn_status cn_post_unfold(const cn_graph *graph, cn_weights *weights, const cn_graph *folded,
                         const cn_weights *folded_weights, cn_error *error)
{
    for (int32_t i = 0; i < graph->count; i++) {
        const cn_layer *layer = &graph->layers[i];
        cn_weight_spec specs[4];
        int32_t count = cn_layer_weights(graph, i, specs);
        if (!count || cn_graph_find(folded, layer->name) < 0) continue;
        const cn_layer *norm = cn_op_is_tensor(layer->op) ? norm_of(graph, i, folded) : NULL;
        for (int32_t k = 0; k < count; k++) {
            const cn_tensor *from = cn_weights_of(folded_weights, layer->name, specs[k].suffix);
            cn_tensor *to = cn_weights_of(weights, layer->name, specs[k].suffix);
            if (!from || !to || cn_tensor_count(from) != cn_tensor_count(to))
                return cn_fail(error, CN_EINVAL, "layer '%s': its %s does not fit what was folded",
                               layer->name, specs[k].suffix);
            copy_tensor(to, from);
        }
        if (!norm) continue;
        if (layer->bias) fill(weights, layer->name, "bias", 0);
        restore_norm(weights, norm, cn_weights_of(folded_weights, layer->name, "bias"));
    }
    return CN_OK;
}
