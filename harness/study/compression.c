#include "study/compression.h"

#include <inttypes.h>
#include <math.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "cli/home.h"
#include "cli/progress.h"
#include "condense/clock.h"
#include "condense/compact.h"
#include "condense/file.h"
#include "condense/memory.h"
#include "condense/model.h"
#include "condense/quantize.h"
#include "data/catalog.h"
#include "data/examples.h"
#include "data/store_weights.h"
#include "measure/sizes.h"
#include "study/layer_rates.h"

#define TRY(call)                                                                                  \
    do {                                                                                           \
        cn_status try_status = (call);                                                             \
        if (try_status != CN_OK) return try_status;                                                \
    } while (0)

/* Batches of training pictures that sensitivities come from, and the patience with other writers.
 */
enum { SENSITIVITY_BATCHES = 16, STORE_PATIENCE_S = 60 };

typedef struct work {
    const st_compression_job *job;
    const st_compression_context *context;
    cn_model model;
    cn_examples train, test, watch, probe;
    char train_hash[65], start_digest[65], hash[65];
    cn_trainer *trainer;
    cn_compression compression;
    cn_compression_request request;
    cn_patterns patterns; /* given */
    double *layer_keep, layers_rate, top1_dense;
    int64_t began_ns; /* what is not in the record yet */
    char *start, *config, *output, *admm_checkpoint, *retrain_checkpoint;
    const char *dataset;
    int64_t row;
    st_progress progress;
    cn_status record_status;
    cn_error *error;
} work;

static cn_status no_memory(cn_error *error)
{
    return cn_fail(error, CN_ENOMEM, "out of memory");
}

/* Opens the database for one write. */
static cn_status begin_write(work *w)
{
    return st_store_open_within(w->context->recorder->store, w->context->db, STORE_PATIENCE_S,
                                w->error);
}

static void end_write(work *w)
{
    st_store_close(w->context->recorder->store);
}

static cn_status load_weights(work *w, const char *path, cn_weights *weights)
{
    *weights = (cn_weights){0};
    cn_status status = st_weights_load(&w->model, path, weights, w->error);
    if (!status) cn_quantization_drop(weights); /* they will change */
    if (status == CN_OK && !strcmp(weights->label, "random")) {
        cn_weights_clear(weights);
        status =
            cn_fail(w->error, CN_ENOTFOUND,
                    "there are no trained weights of %s at scale %s; train them with 'condense "
                    "train' or give --from",
                    w->model.name, w->model.scale);
    }
    return status;
}

/* Puts `weights` into the trainer. */
static void set_weights(work *w, const cn_weights *weights)
{
    cn_weights *to = cn_trainer_weights(w->trainer);
    for (int32_t i = 0; i < to->count; i++) {
        const cn_tensor *from = cn_weights_find(weights, to->tensors[i].name);
        memcpy(to->tensors[i].data, from->data, (size_t)cn_tensor_count(from) * sizeof(float));
    }
}

/* A trainer that holds `start`, and the accuracy that losses count from. */
static cn_status open_trainer(work *w, const cn_weights *start)
{
    const st_compression_job *job = w->job;
    double loss;
    TRY(cn_trainer_new(&w->trainer, &w->model.graph, start, (int32_t)job->recipe.batch,
                       (uint64_t)job->recipe.seed, w->error));
    if (job->reference) {
        cn_weights reference;
        TRY(load_weights(w, job->reference, &reference));
        set_weights(w, &reference);
        cn_weights_clear(&reference);
    }
    TRY(cn_evaluate(w->trainer, &w->test, &loss, &w->top1_dense, w->error));
    set_weights(w, start);
    return CN_OK;
}

static cn_status load_examples(work *w)
{
    const st_compression_job *job = w->job;
    w->dataset = job->dataset ? job->dataset : w->model.dataset;
    TRY(st_examples_load(&w->model, w->dataset, ST_SPLIT_TRAIN, &w->train, w->train_hash,
                         w->error));
    TRY(st_examples_load(&w->model, w->dataset, ST_SPLIT_TEST, &w->test, NULL, w->error));
    w->watch = w->test;
    if (w->watch.count > job->images) w->watch.count = (int32_t)job->images;
    w->probe = w->train;
    int64_t probe = job->recipe.batch * SENSITIVITY_BATCHES;
    if (w->probe.count > probe) w->probe.count = (int32_t)probe;
    return CN_OK;
}

