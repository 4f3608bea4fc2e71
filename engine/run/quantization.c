/* Quantized networks: which tensors have which scale, scales in weight files, and the emulation. */
#include "run/quantization.h"

#include <math.h>
#include <string.h>

#include "condense/memory.h"

cn_status quantization_new(cn_quantization *quantization, const cn_graph *graph, cn_error *error)
{
    size_t count = (size_t)graph->count;
    quantization->count = graph->count;
    quantization->outputs = cn_calloc(count, sizeof *quantization->outputs);
    quantization->weight_scales = cn_calloc(count, sizeof *quantization->weight_scales);
    bool there = quantization->outputs && quantization->weight_scales;
    for (int32_t i = 0; there && i < graph->count; i++)
        if (cn_op_is_tensor(graph->layers[i].op)) {
            quantization->weight_scales[i] =
                cn_calloc((size_t)graph->layers[i].units, sizeof(float));
            there = quantization->weight_scales[i];
        }
    return there ? CN_OK : cn_fail(error, CN_ENOMEM, "no memory for %zu scales", count);
}

void cn_quantization_clear(cn_quantization *quantization)
{
    for (int32_t i = 0; quantization->weight_scales && i < quantization->count; i++)
        cn_free(quantization->weight_scales[i]);
    cn_free(quantization->weight_scales);
    cn_free(quantization->outputs);
    *quantization = (cn_quantization){0};
}

/* Operators that only move values. */
static bool moves(const cn_layer *layer)
{
    switch (layer->op) {
    case CN_OP_MAX_POOL:
    case CN_OP_CONCAT:
    case CN_OP_FLATTEN:
    case CN_OP_DROPOUT:
    case CN_OP_PAD:
    case CN_OP_PIXEL_SHUFFLE:
        return layer->activation == CN_ACT_NONE;
    case CN_OP_RESIZE:
        return layer->resize == CN_RESIZE_NEAREST;
    default:
        return false;
    }
}

static int32_t root_of(const int32_t *roots, int32_t index)
{
    while (roots[index] != index)
        index = roots[index];
    return index;
}

void quantization_roots(const cn_graph *graph, int32_t *roots)
{
    int32_t last = 0;
    for (int32_t i = 0; i < graph->count; i++) {
        roots[i] = i;
        if (cn_op_is_tensor(graph->layers[i].op)) last = i;
    }
    for (int32_t i = 0; i < last; i++)
        for (int32_t k = 0; moves(&graph->layers[i]) && k < graph->layers[i].input_count; k++) {
            int32_t a = root_of(roots, i), b = root_of(roots, graph->layers[i].inputs[k]);
            roots[a < b ? b : a] = a < b ? a : b;
        }
    for (int32_t i = 0; i < graph->count; i++)
        roots[i] = i < last ? root_of(roots, i) : -1;
}

typedef struct running {
    const cn_quantization *quantization;
    const cn_graph *graph;
    int64_t images;
} running;

static cn_status finished(void *context, int32_t layer, float *output, cn_error *error)
{
    const running *r = context;
    (void)error;
    cn_scale scale = r->quantization->outputs[layer];
    if (scale.scale > 0)
        cn_scale_round(scale, output, r->images * cn_shape_count(r->graph->layers[layer].shape));
    return CN_OK;
}

cn_status cn_quantization_run(const cn_quantization *quantization, cn_walk *walk, int64_t images,
                              const float *input, float *output, cn_error *error)
{
    running r = {quantization, cn_walk_graph(walk), images};
    cn_walk_hooks hooks = {.finished = finished, .context = &r};
    return cn_walk_run(walk, images, input, output, &hooks, error);
}

static cn_status add_tensor(cn_weights *weights, const char *layer, const char *suffix,
                            const float *values, int32_t count, cn_error *error)
{
    char *name = cn_sprintf("%s.%s", layer, suffix);
    if (!name) return cn_fail(error, CN_ENOMEM, "no memory for a name");
    cn_tensor *tensor = cn_weights_find(weights, name);
    cn_status status = CN_OK;
    if (!tensor) status = cn_weights_add(weights, name, 1, &count, &tensor, error);
    if (!status && cn_tensor_count(tensor) != count)
        status = cn_fail(error, CN_EINVAL, "%s: there already, of another size", name);
    if (!status) memcpy(tensor->data, values, (size_t)count * sizeof *values);
    cn_free(name);
    return status;
}

cn_status cn_quantization_store(const cn_quantization *quantization, const cn_graph *graph,
                                cn_weights *weights, cn_error *error)
{
    cn_status status = CN_OK;
    for (int32_t i = 0; i < graph->count && !status; i++) {
        const cn_layer *layer = &graph->layers[i];
        cn_scale output = quantization->outputs[i];
        float zero = (float)output.zero;
        if (quantization->weight_scales[i])
            status = add_tensor(weights, layer->name, "weight_scale",
                                quantization->weight_scales[i], layer->units, error);
        if (!(output.scale > 0) || status) continue;
        status = add_tensor(weights, layer->name, "output_scale", &output.scale, 1, error);
        if (!status) status = add_tensor(weights, layer->name, "output_zero", &zero, 1, error);
    }
    return status;
}

