#include "lr/rewrite.h"

#include <string.h>

#include "condense/memory.h"

int32_t cn_rewrite_consumers(const cn_graph *graph, int32_t index)
{
    int32_t readers = 0;
    for (int32_t i = index + 1; i < graph->count; i++)
        for (int32_t k = 0; k < graph->layers[i].input_count; k++)
            readers += graph->layers[i].inputs[k] == index;
    return readers;
}

bool cn_rewrite_can_bypass(const cn_graph *graph, int32_t index, int32_t heir)
{
    return index < graph->count - 1 || heir == index - 1;
}

void cn_rewrite_bypass(cn_graph *graph, int32_t index, int32_t heir)
{
    cn_free(graph->layers[index].name);
    cn_free(graph->layers[index].inputs);
    graph->count--;
    memmove(&graph->layers[index], &graph->layers[index + 1],
            (size_t)(graph->count - index) * sizeof *graph->layers);
    for (int32_t i = index; i < graph->count; i++) {
        cn_layer *layer = &graph->layers[i];
        for (int32_t k = 0; k < layer->input_count; k++) {
            if (layer->inputs[k] == index)
                layer->inputs[k] = heir;
            else if (layer->inputs[k] > index)
                layer->inputs[k]--;
        }
    }
}

bool cn_rewrite_can_absorb(const cn_graph *graph, int32_t index, int32_t next)
{
    const cn_layer *layer = &graph->layers[index];
    return cn_op_is_tensor(layer->op) && layer->activation == CN_ACT_NONE && layer->residual < 0 &&
           cn_rewrite_consumers(graph, index) == 1 && cn_rewrite_can_bypass(graph, next, index);
}

cn_status cn_rewrite_bias(cn_rewrite *rewrite, cn_layer *layer, cn_tensor **bias, cn_error *error)
{
    *bias = layer->bias ? cn_weights_of(rewrite->weights, layer->name, "bias") : NULL;
    if (*bias) return CN_OK;
    char *name = cn_sprintf("%s.bias", layer->name);
    if (!name) return cn_fail(error, CN_ENOMEM, "no memory for a name");
    cn_status status = cn_weights_add(rewrite->weights, name, 1, &layer->units, bias, error);
    cn_free(name);
    if (!status) layer->bias = true;
    return status;
}
