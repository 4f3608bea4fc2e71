#include "condense/graph.h"

#include <string.h>

#include "condense/memory.h"
#include "lr/shapes.h"

static const char *const op_names[CN_OP_COUNT] = {
    [CN_OP_INPUT] = "input",
    [CN_OP_CONV] = "conv",
    [CN_OP_FC] = "fc",
    [CN_OP_MAX_POOL] = "max_pool",
    [CN_OP_AVG_POOL] = "avg_pool",
    [CN_OP_GLOBAL_AVG_POOL] = "global_avg_pool",
    [CN_OP_BATCH_NORM] = "batch_norm",
    [CN_OP_LRN] = "lrn",
    [CN_OP_RELU] = "relu",
    [CN_OP_RELU6] = "relu6",
    [CN_OP_SIGMOID] = "sigmoid",
    [CN_OP_TANH] = "tanh",
    [CN_OP_ADD] = "add",
    [CN_OP_CONCAT] = "concat",
    [CN_OP_SOFTMAX] = "softmax",
    [CN_OP_DROPOUT] = "dropout",
    [CN_OP_FLATTEN] = "flatten",
    [CN_OP_PAD] = "pad",
    [CN_OP_RESIZE] = "resize",
    [CN_OP_PIXEL_SHUFFLE] = "pixel_shuffle",
};

const char *cn_op_name(cn_op op)
{
    return (unsigned)op < CN_OP_COUNT ? op_names[op] : "unknown";
}

const char *cn_activation_name(cn_activation activation)
{
    static const char *const names[] = {"none", "relu", "relu6", "sigmoid", "tanh"};
    return (unsigned)activation < sizeof names / sizeof *names ? names[activation] : "unknown";
}

cn_layer cn_layer_defaults(cn_op op)
{
    cn_layer layer = {.op = op, .residual = -1};
    if (op == CN_OP_CONV || op == CN_OP_MAX_POOL || op == CN_OP_AVG_POOL)
        layer.window = (cn_window){.stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1};
    if (op == CN_OP_CONV) layer.groups = 1;
    if (op == CN_OP_BATCH_NORM) layer.epsilon = 1e-5f;
    if (op == CN_OP_LRN) {
        layer.lrn_size = 5;
        layer.lrn_alpha = 1e-4f;
        layer.lrn_beta = 0.75f;
        layer.lrn_k = 1.0f;
    }
    return layer;
}

static void free_layer(cn_layer *layer)
{
    cn_free(layer->name);
    cn_free(layer->inputs);
}

void cn_graph_clear(cn_graph *graph)
{
    for (int32_t i = 0; i < graph->count; i++)
        free_layer(&graph->layers[i]);
    cn_free(graph->layers);
    *graph = (cn_graph){0};
}

int32_t cn_graph_find(const cn_graph *graph, const char *name)
{
    for (int32_t i = 0; i < graph->count; i++)
        if (!strcmp(graph->layers[i].name, name)) return i;
    return -1;
}

static cn_status grow(cn_graph *graph, cn_error *error)
{
    int32_t capacity = graph->capacity ? graph->capacity * 2 : 64;
    cn_layer *layers =
        cn_recalloc(graph->layers, (size_t)graph->count, (size_t)capacity, sizeof *layers);
    if (!layers) return cn_fail(error, CN_ENOMEM, "out of memory for %d layers", capacity);
    graph->layers = layers;
    graph->capacity = capacity;
    return CN_OK;
}

/* A layer of its own name and inputs. */
static cn_status own_copy(cn_layer *copy, const char *name, const int32_t *inputs,
                          int32_t input_count, cn_error *error)
{
    copy->name = cn_strdup(name);
    copy->inputs = cn_calloc((size_t)input_count, sizeof *inputs);
    copy->input_count = input_count;
    if (!copy->name || !copy->inputs) {
        free_layer(copy);
        return cn_fail(error, CN_ENOMEM, "out of memory for layer '%s'", name);
    }
    if (input_count) memcpy(copy->inputs, inputs, (size_t)input_count * sizeof *inputs);
    return CN_OK;
}

/* What a layer's place in the list demands, before its own rules. */
static cn_status check_place(const cn_graph *graph, const cn_layer *layer, const char *name,
                             int32_t input_count, cn_error *error)
{
    if ((unsigned)layer->op >= CN_OP_COUNT)
        return cn_fail(error, CN_EINVAL, "layer '%s': there is no operator %d", name, layer->op);
    if (!*name) return cn_fail(error, CN_EINVAL, "a %s layer has no name", cn_op_name(layer->op));
    if (graph->count >= CN_MAX_LAYERS)
        return cn_fail(error, CN_EINVAL, "layer '%s': a network has at most %d layers", name,
                       CN_MAX_LAYERS);
    if (input_count < 0 || input_count > CN_MAX_LAYERS)
        return cn_fail(error, CN_EINVAL, "layer '%s' (%s): reads %d layers; at most %d are allowed",
                       name, cn_op_name(layer->op), input_count, CN_MAX_LAYERS);
    if ((layer->op == CN_OP_INPUT) != (graph->count == 0))
        return cn_fail(error, CN_EINVAL,
                       "layer '%s' (%s): the first layer, and no other, is the input", name,
                       cn_op_name(layer->op));
    if (cn_graph_find(graph, name) >= 0)
        return cn_fail(error, CN_EINVAL, "layer '%s' (%s): the name is taken; names are unique",
                       name, cn_op_name(layer->op));
    return CN_OK;
}

cn_status cn_graph_add(cn_graph *graph, const cn_layer *layer, const char *name,
                       const int32_t *inputs, int32_t input_count, int32_t *index, cn_error *error)
{
    cn_status status = check_place(graph, layer, name, input_count, error);
    if (status) return status;
    if (graph->count == graph->capacity && (status = grow(graph, error))) return status;

    cn_layer copy = *layer;
    status = own_copy(&copy, name, inputs, input_count, error);
    if (status) return status;
    status = cn_layer_infer(graph, &copy, error);
    if (status) {
        free_layer(&copy);
        return status;
    }
    if (index) *index = graph->count;
    graph->layers[graph->count++] = copy;
    return CN_OK;
}

cn_status cn_graph_copy(const cn_graph *graph, cn_graph *copy, cn_error *error)
{
    *copy = (cn_graph){0};
    for (int32_t i = 0; i < graph->count; i++) {
        const cn_layer *layer = &graph->layers[i];
        cn_status status =
            cn_graph_add(copy, layer, layer->name, layer->inputs, layer->input_count, NULL, error);
        if (status) {
            cn_graph_clear(copy);
            return status;
        }
    }
    return CN_OK;
}
