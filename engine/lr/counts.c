#include "condense/graph.h"

int64_t cn_shape_count(cn_shape shape)
{
    return (int64_t)shape.c * shape.h * shape.w;
}

bool cn_op_is_tensor(cn_op op)
{
    return op == CN_OP_CONV || op == CN_OP_FC;
}

/* The shape that the layer's operator reads; zero for the input. */
static cn_shape input_shape(const cn_graph *graph, const cn_layer *layer)
{
    return layer->input_count ? graph->layers[layer->inputs[0]].shape : (cn_shape){0};
}

int32_t cn_layer_weights(const cn_graph *graph, int32_t index, cn_weight_spec specs[4])
{
    const cn_layer *layer = &graph->layers[index];
    cn_shape in = input_shape(graph, layer);
    const cn_window *w = &layer->window;
    switch (layer->op) {
    case CN_OP_CONV:
        specs[0] = (cn_weight_spec){
            "weight", 4, {layer->units, in.c / layer->groups, w->kernel_h, w->kernel_w}, true};
        specs[1] = (cn_weight_spec){"bias", 1, {layer->units}, true};
        return layer->bias ? 2 : 1;
    case CN_OP_FC:
        specs[0] = (cn_weight_spec){"weight", 2, {layer->units, in.c * in.h * in.w}, true};
        specs[1] = (cn_weight_spec){"bias", 1, {layer->units}, true};
        return layer->bias ? 2 : 1;
    case CN_OP_BATCH_NORM:
        specs[0] = (cn_weight_spec){"weight", 1, {in.c}, true};
        specs[1] = (cn_weight_spec){"bias", 1, {in.c}, true};
        specs[2] = (cn_weight_spec){"running_mean", 1, {in.c}, false};
        specs[3] = (cn_weight_spec){"running_var", 1, {in.c}, false};
        return 4;
    default:
        return 0;
    }
}

int64_t cn_layer_parameters(const cn_graph *graph, int32_t index)
{
    cn_weight_spec specs[4];
    int32_t count = cn_layer_weights(graph, index, specs);
    int64_t total = 0;
    for (int32_t i = 0; i < count; i++) {
        int64_t values = specs[i].trainable;
        for (int32_t k = 0; k < specs[i].rank; k++)
            values *= specs[i].dims[k];
        total += values;
    }
    return total;
}

int64_t cn_graph_parameters(const cn_graph *graph)
{
    int64_t total = 0;
    for (int32_t i = 0; i < graph->count; i++)
        total += cn_layer_parameters(graph, i);
    return total;
}

int64_t cn_layer_macs(const cn_graph *graph, int32_t index)
{
    const cn_layer *layer = &graph->layers[index];
    if (!cn_op_is_tensor(layer->op)) return 0;
    cn_weight_spec specs[4];
    cn_layer_weights(graph, index, specs);
    int64_t per_output = 1;
    for (int32_t k = 1; k < specs[0].rank; k++)
        per_output *= specs[0].dims[k];
    return per_output * cn_shape_count(layer->shape);
}

int64_t cn_graph_macs(const cn_graph *graph)
{
    int64_t total = 0;
    for (int32_t i = 0; i < graph->count; i++)
        total += cn_layer_macs(graph, i);
    return total;
}
