/* Pruning after training, layer by layer. */
#include <math.h>
#include <string.h>

#include "compress/statistics.h"
#include "condense/memory.h"

static bool is_depthwise(const cn_graph *graph, const cn_layer *layer)
{
    return layer->op == CN_OP_CONV && layer->groups > 1 &&
           layer->groups == graph->layers[layer->inputs[0]].shape.c;
}

static cn_scheme scheme_of(const cn_graph *graph, int32_t index, cn_scheme scheme,
                           const char **rule)
{
    const cn_layer *layer = &graph->layers[index];
    if (layer->inputs[0] == 0) {
        *rule = "reads the network's input: stays whole";
        return CN_SCHEME_NONE;
    }
    if (is_depthwise(graph, layer)) {
        *rule = "depthwise: stays whole";
        return CN_SCHEME_NONE;
    }
    return cn_scheme_for(graph, index, scheme, rule);
}

/* The share that the pruned layers keep: all weights / rate, less those of the layers that stay
 * whole. */
cn_status cn_post_plan(const cn_graph *graph, const cn_weights *weights, cn_scheme scheme,
                       double rate, cn_post_layer *layers, cn_error *error)
{
    double all = 0, whole = 0;
    for (int32_t i = 0; i < graph->count; i++) {
        cn_post_layer *layer = &layers[i];
        *layer = (cn_post_layer){0};
        if (!cn_op_is_tensor(graph->layers[i].op)) continue;
        layer->weights = cn_tensor_count(cn_weights_of(weights, graph->layers[i].name, "weight"));
        layer->scheme = scheme_of(graph, i, scheme, &layer->rule);
        all += (double)layer->weights;
        if (layer->scheme == CN_SCHEME_NONE) whole += (double)layer->weights;
    }
    double keep = (all / rate - whole) / (all - whole);
    if (!(keep > 0))
        return cn_fail(error, CN_EINVAL,
                       "rate %g: %.0f of the %.0f weights are in layers that stay whole; at most "
                       "%.2f can be had",
                       rate, whole, all, whole > 0 ? all / whole : INFINITY);
    for (int32_t i = 0; i < graph->count; i++)
        layers[i].keep = layers[i].scheme == CN_SCHEME_NONE ? 1 : fmin(1, keep);
    return CN_OK;
}

typedef struct pruning {
    const cn_graph *graph;
    cn_weights *weights;
    const cn_calibration *calibration;
    const cn_post_prune_options *options;
    cn_post_layer *layers;
    channel_statistics *wanted; /* of the network as it was */
    cn_walk *walk;
    double macs, macs_done; /* the progress: layers take time much as they do in inference */
} pruning;

static cn_status prune_layer(pruning *p, int32_t index, const float *input, cn_error *error)
{
    const cn_calibration *calibration = p->calibration;
    cn_post_layer *layer = &p->layers[index];
    cn_tensor *weight = cn_weights_of(p->weights, p->graph->layers[index].name, "weight");
    cn_constraint constraint = {
        .scheme = layer->scheme, .keep = layer->keep, .patterns = p->options->patterns};
    cn_moments moments;
    cn_status status = cn_moments_take(&moments, p->graph, index, calibration->images, input,
                                       cn_moments_enough(p->graph, index), error);
    if (status) return status;
    float *to = cn_calloc((size_t)layer->weights, sizeof *to);
    if (!to)
        status = cn_fail(error, CN_ENOMEM, "no memory to prune '%s'", weight->name);
    else if (p->options->reconstruct)
        status = cn_reconstruct(weight, &constraint, &moments, to, &layer->fit, error);
    else
        status = cn_reconstruct_none(weight, &constraint, &moments, to, &layer->fit, error);
    if (!status) memcpy(weight->data, to, (size_t)layer->weights * sizeof *to);
    cn_free(to);
    cn_moments_clear(&moments);
    return status;
}

static cn_status before(void *context, int32_t index, const float *const *inputs, cn_error *error)
{
    pruning *p = context;
    cn_status status =
        calibration_tell(p->calibration, p->macs_done / p->macs, p->graph, index, error);
    if (status || p->layers[index].scheme == CN_SCHEME_NONE) return status;
    return prune_layer(p, index, inputs[0], error);
}

static cn_status computed(void *context, int32_t index, float *output, cn_error *error)
{
    pruning *p = context;
    cn_post_layer *layer = &p->layers[index];
    if (!layer->weights) return CN_OK;
    cn_status status =
        statistics_correct(p->graph, index, p->weights, p->options->correction, &p->wanted[index],
                           p->calibration->images, output, NULL, error);
    const cn_tensor *weight = cn_weights_of(p->weights, p->graph->layers[index].name, "weight");
    for (int64_t i = 0; i < layer->weights; i++)
        layer->nonzero += weight->data[i] != 0;
    cn_walk_forget(p->walk, index);
    p->macs_done += (double)cn_layer_macs(p->graph, index);
    return status;
}

cn_status cn_post_prune(const cn_graph *graph, cn_weights *weights,
                        const cn_calibration *calibration, const cn_post_prune_options *options,
                        cn_post_layer *layers, cn_error *error)
{
    pruning p = {.graph = graph,
                 .weights = weights,
                 .calibration = calibration,
                 .options = options,
                 .layers = layers,
                 .macs = (double)cn_graph_macs(graph)};
    cn_walk_hooks hooks = {.before = before, .computed = computed, .context = &p};
    cn_status status = cn_post_plan(graph, weights, options->scheme, options->rate, layers, error);
    if (!status) status = statistics_of_all(graph, weights, calibration, &p.wanted, error);
    if (!status) status = cn_walk_new(&p.walk, graph, weights, calibration->threads, error);
    if (!status)
        status = cn_walk_run(p.walk, calibration->images, calibration->input, NULL, &hooks, error);
    cn_walk_free(p.walk);
    statistics_free(p.wanted, graph->count);
    return status;
}
