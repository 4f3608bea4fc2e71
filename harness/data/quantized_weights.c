#include "data/quantized_weights.h"

#include <stdio.h>

#include "condense/memory.h"
#include "condense/random.h"

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

static cn_status take_sample(const cn_model *model, const char *dataset, sample *s, cn_error *error)
{
    cn_shape shape = model->graph.layers[0].shape;
    size_t size = (size_t)cn_shape_count(shape);
    st_dataset *set = NULL;
    *s = (sample){.count = PICTURES, .name = "random pictures"};
    cn_status status = st_dataset_open(&set, dataset ? dataset : model->dataset,
                                       ST_SPLIT_CALIBRATION, &model->preprocess, shape, error);
    if (status && status != CN_ENOTFOUND) return status;
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
        status = CN_OK;
    }
    st_dataset_free(set);
    return status;
}

static cn_status quantize(const cn_graph *graph, cn_weights *weights,
                          const cn_calibration *calibration, cn_error *error)
{
    static const cn_quantize_options options = {CN_RANGE_MINMAX, false, CN_CORRECT_NONE};
    cn_graph folded = {0};
    cn_weights folded_weights = {0};
    cn_quantization quantization = {0};
    cn_status status = cn_post_fold(graph, weights, &folded, &folded_weights, error);
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
    const cn_calibration calibration = {.images = s.count, .input = s.input};
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
