#include "study/runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "condense/memory.h"
#include "data/catalog.h"
#include "env/device.h"

enum { GROUP = 4 };

typedef struct group {
    st_runner *runner;
    st_trial trials[GROUP];
    st_subject subjects[GROUP];
    int32_t count;
    size_t bytes;
    st_progress progress;
} group;

static cn_status check_device(const char *name, cn_error *error)
{
    st_device *device = NULL;
    cn_error problem;
    cn_status status = st_device_load(&device, name, &problem);
    if (!status && !st_device_matches(device, "/", &problem)) status = CN_EUNSUPPORTED;
    st_device_free(device);
    if (status == CN_OK) return CN_OK;
    return cn_fail(error, CN_EINVAL, "device %.48s: %.900s", name, problem.message);
}

cn_status st_plan_check(const st_plan *plan, double *seconds, cn_error *error)
{
    const double macs_per_second = 1e10;
    for (int32_t i = 0; i < plan->count; i++) {
        const st_request *r = &plan->requests[i];
        cn_model model = {0};
        cn_status status = check_device(r->device, error);
        if (!status)
            status = st_catalog_load(r->model, *r->scale ? r->scale : NULL, NULL, 0, &model, error);
        if (status) return status;
        const st_rule *rule = &plan->settings.rule;
        double run = (double)(cn_graph_macs(&model.graph) * r->batch) /
                     (macs_per_second * (double)r->threads);
        double sampling = fmax(rule->min_seconds, rule->min_samples * run);
        if (seconds) seconds[i] = rule->warmup_seconds + sampling + 2 * fmax(1, 4 * run);
        cn_model_clear(&model);
    }
    return CN_OK;
}

/* Says on stderr how a cell ended. */
static void announce(const st_trial *trial, const st_subject *subject)
{
    double *values;
    int32_t count;
    fprintf(stderr, "%s: %s", trial->cell.identity.name, st_verdict_name(subject->verdict));
    if (!st_series_counted(&subject->series, &values, &count, NULL)) {
        st_summary summary = st_summarize(values, (size_t)count);
        if (count > 1)
            fprintf(stderr, ", %.4g ms +-%.1f %%, n = %d", summary.mean, 100 * summary.ci_relative,
                    count);
        cn_free(values);
    }
    fprintf(stderr, "%s%s\n", *subject->reason ? ": " : "", subject->reason);
}

static cn_status finish(void *context, int32_t index, cn_error *error)
{
    group *g = context;
    st_trial *trial = &g->trials[index];
    st_subject *subject = &g->subjects[index];
    bool no_energy = !trial->cell.findings.energy_inferences;
    if (g->runner->plan->settings.require_energy && no_energy && subject->verdict == ST_VALID) {
        subject->verdict = ST_FAILED;
        snprintf(subject->reason, sizeof subject->reason, "%s",
                 "energy is required but was not measured; v_energy has the reason");
    }
    st_progress_end(&g->progress);
    cn_status status = st_record(&g->runner->recorder, trial, subject, error);
    if (!status) announce(trial, subject);
    return status;
}

static void show_progress(void *context, int32_t index, const st_summary *summary)
{
    group *g = context;
    int32_t done = 0;
    for (int32_t i = 0; i < g->count; i++)
        done += g->subjects[i].stop_reason != NULL;
    char detail[384];
    snprintf(detail, sizeof detail, "%s: %zu samples, +-%.1f %%",
             g->trials[index].cell.identity.name, summary->count, 100 * summary->ci_relative);
    const st_runner *runner = g->runner;
    st_progress_update(&g->progress, runner->reached - g->count + done, runner->plan->count,
                       detail);
}

/* Samples the cells of the group that can be sampled and records all. */
static cn_status run_group(group *g, cn_error *error)
{
    st_runner *runner = g->runner;
    const st_settings *settings = &runner->plan->settings;
    st_sampling sampling = {.time = st_timekeeper_real(),
                            .rule = settings->rule,
                            .seed = settings->seed,
                            .stop = runner->stop,
                            .finished = finish,
                            .progress = show_progress,
                            .context = g};
    cn_status status = CN_OK;
    for (int32_t i = 0; i < g->count && !status; i++) {
        const st_trial *trial = &g->trials[i];
        st_subject *subject = &g->subjects[i];
        if (trial->verdict == ST_VALID) continue;
        subject->verdict = trial->verdict;
        subject->stop_reason = "failed";
        memcpy(subject->reason, trial->reason, sizeof subject->reason);
        status = finish(g, i, error);
    }
    if (!status) status = st_sample_group(&sampling, g->subjects, g->count, error);
    st_progress_end(&g->progress);
    return status;
}

static void clear_group(group *g)
{
    for (int32_t i = 0; i < g->count; i++) {
        st_series_clear(&g->subjects[i].series);
        st_trial_close(&g->trials[i]);
    }
    g->count = 0;
    g->bytes = 0;
}

/* Opens the cell and, unless it is recorded, prepares it as the group's next. */
static cn_status add_cell(group *g, const st_request *request, cn_error *error)
{
    st_runner *runner = g->runner;
    st_trial *trial = &g->trials[g->count];
    *trial = (st_trial){0};
    cn_error problem;
    if (st_cell_open(&trial->cell, request, runner->environment, &problem)) {
        fprintf(stderr, "%s %s: not run: %s\n", request->model, request->scale, problem.message);
        runner->broken++; /* without weights or model there is nothing to record a verdict for */
        return CN_OK;
    }
    cn_status status = CN_OK;
    bool done = false;
    trial->cell.wisdom = runner->wisdom;
    trial->cell.generator = runner->generator;
    memcpy(runner->ids[runner->reached++], trial->cell.identity.id, ST_HASH_SIZE);
    if (runner->resume)
        status = st_recorded(&runner->recorder, trial->cell.identity.id, &done, error);
    if (!status && !done)
        status =
            st_trial_prepare(trial, &runner->plan->settings, runner->energy, runner->stop, error);
    if (status || done) {
        if (done) fprintf(stderr, "%s: recorded already\n", trial->cell.identity.name);
        runner->skipped += done;
        st_trial_close(trial);
        return status;
    }
    g->subjects[g->count++] = st_trial_subject(trial);
    g->bytes += st_trial_bytes(trial);
    return CN_OK;
}

cn_status st_runner_run(st_runner *runner, cn_error *error)
{
    const st_plan *plan = runner->plan;
    runner->ids = cn_calloc((size_t)plan->count, sizeof *runner->ids);
    group *g = cn_calloc(1, sizeof *g);
    cn_status status = runner->ids && g ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory");
    size_t memory = (size_t)sysconf(_SC_AVPHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    if (!status) g->runner = runner;
    if (!status) g->progress = st_progress_start("run");
    for (int32_t i = 0; i < plan->count && !status; i++) {
        if (runner->stop && *runner->stop)
            status = cn_fail(error, CN_EINTERRUPTED, "stopped on request");
        else
            status = add_cell(g, &plan->requests[i], error);
        bool last = i + 1 == plan->count;
        if (!status && g->count && (last || g->count == GROUP || g->bytes > memory / 3)) {
            status = run_group(g, error);
            clear_group(g);
        }
    }
    if (g) clear_group(g);
    cn_free(g);
    return status;
}

void st_runner_clear(st_runner *runner)
{
    cn_free(runner->ids);
    runner->ids = NULL;
}
