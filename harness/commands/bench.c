/* condense bench: latency against the machine's limits and against other engines. bench_network.c
 * times a network, bench_report.c prints it; bench_choices.c does --choices, bench_training.c
 * --training. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/options.h"
#include "commands/bench.h"
#include "commands/commands.h"
#include "commands/recording.h"
#include "condense/memory.h"
#include "data/catalog.h"
#include "env/generator.h"
#include "env/wisdom.h"
#include "report/table.h"
#include "store/record.h"

enum { MOST_THREAD_COUNTS = 8, MOST_RATES = 16 };

/* `one` is what is asked for the network of the moment; the lists are gone through. */
typedef struct request {
    st_bench_request one;
    const char *models, *isa_name, *thread_list, *scheme_list, *rate_list, *db;
    int64_t thread_counts[MOST_THREAD_COUNTS];
    cn_scheme schemes[CN_SCHEME_COUNT];
    double rates[MOST_RATES];
    int32_t thread_count, scheme_count, rate_count;
    int64_t bits;
    bool scalar, json, record, use_wisdom, generate, training, choices;
    cn_wisdom *wisdom; /* NULL: none */
} request;

/* The same for --training. */
static int bench_training(const request *r, const char *name)
{
    const st_bench_request *one = &r->one;
    const st_training_request training = {.scale = one->scale,
                                          .threads = one->threads,
                                          .batch = one->batch,
                                          .seed = one->seed,
                                          .seconds = one->seconds,
                                          .recorder = one->recorder,
                                          .rows = one->rows};
    cn_error error = {0};
    cn_status status = st_bench_training(&training, name, &error);
    return status ? st_complain("bench", st_exit_status(status), "%s: %s", name, error.message)
                  : ST_EXIT_OK;
}

static int bench_choices(const request *r, const char *name)
{
    cn_error error = {0};
    cn_status status = st_bench_choices(&r->one, name, &error);
    return status ? st_complain("bench", st_exit_status(status), "%s: %s", name, error.message)
                  : ST_EXIT_OK;
}

static int bench_once(const request *r, const char *name)
{
    if (r->training) return bench_training(r, name);
    return r->choices ? bench_choices(r, name) : st_bench_network(&r->one, name);
}

static int higher(int a, int b)
{
    return a > b ? a : b;
}

static int bench_schemes(request *r, const char *name)
{
    if (!r->scheme_count) return bench_once(r, name);
    int worst = ST_EXIT_OK;
    for (int32_t i = 0; i < r->scheme_count; i++)
        for (int32_t k = 0; k < r->rate_count; k++) {
            r->one.scheme = r->schemes[i];
            r->one.rate = r->rates[k];
            worst = higher(worst, bench_once(r, name));
        }
    return worst;
}

static int bench_models(request *r)
{
    int worst = ST_EXIT_OK;
    char *list = st_catalog_list(r->models), *rest = list, *name;
    if (!list) return st_complain("bench", ST_EXIT_FAILED, "out of memory");
    while ((name = strsep(&rest, ",")))
        for (int32_t i = 0; i < r->thread_count; i++) {
            r->one.threads = r->thread_counts[i];
            worst = higher(worst, bench_schemes(r, name));
        }
    cn_free(list);
    return worst;
}

static int bench_all(request *r)
{
    cJSON *rows = r->one.rows = r->json ? cJSON_CreateArray() : NULL;
    if (r->training && !rows) st_bench_training_head();
    int status = bench_models(r);
    char *text = rows ? cJSON_Print(rows) : NULL;
    if (text) puts(text);
    free(text);
    cJSON_Delete(rows);
    return status;
}

/* The tables of the database that show what was recorded. */
static const char *const *tables_of(const request *r)
{
    static const char *const usual[] = {"references", "bars", NULL},
                             *const training[] = {"training", NULL},
                             *const execution[] = {"execution", "attained", NULL},
                             *const choices[] = {"choices", NULL},
                             *const integers[] = {"integers", "integer-bars", NULL};
    if (r->training) return training;
    if (r->choices) return choices;
    if (r->bits) return integers;
    return r->scheme_count ? execution : usual;
}

