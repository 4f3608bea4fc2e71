#include "data/masked_weights.h"

#include <math.h>

#include "condense/memory.h"
#include "condense/post.h"

enum { PATTERNS = 8 };

static double squared_norm(const cn_tensor *tensor)
{
    double sum = 0;
    for (int64_t i = 0, count = cn_tensor_count(tensor); i < count; i++)
        sum += (double)tensor->data[i] * (double)tensor->data[i];
    return sum;
}

static cn_status mask_layer(cn_tensor *tensor, const cn_constraint *constraint, cn_error *error)
{
    double before = squared_norm(tensor);
    cn_status status = cn_project_scheme(tensor, constraint, tensor->data, tensor->data, error);
    double after = status ? 0 : squared_norm(tensor);
    float scale = after > 0 ? (float)sqrt(before / after) : 1.0f;
    for (int64_t i = 0, count = cn_tensor_count(tensor); i < count; i++)
        tensor->data[i] *= scale;
    return status;
}

static cn_status mask_layers(const cn_graph *graph, cn_weights *weights,
                             const cn_post_layer *layers, st_mask *mask, cn_error *error)
{
    cn_constraint constraint = {0};
    cn_status status = CN_OK;
    cn_patterns_learn(graph, weights, PATTERNS, &constraint.patterns);
    for (int32_t i = 0; i < graph->count && !status; i++) {
        if (!layers[i].weights) continue;
        cn_tensor *tensor = cn_weights_of(weights, graph->layers[i].name, "weight");
        constraint.scheme = layers[i].scheme;
        constraint.keep = layers[i].keep;
        if (constraint.scheme != CN_SCHEME_NONE) status = mask_layer(tensor, &constraint, error);
        mask->weights += layers[i].weights;
        for (int64_t k = 0; k < layers[i].weights; k++)
            mask->nonzero += tensor->data[k] != 0;
    }
    mask->rate = mask->nonzero ? (double)mask->weights / (double)mask->nonzero : INFINITY;
    return status;
}

static cn_status extend_label(cn_weights *weights, const st_mask *mask, cn_error *error)
{
    char *label = cn_sprintf("%s, %s %gx by magnitude", weights->label ? weights->label : "unknown",
                             cn_scheme_name(mask->scheme), mask->rate_asked);
    if (!label) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_free(weights->label);
    weights->label = label;
    return CN_OK;
}

cn_status st_weights_mask(const cn_graph *graph, cn_weights *weights, cn_scheme scheme, double rate,
                          st_mask *mask, cn_error *error)
{
    *mask = (st_mask){.scheme = scheme, .rate_asked = rate};
    cn_post_layer *layers = cn_calloc((size_t)graph->count, sizeof *layers);
    cn_status status = layers ? cn_post_plan(graph, weights, scheme, rate, layers, error)
                              : cn_fail(error, CN_ENOMEM, "out of memory");
    if (!status) status = mask_layers(graph, weights, layers, mask, error);
    if (!status) status = extend_label(weights, mask, error);
    cn_free(layers);
    return status;
}
