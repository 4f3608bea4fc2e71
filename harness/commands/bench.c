/* condense bench: latency against the machine's limits and against other engines; bench_report.c
 * prints it. bench_training.c does --training. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/options.h"
#include "commands/bench.h"
#include "commands/commands.h"
#include "commands/recording.h"
#include "condense/clock.h"
#include "condense/memory.h"
#include "condense/passes.h"
#include "condense/quantize.h"
#include "data/catalog.h"
#include "data/store_weights.h"
#include "env/wisdom.h"
#include "measure/duel.h"
#include "measure/peak.h"
#include "report/table.h"
#include "store/record.h"

enum { MOST_THREAD_COUNTS = 8 };

typedef struct request {
    const char *models, *scale, *weights, *against, *isa_name, *thread_list, *db;
    int64_t threads, batch, seed; /* threads: those of the moment, from the list */
    int64_t thread_counts[MOST_THREAD_COUNTS];
    int32_t thread_count;
    double seconds;
    bool fuse, scalar, per_layer, json, record, use_wisdom, training;
    cn_wisdom *wisdom; /* NULL: none */
    cn_isa isa;
    st_recorder *recorder; /* NULL: nothing is recorded */
} request;

static cn_session_options session_options(const request *r)
{
    cn_session_options options = cn_session_defaults();
    options.threads = (int32_t)r->threads;
    options.batch = (int32_t)r->batch;
    options.passes = r->fuse ? CN_PASS_ALL : 0;
    options.isa = r->isa;
    options.wisdom = r->wisdom;
    return options;
}

/* Adds a contestant; one that is not here, or cannot run the network, is excluded with the reason.
 */
static cn_status open_other(const request *r, st_bench *b, const st_engine_kind *kind,
                            cn_error *error)
{
    if (b->duel.count == ST_DUEL_ENGINES)
        return cn_fail(error, CN_EINVAL, "at most %d engines", ST_DUEL_ENGINES);
    st_contestant *c = &b->duel.contestants[b->duel.count++];
    *c = (st_contestant){.name = kind->name, .kind = kind};
    st_engine_options options = {(int32_t)r->threads, (int32_t)r->batch};
    cn_error theirs = {0};
    const char *missing = kind->missing();
    if (missing)
        st_duel_exclude(c, "%s", missing);
    else if (kind->open(&c->engine, &b->model.graph, &b->weights, &options, &theirs))
        st_duel_exclude(c, "%s", theirs.message);
    return CN_OK;
}

/* By how much outputs may differ. The input is noise, which is far from the pictures that integers
 * were calibrated on: beside floats they may give anything finite. */
static double tolerance_of(const cn_weights *weights)
{
    return cn_quantization_there(weights) ? DBL_MAX : 1e-3;
}

/* Opens every engine of the comma list `against`, or all but ours. */
static cn_status open_others(const request *r, st_bench *b, cn_error *error)
{
    cn_status status = CN_OK;
    if (r->against && !strcmp(r->against, "all")) {
        for (int i = 0; st_engine_kinds[i] && !status; i++)
            if (st_engine_kinds[i] != &st_engine_condense &&
                (st_engine_kinds[i] != &st_engine_floats || cn_quantization_there(&b->weights)))
                status = open_other(r, b, st_engine_kinds[i], error);
        return status;
    }
    char *list = cn_strdup(r->against ? r->against : ""), *rest = list, *name;
    if (!list) return cn_fail(error, CN_ENOMEM, "out of memory");
    while (!status && (name = strsep(&rest, ",")) && *name) {
        const st_engine_kind *kind = st_engine_find(name);
        status = kind ? open_other(r, b, kind, error)
                      : cn_fail(error, CN_EINVAL, "--against %s: there is no such engine", name);
    }
    cn_free(list);
    return status;
}

/* Says on stderr which engines were not timed. Whether one was because its outputs are wrong. */
static bool name_excluded(const st_bench *b)
{
    bool wrong = false;
    for (int32_t i = 1; i < b->duel.count; i++) {
        const st_contestant *c = &b->duel.contestants[i];
        if (c->excluded)
            fprintf(stderr, "skipped: %s on %s: %s\n", c->name, b->model.name, c->excluded);
        if (c->excluded && c->engine) wrong = true;
    }
    return wrong;
}

