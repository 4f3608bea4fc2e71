/* condense calibrate: compression after training, on some hundred images without labels. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/options.h"
#include "commands/commands.h"
#include "commands/recording.h"
#include "condense/memory.h"
#include "condense/train.h"
#include "study/calibration.h"

static const char about[] =
    "Compresses a trained network without training it, on some hundred images of the calibration\n"
    "split, whose labels are not looked at, and measures the accuracy before and after on the "
    "test\n"
    "split. Two ways:\n\n"
    "--bits 8: eight-bit integers, per-channel weights and per-tensor activations, emulated\n"
    "exactly enough to measure accuracy. --ranges says how activations' ranges are estimated\n"
    "(minmax, percentile, kl, mse), --rounding how weights are rounded (learned, nearest);\n"
    "--equalize scales channels between layers first. Channels of few levels keep them.\n\n"
    "--scheme S --rate LIST: pruning, each rate from the network as it is. --method admm\n"
    "reconstructs each layer's output on its inputs, never worse than --method magnitude.\n\n"
    "--correction repairs each channel's mean (bias), or mean and deviation (norm: what\n"
    "re-estimating batch norm does). docs/calibration.md tells more.\n\n"
    "  condense calibrate --model resnet18 --bits 8\n"
    "  condense calibrate --model resnet50 --scale imagenet --scheme block8 --rate 2,4";

typedef struct request {
    st_calibration_job job;
    const char *scheme, *rate, *method, *ranges, *rounding, *correction, *db, *command;
    int64_t bits;
    bool dry_run, json, resume;
    st_recorder *recorder;
    const char *database;
    cJSON *rows; /* NULL: lines are printed */
} request;

static int parse(request *r, int argc, char **argv)
{
    st_calibration_job *j = &r->job;
    const st_option options[] = {
        {"model", ST_TEXT, &j->model, "NAME", "network ('condense models' lists them)", 0, 0},
        {"scale", ST_TEXT, &j->scale, "NAME", "default fashion", 0, 0},
        {"weights", ST_TEXT, &j->weights, "FILE", "instead of the network's usual ones", 0, 0},
        {"dataset", ST_TEXT, &j->dataset, "NAME", "instead of the scale's own", 0, 0},
        {"bits", ST_INT, &r->bits, "8", "quantize to integers of so many bits", 8, 8},
        {"ranges", ST_TEXT, &r->ranges, "NAME", "estimator of activations' ranges; mse", 0, 0},
        {"rounding", ST_TEXT, &r->rounding, "NAME", "learned or nearest; learned", 0, 0},
        {"equalize", ST_FLAG, &j->equalize, NULL, "cross-layer equalization first", 0, 0},
        {"scheme", ST_TEXT, &r->scheme, "NAME", "prune by it: unstructured, block8 ...", 0, 0},
        {"rate", ST_TEXT, &r->rate, "LIST", "weights before over after; 2", 0, 0},
        {"method", ST_TEXT, &r->method, "NAME", "admm or magnitude; admm", 0, 0},
        {"correction", ST_TEXT, &r->correction, "NAME",
         "none, bias or norm; bias for integers, norm for pruning", 0, 0},
        {"images", ST_INT, &j->images, "N", "to calibrate on; 256", 1, 1e6},
        {"test-images", ST_INT, &j->test_images, "N", "to measure on; 0: all", 0, 1e9},
        {"seed", ST_INT, &j->seed, "N", "of the draw of images; 1", 0, 1e15},
        {"threads", ST_INT, &j->threads, "N", "processors to use; 1", 1, 1024},
        {"output", ST_TEXT, &j->output, "FILE", "weight file for the result (.cnz: compact)", 0, 0},
        {"db", ST_TEXT, &r->db, "FILE", "database; results/study.db", 0, 0},
        {"resume", ST_FLAG, &r->resume, NULL, "skip what the database has already", 0, 0},
        {"dry-run", ST_FLAG, &r->dry_run, NULL, "only say what would be done", 0, 0},
        {"json", ST_FLAG, &r->json, NULL, "an array with an object for each rate", 0, 0},
        {0}};
    const st_usage usage = {
        "calibrate", "condense calibrate --model NAME (--bits 8 | --scheme NAME --rate LIST) [...]",
        about,       options,
        0,           0};
    return st_options_parse(&usage, argc, argv, NULL);
}

/* *second = whether `given` is the second of two words. */
static cn_status one_of_two(const char *option, const char *given, const char *first,
                            const char *second, bool *is_first, cn_error *error)
{
    *is_first = !strcmp(given, first);
    if (*is_first || !strcmp(given, second)) return CN_OK;
    return cn_fail(error, CN_EINVAL, "--%s '%s': choose %s or %s", option, given, first, second);
}

