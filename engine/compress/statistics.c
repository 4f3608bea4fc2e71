#include "compress/statistics.h"

#include <math.h>

#include "condense/memory.h"

/* Beyond these a channel's deviation is noise: it was hardly there before, or is not now. */
static const double least_scale = 0.5, most_scale = 2;

cn_status statistics_take(channel_statistics *s, cn_shape shape, int64_t images,
                          const float *output, cn_error *error)
{
    int64_t plane = (int64_t)shape.h * shape.w;
    s->mean = cn_calloc((size_t)shape.c, sizeof *s->mean);
    s->deviation = cn_calloc((size_t)shape.c, sizeof *s->deviation);
    if (!s->mean || !s->deviation) return cn_fail(error, CN_ENOMEM, "no memory for statistics");
    for (int64_t p = 0; p < images * shape.c; p++) {
        double sum = 0, squares = 0;
        for (int64_t i = p * plane; i < (p + 1) * plane; i++) {
            sum += (double)output[i];
            squares += (double)output[i] * (double)output[i];
        }
        s->mean[p % shape.c] += sum;
        s->deviation[p % shape.c] += squares;
    }
    double count = (double)images * (double)plane;
    for (int32_t c = 0; c < shape.c; c++) {
        s->mean[c] /= count;
        s->deviation[c] = sqrt(fmax(0, s->deviation[c] / count - s->mean[c] * s->mean[c]));
    }
    return CN_OK;
}

static void statistics_clear(channel_statistics *s)
{
    cn_free(s->mean);
    cn_free(s->deviation);
}

/* Whether no tensor layer comes after it. */
static bool gives_output(const cn_graph *graph, int32_t index)
{
    for (int32_t i = index + 1; i < graph->count; i++)
        if (cn_op_is_tensor(graph->layers[i].op)) return false;
    return true;
}

static double scale_of(double wanted, double got)
{
    if (!(wanted > 0) || !(got > 0)) return 1;
    return fmin(most_scale, fmax(least_scale, wanted / got));
}

cn_status statistics_correct(const cn_graph *graph, int32_t index, cn_weights *weights,
                             cn_correction correction, const channel_statistics *wanted,
                             int64_t images, float *output, float *scale, cn_error *error)
{
    const cn_layer *layer = &graph->layers[index];
    cn_tensor *weight = cn_weights_of(weights, layer->name, "weight");
    cn_tensor *bias = layer->bias ? cn_weights_of(weights, layer->name, "bias") : NULL;
    bool whole = correction == CN_CORRECT_NORM && !gives_output(graph, index);
    for (int32_t c = 0; scale && c < layer->shape.c; c++)
        scale[c] = 1;
    if (correction == CN_CORRECT_NONE || !bias) return CN_OK;
    channel_statistics got = {0};
    cn_status status = statistics_take(&got, layer->shape, images, output, error);
    int64_t plane = (int64_t)layer->shape.h * layer->shape.w;
    int64_t row = cn_tensor_count(weight) / layer->units;
    for (int32_t c = 0; c < layer->shape.c && !status; c++) {
        float by = whole ? (float)scale_of(wanted->deviation[c], got.deviation[c]) : 1;
        float move = (float)(wanted->mean[c] - (double)by * got.mean[c]);
        if (scale) scale[c] = by;
        bias->data[c] = bias->data[c] * by + move;
        for (int64_t i = c * row; i < (c + 1) * row; i++)
            weight->data[i] *= by;
        for (int64_t n = 0; n < images; n++) {
            float *x = output + (n * layer->shape.c + c) * plane;
            for (int64_t i = 0; i < plane; i++)
                x[i] = x[i] * by + move;
        }
    }
    statistics_clear(&got);
    return status;
}

typedef struct taking {
    const cn_graph *graph;
    const cn_calibration *calibration;
    channel_statistics *all;
} taking;

static cn_status take(void *context, int32_t layer, float *output, cn_error *error)
{
    taking *t = context;
    cn_status status = calibration_tell(t->calibration, 0, t->graph, layer, error);
    if (status || !cn_op_is_tensor(t->graph->layers[layer].op)) return status;
    return statistics_take(&t->all[layer], t->graph->layers[layer].shape, t->calibration->images,
                           output, error);
}

cn_status statistics_of_all(const cn_graph *graph, const cn_weights *weights,
                            const cn_calibration *calibration, channel_statistics **all,
                            cn_error *error)
{
    taking t = {graph, calibration, cn_calloc((size_t)graph->count, sizeof *t.all)};
    cn_walk_hooks hooks = {.computed = take, .context = &t};
    cn_walk *walk = NULL;
    *all = t.all;
    if (!t.all) return cn_fail(error, CN_ENOMEM, "no memory for statistics");
    cn_status status = cn_walk_new(&walk, graph, weights, calibration->threads, error);
    if (!status)
        status = cn_walk_run(walk, calibration->images, calibration->input, NULL, &hooks, error);
    cn_walk_free(walk);
    return status;
}

void statistics_free(channel_statistics *all, int32_t count)
{
    for (int32_t i = 0; all && i < count; i++)
        statistics_clear(&all[i]);
    cn_free(all);
}

cn_status calibration_tell(const cn_calibration *calibration, double done, const cn_graph *graph,
                           int32_t layer, cn_error *error)
{
    if (calibration->progress)
        calibration->progress(calibration->context, done, graph->layers[layer].name);
    if (calibration->stop && *calibration->stop)
        return cn_fail(error, CN_EINTERRUPTED, "stopped on request");
    return CN_OK;
}
