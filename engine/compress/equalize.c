/* Cross-layer equalization. */
#include <math.h>

#include "condense/quantize.h"

enum { ROUNDS = 20 };

/* The one layer that reads `index`, as its first input; -1 where there are others or none. */
static int32_t only_reader(const cn_graph *graph, int32_t index)
{
    int32_t reader = -1, reads = 0;
    for (int32_t i = index + 1; i < graph->count; i++)
        for (int32_t k = 0; k < graph->layers[i].input_count; k++)
            if (graph->layers[i].inputs[k] == index) {
                reader = k == 0 ? i : -1;
                reads++;
            }
    return reads == 1 ? reader : -1;
}

static bool is_first_of_pair(const cn_graph *graph, int32_t index, int32_t *reader)
{
    const cn_layer *layer = &graph->layers[index];
    if (!cn_op_is_tensor(layer->op) || layer->residual >= 0) return false;
    if (layer->activation != CN_ACT_NONE && layer->activation != CN_ACT_RELU) return false;
    *reader = only_reader(graph, index);
    return *reader >= 0 && cn_op_is_tensor(graph->layers[*reader].op);
}

/* The weights with which the second layer reads channel `channel` of the first: for rows first ..
 * end - 1, `count` weights from `offset` on in each row of `row` weights. */
typedef struct readers {
    int64_t first, end, row, offset, count;
} readers;

static readers readers_of(const cn_graph *graph, int32_t second, int32_t channel)
{
    const cn_layer *layer = &graph->layers[second];
    cn_shape in = graph->layers[layer->inputs[0]].shape;
    int64_t groups = layer->op == CN_OP_FC ? 1 : layer->groups, inputs = in.c / groups;
    int64_t places = layer->op == CN_OP_FC
                         ? (int64_t)in.h * in.w
                         : (int64_t)layer->window.kernel_h * layer->window.kernel_w;
    int64_t outputs = layer->units / groups, group = channel / inputs;
    return (readers){group * outputs, (group + 1) * outputs, inputs * places,
                     channel % inputs * places, places};
}

static double largest(const float *w, const readers *r)
{
    double most = 0;
    for (int64_t i = r->first; i < r->end; i++)
        for (int64_t j = 0; j < r->count; j++)
            most = fmax(most, fabs((double)w[i * r->row + r->offset + j]));
    return most;
}

static void scale(float *w, const readers *r, float by)
{
    for (int64_t i = r->first; i < r->end; i++)
        for (int64_t j = 0; j < r->count; j++)
            w[i * r->row + r->offset + j] *= by;
}

/* Returns the largest change, as a factor of at least 1. */
static double equalize_pair(const cn_graph *graph, cn_weights *weights, int32_t first,
                            int32_t second)
{
    const cn_layer *layer = &graph->layers[first];
    cn_tensor *writes = cn_weights_of(weights, layer->name, "weight");
    cn_tensor *bias = layer->bias ? cn_weights_of(weights, layer->name, "bias") : NULL;
    cn_tensor *reads = cn_weights_of(weights, graph->layers[second].name, "weight");
    int64_t row = cn_tensor_count(writes) / layer->units;
    double most = 1;
    for (int32_t c = 0; c < layer->units; c++) {
        readers own = {c, c + 1, row, 0, row}, next = readers_of(graph, second, c);
        double written = largest(writes->data, &own), read = largest(reads->data, &next);
        if (!(written > 0) || !(read > 0)) continue;
        double by = sqrt(written / read);
        scale(writes->data, &own, (float)(1 / by));
        if (bias) bias->data[c] *= (float)(1 / by);
        scale(reads->data, &next, (float)by);
        most = fmax(most, fmax(by, 1 / by));
    }
    return most;
}

int32_t cn_equalize(const cn_graph *graph, cn_weights *weights)
{
    int32_t pairs = 0;
    double most = 2;
    for (int round = 0; round < ROUNDS && most > 1.001; round++) {
        pairs = 0;
        most = 1;
        for (int32_t i = 1; i < graph->count; i++) {
            int32_t second;
            if (!is_first_of_pair(graph, i, &second)) continue;
            most = fmax(most, equalize_pair(graph, weights, i, second));
            pairs++;
        }
    }
    return pairs;
}
