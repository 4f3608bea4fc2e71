/* condense tune: times the ways that layers can go and keeps the fastest as wisdom. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/json.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "commands/commands.h"
#include "commands/recording.h"
#include "condense/memory.h"
#include "data/catalog.h"
#include "data/masked_weights.h"
#include "data/store_weights.h"
#include "env/generator.h"
#include "env/wisdom.h"
#include "measure/tuner.h"
#include "store/record.h"

typedef struct request {
    const char *models, *scale, *weights, *isa_name, *db;
    int64_t threads, batch, seed;
    double seconds;
    bool again, json, record, saved;
    cn_isa isa;
    const char *scheme_name; /* NULL: weights as they are */
    cn_scheme scheme;
    double rate;
    bool generate;
    cn_generator *generator; /* NULL: nothing is generated */
    cJSON *rows;             /* NULL: tables are printed */
    st_recorder *recorder;   /* NULL: nothing is recorded */
    int32_t done, total;     /* networks */
    st_progress progress;
    const char *current;
} request;

/* One network with what is known of its layers. */
typedef struct job {
    cn_model model;
    cn_weights weights;
    cn_wisdom *known, *found;
    st_tuning tuning;
} job;

static void show_progress(void *context, double fraction)
{
    request *r = context;
    st_progress_update(&r->progress, r->done + fraction, r->total, r->current);
}

static cn_status tune(request *r, const char *name, job *j, cn_error *error)
{
    cn_status status = st_catalog_load(name, r->scale, NULL, 0, &j->model, error);
    if (!status) status = st_weights_load(&j->model, r->weights, &j->weights, error);
    st_mask mask;
    if (!status && r->scheme_name)
        status = st_weights_mask(&j->model.graph, &j->weights, r->scheme, r->rate, &mask, error);
    if (!status) status = st_wisdom_open(&j->known, error);
    if (!status) status = st_wisdom_new(&j->found, error);
    if (status) return status;
    st_tuner tuner = {.session = cn_session_defaults(),
                      .known = r->again ? NULL : j->known,
                      .found = j->found,
                      .seconds = r->seconds,
                      .seed = (uint64_t)r->seed,
                      .progress = show_progress,
                      .context = r};
    tuner.session.threads = (int32_t)r->threads;
    tuner.session.batch = (int32_t)r->batch;
    tuner.session.isa = r->isa;
    tuner.session.generator = r->generator;
    r->current = name;
    status = st_tune(&tuner, &j->model.graph, &j->weights, &j->tuning, error);
    st_progress_end(&r->progress);
    if (status || !cn_wisdom_count(j->found)) return status;
    status = st_wisdom_save(j->found, error);
    r->saved = r->saved || !status;
    return status;
}

static void clear(job *j)
{
    st_tuning_clear(&j->tuning);
    cn_wisdom_free(j->known);
    cn_wisdom_free(j->found);
    cn_weights_clear(&j->weights);
    cn_model_clear(&j->model);
}

static void print_layer(const st_tuned_layer *t)
{
    printf("%6d  %-52s %-10s %9.4f  %-23s ", t->layers, t->signature, t->names[0], t->ms[0],
           t->names[t->best]);
    if (t->known || isnan(t->ms[0]))
        printf("%9s %6s  %s\n", "", "", t->known ? "known" : "the only one");
    else
        printf("%9.4f %6.2f\n", t->ms[t->best], t->ms[t->best] / t->ms[0]);
}

static void print_text(const request *r, const job *j)
{
    const st_tuning *t = &j->tuning;
    printf("%s %s, weights %s, %s, %lld thread%s, batch %lld\n", j->model.name, j->model.scale,
           j->weights.label ? j->weights.label : "unknown", cn_isa_name(cn_isa_available(r->isa)),
           (long long)r->threads, r->threads == 1 ? "" : "s", (long long)r->batch);
    printf("%6s  %-52s %-10s %9s  %-23s %9s %6s\n", "layers", "signature", "static", "ms", "tuned",
           "ms", "ratio");
    for (int32_t i = 0; i < t->count; i++)
        print_layer(&t->layers[i]);
    printf(
        "  static %.3f ms, tuned %.3f ms (medians); tuned takes %.3f [%.3f, %.3f] of the time%s\n",
        t->usual.median, t->tuned.median, t->ratio, t->ratio_low, t->ratio_high,
        t->kept ? "" : "; the static choices stay");
    fflush(stdout);
}