/* The lists of the command line that only make sense beside the network. */
static cn_status take_lists(work *w)
{
    const st_compression_job *job = w->job;
    if (job->pattern_set && !cn_patterns_parse(job->pattern_set, &w->patterns))
        return cn_fail(w->error, CN_EINVAL,
                       "--pattern-set '%s': give 1 to %d hexadecimal masks of four of nine places, "
                       "divided by commas, for example 01b,036,0d8,1b0",
                       job->pattern_set, CN_MOST_PATTERNS);
    if (!job->layer_rates) return CN_OK;
    w->layer_keep = cn_calloc((size_t)w->model.graph.count, sizeof *w->layer_keep);
    if (!w->layer_keep) return no_memory(w->error);
    return st_layer_rates_parse(&w->model, job->layer_rates, w->layer_keep, &w->layers_rate,
                                w->error);
}

static cn_status load(work *w)
{
    cn_weights start;
    TRY(st_catalog_load(w->job->model, w->job->scale, NULL, 0, &w->model, w->error));
    TRY(take_lists(w));
    TRY(load_weights(w, w->job->start, &start));
    st_weights_digest(&start, w->start_digest);
    w->start = cn_strdup(start.label);
    cn_status status = w->start ? load_examples(w) : no_memory(w->error);
    if (status == CN_OK) status = open_trainer(w, &start);
    cn_weights_clear(&start);
    return status;
}

/* Everything that decides the result of the rate at hand, as canonical JSON, and its hash. */
static cn_status name_config(work *w)
{
    const st_compression_job *job = w->job;
    const cn_compression_request *q = &w->request;
    cn_free(w->config);
    char *recipe = st_recipe_text(&job->recipe, ST_RECIPE_FIELDS);
    char *given =
        job->pattern_set ? cn_sprintf("\"pattern_set\":\"%s\",", job->pattern_set) : cn_strdup("");
    w->config =
        recipe && given
            ? cn_sprintf("{\"bits\":%d,\"layer_rates\":\"%s\",\"levels\":\"%s\",\"method\":"
                         "\"%s\",\"model\":\"%s\",%s\"patterns\":%d,\"per_channel\":%s,"
                         "\"rate\":%.15g,\"recipe\":%s,\"scale\":\"%s\",\"scheme\":\"%s\","
                         "\"start\":\"%s\",\"threads\":%" PRId64 ",\"train_set\":\"%s\"}",
                         q->levels ? q->bits : 0, job->layer_rates ? job->layer_rates : "",
                         cn_levels_name(q->levels), cn_method_name(job->method), w->model.name,
                         given, q->patterns, q->per_channel ? "true" : "false", q->rate, recipe,
                         w->model.scale, cn_scheme_name(q->scheme), w->start_digest, job->threads,
                         w->train_hash)
            : NULL;
    cn_free(recipe);
    cn_free(given);
    if (!w->config) return no_memory(w->error);
    SHA256Data((const uint8_t *)w->config, strlen(w->config), w->hash);
    return CN_OK;
}

/* Whether the result can be put there is found before hours of training. */
static cn_status try_output(work *w)
{
    cn_new_file file;
    struct stat about;
    TRY(cn_make_folders(w->output, w->error));
    if (!stat(w->output, &about) && S_ISDIR(about.st_mode))
        return cn_fail(w->error, CN_EIO, "%s is a folder; --output names a file", w->output);
    TRY(cn_new_file_begin(&file, w->output, w->error));
    cn_new_file_end(&file, CN_EINTERRUPTED, NULL);
    return CN_OK;
}

/* Checkpoints carry the configuration's hash: one of other start weights or another recipe is not
 * gone on from. */