/* The numbers of LAYER.SUFFIX, `count` of them; NULL with the reason where they are not there. */
static const float *find(const cn_weights *weights, const char *layer, const char *suffix,
                         int32_t count, cn_status *status, cn_error *error)
{
    const cn_tensor *tensor = cn_weights_of(weights, layer, suffix);
    if (tensor && cn_tensor_count(tensor) == count) return tensor->data;
    *status = tensor ? cn_fail(error, CN_EFORMAT, "layer '%s': %s should have %d numbers", layer,
                               suffix, count)
                     : cn_fail(error, CN_ENOTFOUND,
                               "layer '%s': no %s; the weights are not quantized (see 'condense "
                               "calibrate')",
                               layer, suffix);
    return NULL;
}

static cn_status load_output(const cn_weights *weights, const char *layer, cn_scale *output,
                             cn_error *error)
{
    cn_status status = CN_OK;
    const float *scale = find(weights, layer, "output_scale", 1, &status, error);
    const float *zero = scale ? find(weights, layer, "output_zero", 1, &status, error) : NULL;
    if (status) return status;
    if (!(*scale > 0) || !isfinite(*scale) || !(*zero >= 0 && *zero <= 255) ||
        *zero != rintf(*zero))
        return cn_fail(error, CN_EFORMAT, "layer '%s': %g with zero at %g is no scale", layer,
                       (double)*scale, (double)*zero);
    *output = (cn_scale){*scale, (int32_t)*zero};
    return CN_OK;
}

static cn_status load_weight_scales(const cn_weights *weights, const cn_layer *layer, float *to,
                                    cn_error *error)
{
    cn_status status = CN_OK;
    const float *scales = find(weights, layer->name, "weight_scale", layer->units, &status, error);
    for (int32_t c = 0; c < layer->units && !status; c++) {
        to[c] = scales[c];
        if (!(to[c] > 0) || !isfinite(to[c]))
            status = cn_fail(error, CN_EFORMAT, "layer '%s': %g is no scale of weights",
                             layer->name, (double)to[c]);
    }
    return status;
}

cn_status cn_quantization_load(cn_quantization *quantization, const cn_graph *graph,
                               const cn_weights *weights, cn_error *error)
{
    *quantization = (cn_quantization){0};
    int32_t *roots = cn_calloc((size_t)graph->count, sizeof *roots);
    cn_status status = roots ? quantization_new(quantization, graph, error)
                             : cn_fail(error, CN_ENOMEM, "no memory for scales");
    if (!status) quantization_roots(graph, roots);
    for (int32_t i = 0; i < graph->count && !status; i++) {
        const cn_layer *layer = &graph->layers[i];
        if (roots[i] >= 0)
            status = load_output(weights, layer->name, &quantization->outputs[i], error);
        if (!status && quantization->weight_scales[i])
            status = load_weight_scales(weights, layer, quantization->weight_scales[i], error);
    }
    for (int32_t i = 0; i < graph->count && !status; i++)
        if (roots[i] >= 0 && memcmp(&quantization->outputs[i], &quantization->outputs[roots[i]],
                                    sizeof *quantization->outputs))
            status = cn_fail(error, CN_EFORMAT, "layer '%s': its scale should be that of '%s'",
                             graph->layers[i].name, graph->layers[roots[i]].name);
    cn_free(roots);
    if (status) cn_quantization_clear(quantization);
    return status;
}

cn_status cn_quantization_fold(const cn_graph *graph, const cn_weights *weights, cn_graph *folded,
                               cn_weights *folded_weights, cn_quantization *quantization,
                               cn_error *error)
{
    *quantization = (cn_quantization){0};
    cn_status status = cn_post_fold(graph, weights, folded, folded_weights, error);
    if (status) return status;
    status = cn_quantization_load(quantization, folded, weights, error);
    if (!status) return CN_OK;
    cn_graph_clear(folded);
    cn_weights_clear(folded_weights);
    return status;
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), end = strlen(suffix);
    return length > end && !strcmp(name + length - end, suffix);
}

bool cn_quantization_there(const cn_weights *weights)
{
    for (int32_t t = 0; t < weights->count; t++)
        if (ends_with(weights->tensors[t].name, ".output_scale")) return true;
    return false;
}

void cn_quantization_drop(cn_weights *weights)
{
    int32_t kept = 0;
    for (int32_t t = 0; t < weights->count; t++) {
        cn_tensor *tensor = &weights->tensors[t];
        if (!ends_with(tensor->name, ".output_scale") && !ends_with(tensor->name, ".output_zero") &&
            !ends_with(tensor->name, ".weight_scale")) {
            weights->tensors[kept++] = *tensor;
            continue;
        }
        cn_free(tensor->name);
        cn_free(tensor->data);
    }
    weights->count = kept;
}
