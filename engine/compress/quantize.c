/* Eight-bit integers after training. Two walks of the network as it is give ranges, statistics and
 * histograms; a third one quantizes it layer by layer. */
#include "condense/quantize.h"

#include <math.h>
#include <string.h>

#include "compress/statistics.h"
#include "condense/memory.h"
#include "run/quantization.h"

/* Shares of the progress. */
static const double ranges_done = 0.15, histograms_done = 0.3;

typedef struct quantizing {
    const cn_graph *graph;
    cn_weights *weights;
    const cn_calibration *calibration;
    const cn_quantize_options *options;
    cn_quantization *result;
    cn_quantize_layer *layers; /* NULL: not wanted */
    int32_t *roots;            /* of each layer: the layer whose scale it has, or -1 */
    cn_histogram *histograms;  /* of roots */
    channel_statistics *wanted;
    cn_walk *walk;
    double macs, macs_done;
} quantizing;

static cn_status see_range(void *context, int32_t layer, float *output, cn_error *error)
{
    quantizing *q = context;
    (void)error;
    if (q->roots[layer] < 0) return CN_OK;
    cn_histogram *h = &q->histograms[q->roots[layer]];
    int64_t count = q->calibration->images * cn_shape_count(q->graph->layers[layer].shape);
    float low = (float)h->low, high = (float)h->high;
    for (int64_t i = 0; i < count; i++) {
        low = output[i] < low ? output[i] : low;
        high = output[i] > high ? output[i] : high;
    }
    h->low = (double)low;
    h->high = (double)high;
    return CN_OK;
}

static cn_status see_statistics(void *context, int32_t layer, float *output, cn_error *error)
{
    quantizing *q = context;
    double done = ranges_done * q->macs_done / q->macs;
    cn_status status = calibration_tell(q->calibration, done, q->graph, layer, error);
    q->macs_done += (double)cn_layer_macs(q->graph, layer);
    if (status || !cn_op_is_tensor(q->graph->layers[layer].op)) return status;
    return statistics_take(&q->wanted[layer], q->graph->layers[layer].shape, q->calibration->images,
                           output, error);
}

static cn_status see_values(void *context, int32_t layer, float *output, cn_error *error)
{
    quantizing *q = context;
    double done = ranges_done + (histograms_done - ranges_done) * layer / q->graph->count;
    cn_status status = calibration_tell(q->calibration, done, q->graph, layer, error);
    if (!status && q->roots[layer] >= 0)
        cn_histogram_add(&q->histograms[q->roots[layer]], output,
                         q->calibration->images * cn_shape_count(q->graph->layers[layer].shape));
    return status;
}

static cn_status choose_scales(quantizing *q, cn_error *error)
{
    cn_walk_hooks first = {.computed = see_statistics, .finished = see_range, .context = q};
    cn_walk_hooks second = {.finished = see_values, .context = q};
    const cn_calibration *c = q->calibration;
    cn_status status = cn_walk_run(q->walk, c->images, c->input, NULL, &first, error);
    if (!status && q->options->range != CN_RANGE_MINMAX)
        status = cn_walk_run(q->walk, c->images, c->input, NULL, &second, error);
    for (int32_t i = 0; i < q->graph->count && !status; i++)
        if (q->roots[i] >= 0)
            q->result->outputs[i] =
                cn_range_estimate(q->options->range, &q->histograms[q->roots[i]]);
    q->macs_done = 0;
    return status;
}

/* Rounds the layer's weights on its inputs, which are quantized already. */
static cn_status quantize_layer(quantizing *q, int32_t index, const float *input, cn_error *error)
{
    const char *name = q->graph->layers[index].name;
    cn_tensor *weight = cn_weights_of(q->weights, name, "weight"), before = *weight;
    float *scales = q->result->weight_scales[index];
    cn_quantize_layer *layer = &q->layers[index];
    layer->weights = cn_tensor_count(weight);
    size_t bytes = (size_t)layer->weights * sizeof *before.data;
    cn_moments moments;
    cn_status status = cn_moments_take(&moments, q->graph, index, q->calibration->images, input,
                                       cn_moments_enough(q->graph, index), error);
    if (status) return status;
    before.data = cn_calloc(1, bytes);
    if (!before.data) status = cn_fail(error, CN_ENOMEM, "no memory to quantize '%s'", name);
    if (!status) memcpy(before.data, weight->data, bytes);
    if (!status) status = cn_round_weights(weight, NULL, scales, error);
    if (!status) status = cn_moments_error(&moments, &before, NULL, &layer->power, error);
    if (!status) status = cn_moments_error(&moments, &before, weight->data, &layer->nearest, error);
    layer->error = layer->nearest;
    if (!status && q->options->learned) {
        memcpy(weight->data, before.data, bytes);
        status = cn_round_weights(weight, &moments, scales, error);
        if (!status)
            status = cn_moments_error(&moments, &before, weight->data, &layer->error, error);
    }
    cn_free(before.data);
    cn_moments_clear(&moments);
    return status;
}