static cJSON *layer_json(const st_tuned_layer *t)
{
    cJSON *row = cJSON_CreateObject(), *ways = cJSON_CreateArray();
    cJSON_AddStringToObject(row, "signature", t->signature);
    cJSON_AddNumberToObject(row, "layers", t->layers);
    cJSON_AddStringToObject(row, "static", t->names[0]);
    cJSON_AddStringToObject(row, "tuned", t->names[t->best]);
    cJSON_AddBoolToObject(row, "known", t->known);
    for (int32_t i = 0; i < t->ways; i++) {
        cJSON *way = cJSON_CreateObject();
        cJSON_AddStringToObject(way, "way", t->names[i]);
        st_json_number(way, "ms", t->ms[i]);
        cJSON_AddItemToArray(ways, way);
    }
    cJSON_AddItemToObject(row, "ways", ways);
    return row;
}

static cJSON *tuning_json(const request *r, const job *j)
{
    const st_tuning *t = &j->tuning;
    cJSON *row = cJSON_CreateObject(), *layers = cJSON_CreateArray();
    cJSON_AddStringToObject(row, "model", j->model.name);
    cJSON_AddStringToObject(row, "scale", j->model.scale);
    cJSON_AddStringToObject(row, "weights", j->weights.label ? j->weights.label : "unknown");
    cJSON_AddStringToObject(row, "isa", cn_isa_name(cn_isa_available(r->isa)));
    cJSON_AddNumberToObject(row, "threads", (double)r->threads);
    cJSON_AddNumberToObject(row, "batch", (double)r->batch);
    st_json_number(row, "static_ms", t->usual.median);
    st_json_number(row, "tuned_ms", t->tuned.median);
    st_json_number(row, "ratio", t->ratio);
    st_json_number(row, "ci95_low", t->ratio_low);
    st_json_number(row, "ci95_high", t->ratio_high);
    cJSON_AddNumberToObject(row, "samples", (double)t->usual.count);
    cJSON_AddNumberToObject(row, "changed", t->changed);
    cJSON_AddBoolToObject(row, "kept", t->kept);
    for (int32_t i = 0; i < t->count; i++)
        cJSON_AddItemToArray(layers, layer_json(&t->layers[i]));
    cJSON_AddItemToObject(row, "layers", layers);
    return row;
}

static cn_status record(const request *r, const job *j, cn_error *error)
{
    const st_tuning_facts facts = {.model = &j->model,
                                   .weights = j->weights.label ? j->weights.label : "unknown",
                                   .isa = cn_isa_name(cn_isa_available(r->isa)),
                                   .threads = r->threads,
                                   .batch = r->batch};
    return st_record_tuning(r->recorder, &facts, &j->tuning, error);
}

static int tune_model(request *r, const char *name)
{
    job j = {0};
    cn_error error = {0};
    cn_status status = tune(r, name, &j, &error);
    if (!status && r->rows) cJSON_AddItemToArray(r->rows, tuning_json(r, &j));
    if (!status && !r->rows) print_text(r, &j);
    if (!status && r->recorder) status = record(r, &j, &error);
    clear(&j);
    r->done++;
    return status ? st_complain("tune", st_exit_status(status), "%s: %s", name, error.message)
                  : ST_EXIT_OK;
}

static int tune_all(request *r)
{
    int worst = ST_EXIT_OK;
    char *list = st_catalog_list(r->models), *rest = list, *name;
    if (!list) return st_complain("tune", ST_EXIT_FAILED, "out of memory");
    r->total = 1;
    for (const char *c = list; *c; c++)
        r->total += *c == ',';
    if (r->json) r->rows = cJSON_CreateArray();
    r->progress = st_progress_start("tuning");
    while ((name = strsep(&rest, ","))) {
        int status = tune_model(r, name);
        if (status > worst) worst = status;
    }
    char *text = r->rows ? cJSON_Print(r->rows) : NULL;
    if (text) puts(text);
    free(text);
    cJSON_Delete(r->rows);
    cn_free(list);
    return worst;
}

static int tune_and_record(request *r, const char *command)
{
    st_recording recording;
    cn_error error = {0};
    int code = ST_EXIT_OK;
    cn_status status = st_recording_open(&recording, r->db, command, r->seed, &error);
    if (!status) {
        st_environment_hash(&recording.environment, recording.recorder.environment_hash);
        r->recorder = &recording.recorder;
        code = tune_all(r);
        fprintf(stderr, "database: %s\n", recording.path);
    }
    st_recording_close(&recording);
    return status ? st_complain("tune", st_exit_status(status), "%s", error.message) : code;
}