/* Benches with the database open, then prints what it now holds. */
static int bench_and_record(request *r, const char *command)
{
    st_recording recording;
    cn_error error = {0};
    int code = ST_EXIT_OK;
    cn_status status = st_recording_open(&recording, r->db, command, r->one.seed, &error);
    if (!status) {
        st_wisdom_fact(&recording.environment, r->wisdom);
        st_environment_hash(&recording.environment, recording.recorder.environment_hash);
        r->one.recorder = &recording.recorder;
        code = bench_all(r);
    }
    st_recording_finish(&recording);
    if (!status && !r->json) status = st_tables_print(recording.path, tables_of(r), &error);
    fflush(stdout);
    if (!status) fprintf(stderr, "database: %s\n", recording.path);
    st_recording_close(&recording);
    return status ? st_complain("bench", st_exit_status(status), "%s", error.message) : code;
}

/* Reads --threads: a comma list of numbers. */
static bool parse_threads(request *r)
{
    const char *at = r->thread_list;
    while (r->thread_count < MOST_THREAD_COUNTS) {
        char *end;
        long long value = strtoll(at, &end, 10);
        if (end == at || value < 1 || value > 1024 || (*end && *end != ',')) return false;
        r->thread_counts[r->thread_count++] = value;
        if (!*end) return true;
        at = end + 1;
    }
    return false;
}

static bool parse_rates(request *r)
{
    const char *at = r->rate_list;
    while (r->rate_count < MOST_RATES) {
        char *end;
        double value = strtod(at, &end);
        if (end == at || !(value >= 1 && value <= 1e6) || (*end && *end != ',')) return false;
        r->rates[r->rate_count++] = value;
        if (!*end) return true;
        at = end + 1;
    }
    return false;
}

/* Reads --scheme; the name that is none in `wrong`. */
static bool parse_schemes(request *r, char wrong[32])
{
    const char *at = r->scheme_list;
    for (;;) {
        size_t length = strcspn(at, ",");
        snprintf(wrong, 32, "%.*s", (int)length, at);
        bool known = r->scheme_count < CN_SCHEME_COUNT &&
                     cn_scheme_find(wrong, &r->schemes[r->scheme_count]) &&
                     r->schemes[r->scheme_count] != CN_SCHEME_NONE;
        if (!known) return false;
        r->scheme_count++;
        if (!at[length]) return true;
        at += length + 1;
    }
}

/* --scheme and --rate, which go together. */
static int check_mask(request *r)
{
    char wrong[32];
    if (!r->scheme_list != !r->rate_list)
        return st_complain("bench", ST_EXIT_USAGE, "--scheme and --rate go together");
    if (!r->scheme_list) return -1;
    if (!parse_schemes(r, wrong))
        return st_complain("bench", ST_EXIT_USAGE,
                           "--scheme: '%s' is none; choose unstructured, filter, channel, column, "
                           "connectivity, pattern, pattern+connectivity, block8, "
                           "pattern8 or block8x4",
                           wrong);
    if (!parse_rates(r))
        return st_complain("bench", ST_EXIT_USAGE,
                           "--rate %s: give at most %d numbers of 1 or more, as in 2,4,9.2",
                           r->rate_list, MOST_RATES);
    return -1;
}

