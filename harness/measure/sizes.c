#include "measure/sizes.h"

#include <stdio.h>

#include "condense/compact.h"

int64_t st_count_nonzero(const cn_tensor *tensor)
{
    int64_t count = cn_tensor_count(tensor), nonzero = 0;
    for (int64_t i = 0; i < count; i++)
        nonzero += tensor->data[i] != 0;
    return nonzero;
}

int64_t st_csr_bytes(const cn_tensor *tensor, int64_t nonzero)
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
        int64_t numbers = cn_tensor_count(tensor), nonzero = st_count_nonzero(tensor);
        sizes->stored_bytes += tensor->stored_bytes;
        if (specs[i].trainable) sizes->nonzero += nonzero;
        bool matrix = cn_op_is_tensor(layer->op) && tensor->rank > 1;
        sizes->csr_bytes += matrix ? st_csr_bytes(tensor, nonzero) : 4 * numbers;
        /* Every weight of a layer takes part in the same number of products. */
        if (matrix) sizes->effective_macs += macs / numbers * nonzero;
    }
}

st_sizes st_sizes_of(const cn_graph *graph, const cn_weights *weights)
{
    st_sizes sizes = {.parameters = cn_graph_parameters(graph),
                      .compact_bytes = -1,
                      .compact_value_bytes = -1,
                      .compact_reason = "not measured"};
    for (int32_t i = 0; i < graph->count; i++)
        add_layer(&sizes, graph, i, weights);
    sizes.dense_bytes = 4 * sizes.parameters;
    return sizes;
}

void st_sizes_compact(st_sizes *sizes, const cn_weights *weights)
{
    cn_compact_size whole;
    cn_error error = {0};
    if (cn_compact_measure(weights, false, &whole, NULL, &error)) {
        snprintf(sizes->compact_reason, sizeof sizes->compact_reason, "%.255s", error.message);
        return;
    }
    sizes->compact_bytes = whole.bytes;
    sizes->compact_value_bytes = whole.value_bytes;
    sizes->compact_reason[0] = '\0';
}