static cn_status name_files(work *w, bool last)
{
    const st_compression_job *job = w->job;
    const cn_compression_request *q = &w->request;
    char rate[32] = "", levels[32] = "", seed[32] = "";
    if (q->rate > 1) snprintf(rate, sizeof rate, "-%gx", q->rate);
    if (q->levels) snprintf(levels, sizeof levels, "-%s%d", cn_levels_name(q->levels), q->bits);
    if (job->recipe.seed != 1) snprintf(seed, sizeof seed, "-seed%" PRId64, job->recipe.seed);
    char *folder = job->folder ? cn_strdup(job->folder) : st_home_path("results/compressed");
    cn_free(w->output);
    cn_free(w->admm_checkpoint);
    cn_free(w->retrain_checkpoint);
    w->output = last && job->output
                    ? cn_strdup(job->output)
                    : cn_sprintf("%s/%s-%s-%s-%s%s%s%s.cnz", folder ? folder : "", w->model.name,
                                 w->model.scale, cn_scheme_name(q->scheme),
                                 cn_method_name(job->method), rate, levels, seed);
    cn_free(folder);
    if (!w->output) return no_memory(w->error);
    w->admm_checkpoint = cn_sprintf("%s.%.8s.admm.tmp", w->output, w->hash);
    w->retrain_checkpoint = cn_sprintf("%s.%.8s.retrain.tmp", w->output, w->hash);
    if (!w->admm_checkpoint || !w->retrain_checkpoint) return no_memory(w->error);
    return try_output(w);
}

static void on_batch(void *context, int64_t step, int64_t total, double loss)
{
    work *w = context;
    char detail[160];
    snprintf(detail, sizeof detail, "%s %s %s %gx, loss %.3f", w->model.name,
             cn_method_name(w->job->method), cn_scheme_name(w->request.scheme), w->request.rate,
             loss);
    st_progress_update(&w->progress, (double)step, (double)total, detail);
}

/* Seconds of work since this was last asked. */
static double seconds_since(work *w)
{
    int64_t now = cn_clock_ns();
    double seconds = (double)(now - w->began_ns) * 1e-9;
    w->began_ns = now;
    return seconds;
}

static void on_step(void *context, const cn_compress_step *step)
{
    work *w = context;
    st_progress_end(&w->progress);
    w->progress = st_progress_start(step->retraining ? "retraining" : "ADMM");
    double largest = 0;
    for (int32_t i = 0; step->residuals && i < w->compression.count; i++)
        largest = fmax(largest, step->residuals[i]);
    if (step->retraining)
        fprintf(stderr, "  retraining %d: %.2f %%\n", step->number, 100 * step->after);
    else
        fprintf(stderr, "  ADMM %d, rho %.3g: %.2f %%, projected %.2f %%, |W - Z| / |W| to %.3f\n",
                step->number, step->rho, 100 * step->before, 100 * step->after, largest);
    if (w->record_status != CN_OK) return;
    w->record_status = begin_write(w);
    if (w->record_status == CN_OK)
        w->record_status =
            st_record_compression_step(w->context->recorder, w->row, w->compression.count,
                                       w->watch.count, seconds_since(w), step, w->error);
    end_write(w);
}

static cn_status fit_options(work *w, bool admm, cn_fit_options *fit)
{
    TRY(st_recipe_fit(&w->job->recipe, admm, fit, w->error));
    fit->stop = w->context->stop;
    fit->on_step = on_batch;
    fit->context = w;
    return CN_OK;
}

static cn_status train(work *w)
{
    const st_recipe *recipe = &w->job->recipe;
    bool admm = w->job->method == CN_METHOD_ADMM;
    cn_compress_options options = {.method = w->job->method,
                                   .iterations = (int32_t)recipe->iterations,
                                   .rho_first = recipe->rho,
                                   .rho_last = recipe->rho_last,
                                   .rho_stages = (int32_t)recipe->rho_stages,
                                   .watch = &w->watch,
                                   .admm_checkpoint = w->admm_checkpoint,
                                   .retrain_checkpoint = w->retrain_checkpoint,
                                   .resume = w->job->resume,
                                   .on_step = on_step,
                                   .context = w};
    TRY(fit_options(w, true, &options.admm));
    TRY(fit_options(w, false, &options.retrain));
    w->progress = st_progress_start(admm ? "ADMM" : "retraining");
    cn_status status =
        cn_compress(w->trainer, &w->model.graph, &w->compression, &w->train, &options, w->error);
    st_progress_end(&w->progress);
    return status == CN_OK ? w->record_status : status;
}