/* The median time of every layer over a few runs of a session of its own. */
static cn_status time_layers(const request *r, st_bench *b, cn_error *error)
{
    cn_session_options options = session_options(r);
    float *input = cn_calloc((size_t)b->duel.inputs, sizeof *input);
    if (!input) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_status status = st_layers_measure(&b->model.graph, &b->weights, &options, input, r->seconds,
                                         &b->layers, error);
    cn_free(input);
    return status;
}

/* Measures the machine's limits once more and keeps the higher: a neighbour can only lower them. */
static cn_status raise_peak(const request *r, st_bench *b, cn_error *error)
{
    st_peak now;
    cn_status status = st_peak_measure((int)r->threads, r->isa, &now, error);
    if (status) return status;
    b->peak.gflops = fmax(b->peak.gflops, now.gflops);
    b->peak.cache = fmax(b->peak.cache, now.cache);
    b->peak.gbytes = fmax(b->peak.gbytes, now.gbytes);
    b->peak.cached = now.cached;
    return CN_OK;
}

static cn_status measure(const request *r, const char *name, st_bench *b, cn_error *error)
{
    cn_session_options options = session_options(r);
    st_contestant *own = &b->duel.contestants[0];
    cn_status status = st_catalog_load(name, r->scale, NULL, 0, &b->model, error);
    if (!status) status = st_weights_load(&b->model, r->weights, &b->weights, error);
    if (!status) status = raise_peak(r, b, error);
    int64_t begin = cn_clock_ns();
    if (!status)
        status = cn_session_new(&own->session, &b->model.graph, &b->weights, &options, error);
    if (status) return status;
    b->plan_ms = (double)(cn_clock_ns() - begin) * 1e-6;
    own->name = "condense";
    b->duel.count = 1;
    b->duel.tolerance = tolerance_of(&b->weights);
    b->duel.inputs = cn_shape_count(cn_session_input_shape(own->session)) * r->batch;
    b->duel.outputs = cn_shape_count(cn_session_output_shape(own->session)) * r->batch;
    b->gflop = 2e-9 * (double)cn_graph_macs(&b->model.graph) * (double)r->batch;
    status = open_others(r, b, error);
    if (!status) status = st_duel_run(&b->duel, r->seconds, (uint64_t)r->seed, error);
    if (!status) status = raise_peak(r, b, error);
    if (!status && r->per_layer) status = time_layers(r, b, error);
    return status;
}

static void clear(st_bench *b)
{
    st_duel_clear(&b->duel);
    cn_weights_clear(&b->weights);
    cn_model_clear(&b->model);
    st_layer_plan_clear(&b->layers);
}

static cn_status record(const request *r, const st_bench *b, cn_error *error)
{
    const st_bench_facts facts = {.model = &b->model,
                                  .weights = b->weights.label ? b->weights.label : "unknown",
                                  .isa =
                                      cn_isa_name(cn_session_isa(b->duel.contestants[0].session)),
                                  .threads = r->threads,
                                  .batch = r->batch,
                                  .macs = cn_graph_macs(&b->model.graph) * r->batch,
                                  .peak = b->peak};
    return st_record_bench(r->recorder, &facts, &b->duel, error);
}

/* Benches one model on r->threads threads and reports it; the status of the command so far. */
static int bench_once(const request *r, const char *name, cJSON *rows)
{
    st_bench b = {.threads = r->threads, .batch = r->batch};
    cn_error error = {0};
    cn_status status = measure(r, name, &b, &error);
    if (!status && rows) cJSON_AddItemToArray(rows, st_bench_json(&b));
    if (!status && !rows) st_bench_print(&b);
    fflush(stdout);
    bool wrong = !status && name_excluded(&b);
    if (!status && r->recorder) status = record(r, &b, &error);
    clear(&b);
    if (wrong) return ST_EXIT_FAILED;
    return status ? st_complain("bench", st_exit_status(status), "%s: %s", name, error.message)
                  : ST_EXIT_OK;
}

