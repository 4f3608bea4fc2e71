#include "data/quantized_weights.h"

#include <math.h>
#include <stdio.h>

#include "condense/memory.h"
#include "condense/random.h"
#include "condense/walk.h"
#include "data/store_weights.h"

cn_status st_pictures_draw(const st_dataset *set, int64_t count, uint64_t seed, size_t size,
                           float *input, cn_error *error)
{
    uint32_t total = (uint32_t)st_dataset_count(set);
    uint32_t *order = cn_calloc(total, sizeof *order);
    if (!order) return cn_fail(error, CN_ENOMEM, "no memory for a draw of %u pictures", total);
    for (uint32_t i = 0; i < total; i++)
        order[i] = i;
    cn_random random = cn_random_named(seed, "calibration");
    cn_random_shuffle(&random, order, total);
    cn_status status = CN_OK;
    for (int64_t i = 0; i < count && !status; i++) {
        int32_t label;
        status = st_dataset_get(set, (int32_t)order[i], input + (size_t)i * size, &label, error);
    }
    cn_free(order);
    return status;
}

cn_status st_weights_unfold(const cn_graph *graph, cn_weights *weights, const cn_graph *folded,
                            const cn_weights *folded_weights, const cn_quantization *quantization,
                            cn_error *error)
{
    cn_status status = cn_post_unfold(graph, weights, folded, folded_weights, error);
    if (!status && quantization)
        status = cn_quantization_store(quantization, folded, weights, error);
    return status;
}

enum { PICTURES = 8, SEED = 1 };

/* The pictures that ranges are of. */
typedef struct sample {
    int64_t count;
    float *input;
    char name[96]; /* after the count */
} sample;

static cn_status open_set(const cn_model *model, const char *dataset, st_dataset **set,
                          cn_error *error)
{
    *set = NULL;
    if (!dataset) return CN_OK;
    cn_status status = st_dataset_open(set, dataset, ST_SPLIT_CALIBRATION, &model->preprocess,
                                       model->graph.layers[0].shape, error);
    return status == CN_ENOTFOUND ? CN_OK : status;
}

static cn_status take_sample(const cn_model *model, const char *dataset, sample *s, cn_error *error)
{
    size_t size = (size_t)cn_shape_count(model->graph.layers[0].shape);
    st_dataset *set;
    cn_status status = open_set(model, dataset, &set, error);
    *s = (sample){.count = PICTURES, .name = "random pictures"};
    if (status) return status;
    if (set && st_dataset_count(set) < PICTURES) s->count = st_dataset_count(set);
    s->input = cn_calloc(PICTURES * size, sizeof *s->input);
    if (!s->input) {
        status = cn_fail(error, CN_ENOMEM, "no memory for %d pictures", PICTURES);
    } else if (set) {
        snprintf(s->name, sizeof s->name, "pictures of %s", st_dataset_name(set));
        status = st_pictures_draw(set, s->count, SEED, size, s->input, error);
    } else {
        cn_random random = cn_random_named(SEED, "calibration");
        for (size_t i = 0; i < PICTURES * size; i++)
            s->input[i] = (float)cn_random_normal(&random);
    }
    st_dataset_free(set);
    return status;
}

/* Of the last layer with weights: which it is, and the mean square of what it gives. */
typedef struct ending {
    const cn_graph *graph;
    int64_t images;
    int32_t layer;
    double power;
} ending;

static cn_status see_ending(void *context, int32_t layer, float *output, cn_error *error)
{
    ending *e = context;
    (void)error;
    if (layer != e->layer) return CN_OK;
    int64_t count = e->images * cn_shape_count(e->graph->layers[layer].shape);
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
    ending e = {.graph = graph, .images = on->images, .layer = -1};
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

static cn_status quantize(const cn_graph *graph, cn_weights *weights,
                          const cn_calibration *calibration, cn_error *error)
{
    static const cn_quantize_options options = {CN_RANGE_MINMAX, false, CN_CORRECT_NONE};
    cn_graph folded = {0};
    cn_weights folded_weights = {0};
    cn_quantization quantization = {0};
    cn_status status = cn_post_fold(graph, weights, &folded, &folded_weights, error);
    if (!status && st_weights_are_random(weights->label))
        status = temper(&folded, &folded_weights, calibration, error);
    if (!status)
        status = cn_quantize(&folded, &folded_weights, calibration, &options, &quantization, NULL,
                             error);
    if (!status)
        status = st_weights_unfold(graph, weights, &folded, &folded_weights, &quantization, error);
    cn_quantization_clear(&quantization);
    cn_weights_clear(&folded_weights);
    cn_graph_clear(&folded);
    return status;
}

cn_status st_weights_quantize(const cn_model *model, const char *dataset, cn_weights *weights,
                              cn_error *error)
{
    sample s;
    char *label = NULL;
    cn_status status = take_sample(model, dataset, &s, error);
    const cn_calibration calibration = {.images = s.count, .input = s.input, .threads = 1};
    if (!status) status = quantize(&model->graph, weights, &calibration, error);
    if (!status) {
        label =
            cn_sprintf("%s, 8-bit, ranges of %lld %s", weights->label, (long long)s.count, s.name);
        if (!label) status = cn_fail(error, CN_ENOMEM, "out of memory");
    }
    if (!status) {
        cn_free(weights->label);
        weights->label = label;
    }
    cn_free(s.input);
    return status;
}