static cn_status record_start(work *w)
{
    const st_compression_facts facts = {.hash = w->hash,
                                        .config = w->config,
                                        .model = w->model.name,
                                        .scale = w->model.scale,
                                        .dataset = w->dataset,
                                        .start = w->start,
                                        .start_digest = w->start_digest,
                                        .graph = &w->model.graph,
                                        .compression = &w->compression,
                                        .request = &w->request,
                                        .method = w->job->method,
                                        .threads = w->job->threads,
                                        .images = w->test.count,
                                        .top1_dense = w->top1_dense};
    cn_status status = begin_write(w);
    if (status == CN_OK)
        status = st_record_compression(w->context->recorder, &facts, &w->row, w->error);
    end_write(w);
    return status;
}

static void count_kept(const work *w, st_compression_result *result, int64_t *layer_kept)
{
    for (int32_t i = 0; i < w->compression.count; i++) {
        const cn_target *t = &w->compression.targets[i];
        const cn_tensor *tensor = cn_weights_of(cn_trainer_weights(w->trainer),
                                                w->model.graph.layers[t->layer].name, "weight");
        layer_kept[i] = 0;
        for (int64_t k = 0; k < t->weights; k++)
            layer_kept[i] += tensor->data[k] != 0;
        result->weights += t->weights;
        result->kept += layer_kept[i];
    }
}

/* What the file says about itself: what it is, how it was made, and no times. */
static char *metadata(const work *w, double top1)
{
    const cn_compression_request *q = &w->request;
    bool pruned = q->scheme != CN_SCHEME_NONE;
    const char *variant = !pruned ? "quantized" : q->levels ? "pruned+quantized" : "pruned";
    return cn_sprintf("{\"model\":\"%s\",\"scale\":\"%s\",\"variant\":\"%s\",\"scheme\":\"%s\","
                      "\"method\":\"%s\",\"rate\":\"%.15g\",\"levels\":\"%s\",\"bits\":\"%d\","
                      "\"test accuracy\":\"%.4f\",\"start\":\"%s\",\"compression\":\"%s\"}",
                      w->model.name, w->model.scale, variant, cn_scheme_name(q->scheme),
                      cn_method_name(w->job->method), q->rate, cn_levels_name(q->levels),
                      q->levels ? q->bits : 32, top1, w->start, w->hash);
}

/* What the targets' weights take in the container. */
static cn_status measure_output(const work *w, st_compression_result *result)
{
    const cn_weights *weights = cn_trainer_weights(w->trainer);
    cn_compact_size whole, *sizes = cn_calloc((size_t)weights->count, sizeof *sizes);
    if (!sizes) return no_memory(w->error);
    cn_status status = cn_compact_measure(weights, true, &whole, sizes, w->error);
    for (int32_t i = 0; i < w->compression.count && status == CN_OK; i++) {
        int32_t layer = w->compression.targets[i].layer;
        const cn_tensor *tensor =
            cn_weights_of(weights, w->model.graph.layers[layer].name, "weight");
        const cn_compact_size *size = &sizes[tensor - weights->tensors];
        result->compact_bytes += size->index_bytes + size->value_bytes;
        result->value_bytes += size->value_bytes;
    }
    cn_free(sizes);
    return status;
}

static cn_status write_output(work *w, st_compression_result *result)
{
    TRY(measure_output(w, result));
    char *text = metadata(w, result->top1);
    if (!text) return no_memory(w->error);
    cn_status status =
        cn_compact_write(w->output, cn_trainer_weights(w->trainer), text, true, w->error);
    cn_free(text);
    struct stat file;
    result->file_bytes = stat(w->output, &file) ? -1 : (int64_t)file.st_size;
    return status;
}

