#include "run/integers.h"

#include <string.h>

#include "condense/memory.h"

bool cn_integers_any(const cn_integers *n)
{
    return n->quantization.count > 0;
}

cn_int8_scale cn_integers_levels(const cn_integers *n, int32_t layer)
{
    if (!cn_integers_any(n)) return (cn_int8_scale){0};
    cn_scale scale = n->quantization.outputs[layer];
    return (cn_int8_scale){scale.scale, scale.zero};
}

bool cn_integers_touch(const cn_integers *n, const cn_graph *graph, int32_t index)
{
    const cn_layer *layer = &graph->layers[index];
    bool any = cn_integers_levels(n, index).scale > 0;
    for (int32_t k = 0; k < layer->input_count; k++)
        any = any || cn_integers_levels(n, layer->inputs[k]).scale > 0;
    return any;
}

/* Whether each input of a concat begins and ends with whole slots, and is held as the concat is. */
static bool joins_slots(const cn_integers *n, const cn_graph *graph, int32_t index)
{
    const cn_layer *layer = &graph->layers[index];
    bool integers = cn_integers_levels(n, index).scale > 0;
    for (int32_t k = 0; k < layer->input_count; k++) {
        int32_t input = layer->inputs[k];
        if (integers != (cn_integers_levels(n, input).scale > 0)) return false;
        if (integers && k < layer->input_count - 1 && graph->layers[input].shape.c % 4)
            return false;
    }
    return true;
}

/* The graph's layers with their shapes in memory. */
static cn_status store_graph(cn_integers *n, const cn_graph *graph, cn_error *error)
{
    n->stored.layers = cn_calloc((size_t)graph->count, sizeof *graph->layers);
    if (!n->stored.layers) return cn_fail(error, CN_ENOMEM, "no memory for a graph");
    n->stored.count = graph->count;
    memcpy(n->stored.layers, graph->layers, (size_t)graph->count * sizeof *graph->layers);
    for (int32_t i = 0; i < graph->count; i++) {
        cn_layer *layer = &n->stored.layers[i];
        layer->shape = cn_int8_stored(layer->shape, cn_integers_levels(n, i));
        if (layer->op == CN_OP_CONCAT && !joins_slots(n, graph, i)) layer->op = CN_OP_FLATTEN;
    }
    return CN_OK;
}

cn_status cn_integers_load(cn_integers *n, const cn_graph *graph, const cn_weights *weights,
                           cn_error *error)
{
    cn_status status = cn_quantization_load(&n->quantization, graph, weights, error);
    bool any = false;
    for (int32_t i = 0; i < graph->count && !status; i++)
        any = any || n->quantization.outputs[i].scale > 0;
    if (!any) cn_quantization_clear(&n->quantization);
    if (status == CN_ENOTFOUND) status = CN_OK;
    return status ? status : store_graph(n, graph, error);
}

void cn_integers_clear(cn_integers *n)
{
    cn_quantization_clear(&n->quantization);
    cn_free(n->stored.layers);
    *n = (cn_integers){0};
}
