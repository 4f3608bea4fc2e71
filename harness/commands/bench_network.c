/* condense bench: one network on our engine and on others. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "commands/bench.h"
#include "condense/clock.h"
#include "condense/memory.h"
#include "condense/passes.h"
#include "condense/quantize.h"
#include "data/catalog.h"
#include "data/quantized_weights.h"
#include "data/store_weights.h"
#include "measure/sizes.h"

cn_session_options st_bench_options(const st_bench_request *r)
{
    cn_session_options options = cn_session_defaults();
    options.threads = (int32_t)r->threads;
    options.batch = (int32_t)r->batch;
    options.passes = r->fuse ? CN_PASS_ALL : 0;
    if (!r->shrink) options.passes &= ~(unsigned)CN_PASS_SHRINK;
    options.isa = r->isa;
    options.wisdom = r->wisdom;
    options.generator = r->generator;
    return options;
}

cn_status st_bench_load(const st_bench_request *r, const char *name, cn_model *model,
                        cn_weights *weights, st_mask *mask, cn_error *error)
{
    *mask = (st_mask){.scheme = r->scheme, .rate_asked = 1, .rate = 1};
    cn_status status = st_catalog_load(name, r->scale, NULL, 0, model, error);
    if (!status) status = st_weights_load(model, r->weights, weights, error);
    if (status) return status;
    bool integers = r->quantize || cn_quantization_there(weights);
    if (r->scheme != CN_SCHEME_NONE) {
        cn_quantization_drop(weights); /* of weights that change: there are others then */
        status = st_weights_mask(&model->graph, weights, r->scheme, r->rate, mask, error);
    }
    if (!status && integers && !cn_quantization_there(weights))
        status = st_weights_quantize(model, NULL, weights, error);
    return status;
}

bool st_bench_masked(const st_bench *b)
{
    return b->execution.mask.scheme != CN_SCHEME_NONE;
}

static int own_count(const st_bench *b)
{
    return st_bench_masked(b) ? ST_OWN_COUNT : 1;
}

/* Whether our engine runs on 8-bit integers: with passes, where weights have scales. */
static bool on_integers(const st_bench_request *r, const st_bench *b)
{
    return r->fuse && cn_quantization_there(&b->weights);
}

/* By how much outputs may differ. Engines of integers round otherwise before additions, by a level
 * each. The input is noise, which may be far from the pictures that integers were calibrated on:
 * beside floats they may give anything finite. */
static double tolerance_of(const st_bench_request *r, const st_bench *b, const st_engine_kind *kind)
{
    bool others = kind && kind->integers;
    if (on_integers(r, b)) return others || !kind ? 0.1 : DBL_MAX;
    return others ? DBL_MAX : 1e-3;
}

/* Adds our engine, planned as `own`. */
static cn_status open_own(st_bench *b, st_own own, const cn_session_options *options,
                          double tolerance, cn_error *error)
{
    st_own_facts *facts = &b->execution.plans[own];
    st_contestant *c = &b->duel.contestants[b->duel.count++];
    *c = (st_contestant){.name = st_own_name(own), .tolerance = tolerance};
    int64_t begin = cn_clock_ns();
    cn_status status = cn_session_new(&c->session, &b->model.graph, &b->weights, options, error);
    facts->plan_ms = (double)(cn_clock_ns() - begin) * 1e-6;
    if (!status) facts->memory = cn_session_memory_use(c->session);
    return status;
}

/* Adds a contestant; one that is not here, or cannot run the network, is excluded with the reason.
 */
static cn_status open_other(const st_bench_request *r, st_bench *b, const st_engine_kind *kind,
                            cn_error *error)
{
    if (b->duel.count == ST_DUEL_ENGINES)
        return cn_fail(error, CN_EINVAL, "at most %d engines", ST_DUEL_ENGINES);
    st_contestant *c = &b->duel.contestants[b->duel.count++];
    *c = (st_contestant){.name = kind->name, .kind = kind, .tolerance = tolerance_of(r, b, kind)};
    st_engine_options options = {(int32_t)r->threads, (int32_t)r->batch};
    cn_error theirs = {0};
    const char *missing = kind->missing();
    if (missing)
        st_duel_exclude(c, "%s", missing);
    else if (kind->open(&c->engine, &b->model.graph, &b->weights, &options, &theirs))
        st_duel_exclude(c, "%s", theirs.message);
    return CN_OK;
}

/* Whether 'all' has the engine: of networks of integers those that run such and our own in floats.
 */
static bool is_of_all(const st_engine_kind *kind, bool integers)
{
    if (kind == &st_engine_condense) return false;
    return integers == (kind->integers || kind == &st_engine_floats);
}

/* Opens every engine of the comma list `against`, or all but ours. */
static cn_status open_others(const st_bench_request *r, st_bench *b, cn_error *error)
{
    cn_status status = CN_OK;
    if (r->against && !strcmp(r->against, "all")) {
        for (int i = 0; st_engine_kinds[i] && !status; i++)
            if (is_of_all(st_engine_kinds[i], cn_quantization_there(&b->weights)))
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
        if (c->excluded && (c->engine || c->session)) wrong = true;
    }
    return wrong;
}