static cn_status round_layer(const quantizing *q, int32_t index, cn_error *error)
{
    cn_tensor *weight = cn_weights_of(q->weights, q->graph->layers[index].name, "weight");
    return cn_round_weights(weight, NULL, q->result->weight_scales[index], error);
}

static cn_status before_layer(void *context, int32_t index, const float *const *inputs,
                              cn_error *error)
{
    quantizing *q = context;
    double done = histograms_done + (1 - histograms_done) * q->macs_done / q->macs;
    cn_status status = calibration_tell(q->calibration, done, q->graph, index, error);
    if (status || !cn_op_is_tensor(q->graph->layers[index].op)) return status;
    return q->layers ? quantize_layer(q, index, inputs[0], error) : round_layer(q, index, error);
}

/* The correction may have multiplied a channel's weights: the same levels of another scale. */
static void follow_correction(cn_tensor *weight, float *scales, const float *by)
{
    int64_t count = cn_tensor_count(weight), row = count / weight->dims[0];
    for (int32_t c = 0; c < weight->dims[0]; c++)
        scales[c] *= by[c];
    for (int64_t i = 0; i < count; i++)
        weight->data[i] = rintf(weight->data[i] / scales[i / row]) * scales[i / row];
}

static cn_status after_operator(void *context, int32_t index, float *output, cn_error *error)
{
    quantizing *q = context;
    const cn_layer *layer = &q->graph->layers[index];
    if (!cn_op_is_tensor(layer->op)) return CN_OK;
    float *by = cn_calloc((size_t)layer->units, sizeof *by);
    if (!by) return cn_fail(error, CN_ENOMEM, "no memory to quantize '%s'", layer->name);
    cn_status status =
        statistics_correct(q->graph, index, q->weights, q->options->correction, &q->wanted[index],
                           q->calibration->images, output, by, error);
    if (!status)
        follow_correction(cn_weights_of(q->weights, layer->name, "weight"),
                          q->result->weight_scales[index], by);
    cn_walk_forget(q->walk, index);
    q->macs_done += (double)cn_layer_macs(q->graph, index);
    cn_free(by);
    return status;
}

static cn_status after_layer(void *context, int32_t index, float *output, cn_error *error)
{
    quantizing *q = context;
    (void)error;
    cn_scale scale = q->result->outputs[index];
    int64_t count = q->calibration->images * cn_shape_count(q->graph->layers[index].shape);
    if (scale.scale > 0) cn_scale_round(scale, output, count);
    return CN_OK;
}

static cn_status make(quantizing *q, cn_error *error)
{
    size_t count = (size_t)q->graph->count;
    cn_status status = quantization_new(q->result, q->graph, error);
    q->roots = cn_calloc(count, sizeof *q->roots);
    q->histograms = cn_calloc(count, sizeof *q->histograms);
    q->wanted = cn_calloc(count, sizeof *q->wanted);
    if (status) return status;
    if (!q->roots || !q->histograms || !q->wanted)
        return cn_fail(error, CN_ENOMEM, "no memory to quantize %zu layers", count);
    quantization_roots(q->graph, q->roots);
    return cn_walk_new(&q->walk, q->graph, q->weights, q->calibration->threads, error);
}

/* Rounds layer by layer, each on its quantized inputs. Where nothing depends on these nothing is
 * computed. */
static cn_status round_layers(quantizing *q, cn_error *error)
{
    cn_walk_hooks hooks = {before_layer, after_operator, after_layer, q};
    cn_status status = CN_OK;
    bool walks = q->layers || q->options->correction != CN_CORRECT_NONE;
    for (int32_t i = 0; i < q->graph->count && !status; i++) {
        cn_walk_forget(q->walk, i); /* they give back memory, and weights change */
        if (!walks && cn_op_is_tensor(q->graph->layers[i].op)) status = round_layer(q, i, error);
    }
    if (status || !walks) return status;
    return cn_walk_run(q->walk, q->calibration->images, q->calibration->input, NULL, &hooks, error);
}

cn_status cn_quantize(const cn_graph *graph, cn_weights *weights, const cn_calibration *calibration,
                      const cn_quantize_options *options, cn_quantization *quantization,
                      cn_quantize_layer *layers, cn_error *error)
{
    quantizing q = {.graph = graph,
                    .weights = weights,
                    .calibration = calibration,
                    .options = options,
                    .result = quantization,
                    .layers = layers,
                    .macs = (double)cn_graph_macs(graph)};
    *quantization = (cn_quantization){0};
    if (!layers && options->learned)
        return cn_fail(error, CN_EINVAL, "learned rounding needs the moments of every layer");
    if (layers) memset(layers, 0, (size_t)graph->count * sizeof *layers);
    cn_status status = make(&q, error);
    if (!status) status = choose_scales(&q, error);
    if (!status) status = round_layers(&q, error);
    cn_walk_free(q.walk);
    cn_free(q.roots);
    cn_free(q.histograms);
    statistics_free(q.wanted, graph->count);
    if (status) cn_quantization_clear(quantization);
    return status;
}
