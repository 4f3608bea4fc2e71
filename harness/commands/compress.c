#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/options.h"
#include "commands/commands.h"
#include "commands/recording.h"
#include "condense/memory.h"
#include "condense/model.h"
#include "data/catalog.h"
#include "study/compression.h"
#include "study/compression_study.h"

static const char about[] =
    "Compresses a trained network with training: ADMM towards the constraint, the projection, and\n"
    "retraining that keeps it. Rates given as a list go on from one another; each is recorded in\n"
    "the database and written as a weight file. How long it trains and how hard it pulls is a\n"
    "recipe, in experiments/recipes.json (compress...); options given here override it.\n\n"
    "Schemes: unstructured, filter, channel, column, connectivity, pattern, pattern+connectivity,\n"
    "block8 (eight output channels share a mask), pattern8 (eight filters share pattern and\n"
    "connectivity), block8x4 (and four input channels, for integers). Levels: linear, powers,\n"
    "codebook. A rate is weights of convolutions and fully connected layers before over after;\n"
    "what each layer gives follows from its sensitivity, or from --layer-rates. Where a scheme\n"
    "does not fit a layer, the rule in its place is recorded (docs/compression.md).\n\n"
    "  condense compress --model lenet5 --scheme unstructured --rate 2,4,8\n"
    "  condense compress --model resnet18 --scheme block8 --rate 9.2 --resume\n"
    "  condense compress --model lenet5 --scheme unstructured --rate 8 --levels linear --bits 4\n"
    "  condense compress --study experiments/studies/compression/fashion.json --model lenet5";

/* What the command line, and an entry of a study, say. */
typedef struct request {
    st_compression_job job;
    const char *scheme, *rate, *method, *levels, *db, *study;
} request;

typedef struct words {
    int argc;
    char **argv;
} words;

static int parse(request *r, int argc, char **argv)
{
    st_compression_job *j = &r->job;
    const st_option own[] = {
        {"model", ST_TEXT, &j->model, "NAME", "network ('condense models' lists them)", 0, 0},
        {"scale", ST_TEXT, &j->scale, "NAME", "preset of the network's sizes: fashion", 0, 0},
        {"scheme", ST_TEXT, &r->scheme, "NAME", "what is removed; none", 0, 0},
        {"rate", ST_TEXT, &r->rate, "LIST", "rates, each from the result of the one before; 1", 0,
         0},
        {"layer-rates", ST_TEXT, &j->layer_rates, "LAYER=X,...",
         "of each layer, in place of --rate", 0, 0},
        {"method", ST_TEXT, &r->method, "NAME", "admm, magnitude or random", 0, 0},
        {"levels", ST_TEXT, &r->levels, "NAME", "values that weights may have; none", 0, 0},
        {"bits", ST_INT, &j->bits, "N", "bits of a level; 4", 1, 8},
        {"per-channel", ST_FLAG, &j->per_channel, NULL, "levels for each output channel", 0, 0},
        {"patterns", ST_INT, &j->patterns, "N", "patterns in the learned set; 8", 1,
         CN_MOST_PATTERNS},
        {"pattern-set", ST_TEXT, &j->pattern_set, "MASK,...", "these instead: 01b,036,0d8,1b0", 0,
         0},
        {"from", ST_TEXT, &j->start, "FILE", "weights to begin with; the network's", 0, 0},
        {"reference", ST_TEXT, &j->reference, "FILE", "weights that losses count from; --from", 0,
         0},
        {"dataset", ST_TEXT, &j->dataset, "NAME", "instead of the scale's own", 0, 0},
        {"recipe", ST_TEXT, &j->recipe_name, "NAME", "another recipe of the file", 0, 0},
        {"folder", ST_TEXT, &j->folder, "FOLDER", "for the results; results/compressed", 0, 0},
        {"output", ST_TEXT, &j->output, "FILE", "for the last rate's result", 0, 0},
        {"images", ST_INT, &j->images, "N", "test pictures watched in training; 1000", 1, 1e9},
        {"study", ST_TEXT, &r->study, "FILE", "a list of such runs; --model picks of it", 0, 0},
        {"db", ST_TEXT, &r->db, "FILE", "database; results/study.db", 0, 0},
        {"resume", ST_FLAG, &j->resume, NULL, "skip what is done, go on where it was broken off", 0,
         0},
        {"threads", ST_INT, &j->threads, "N", "processors to use; 1", 1, 1024},
    };
    enum { OWN = sizeof own / sizeof *own };
    st_option options[OWN + ST_RECIPE_FIELDS + 1];
    memcpy(options, own, sizeof own);
    st_recipe_options(&j->recipe, options + OWN, ST_RECIPE_FIELDS);
    options[OWN + ST_RECIPE_FIELDS] = (st_option){0};
    const st_usage usage = {
        "compress", "condense compress --model NAME --scheme NAME --rate LIST [OPTIONS]",
        about,      options,
        0,          0};
    return st_options_parse(&usage, argc, argv, NULL);
}