static cn_status take_words(request *r, cn_error *error)
{
    st_calibration_job *j = &r->job;
    bool prunes = r->scheme || r->rate;
    if (!j->model)
        return cn_fail(error, CN_EINVAL,
                       "--model is missing; 'condense models' lists what there is");
    if (prunes == (r->bits > 0))
        return cn_fail(error, CN_EINVAL, "give --bits 8, or --scheme and --rate");
    if (prunes && (!r->scheme || !cn_scheme_find(r->scheme, &j->scheme) || !j->scheme))
        return cn_fail(error, CN_EINVAL,
                       "--scheme '%s': choose unstructured, block8, pattern8 or another of "
                       "docs/compression.md",
                       r->scheme ? r->scheme : "");
    if (!cn_range_find(r->ranges, &j->range))
        return cn_fail(error, CN_EINVAL, "--ranges '%s': choose minmax, percentile, kl or mse",
                       r->ranges);
    if (!r->correction)
        r->correction = cn_correction_name(prunes ? CN_CORRECT_NORM : CN_CORRECT_BIAS);
    if (!cn_correction_find(r->correction, &j->correction))
        return cn_fail(error, CN_EINVAL, "--correction '%s': choose none, bias or norm",
                       r->correction);
    cn_status status = one_of_two("method", r->method, "admm", "magnitude", &j->reconstruct, error);
    if (!status)
        status = one_of_two("rounding", r->rounding, "learned", "nearest", &j->learned, error);
    if (!r->rate) r->rate = "2";
    if (!status && prunes)
        status = st_rates_parse(r->rate, r->job.rates, &r->job.rate_count, error);
    if (!status && j->output && j->rate_count > 1)
        status = cn_fail(error, CN_EINVAL, "--output is one file: give one rate");
    return status;
}

/* What is asked for, in words. */
static void describe(const st_calibration_facts *f, char *text, size_t size)
{
    if (f->bits)
        snprintf(text, size, "int8, ranges %s, rounding %s%s, correction %s", f->ranges,
                 f->rounding, f->equalized ? ", equalized" : "", f->correction);
    else
        snprintf(text, size, "%s %gx by %s, correction %s", f->scheme, f->rate_asked, f->method,
                 f->correction);
}

static void print_plan(const st_calibration_facts *f)
{
    char what[160];
    describe(f, what, sizeof what);
    printf("%s %s (%s): %s; calibrated on %lld pictures of %s, measured on %lld of %s\n", f->model,
           f->scale, f->weights, what, (long long)f->calibration_images, f->calibration_set,
           (long long)f->images, f->dataset);
}

/* Means over layers of error / power, and of the floor; how many layers are worse than it. */
typedef struct errors {
    double error, floor;
    int32_t worse, layers;
} errors;

static errors errors_of(const st_calibration_facts *f)
{
    errors e = {0};
    for (int32_t i = 0; i < f->layer_count; i++) {
        const st_calibration_layer *l = &f->layers[i];
        if (!(l->power > 0)) continue;
        e.error += l->error / l->power;
        e.floor += l->floor / l->power;
        e.worse += l->error > l->floor;
        e.layers++;
    }
    e.error /= e.layers ? e.layers : 1;
    e.floor /= e.layers ? e.layers : 1;
    return e;
}

static void print_result(const st_calibration_facts *f)
{
    char what[160];
    errors e = errors_of(f);
    describe(f, what, sizeof what);
    printf("%s %s, %s: top-1 %.2f %% -> %.2f %% (%+.2f points)", f->model, f->scale, what,
           100 * f->before.top1, 100 * f->after.top1, 100 * (f->after.top1 - f->before.top1));
    if (isfinite(f->after.top5))
        printf(", top-5 %.2f %% -> %.2f %%", 100 * f->before.top5, 100 * f->after.top5);
    printf("; %lld pictures", (long long)f->images);
    if (!f->bits) printf("; rate %.3f", f->rate);
    printf("; layers' mean error %.5f, %s %.5f; %.0f s\n", e.error,
           f->bits ? "nearest" : "magnitude", e.floor, f->seconds);
    fflush(stdout);
}

