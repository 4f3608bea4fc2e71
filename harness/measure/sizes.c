#include "measure/sizes.h"

static int64_t count_nonzero(const cn_tensor *tensor)
{
    int64_t count = cn_tensor_count(tensor), nonzero = 0;
    for (int64_t i = 0; i < count; i++)
        nonzero += tensor->data[i] != 0;
    return nonzero;
}

/* Compressed sparse rows, one row an output channel: value and column of each weight that is not
 * zero, and where each row begins. */
static int64_t csr_bytes(const cn_tensor *tensor, int64_t nonzero)
{
    return nonzero * (4 + 4) + ((int64_t)tensor->dims[0] + 1) * 4;
}

static void add_layer(st_sizes *sizes, const cn_graph *graph, int32_t index,
                      const cn_weights *weights)
{
    cn_weight_spec specs[4];
    const cn_layer *layer = &graph->layers[index];
    int32_t count = cn_layer_weights(graph, index, specs);
    int64_t macs = cn_layer_macs(graph, index);
    sizes->macs += macs;
    for (int32_t i = 0; i < count; i++) {
        const cn_tensor *tensor = cn_weights_of(weights, layer->name, specs[i].suffix);
        if (!tensor) continue;
        int64_t numbers = cn_tensor_count(tensor), nonzero = count_nonzero(tensor);
        sizes->stored_bytes += 4 * numbers;
        if (specs[i].trainable) sizes->nonzero += nonzero;
        bool matrix = cn_op_is_tensor(layer->op) && tensor->rank > 1;
        sizes->csr_bytes += matrix ? csr_bytes(tensor, nonzero) : 4 * numbers;
        /* Every weight of a layer takes part in the same number of products. */
        if (matrix) sizes->effective_macs += macs / numbers * nonzero;
    }
}

st_sizes st_sizes_of(const cn_graph *graph, const cn_weights *weights)
{
    st_sizes sizes = {.parameters = cn_graph_parameters(graph)};
    for (int32_t i = 0; i < graph->count; i++)
        add_layer(&sizes, graph, i, weights);
    sizes.dense_bytes = 4 * sizes.parameters;
    return sizes;
}
