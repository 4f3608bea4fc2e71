#include "data/integer_weights.h"

#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/quantize.h"
#include "condense/random.h"
#include "condense/walk.h"

enum { IMAGES = 2 };

/* Of the last layer with weights: which it is, and the mean square of what it gives. */
typedef struct ending {
    const cn_graph *graph;
    int32_t layer;
    double power;
} ending;

static cn_status see_ending(void *context, int32_t layer, float *output, cn_error *error)
{
    ending *e = context;
    (void)error;
    if (layer != e->layer) return CN_OK;
    int64_t count = IMAGES * cn_shape_count(e->graph->layers[layer].shape);
    for (int64_t i = 0; i < count; i++)
        e->power += (double)output[i] * (double)output[i] / (double)count;
    return CN_OK;
}

static void multiply(cn_weights *weights, const char *layer, const char *suffix, float by)
{
    cn_tensor *tensor = cn_weights_of(weights, layer, suffix);
    for (int64_t i = 0; tensor && i < cn_tensor_count(tensor); i++)
        tensor->data[i] *= by;
}

/* Makes what the last layer with weights gives about one, where it is more. */
static cn_status temper(const cn_graph *graph, cn_weights *weights, const cn_calibration *on,
                        cn_error *error)
{
    ending e = {.graph = graph, .layer = -1};
    for (int32_t i = 0; i < graph->count; i++)
        if (cn_op_is_tensor(graph->layers[i].op)) e.layer = i;
    if (e.layer < 0) return CN_OK;
    cn_walk *walk = NULL;
    cn_walk_hooks hooks = {.computed = see_ending, .context = &e};
    cn_status status = cn_walk_new(&walk, graph, weights, on->threads, error);
    if (!status) status = cn_walk_run(walk, on->images, on->input, NULL, &hooks, error);
    cn_walk_free(walk);
    if (status || !(e.power > 1)) return status;
    float by = exp2f(-rintf(0.5f * log2f((float)e.power)));
    multiply(weights, graph->layers[e.layer].name, "weight", by);
    multiply(weights, graph->layers[e.layer].name, "bias", by);
    return CN_OK;
}

/* Of the folded network; then back into the weights as they are written. */
static cn_status quantize(const cn_graph *graph, cn_weights *weights, const cn_calibration *on,
                          cn_error *error)
{
    static const cn_quantize_options options = {CN_RANGE_MINMAX, false, CN_CORRECT_NONE};
    cn_graph folded;
    cn_weights inner;
    cn_quantization quantization = {0};
    cn_status status = cn_post_fold(graph, weights, &folded, &inner, error);
    if (status) return status;
    if (weights->label && !strncmp(weights->label, "random", 6))
        status = temper(&folded, &inner, on, error);
    if (!status) status = cn_quantize(&folded, &inner, on, &options, &quantization, NULL, error);
    if (!status) status = cn_post_unfold(graph, weights, &folded, &inner, error);
    if (!status) status = cn_quantization_store(&quantization, &folded, weights, error);
    cn_quantization_clear(&quantization);
    cn_graph_clear(&folded);
    cn_weights_clear(&inner);
    return status;
}

static cn_status extend_label(cn_weights *weights, cn_error *error)
{
    char *label = cn_sprintf("%s, 8 bits on noise", weights->label ? weights->label : "unknown");
    if (!label) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_free(weights->label);
    weights->label = label;
    return CN_OK;
}

cn_status st_weights_quantize(const cn_graph *graph, cn_weights *weights, int32_t threads,
                              cn_error *error)
{
    if (cn_quantization_there(weights)) return CN_OK;
    int64_t count = IMAGES * cn_shape_count(graph->layers[0].shape);
    float *input = cn_calloc((size_t)count, sizeof *input);
    if (!input) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_random random = cn_random_named(1, "noise to calibrate on");
    for (int64_t i = 0; i < count; i++)
        input[i] = (float)cn_random_normal(&random);
    cn_calibration noise = {.images = IMAGES, .input = input, .threads = threads};
    cn_status status = quantize(graph, weights, &noise, error);
    if (!status) status = extend_label(weights, error);
    cn_free(input);
    return status;
}