/* The layers of our plans, in sessions of their own. */
static cn_status time_layers(const st_bench_request *r, st_bench *b,
                             const cn_session_options *options, cn_error *error)
{
    float *input = cn_calloc((size_t)b->duel.inputs, sizeof *input);
    if (!input) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_status status = st_layers_measure(&b->model.graph, &b->weights, options, own_count(b), input,
                                         r->seconds, b->execution.layers, error);
    cn_free(input);
    return status;
}

/* Measures the machine's limits once more and keeps the higher: a neighbour can only lower them.
 * How far threads are apart may have changed: both ends are kept. */
static cn_status raise_peak(const st_bench_request *r, st_bench *b, cn_error *error)
{
    st_peak now;
    cn_status status = st_peak_measure((int)r->threads, r->isa, &now, error);
    if (status) return status;
    b->peak.gflops = fmax(b->peak.gflops, now.gflops);
    b->peak.gops = fmax(b->peak.gops, now.gops);
    b->peak.cache = fmax(b->peak.cache, now.cache);
    b->peak.gbytes = fmax(b->peak.gbytes, now.gbytes);
    b->peak.cached = now.cached;
    b->peak.near = fmin(b->peak.near, now.near); /* of a number and NAN, the number */
    b->peak.far = fmax(b->peak.far, now.far);
    return CN_OK;
}

/* Before there are sessions, whose memory the processes that measure would inherit. */
static void measure_memory(st_bench *b, const cn_session_options *options)
{
    for (int own = 0; own < own_count(b); own++) {
        st_own_facts *facts = &b->execution.plans[own];
        facts->peak_memory =
            st_peak_memory(&b->model.graph, &b->weights, &options[own], facts->peak_memory_reason);
    }
}

static cn_status run_duel(const st_bench_request *r, st_bench *b, const cn_session_options *options,
                          cn_error *error)
{
    cn_status status = CN_OK;
    for (int own = 0; own < own_count(b) && !status; own++)
        status = open_own(b, (st_own)own, &options[own], tolerance_of(r, b, NULL), error);
    if (status) return status;
    const cn_session *first = b->duel.contestants[0].session;
    b->duel.inputs = cn_shape_count(cn_session_input_shape(first)) * r->batch;
    b->duel.outputs = cn_shape_count(cn_session_output_shape(first)) * r->batch;
    status = open_others(r, b, error);
    return status ? status : st_duel_run(&b->duel, r->seconds, (uint64_t)r->seed, error);
}

static cn_status measure(const st_bench_request *r, const char *name, st_bench *b, cn_error *error)
{
    st_execution_facts *e = &b->execution;
    cn_session_options planned = st_bench_options(r), options[ST_OWN_COUNT];
    cn_wisdom *direct = NULL;
    cn_status status = st_bench_load(r, name, &b->model, &b->weights, &e->mask, error);
    if (status) return status;
    b->gflop = 2e-9 * (double)cn_graph_macs(&b->model.graph) * (double)r->batch;
    if (st_bench_masked(b)) {
        e->nonzero_macs = st_sizes_of(&b->model.graph, &b->weights).effective_macs * r->batch;
        status = st_own_direct(&b->model.graph, &b->weights, &planned, &direct, error);
    }
    for (int own = 0; own < ST_OWN_COUNT; own++)
        options[own] = st_own_options((st_own)own, &planned, direct);
    if (!status && st_bench_masked(b)) measure_memory(b, options);
    if (!status) status = raise_peak(r, b, error);
    if (!status) status = run_duel(r, b, options, error);
    if (!status) status = raise_peak(r, b, error);
    if (!status && (r->per_layer || st_bench_masked(b))) status = time_layers(r, b, options, error);
    cn_wisdom_free(direct);
    return status;
}

static void clear(st_bench *b)
{
    st_duel_clear(&b->duel);
    cn_weights_clear(&b->weights);
    cn_model_clear(&b->model);
    for (int own = 0; own < ST_OWN_COUNT; own++)
        st_layer_plan_clear(&b->execution.layers[own]);
}

static cn_status record(const st_bench_request *r, const st_bench *b, cn_error *error)
{
    const st_bench_facts facts = {.model = &b->model,
                                  .weights = b->weights.label ? b->weights.label : "unknown",
                                  .isa =
                                      cn_isa_name(cn_session_isa(b->duel.contestants[0].session)),
                                  .threads = r->threads,
                                  .batch = r->batch,
                                  .bits = on_integers(r, b) ? 8 : 32,
                                  .macs = cn_graph_macs(&b->model.graph) * r->batch,
                                  .peak = b->peak,
                                  .execution = st_bench_masked(b) ? &b->execution : NULL};
    return st_record_bench(r->recorder, &facts, &b->duel, error);
}

int st_bench_network(const st_bench_request *r, const char *name)
{
    st_bench b = {.threads = r->threads,
                  .batch = r->batch,
                  .asked_for_layers = r->per_layer,
                  .peak = {.near = NAN, .far = NAN}};
    cn_error error = {0};
    cn_status status = measure(r, name, &b, &error);
    if (!status && r->rows) cJSON_AddItemToArray(r->rows, st_bench_json(&b));
    if (!status && !r->rows) st_bench_print(&b);
    fflush(stdout);
    bool wrong = !status && name_excluded(&b);
    if (!status && r->recorder) status = record(r, &b, &error);
    clear(&b);
    if (wrong) return ST_EXIT_FAILED;
    return status ? st_complain("bench", st_exit_status(status), "%s: %s", name, error.message)
                  : ST_EXIT_OK;
}
