#include "measure/duel.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/progress.h"
#include "condense/clock.h"
#include "condense/memory.h"
#include "condense/random.h"
#include "measure/quiet.h"

enum { LEAST_ROUNDS = 5, MOST_ROUNDS = 2000 };

/* `input` and `output` are those that the engine was bound to. */
static cn_status run_once(const st_contestant *c, const float *input, float *output,
                          cn_error *error)
{
    return c->session ? cn_session_run(c->session, input, output, error)
                      : c->kind->run(c->engine, error);
}

/* An engine's outputs for `input`. It stays bound to both. */
static cn_status run_bound(const st_contestant *c, const float *input, float *output,
                           cn_error *error)
{
    if (c->session) return cn_session_run(c->session, input, output, error);
    cn_status status = c->kind->bind(c->engine, input, output, error);
    if (!status) status = c->kind->run(c->engine, error);
    return !status && c->kind->read ? c->kind->read(c->engine, error) : status;
}

static double difference(const float *got, const float *right, int64_t count)
{
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(got[i]) || !isfinite(right[i])) return INFINITY;
        worst = fmax(worst, fabs((double)got[i] - (double)right[i]));
        largest = fmax(largest, fabs((double)right[i]));
    }
    return largest > 0 ? worst / largest : worst;
}

/* Runs the first contestant. A softmax at the end hides differences where one class takes all, as
 * with random weights, whose sums grow from layer to layer: then the input is made fainter until
 * the classes share the output. */
static cn_status run_first(st_duel *duel, float *input, float *output, cn_error *error)
{
    enum { TRIES = 40 };
    for (int i = 0; i < TRIES; i++) {
        cn_status status = run_once(&duel->contestants[0], input, output, error);
        if (status) return status;
        float largest = 0.0f;
        for (int64_t k = 0; k < duel->outputs; k++)
            largest = fmaxf(largest, output[k]);
        if (largest < 0.9f) break;
        for (int64_t k = 0; k < duel->inputs; k++)
            input[k] *= 0.25f;
    }
    return CN_OK;
}

void st_duel_exclude(st_contestant *contestant, const char *reason, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, reason);
    vsnprintf(text, sizeof text, reason, arguments);
    va_end(arguments);
    cn_free(contestant->excluded);
    contestant->excluded = cn_strdup(text);
}

/* `outputs`: two of the network's. */
static cn_status compare(st_duel *duel, float *input, float *outputs, cn_error *error)
{
    float *right = outputs, *got = outputs + duel->outputs;
    cn_status status = run_first(duel, input, right, error);
    for (int32_t i = 1; i < duel->count && !status; i++) {
        st_contestant *c = &duel->contestants[i];
        cn_error theirs = {0};
        if (c->excluded) continue;
        if (run_bound(c, input, got, &theirs)) {
            st_duel_exclude(c, "%s", theirs.message);
            continue;
        }
        c->compared = true;
        c->difference = difference(got, right, duel->outputs);
        if (!(c->difference <= c->tolerance))
            st_duel_exclude(c, "its outputs differ by %.2g of the largest (%.0e is allowed)",
                            c->difference, c->tolerance);
    }
    return status;
}

/* Untimed runs, then the median of timed ones. It takes the system several ticks of its clock (4 ms
 * each) to give each of an engine's threads, just awake, a processor of its own. */
enum { WARM_UP_NS = 50000000, TIMED_NS = 20000000, MOST_RUNS = 64 };

static cn_status sample(const st_contestant *c, const float *input, float *output, double *ms,
                        cn_error *error)
{
    double runs[MOST_RUNS];
    size_t count = 0;
    int64_t begin = cn_clock_ns(), start = begin, end = begin;
    cn_status status = CN_OK;
    while (!status && count < MOST_RUNS && (!count || end - start < TIMED_NS)) {
        int64_t from = end;
        status = run_once(c, input, output, error);
        end = cn_clock_ns();
        if (from - begin >= WARM_UP_NS)
            runs[count++] = (double)(end - from) * 1e-6;
        else
            start = end;
    }
    if (!status) *ms = st_percentile(runs, count, 50);
    return status;
}

static cn_status take_round(st_duel *duel, const float *input, float *output, cn_random *random,
                            cn_error *error)
{
    uint32_t order[ST_DUEL_ENGINES];
    for (int32_t i = 0; i < duel->count; i++)
        order[i] = (uint32_t)i;
    cn_random_shuffle(random, order, (uint32_t)duel->count);
    for (int32_t i = 0; i < duel->count; i++) {
        st_contestant *c = &duel->contestants[order[i]];
        if (c->excluded) continue;
        st_wait_for_quiet();
        cn_status status = sample(c, input, output, &c->ms[duel->rounds], error);
        if (status) return status;
    }
    duel->rounds++;
    return CN_OK;
}

static void summarize(st_duel *duel)
{
    size_t rounds = (size_t)duel->rounds;
    for (int32_t i = 0; i < duel->count; i++) {
        st_contestant *c = &duel->contestants[i];
        if (c->excluded) continue;
        c->summary = st_summarize(c->ms, rounds);
        st_ratio_interval(duel->contestants[0].ms, c->ms, rounds, &c->ratio, &c->ratio_low,
                          &c->ratio_high);
    }
}

cn_status st_duel_run(st_duel *duel, double seconds, uint64_t seed, cn_error *error)
{
    cn_random random = cn_random_seed(seed);
    float *input = cn_calloc((size_t)duel->inputs, sizeof *input);
    float *outputs = cn_calloc((size_t)duel->outputs, 2 * sizeof *outputs);
    bool ok = input && outputs;
    for (int32_t i = 0; i < duel->count; i++)
        ok = (duel->contestants[i].ms = cn_calloc(MOST_ROUNDS, sizeof(double))) && ok;
    cn_status status = ok ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory");
    for (int64_t i = 0; i < duel->inputs && ok; i++)
        input[i] = (float)cn_random_normal(&random);
    if (!status) status = compare(duel, input, outputs, error);
    int64_t start = cn_clock_ns(), length = (int64_t)(seconds * 1e9), spent = 0;
    st_progress progress = st_progress_start("timing");
    while (!status && duel->rounds < MOST_ROUNDS &&
           (duel->rounds < LEAST_ROUNDS || spent < length)) {
        status = take_round(duel, input, outputs, &random, error);
        spent = cn_clock_ns() - start;
        double by_rounds = (double)duel->rounds / LEAST_ROUNDS;
        st_progress_update(&progress, fmin(by_rounds, (double)spent / (double)length), 1, NULL);
    }
    st_progress_end(&progress);
    if (!status) summarize(duel);
    cn_free(input);
    cn_free(outputs);
    return status;
}

const st_contestant *st_duel_best(const st_duel *duel)
{
    const st_contestant *best = NULL;
    for (int32_t i = 1; i < duel->count; i++) {
        const st_contestant *c = &duel->contestants[i];
        if (c->session || c->excluded || c->kind == &st_engine_floats) continue;
        if (!best || c->summary.median < best->summary.median) best = c;
    }
    return best;
}

void st_duel_clear(st_duel *duel)
{
    for (int32_t i = 0; i < duel->count; i++) {
        st_contestant *c = &duel->contestants[i];
        cn_session_free(c->session);
        if (c->engine) c->kind->close(c->engine);
        cn_free(c->ms);
        cn_free(c->excluded);
    }
    *duel = (st_duel){0};
}