static cn_status finish(work *w)
{
    double loss;
    char digest[65];
    const char *slash = strrchr(w->output, '/');
    const cn_weights *weights = cn_trainer_weights(w->trainer);
    st_compression_result result = {.output = slash ? slash + 1 : w->output,
                                    .output_digest = digest};
    st_sizes sizes = st_sizes_of(&w->model.graph, weights);
    result.dense_bytes = sizes.dense_bytes;
    result.csr_bytes = sizes.csr_bytes;
    st_weights_digest(weights, digest);
    TRY(cn_evaluate(w->trainer, &w->test, &loss, &result.top1, w->error));
    TRY(write_output(w, &result));
    int64_t *layer_kept = cn_calloc((size_t)w->compression.count, sizeof *layer_kept);
    if (!layer_kept) return no_memory(w->error);
    count_kept(w, &result, layer_kept);
    result.layer_kept = layer_kept;
    result.seconds = seconds_since(w);
    cn_status status = begin_write(w);
    if (status == CN_OK)
        status = st_record_compression_result(w->context->recorder, w->row, w->compression.count,
                                              &result, w->error);
    end_write(w);
    const st_compression_report report = {.job = w->job,
                                          .rate = w->request.rate,
                                          .output = w->output,
                                          .top1_dense = w->top1_dense,
                                          .result = result};
    if (status == CN_OK) w->context->on_rate(w->context->context, &report);
    cn_free(layer_kept);
    if (status != CN_OK) return status;
    remove(w->admm_checkpoint);
    remove(w->retrain_checkpoint);
    memcpy(w->start_digest, digest, sizeof digest);
    return CN_OK;
}

/* A rate that is in the database and whose file is as it was: the next goes on from it. */
static cn_status take_recorded(work *w, bool *taken)
{
    char recorded[65], digest[65];
    cn_weights weights;
    cn_error problem;
    *taken = false;
    cn_status status = begin_write(w);
    bool done = false;
    if (status == CN_OK)
        status = st_compression_recorded(w->context->recorder->store, w->hash, &done, recorded,
                                         w->error);
    end_write(w);
    if (status != CN_OK || !done || access(w->output, F_OK)) return status;
    if (st_weights_load(&w->model, w->output, &weights, &problem) != CN_OK) return CN_OK;
    st_weights_digest(&weights, digest);
    *taken = !strcmp(digest, recorded);
    if (*taken) set_weights(w, &weights);
    cn_weights_clear(&weights);
    if (!*taken) return CN_OK;
    memcpy(w->start_digest, digest, sizeof digest);
    const st_compression_report report = {.job = w->job,
                                          .rate = w->request.rate,
                                          .output = w->output,
                                          .top1_dense = w->top1_dense,
                                          .recorded = true};
    w->context->on_rate(w->context->context, &report);
    return CN_OK;
}

static cn_status work_on_rate(work *w, int32_t index)
{
    const st_compression_job *job = w->job;
    w->request =
        (cn_compression_request){.scheme = job->scheme,
                                 .rate = w->layer_keep ? w->layers_rate : job->rates[index],
                                 .layer_keep = w->layer_keep,
                                 .patterns = (int32_t)job->patterns,
                                 .levels = job->levels,
                                 .bits = (int32_t)job->bits,
                                 .per_channel = job->per_channel,
                                 .seed = (uint64_t)job->recipe.seed};
    bool taken = false;
    w->began_ns = cn_clock_ns();
    TRY(name_config(w));
    TRY(name_files(w, index + 1 == job->rate_count));
    if (job->resume) TRY(take_recorded(w, &taken));
    if (taken) return CN_OK;
    cn_compression_clear(&w->compression);
    TRY(cn_compression_plan(&w->compression, w->trainer, &w->model.graph, &w->request, &w->probe,
                            w->error));
    TRY(record_start(w));
    fprintf(stderr, "%s %s: %s by %s, %gx of %s\n", w->model.name, w->model.scale,
            cn_scheme_name(job->scheme), cn_method_name(job->method), w->request.rate, w->start);
    TRY(train(w));
    return finish(w);
}

static void clear(work *w)
{
    cn_compression_clear(&w->compression);
    cn_trainer_free(w->trainer);
    st_examples_clear(&w->train);
    st_examples_clear(&w->test);
    cn_model_clear(&w->model);
    char *texts[] = {w->start, w->config, w->output, w->admm_checkpoint, w->retrain_checkpoint};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cn_free(texts[i]);
    cn_free(w->layer_keep);
}

cn_status st_compression_run(const st_compression_job *job, const st_compression_context *context,
                             cn_error *error)
{
    work w = {.job = job, .context = context, .error = error};
    cn_train_threads((int)job->threads);
    cn_status status = load(&w);
    for (int32_t i = 0; i < job->rate_count && status == CN_OK; i++)
        status = work_on_rate(&w, i);
    clear(&w);
    return status;
}
