#include "study/calibration.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/progress.h"
#include "condense/clock.h"
#include "condense/memory.h"
#include "condense/session.h"
#include "data/catalog.h"
#include "data/quantized_weights.h"
#include "data/store_weights.h"
#include "measure/accuracy.h"
#include "study/calibration_file.h"

enum { PATTERNS = 8, LARGE = 64 * 64 /* pixels from which a batch is small */ };

/* The pictures to calibrate on. */
static cn_status load_pictures(st_calibrator *c, cn_error *error)
{
    int64_t total = st_dataset_count(c->calibration);
    size_t size = (size_t)cn_shape_count(c->model.graph.layers[0].shape);
    c->images = c->job->images && c->job->images < total ? c->job->images : total;
    c->input = cn_calloc((size_t)c->images * size, sizeof *c->input);
    if (!c->input)
        return cn_fail(error, CN_ENOMEM, "no memory for %lld pictures", (long long)c->images);
    return st_pictures_draw(c->calibration, c->images, (uint64_t)c->job->seed, size, c->input,
                            error);
}

cn_status st_calibrator_open(st_calibrator *c, const st_calibration_job *job, cn_error *error)
{
    *c = (st_calibrator){.job = job};
    cn_status status = st_catalog_load(job->model, job->scale, NULL, 0, &c->model, error);
    if (!status)
        status =
            st_weights_load_described(&c->model, job->weights, &c->weights, &c->metadata, error);
    if (!status) cn_quantization_drop(&c->weights); /* it is calibrated, and measured, in float */
    if (status) return status;
    if (!strcmp(c->weights.label, "random"))
        return cn_fail(error, CN_EINVAL,
                       "%s at scale %s has no trained weights here; 'condense weights' and "
                       "'condense train' make some",
                       c->model.name, c->model.scale);
    const char *name = job->dataset ? job->dataset : c->model.dataset;
    cn_shape input = c->model.graph.layers[0].shape;
    status = st_dataset_open(&c->test, name, ST_SPLIT_TEST, &c->model.preprocess, input, error);
    if (!status)
        status = st_dataset_open(&c->calibration, name, ST_SPLIT_CALIBRATION, &c->model.preprocess,
                                 input, error);
    if (!status && !strcmp(st_dataset_hash(c->test), st_dataset_hash(c->calibration)))
        status =
            cn_fail(error, CN_EINVAL, "data set '%s': calibration and test are one split", name);
    return status ? status : load_pictures(c, error);
}

void st_calibrator_close(st_calibrator *c)
{
    cn_free(c->input);
    st_dataset_free(c->test);
    st_dataset_free(c->calibration);
    cn_weights_clear(&c->weights);
    cn_free(c->metadata);
    cn_model_clear(&c->model);
}

void st_calibrator_describe(const st_calibrator *c, int32_t index, st_calibration_facts *facts)
{
    const st_calibration_job *job = c->job;
    bool prunes = job->rate_count > 0;
    int64_t total = st_dataset_count(c->test);
    *facts = (st_calibration_facts){
        .model = c->model.name,
        .scale = c->model.scale,
        .dataset = st_dataset_name(c->test),
        .weights = c->weights.label,
        .scheme = cn_scheme_name(prunes ? job->scheme : CN_SCHEME_NONE),
        .method = !prunes            ? "int8"
                  : job->reconstruct ? "admm"
                                     : "magnitude",
        .rate_asked = prunes ? job->rates[index] : NAN,
        .rate = 1,
        .bits = prunes ? 0 : 8,
        .ranges = cn_range_name(job->range),
        .rounding = job->learned ? "learned" : "nearest",
        .equalized = job->equalize,
        .correction = cn_correction_name(job->correction),
        .seed = job->seed,
        .threads = job->threads,
        .calibration_set = st_dataset_name(c->calibration),
        .calibration_hash = st_dataset_hash(c->calibration),
        .calibration_images = c->images,
        .test_hash = st_dataset_hash(c->test),
        .images = job->test_images && job->test_images < total ? job->test_images : total,
    };
}