static cJSON *result_json(const st_calibration_facts *f)
{
    cJSON *row = cJSON_CreateObject(), *layers = cJSON_CreateArray();
    cJSON_AddStringToObject(row, "model", f->model);
    cJSON_AddStringToObject(row, "scale", f->scale);
    cJSON_AddStringToObject(row, "weights", f->weights);
    cJSON_AddStringToObject(row, "scheme", f->scheme);
    cJSON_AddStringToObject(row, "method", f->method);
    st_json_number(row, "rate_asked", f->rate_asked);
    st_json_number(row, "rate", f->rate);
    st_json_number(row, "bits", f->bits ? (double)f->bits : NAN);
    cJSON_AddStringToObject(row, "correction", f->correction);
    cJSON_AddStringToObject(row, "calibration_hash", f->calibration_hash);
    st_json_number(row, "calibration_images", (double)f->calibration_images);
    st_json_number(row, "images", (double)f->images);
    st_json_number(row, "top1_before", f->before.top1);
    st_json_number(row, "top5_before", f->before.top5);
    st_json_number(row, "top1", f->after.top1);
    st_json_number(row, "top5", f->after.top5);
    st_json_number(row, "seconds", f->seconds);
    for (int32_t i = 0; i < f->layer_count; i++) {
        const st_calibration_layer *l = &f->layers[i];
        cJSON *layer = cJSON_CreateObject();
        cJSON_AddStringToObject(layer, "layer", l->layer);
        cJSON_AddStringToObject(layer, "scheme", l->scheme);
        if (l->rule) cJSON_AddStringToObject(layer, "rule", l->rule);
        st_json_number(layer, "weights", (double)l->weights);
        st_json_number(layer, "nonzero", (double)l->nonzero);
        st_json_number(layer, "error", l->error / l->power);
        st_json_number(layer, "floor", l->floor / l->power);
        cJSON_AddItemToArray(layers, layer);
    }
    cJSON_AddItemToObject(row, "layers", layers);
    return row;
}

/* Others may be writing to the database: it is open for moments only. */
static const double patience = 600;

static cn_status is_recorded(const request *r, const st_calibration_facts *facts, bool *recorded,
                             cn_error *error)
{
    *recorded = false;
    if (!r->resume) return CN_OK;
    cn_status status = st_store_open_within(r->recorder->store, r->database, patience, error);
    if (status) return status;
    status = st_calibration_recorded(r->recorder->store, facts, recorded, error);
    st_store_close(r->recorder->store);
    return status;
}

static cn_status record(const request *r, const st_calibration_facts *facts, cn_error *error)
{
    cn_status status = st_store_open_within(r->recorder->store, r->database, patience, error);
    if (status) return status;
    status = st_record_calibration(r->recorder, facts, error);
    st_store_close(r->recorder->store);
    return status;
}

static cn_status run_rate(request *r, st_calibrator *c, int32_t index, cn_error *error)
{
    st_calibration_facts facts;
    st_calibration_result result = {0};
    st_calibrator_describe(c, index, &facts);
    bool recorded = false;
    if (r->dry_run) {
        print_plan(&facts);
        return CN_OK;
    }
    cn_status status = is_recorded(r, &facts, &recorded, error);
    if (status || recorded) return status;
    status = st_calibrator_run(c, index, &result, error);
    if (!status) status = record(r, &result.facts, error);
    if (!status && r->rows) cJSON_AddItemToArray(r->rows, result_json(&result.facts));
    if (!status && !r->rows) print_result(&result.facts);
    st_calibration_result_clear(&result);
    return status;
}

static cn_status run_rates(request *r, cn_error *error)
{
    st_calibrator calibrator;
    cn_status status = st_calibrator_open(&calibrator, &r->job, error);
    int32_t count = r->job.rate_count ? r->job.rate_count : 1;
    for (int32_t i = 0; i < count && !status; i++)
        status = run_rate(r, &calibrator, i, error);
    st_calibrator_close(&calibrator);
    return status;
}

static cn_status run_and_record(request *r, cn_error *error)
{
    if (r->dry_run) return run_rates(r, error);
    st_recording recording;
    cn_status status = st_recording_open(&recording, r->db, r->command, r->job.seed, error);
    if (!status) {
        st_environment_hash(&recording.environment, recording.recorder.environment_hash);
        st_recording_finish(&recording);
        r->recorder = &recording.recorder;
        r->database = recording.path;
        if (r->json) r->rows = cJSON_CreateArray();
        status = run_rates(r, error);
        char *text = r->rows ? cJSON_Print(r->rows) : NULL;
        if (text && !status) puts(text);
        cJSON_free(text);
        cJSON_Delete(r->rows);
    }
    st_recording_close(&recording);
    return status;
}

int st_command_calibrate(int argc, char **argv)
{
    request r = {.job = {.scale = "fashion",
                         .images = 256,
                         .seed = 1,
                         .threads = 1,
                         .stop = &st_interrupted},
                 .method = "admm",
                 .ranges = "mse",
                 .rounding = "learned"};
    int exit_status = parse(&r, argc, argv);
    if (exit_status >= 0) return exit_status;
    cn_error error = {0};
    char *command = st_command_line("calibrate", argc, argv);
    r.command = command;
    cn_status status =
        command ? take_words(&r, &error) : cn_fail(&error, CN_ENOMEM, "out of memory");
    st_interrupt_watch();
    cn_train_threads((int)r.job.threads); /* oneDNN's, which multiplies matrices */
    if (!status) status = run_and_record(&r, &error);
    cn_free(command);
    return status ? st_complain("calibrate", st_exit_status(status), "%s", error.message)
                  : ST_EXIT_OK;
}