/* What goes with what. */
static int check(request *r)
{
    st_bench_request *one = &r->one;
    bool plain = !r->scalar && one->fuse && one->shrink && !strcmp(r->isa_name, "best");
    bool of_inference =
        one->against || one->per_layer || one->weights || r->scheme_list || r->choices || r->bits;
    if (r->training && (of_inference || !plain || !r->use_wisdom))
        return st_complain("bench", ST_EXIT_USAGE,
                           "--training takes --model, --scale, --threads, --batch, --seconds, "
                           "--seed, --record, --db and --json only");
    if (r->choices && (one->against || one->per_layer))
        return st_complain("bench", ST_EXIT_USAGE,
                           "--choices times our own ways only: not with --against or --per-layer");
    if (r->choices && r->bits)
        return st_complain("bench", ST_EXIT_USAGE,
                           "--choices is about the ways of floats: not with --bits");
    one->quantize = r->bits > 0;
    if (!one->scale) one->scale = r->training ? "fashion" : "imagenet";
    if (!one->batch && !r->training) one->batch = 1;
    int isa = r->scalar ? CN_ISA_SCALAR : cn_isa_parse(r->isa_name);
    if (isa < 0)
        return st_complain("bench", ST_EXIT_USAGE,
                           "--isa %s: choose scalar, neon, neon_dot, avx2, avx512, avx512_vnni or "
                           "best",
                           r->isa_name);
    one->isa = (cn_isa)isa;
    if (!parse_threads(r))
        return st_complain("bench", ST_EXIT_USAGE,
                           "--threads %s: give at most %d numbers from 1 to 1024, as in 1,2",
                           r->thread_list, MOST_THREAD_COUNTS);
    if (r->record && (!one->fuse || !one->shrink || isa != CN_ISA_BEST))
        return st_complain("bench", ST_EXIT_USAGE,
                           "--record takes our engine as it is: without --isa, --scalar, "
                           "--no-fuse and --no-shrink");
    return check_mask(r);
}

static const char about[] =
    "Latency of networks, as a share of what this machine can do: its rate of fused\n"
    "multiply-adds and its memory bandwidth are measured in the same run. With --against,\n"
    "other engines run the same network on the same input in interleaved rounds. One that is\n"
    "not installed or cannot run the network is skipped, with the reason on stderr; so is one\n"
    "whose outputs differ by more than 1e-3 of the largest, and then the exit status is 1.\n\n"
    "Weights with scales ('condense calibrate --bits 8 --output') run on 8-bit integers, and so\n"
    "do any with --bits 8, which makes integers of them on noise: good for times, and for no\n"
    "pictures. --against all is then the engines that run the same integers, and floats: ours, on\n"
    "what the integers stand for, with outputs that may differ.\n\n"
    "With --scheme and --rate, weights are pruned first, by magnitude and without training\n"
    "(docs/measuring.md). Our engine then runs as it is, without reordering of channels, with\n"
    "kernels that skip no zeros, and as a dense direct convolution, all in the same rounds; the\n"
    "layers of each are timed in turn, too.\n\n"
    "With --choices, every way that the planner had for a layer is timed beside the one it "
    "chose.\n\n"
    "With --training, steps of training by the network's recipe on its data set, each followed\n"
    "by the oneDNN primitives of that step alone: their share of the step, and where the rest\n"
    "of it goes.\n\n"
    "example: condense bench --model resnet50 --threads 2 --against all\n"
    "example: condense bench --model resnet50 --bits 8 --against all\n"
    "example: condense bench --model resnet50 --scheme block8,pattern8 --rate 2,4,9.2 --record\n"
    "example: condense bench --choices --model resnet50 --scheme block8 --rate 9.2\n"
    "example: condense bench --training --model all";

