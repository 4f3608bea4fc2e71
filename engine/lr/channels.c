#include "lr/channels.h"

#include <math.h>

#include "condense/memory.h"

bool cn_layer_is_depthwise(const cn_graph *graph, int32_t layer)
{
    const cn_layer *l = &graph->layers[layer];
    return l->op == CN_OP_CONV && l->groups > 1 && l->groups == graph->layers[l->inputs[0]].shape.c;
}

cn_filters cn_filters_of(const cn_graph *graph, int32_t layer, const cn_weights *weights)
{
    const cn_layer *l = &graph->layers[layer];
    const cn_window *w = &l->window;
    cn_shape in = graph->layers[l->inputs[0]].shape;
    bool conv = l->op == CN_OP_CONV;
    int32_t groups = conv ? l->groups : 1;
    return (cn_filters){.data = cn_weights_of(weights, l->name, "weight")->data,
                        .groups = groups,
                        .outputs = l->units / groups,
                        .inputs = in.c / groups,
                        .taps = conv ? (int64_t)w->kernel_h * w->kernel_w : (int64_t)in.h * in.w,
                        .padded =
                            conv && (w->pad_top || w->pad_bottom || w->pad_left || w->pad_right)};
}

int64_t cn_channels_class(cn_channels *channels, int64_t slot)
{
    int64_t *parent = channels->parent;
    while (parent[slot] != slot)
        slot = parent[slot] = parent[parent[slot]];
    return slot;
}

bool cn_channels_kept(cn_channels *channels, int64_t slot)
{
    return channels->keep[cn_channels_class(channels, slot)];
}

void cn_channels_keep(cn_channels *channels, int64_t slot)
{
    channels->keep[cn_channels_class(channels, slot)] = true;
}

int32_t cn_channels_count(cn_channels *channels, int32_t layer)
{
    int32_t count = 0;
    for (int64_t s = channels->first[layer]; s < channels->first[layer + 1]; s++)
        count += cn_channels_kept(channels, s);
    return count;
}

static void tie(cn_channels *channels, int64_t a, int64_t b)
{
    a = cn_channels_class(channels, a);
    b = cn_channels_class(channels, b);
    channels->parent[b] = a;
    channels->keep[a] |= channels->keep[b];
}

/* Channel c of layer `from` with channels c * each .. c * each + each - 1 after slot `to`. */
static void tie_layer(cn_channels *channels, int32_t from, int64_t to, int64_t each)
{
    int64_t first = channels->first[from], count = channels->first[from + 1] - first;
    for (int64_t i = 0; i < count * each; i++)
        tie(channels, first + i / each, to + i);
}

static void keep_layer(cn_channels *channels, int32_t layer)
{
    for (int64_t s = channels->first[layer]; s < channels->first[layer + 1]; s++)
        cn_channels_keep(channels, s);
}

/* What the operator demands of the channels that it reads and writes. */
static void tie_operator(cn_channels *channels, int32_t index)
{
    const cn_graph *graph = channels->graph;
    const cn_layer *layer = &graph->layers[index];
    int64_t own = channels->first[index];
    switch (layer->op) {
    case CN_OP_INPUT:
        keep_layer(channels, index);
        break;
    case CN_OP_LRN:
    case CN_OP_SOFTMAX:
    case CN_OP_PIXEL_SHUFFLE:
        keep_layer(channels, index);
        keep_layer(channels, layer->inputs[0]);
        break;
    case CN_OP_CONV:
    case CN_OP_FC:
        if (cn_layer_is_depthwise(graph, index)) {
            tie_layer(channels, layer->inputs[0], own, layer->units / layer->groups);
        } else if (layer->groups > 1) {
            keep_layer(channels, index);
            keep_layer(channels, layer->inputs[0]);
        }
        if (layer->residual >= 0) tie_layer(channels, layer->inputs[layer->residual], own, 1);
        break;
    case CN_OP_CONCAT:
        for (int32_t k = 0; k < layer->input_count; k++) {
            tie_layer(channels, layer->inputs[k], own, 1);
            own += graph->layers[layer->inputs[k]].shape.c;
        }
        break;
    case CN_OP_FLATTEN: {
        cn_shape in = graph->layers[layer->inputs[0]].shape;
        tie_layer(channels, layer->inputs[0], own, (int64_t)in.h * in.w);
        break;
    }
    default:
        for (int32_t k = 0; k < layer->input_count; k++)
            tie_layer(channels, layer->inputs[k], own, 1);
    }
}

cn_status cn_channels_new(cn_channels *channels, const cn_graph *graph, cn_error *error)
{
    *channels = (cn_channels){.graph = graph};
    channels->first = cn_calloc((size_t)graph->count + 1, sizeof *channels->first);
    if (channels->first)
        for (int32_t i = 0; i < graph->count; i++)
            channels->first[i + 1] = channels->first[i] + graph->layers[i].shape.c;
    size_t slots = channels->first ? (size_t)channels->first[graph->count] : 0;
    channels->parent = cn_calloc(slots, sizeof *channels->parent);
    channels->keep = cn_calloc(slots, sizeof *channels->keep);
    channels->value = cn_calloc(slots, sizeof *channels->value);
    if (!channels->first || !channels->parent || !channels->keep || !channels->value) {
        cn_channels_clear(channels);
        return cn_fail(error, CN_ENOMEM, "no memory for %zu channels", slots);
    }
    for (size_t s = 0; s < slots; s++)
        channels->parent[s] = (int64_t)s;
    for (int32_t i = 0; i < graph->count; i++)
        tie_operator(channels, i);
    keep_layer(channels, graph->count - 1);
    return CN_OK;
}

void cn_channels_clear(cn_channels *channels)
{
    cn_free(channels->first);
    cn_free(channels->parent);
    cn_free(channels->keep);
    cn_free(channels->value);
    *channels = (cn_channels){0};
}