/* The same for --training. */
static int bench_training(const request *r, const char *name, cJSON *rows)
{
    const st_training_request training = {.scale = r->scale,
                                          .threads = r->threads,
                                          .batch = r->batch,
                                          .seed = r->seed,
                                          .seconds = r->seconds,
                                          .recorder = r->recorder,
                                          .rows = rows};
    cn_error error = {0};
    cn_status status = st_bench_training(&training, name, &error);
    return status ? st_complain("bench", st_exit_status(status), "%s: %s", name, error.message)
                  : ST_EXIT_OK;
}

static int bench_model(request *r, const char *name, cJSON *rows)
{
    int worst = ST_EXIT_OK;
    for (int32_t i = 0; i < r->thread_count; i++) {
        r->threads = r->thread_counts[i];
        int status = (r->training ? bench_training : bench_once)(r, name, rows);
        if (status > worst) worst = status;
    }
    return worst;
}

static int bench_models(request *r, cJSON *rows)
{
    int worst = ST_EXIT_OK;
    char *list = st_catalog_list(r->models), *rest = list, *name;
    if (!list) return st_complain("bench", ST_EXIT_FAILED, "out of memory");
    while ((name = strsep(&rest, ","))) {
        int status = bench_model(r, name, rows);
        if (status > worst) worst = status;
    }
    cn_free(list);
    return worst;
}

static int bench_all(request *r)
{
    cJSON *rows = r->json ? cJSON_CreateArray() : NULL;
    if (r->training && !rows) st_bench_training_head();
    int status = bench_models(r, rows);
    char *text = rows ? cJSON_Print(rows) : NULL;
    if (text) puts(text);
    free(text);
    cJSON_Delete(rows);
    return status;
}