static int32_t batch_of(const st_calibrator *c)
{
    cn_shape input = c->model.graph.layers[0].shape;
    return input.h * input.w > LARGE ? 8 : 64;
}

/* Accuracy of `weights`, in the emulation of `quantization` where that is not NULL: then they
 * belong to the folded `graph`. */
static cn_status measure(const st_calibrator *c, const cn_graph *graph, const cn_weights *weights,
                         const cn_quantization *quantization, const char *name, st_metrics *metrics,
                         cn_error *error)
{
    st_accuracy_options options = {.images = c->job->test_images,
                                   .seed = (uint64_t)c->job->seed,
                                   .stop = c->job->stop,
                                   .name = name};
    st_confusion confusion = {0};
    cn_session *session = NULL;
    cn_walk *walk = NULL;
    cn_session_options how = cn_session_defaults();
    how.threads = (int32_t)c->job->threads;
    how.batch = batch_of(c);
    cn_status status = quantization ? cn_walk_new(&walk, graph, weights, how.threads, error)
                                    : cn_session_new(&session, graph, weights, &how, error);
    if (!status && quantization)
        status = st_accuracy_measure_quantized(quantization, walk, how.batch, c->test, &options,
                                               &confusion, error);
    else if (!status)
        status = st_accuracy_measure(session, how.batch, c->test, &options, &confusion, error);
    if (!status) *metrics = st_metrics_of(&confusion);
    st_confusion_clear(&confusion);
    cn_session_free(session);
    cn_walk_free(walk);
    return status;
}

/* The work under way, for its progress line. */
typedef struct work {
    st_calibrator *calibrator;
    st_calibration_result *result;
    st_progress progress;
    cn_calibration calibration;
    cn_quantization quantization; /* of quantization */
} work;

static void tell(void *context, double done, const char *layer)
{
    st_progress_update(&((work *)context)->progress, done, 1, layer);
}

static cn_status add_layers(st_calibration_result *r, cn_error *error)
{
    r->layers = cn_calloc((size_t)r->graph.count, sizeof *r->layers);
    r->facts.layers = r->layers;
    return r->layers ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory");
}

/* The next row of the result, for tensor layer `index`; its weights are counted. */
static st_calibration_layer *add_layer(st_calibration_result *r, int32_t index)
{
    st_calibration_layer *row = &r->layers[r->facts.layer_count++];
    const char *name = r->graph.layers[index].name;
    const cn_tensor *weight = cn_weights_of(&r->folded, name, "weight");
    *row = (st_calibration_layer){.layer = name,
                                  .scheme = cn_scheme_name(CN_SCHEME_NONE),
                                  .weights = cn_tensor_count(weight)};
    for (int64_t i = 0; i < row->weights; i++)
        row->nonzero += weight->data[i] != 0;
    return row;
}

static cn_status prune(work *w, cn_error *error)
{
    const st_calibration_job *job = w->calibrator->job;
    st_calibration_result *r = w->result;
    cn_post_prune_options options = {.scheme = job->scheme,
                                     .rate = r->facts.rate_asked,
                                     .reconstruct = job->reconstruct,
                                     .correction = job->correction};
    cn_patterns_learn(&r->graph, &r->folded, PATTERNS, &options.patterns);
    cn_post_layer *layers = cn_calloc((size_t)r->graph.count, sizeof *layers);
    if (!layers) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_status status =
        cn_post_prune(&r->graph, &r->folded, &w->calibration, &options, layers, error);
    int64_t weights = 0, nonzero = 0;
    for (int32_t i = 0; i < r->graph.count && !status; i++) {
        if (!layers[i].weights) continue;
        bool whole = layers[i].scheme == CN_SCHEME_NONE;
        st_calibration_layer *row = add_layer(r, i);
        row->scheme = cn_scheme_name(layers[i].scheme);
        row->rule = layers[i].rule;
        row->power = whole ? NAN : layers[i].fit.power;
        row->error = whole ? NAN : layers[i].fit.error;
        row->floor = whole ? NAN : layers[i].fit.magnitude;
        weights += row->weights;
        nonzero += row->nonzero;
    }
    r->facts.rate = (double)weights / (double)nonzero;
    cn_free(layers);
    return status;
}