static int parse(request *r, int argc, char **argv)
{
    st_bench_request *one = &r->one;
    const st_option options[] = {
        {"model", ST_TEXT, &r->models, "NAMES", "comma list or 'all'; default resnet50", 0, 0},
        {"scale", ST_TEXT, &one->scale, "NAME", "default imagenet; with --training, fashion", 0, 0},
        {"weights", ST_TEXT, &one->weights, "FILE", "weight file, or 'random'", 0, 0},
        {"threads", ST_TEXT, &r->thread_list, "N", "comma list; default 1", 0, 0},
        {"batch", ST_INT, &one->batch, "N",
         "images a run; default 1; with --training, the recipe's", 1, 4096},
        {"against", ST_TEXT, &one->against, "ENGINES",
         "comma list of onednn, onnxruntime, openvino, xnnpack; of integers onednn-int8, "
         "onnxruntime-int8, openvino-int8, floats; or 'all'",
         0, 0},
        {"bits", ST_INT, &r->bits, "8", "weights without scales become integers of so many bits", 8,
         8},
        {"scheme", ST_TEXT, &r->scheme_list, "NAMES",
         "prune by this first; comma list of schemes, as 'condense compress' has them", 0, 0},
        {"rate", ST_TEXT, &r->rate_list, "LIST",
         "to these rates: weights of convolutions and fully connected layers before over after", 0,
         0},
        {"seconds", ST_REAL, &one->seconds, "S", "time for each model; default 3", 0.01, 3600},
        {"seed", ST_INT, &one->seed, "N", "of the input and of the order; default 1", 0, 1e15},
        {"per-layer", ST_FLAG, &one->per_layer, NULL,
         "the layers: median time, share of peak, what bounds them", 0, 0},
        {"choices", ST_FLAG, &r->choices, NULL,
         "the planner's choice for each layer beside every other way", 0, 0},
        {"training", ST_FLAG, &r->training, NULL,
         "steps of training instead, beside the oneDNN primitives in them", 0, 0},
        {"record", ST_FLAG, &r->record, NULL,
         "keep samples and results in the database, and print its table of all networks", 0, 0},
        {"db", ST_TEXT, &r->db, "FILE", "database of --record; default results/study.db", 0, 0},
        {"json", ST_FLAG, &r->json, NULL, "an array with an object for each measurement", 0, 0},
        {"isa", ST_TEXT, &r->isa_name, "LEVEL", "highest instruction set of ours", 0, 0},
        {"scalar", ST_FLAG, &r->scalar, NULL, "the same as --isa scalar", 0, 0},
        {"fuse", ST_FLAG, &one->fuse, NULL, "graph passes; --no-fuse switches all of them off", 0,
         0},
        {"shrink", ST_FLAG, &one->shrink, NULL,
         "the pass that removes channels; --no-shrink switches it off", 0, 0},
        {"wisdom", ST_FLAG, &r->use_wisdom, NULL,
         "what 'condense tune' found; --no-wisdom: the static plan"},
        {"generate", ST_FLAG, &r->generate, NULL,
         "kernels generated for a layer's zeros, where wisdom says so; --no-generate: none"},
        {0}};
    const st_usage usage = {
        "bench", "condense bench [--model M] [--against ENGINES] [--scheme S --rate R] [...]",
        about,   options,
        0,       0};
    return st_options_parse(&usage, argc, argv, NULL);
}

int st_command_bench(int argc, char **argv)
{
    request r = {.one = {.seed = 1, .seconds = 3, .fuse = true, .shrink = true, .rate = 1},
                 .models = "resnet50",
                 .isa_name = "best",
                 .thread_list = "1",
                 .use_wisdom = true,
                 .generate = true};
    int status = parse(&r, argc, argv);
    if (status < 0) status = check(&r);
    if (status >= 0) return status;
    cn_error error = {0};
    /* The planner's own choices are what --choices is about. */
    bool wisdom = r.use_wisdom && !r.training && !r.choices;
    cn_status loaded = wisdom ? st_wisdom_load(&r.wisdom, &error) : CN_OK;
    if (!loaded && wisdom && r.generate) loaded = st_generator_new(&r.one.generator, &error);
    if (loaded) return st_complain("bench", st_exit_status(loaded), "%s", error.message);
    r.one.wisdom = r.wisdom;
    char *command = st_command_line("bench", argc, argv);
    int code = !command   ? st_complain("bench", ST_EXIT_FAILED, "out of memory")
               : r.record ? bench_and_record(&r, command)
                          : bench_all(&r);
    cn_free(command);
    st_generator_close(r.one.generator);
    cn_wisdom_free(r.wisdom);
    return code;
}
