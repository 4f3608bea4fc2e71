#include "measure/training.h"

#include <string.h>

#include "cli/progress.h"
#include "condense/clock.h"
#include "condense/memory.h"

enum { WARM_UP_STEPS = 3, LEAST_ROUNDS = 7, MOST_ROUNDS = 200 };

/* A measurement under way. cn_fit calls on_step after each step. */
typedef struct rounds {
    cn_trainer *trainer;
    st_training *out;
    int64_t steps, start_ns, length_ns;
    int64_t part_ns[CN_STEP_PARTS]; /* of the step under way */
    volatile sig_atomic_t stop;
    st_progress progress;
    cn_status status; /* of the primitives alone */
    cn_error error;
} rounds;

const char *st_step_part_name(cn_step_part part)
{
    static const char *const names[CN_STEP_PARTS] = {
        [CN_STEP_PRIMITIVES] = "primitives", [CN_STEP_REORDERS] = "reorders",
        [CN_STEP_JOINS] = "joins",           [CN_STEP_FUNCTIONS] = "functions",
        [CN_STEP_BATCH] = "batch",           [CN_STEP_LOSS] = "loss",
        [CN_STEP_CHECK] = "check",           [CN_STEP_OPTIMIZER] = "optimizer",
        [CN_STEP_OTHER] = "other",
    };
    return names[part];
}

static void keep_round(rounds *r, int64_t alone_ns)
{
    st_training *out = r->out;
    double *parts = out->parts_ms + (ptrdiff_t)out->rounds * CN_STEP_PARTS, sum = 0;
    for (int i = 0; i < CN_STEP_PARTS; i++) {
        parts[i] = (double)r->part_ns[i] * 1e-6;
        sum += parts[i];
    }
    out->step_ms[out->rounds] = sum;
    out->alone_ms[out->rounds] = (double)alone_ns * 1e-6;
    out->rounds++;
}

static void on_step(void *context, int64_t step, int64_t total, double loss)
{
    (void)step, (void)total, (void)loss;
    rounds *r = context;
    cn_trainer_lap(r->trainer, CN_STEP_OTHER);
    int64_t begin = cn_clock_ns();
    r->status = cn_trainer_primitives(r->trainer, &r->error);
    int64_t end = cn_clock_ns();
    if (r->steps++ >= WARM_UP_STEPS)
        keep_round(r, end - begin);
    else
        r->start_ns = end;
    double spent = (double)(end - r->start_ns) / (double)r->length_ns;
    double by_rounds = (double)r->out->rounds / LEAST_ROUNDS;
    r->stop = r->status != CN_OK || r->out->rounds == MOST_ROUNDS || (spent >= 1 && by_rounds >= 1);
    st_progress_update(&r->progress, spent < by_rounds ? spent : by_rounds, 1, NULL);
    memset(r->part_ns, 0, sizeof r->part_ns);
    cn_trainer_clock(r->trainer, r->part_ns);
}

static cn_status summarize(st_training *t, cn_error *error)
{
    size_t n = (size_t)t->rounds;
    double *column = cn_calloc(n, sizeof *column);
    if (!column) return cn_fail(error, CN_ENOMEM, "out of memory");
    t->step = st_summarize(t->step_ms, n);
    t->alone = st_summarize(t->alone_ms, n);
    st_ratio_interval(t->alone_ms, t->step_ms, n, &t->mean_share, &t->mean_share_low,
                      &t->mean_share_high);
    for (size_t i = 0; i < n; i++)
        column[i] = t->alone_ms[i] / t->step_ms[i];
    t->share = st_percentile(column, n, 50);
    for (int part = 0; part < CN_STEP_PARTS; part++) {
        for (size_t i = 0; i < n; i++)
            column[i] = t->parts_ms[i * CN_STEP_PARTS + (size_t)part];
        t->part_ms[part] = st_percentile(column, n, 50);
    }
    cn_free(column);
    return CN_OK;
}

cn_status st_training_measure(cn_trainer *trainer, const cn_examples *examples,
                              const cn_fit_options *fit, double seconds, st_training *out,
                              cn_error *error)
{
    *out = (st_training){.step_ms = cn_calloc(MOST_ROUNDS, sizeof *out->step_ms),
                         .alone_ms = cn_calloc(MOST_ROUNDS, sizeof *out->alone_ms),
                         .parts_ms = cn_calloc(MOST_ROUNDS, CN_STEP_PARTS * sizeof(double))};
    if (!out->step_ms || !out->alone_ms || !out->parts_ms)
        return cn_fail(error, CN_ENOMEM, "out of memory");
    rounds r = {.trainer = trainer,
                .out = out,
                .length_ns = (int64_t)(seconds * 1e9),
                .progress = st_progress_start("timing")};
    const cn_examples none = {0};
    cn_fit_options options = *fit;
    options.on_step = on_step;
    options.context = &r;
    options.stop = &r.stop;
    cn_trainer_clock(trainer, r.part_ns);
    cn_status status = cn_fit(trainer, examples, &none, &options, error);
    cn_trainer_clock(trainer, NULL);
    st_progress_end(&r.progress);
    if (r.status != CN_OK) return cn_fail(error, r.status, "%s", r.error.message);
    if (r.stop) status = CN_OK;
    if (status == CN_OK && !out->rounds)
        status = cn_fail(error, CN_EINVAL, "the recipe ends after %d steps; give more --epochs",
                         (int)r.steps);
    return status == CN_OK ? summarize(out, error) : status;
}

void st_training_clear(st_training *t)
{
    cn_free(t->step_ms);
    cn_free(t->alone_ms);
    cn_free(t->parts_ms);
    *t = (st_training){0};
}