static void say_where(void)
{
    char *path = st_wisdom_path();
    if (path) fprintf(stderr, "wisdom: %s\n", path);
    cn_free(path);
}

int st_command_tune(int argc, char **argv)
{
    request r = {.models = "resnet50",
                 .scale = "imagenet",
                 .isa_name = "best",
                 .threads = 1,
                 .batch = 1,
                 .seed = 1,
                 .seconds = 4,
                 .generate = true};
    const st_option options[] = {
        {"model", ST_TEXT, &r.models, "NAMES", "comma list or 'all'; default resnet50", 0, 0},
        {"scale", ST_TEXT, &r.scale, "NAME", "default imagenet", 0, 0},
        {"weights", ST_TEXT, &r.weights, "FILE", "weight file, or 'random'", 0, 0},
        {"scheme", ST_TEXT, &r.scheme_name, "NAME", "prune by this first, as 'condense bench' does",
         0, 0},
        {"rate", ST_REAL, &r.rate, "R", "weights before over after", 1, 1e6},
        {"threads", ST_INT, &r.threads, "N", "default 1", 1, 1024},
        {"batch", ST_INT, &r.batch, "N", "images a run; default 1", 1, 4096},
        {"isa", ST_TEXT, &r.isa_name, "LEVEL", "highest instruction set", 0, 0},
        {"seconds", ST_REAL, &r.seconds, "S",
         "time for each model, if three rounds take no longer; default 4", 0.001, 3600},
        {"again", ST_FLAG, &r.again, NULL, "time layers again that the wisdom knows already"},
        {"generate", ST_FLAG, &r.generate, NULL,
         "time kernels generated for a layer's zeros, too; --no-generate: do not"},
        {"seed", ST_INT, &r.seed, "N", "of the input; default 1", 0, 1e15},
        {"record", ST_FLAG, &r.record, NULL, "keep the results in the database"},
        {"db", ST_TEXT, &r.db, "FILE", "database of --record; default results/study.db", 0, 0},
        {"json", ST_FLAG, &r.json, NULL, "an array with an object for each model", 0, 0},
        {0}};
    static const char about[] =
        "Times the ways that each convolution of a network can go and keeps the fastest as "
        "wisdom,\n"
        "which 'condense run' and 'condense bench' then follow on this processor with this number\n"
        "of threads, batch and instruction set. Every layer is timed in its network, with its "
        "weights\n"
        "where they are between two uses. Then whole runs of the static and of the tuned plan are\n"
        "compared. The file is $CONDENSE_WISDOM, else ~/.cache/condense/wisdom.\n\n"
        "example: condense tune --model all --threads 2\n"
        "example: condense tune --model resnet50 --scheme unstructured --rate 5";
    const st_usage usage = {
        "tune", "condense tune [--model M] [--scale S] [...]", about, options, 0, 0};
    int status = st_options_parse(&usage, argc, argv, NULL);
    if (status >= 0) return status;
    int isa = cn_isa_parse(r.isa_name);
    if (isa < 0)
        return st_complain("tune", ST_EXIT_USAGE,
                           "--isa %s: choose scalar, neon, avx2, avx512 or best", r.isa_name);
    r.isa = cn_isa_of_floats(cn_isa_available((cn_isa)isa)); /* integers have no ways */
    if (!r.scheme_name != !r.rate)
        return st_complain("tune", ST_EXIT_USAGE, "--scheme and --rate go together");
    if (r.scheme_name && !cn_scheme_find(r.scheme_name, &r.scheme))
        return st_complain("tune", ST_EXIT_USAGE, "there is no scheme '%s'", r.scheme_name);
    cn_error error = {0};
    if (r.generate && st_generator_new(&r.generator, &error))
        return st_complain("tune", ST_EXIT_FAILED, "%s", error.message);
    char *command = st_command_line("tune", argc, argv);
    if (!command)
        status = st_complain("tune", ST_EXIT_FAILED, "out of memory");
    else
        status = r.record ? tune_and_record(&r, command) : tune_all(&r);
    if (r.saved) say_where();
    st_generator_close(r.generator);
    cn_free(command);
    return status;
}