static cn_status unknown(const char *what, const char *name, const char *(*name_of)(int),
                         cn_error *error)
{
    char known[256] = "";
    for (int i = 0; name_of(i); i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", name_of(i));
    }
    return cn_fail(error, CN_EINVAL, "there is no %s '%s'; choose one of %s", what, name, known);
}

static const char *scheme_name(int i)
{
    return cn_scheme_name((cn_scheme)i);
}
static const char *levels_name(int i)
{
    return cn_levels_name((cn_levels)i);
}
static const char *method_name(int i)
{
    return cn_method_name((cn_method)i);
}

static cn_status take_rates(request *r, cn_error *error)
{
    st_compression_job *j = &r->job;
    if (r->rate && j->layer_rates)
        return cn_fail(error, CN_EINVAL, "give --rate or --layer-rates, not both");
    return st_rates_parse(r->rate ? r->rate : "1", j->rates, &j->rate_count, error);
}

static cn_status take_words(request *r, cn_error *error)
{
    st_compression_job *j = &r->job;
    if (!j->model)
        return cn_fail(error, CN_EINVAL,
                       "--model is missing; 'condense models' lists what there is");
    if (!cn_scheme_find(r->scheme, &j->scheme))
        return unknown("scheme", r->scheme, scheme_name, error);
    if (!cn_levels_find(r->levels, &j->levels))
        return unknown("levels", r->levels, levels_name, error);
    if (!cn_method_find(r->method, &j->method))
        return unknown("method", r->method, method_name, error);
    if (j->scheme == CN_SCHEME_NONE && j->levels == CN_LEVELS_NONE)
        return cn_fail(error, CN_EINVAL, "give --scheme and --rate, or --levels, or both");
    return take_rates(r, error);
}

static request defaults(void)
{
    return (request){
        .job = {.scale = "fashion", .bits = 4, .patterns = 8, .threads = 1, .images = 1000},
        .scheme = "none",
        .method = "admm",
        .levels = "none"};
}

static void print_rate(void *context, const st_compression_report *report)
{
    (void)context;
    const st_compression_job *j = report->job;
    const st_compression_result *s = &report->result;
    if (report->recorded) {
        fprintf(stderr, "%s %s: %s by %s, %gx is recorded already\n", j->model, j->scale,
                cn_scheme_name(j->scheme), cn_method_name(j->method), report->rate);
        return;
    }
    printf("%s,%s,%s,%s,%g,%.2f,%s,%d,%" PRId64 ",%" PRId64 ",%.4f,%.4f,%.1f,%s\n", j->model,
           j->scale, cn_scheme_name(j->scheme), cn_method_name(j->method), report->rate,
           (double)s->weights / (double)s->kept, cn_levels_name(j->levels),
           j->levels ? (int)j->bits : 32, s->weights, s->kept, report->top1_dense, s->top1,
           s->seconds, report->output);
    fflush(stdout);
}