static cn_status quantize(work *w, cn_error *error)
{
    const st_calibration_job *job = w->calibrator->job;
    st_calibration_result *r = w->result;
    cn_quantize_options options = {job->range, job->learned, job->correction};
    cn_quantize_layer *layers = cn_calloc((size_t)r->graph.count, sizeof *layers);
    if (!layers) return cn_fail(error, CN_ENOMEM, "out of memory");
    if (job->equalize) cn_equalize(&r->graph, &r->folded);
    cn_status status = cn_quantize(&r->graph, &r->folded, &w->calibration, &options,
                                   &w->quantization, layers, error);
    for (int32_t i = 0; i < r->graph.count && !status; i++) {
        if (!layers[i].weights) continue;
        st_calibration_layer *row = add_layer(r, i);
        row->power = layers[i].power;
        row->error = layers[i].error;
        row->floor = layers[i].nearest;
    }
    cn_free(layers);
    return status;
}

/* The result as weights for the network as it is written, with the scales where it has some. */
static cn_status write_back(work *w, cn_weights *weights, cn_error *error)
{
    const st_calibrator *c = w->calibrator;
    st_calibration_result *r = w->result;
    cn_status status = cn_weights_copy(&c->weights, weights, error);
    const cn_quantization *quantization = w->quantization.count ? &w->quantization : NULL;
    if (!status)
        status =
            st_weights_unfold(&c->model.graph, weights, &r->graph, &r->folded, quantization, error);
    return status;
}

static cn_status save(const st_calibrator *c, const cn_weights *weights,
                      st_calibration_facts *facts, cn_error *error)
{
    const char *path = c->job->output;
    if (!path) return CN_OK;
    const char *slash = strrchr(path, '/');
    facts->output = slash ? slash + 1 : path;
    return st_calibration_write(path, weights, facts, c->metadata, error);
}

static cn_status work_and_measure(work *w, cn_error *error)
{
    st_calibrator *c = w->calibrator;
    st_calibration_result *r = w->result;
    cn_weights weights = {0};
    int64_t start = cn_clock_ns();
    w->progress = st_progress_start(c->model.name);
    cn_status status = c->job->rate_count ? prune(w, error) : quantize(w, error);
    st_progress_end(&w->progress);
    r->facts.seconds = 1e-9 * (double)(cn_clock_ns() - start);
    if (!status) status = write_back(w, &weights, error);
    if (!status && w->quantization.count)
        status = measure(c, &r->graph, &r->folded, &w->quantization, "quantized", &r->facts.after,
                         error);
    else if (!status)
        status = measure(c, &c->model.graph, &weights, NULL, "compressed", &r->facts.after, error);
    if (!status) status = save(c, &weights, &r->facts, error);
    cn_weights_clear(&weights);
    cn_quantization_clear(&w->quantization);
    return status;
}

cn_status st_calibrator_run(st_calibrator *c, int32_t index, st_calibration_result *r,
                            cn_error *error)
{
    work w = {.calibrator = c,
              .result = r,
              .calibration = {.images = c->images,
                              .input = c->input,
                              .threads = (int32_t)c->job->threads,
                              .progress = tell,
                              .stop = c->job->stop}};
    w.calibration.context = &w;
    *r = (st_calibration_result){0};
    st_calibrator_describe(c, index, &r->facts);
    cn_status status = CN_OK;
    if (!c->measured)
        status = measure(c, &c->model.graph, &c->weights, NULL, "before", &c->before, error);
    c->measured = c->measured || !status;
    r->facts.before = c->before;
    if (!status) status = cn_post_fold(&c->model.graph, &c->weights, &r->graph, &r->folded, error);
    if (!status) status = add_layers(r, error);
    return status ? status : work_and_measure(&w, error);
}

void st_calibration_result_clear(st_calibration_result *r)
{
    cn_free(r->layers);
    cn_graph_clear(&r->graph);
    cn_weights_clear(&r->folded);
    *r = (st_calibration_result){0};
}