/* Benches with the database open, then prints what it now holds. */
static int bench_and_record(request *r, const char *command)
{
    st_recording recording;
    cn_error error = {0};
    int code = ST_EXIT_OK;
    cn_status status = st_recording_open(&recording, r->db, command, r->seed, &error);
    if (!status) {
        st_wisdom_fact(&recording.environment, r->wisdom);
        st_environment_hash(&recording.environment, recording.recorder.environment_hash);
        r->recorder = &recording.recorder;
        code = bench_all(r);
    }
    st_recording_finish(&recording);
    static const char *const tables[][3] = {{"references", "bars", NULL}, {"training", NULL}};
    if (!status && !r->json) status = st_tables_print(recording.path, tables[r->training], &error);
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

int st_command_bench(int argc, char **argv)
{
    request r = {.models = "resnet50",
                 .isa_name = "best",
                 .thread_list = "1",
                 .seed = 1,
                 .seconds = 3,
                 .fuse = true,
                 .use_wisdom = true};
    const st_option options[] = {
        {"model", ST_TEXT, &r.models, "NAMES", "comma list or 'all'; default resnet50", 0, 0},
        {"scale", ST_TEXT, &r.scale, "NAME", "default imagenet; with --training, fashion", 0, 0},
        {"weights", ST_TEXT, &r.weights, "FILE", "weight file, or 'random'", 0, 0},
        {"threads", ST_TEXT, &r.thread_list, "N", "comma list; default 1", 0, 0},
        {"batch", ST_INT, &r.batch, "N", "images a run; default 1; with --training, the recipe's",
         1, 4096},
        {"against", ST_TEXT, &r.against, "ENGINES",
         "comma list of floats, onednn, onnxruntime, openvino, xnnpack, or 'all'", 0, 0},
        {"seconds", ST_REAL, &r.seconds, "S", "time for each model; default 3", 0.01, 3600},
        {"seed", ST_INT, &r.seed, "N", "of the input and of the order; default 1", 0, 1e15},
        {"per-layer", ST_FLAG, &r.per_layer, NULL,
         "the layers: median time, share of peak, what bounds them", 0, 0},
        {"training", ST_FLAG, &r.training, NULL,
         "steps of training instead, beside the oneDNN primitives in them", 0, 0},
        {"record", ST_FLAG, &r.record, NULL,
         "keep samples and results in the database, and print its table of all networks", 0, 0},
        {"db", ST_TEXT, &r.db, "FILE", "database of --record; default results/study.db", 0, 0},
        {"json", ST_FLAG, &r.json, NULL, "an array with an object for each model", 0, 0},
        {"isa", ST_TEXT, &r.isa_name, "LEVEL", "highest instruction set of ours", 0, 0},
        {"scalar", ST_FLAG, &r.scalar, NULL, "the same as --isa scalar", 0, 0},
        {"fuse", ST_FLAG, &r.fuse, NULL, "graph passes; --no-fuse switches all of them off", 0, 0},
        {"wisdom", ST_FLAG, &r.use_wisdom, NULL,
         "what 'condense tune' found; --no-wisdom: the static plan"},
        {0}};
    static const char about[] =
        "Latency of networks, as a share of what this machine can do: its rate of fused\n"
        "multiply-adds and its memory bandwidth are measured in the same run. With --against,\n"
        "other engines run the same network on the same input in interleaved rounds. One that is\n"
        "not installed or cannot run the network is skipped, with the reason on stderr; so is one\n"
        "whose outputs differ by more than 1e-3 of the largest, and then the exit status is 1.\n\n"
        "Weights with scales ('condense calibrate --bits 8 --output') run on 8-bit integers;\n"
        "--against floats runs them as floats beside that. Outputs may then differ.\n\n"
        "With --training, steps of training by the network's recipe on its data set, each "
        "followed\n"
        "by the oneDNN primitives of that step alone: their share of the step, and where the rest\n"
        "of it goes.\n\n"
        "example: condense bench --model resnet50 --threads 2 --against all\n"
        "example: condense bench --training --model all";
    const st_usage usage = {
        "bench", "condense bench [--model M] [--against ENGINES | --training] [...]",
        about,   options,
        0,       0};
    int status = st_options_parse(&usage, argc, argv, NULL);
    if (status >= 0) return status;
    bool of_inference = r.against || r.per_layer || r.weights || r.scalar || !r.fuse ||
                        !r.use_wisdom || strcmp(r.isa_name, "best") != 0;
    if (r.training && of_inference)
        return st_complain("bench", ST_EXIT_USAGE,
                           "--training takes --model, --scale, --threads, --batch, --seconds, "
                           "--seed, --record, --db and --json only");
    if (!r.scale) r.scale = r.training ? "fashion" : "imagenet";
    if (!r.batch && !r.training) r.batch = 1;
    int isa = r.scalar ? CN_ISA_SCALAR : cn_isa_parse(r.isa_name);
    if (isa < 0)
        return st_complain("bench", ST_EXIT_USAGE,
                           "--isa %s: choose scalar, neon, neon_dot, avx2, avx512, avx512_vnni or "
                           "best",
                           r.isa_name);
    r.isa = (cn_isa)isa;
    if (!parse_threads(&r))
        return st_complain("bench", ST_EXIT_USAGE,
                           "--threads %s: give at most %d numbers from 1 to 1024, as in 1,2",
                           r.thread_list, MOST_THREAD_COUNTS);
    if (r.record && (!r.fuse || isa != CN_ISA_BEST))
        return st_complain("bench", ST_EXIT_USAGE,
                           "--record takes our engine as it is: without --isa, --scalar and "
                           "--no-fuse");
    cn_error error = {0};
    cn_status loaded = r.use_wisdom && !r.training ? st_wisdom_load(&r.wisdom, &error) : CN_OK;
    if (loaded) return st_complain("bench", st_exit_status(loaded), "%s", error.message);
    char *command = st_command_line("bench", argc, argv);
    int code = !command   ? st_complain("bench", ST_EXIT_FAILED, "out of memory")
               : r.record ? bench_and_record(&r, command)
                          : bench_all(&r);
    cn_free(command);
    cn_wisdom_free(r.wisdom);
    return code;
}