/* Whether there is such a network. */
static cn_status check_model(const st_compression_job *job, cn_error *error)
{
    cn_model model;
    cn_status status = st_catalog_load(job->model, job->scale, NULL, 0, &model, error);
    if (status == CN_OK) cn_model_clear(&model);
    return status;
}

static cn_status parse_both(request *r, const words *line, const words *entry, cn_error *error)
{
    bool wrong =
        parse(r, line->argc, line->argv) >= 0 || (entry && parse(r, entry->argc, entry->argv) >= 0);
    return wrong ? cn_fail(error, CN_EINVAL, "an option is wrong") : CN_OK;
}

/* One run: the command line's words, then those of a study's entry (NULL: none). Twice, because
 * they name the recipe and override it. */
static cn_status read_run(request *r, const words *line, const words *entry, cn_error *error)
{
    *r = defaults();
    cn_status status = parse_both(r, line, entry, error);
    if (status == CN_OK) status = take_words(r, error);
    if (status == CN_OK) status = check_model(&r->job, error);
    if (status == CN_OK)
        status = st_recipe_load(r->job.model, r->job.scale, true, r->job.recipe_name,
                                &r->job.recipe, error);
    if (status == CN_OK) status = parse_both(r, line, entry, error);
    cn_fit_options fit;
    if (status == CN_OK) status = st_recipe_fit(&r->job.recipe, true, &fit, error);
    return status == CN_OK ? st_recipe_fit(&r->job.recipe, false, &fit, error) : status;
}

typedef struct entry_context {
    const words *line;
    const char *model;                         /* only this network's entries; NULL: all */
    const st_compression_context *compression; /* NULL: entries are only checked */
} entry_context;

static cn_status run_entry(void *context, int argc, char **argv, cn_error *error)
{
    const entry_context *e = context;
    request r;
    cn_status status = read_run(&r, e->line, &(words){argc, argv}, error);
    if (status != CN_OK || !e->compression) return status;
    if (e->model && strcmp(e->model, r.job.model) != 0) return CN_OK;
    return st_compression_run(&r.job, e->compression, error);
}

/* With `compression` NULL everything is only checked. */
static cn_status run_all(const request *r, const words *line,
                         const st_compression_context *compression, cn_error *error)
{
    if (r->study) {
        entry_context context = {line, r->job.model, compression};
        return st_compression_study(r->study, run_entry, &context, error);
    }
    request run;
    cn_status status = read_run(&run, line, NULL, error);
    if (status != CN_OK || !compression) return status;
    return st_compression_run(&run.job, compression, error);
}

/* A mistake in the last entry of a study is told before the first is worked on. */
static cn_status compress(const request *r, const char *command, const words *line, cn_error *error)
{
    cn_status status = run_all(r, line, NULL, error);
    if (status != CN_OK) return status;
    st_recording recording;
    status = st_recording_open(&recording, r->db, command, 0, error);
    if (status == CN_OK) {
        st_environment_hash(&recording.environment, recording.recorder.environment_hash);
        st_recording_finish(&recording);
        const st_compression_context context = {.db = recording.path,
                                                .recorder = &recording.recorder,
                                                .stop = &st_interrupted,
                                                .on_rate = print_rate};
        printf("model,scale,scheme,method,rate_asked,rate,levels,bits,weights,kept,top1_dense,top1,"
               "seconds,file\n");
        status = run_all(r, line, &context, error);
    }
    st_recording_close(&recording);
    return status;
}

int st_command_compress(int argc, char **argv)
{
    request r = defaults();
    char *command = st_command_line("compress", argc, argv);
    int exit_status = parse(&r, argc, argv);
    cn_error error;
    if (exit_status < 0) {
        st_interrupt_watch();
        cn_status status = command ? compress(&r, command, &(words){argc, argv}, &error)
                                   : cn_fail(&error, CN_ENOMEM, "out of memory");
        if (status != CN_OK) st_complain("compress", ST_EXIT_FAILED, "%s", error.message);
        exit_status = st_exit_status(status);
    }
    cn_free(command);
    return exit_status;
}
