#include "measure/sampler.h"

#include <stdio.h>
#include <string.h>

#include "condense/clock.h"
#include "condense/memory.h"
#include "condense/random.h"
#include "measure/probe.h"

static int64_t real_now(void *context)
{
    (void)context;
    return cn_clock_ns();
}

static int64_t real_probe(void *context)
{
    (void)context;
    return st_probe_ns();
}

st_timekeeper st_timekeeper_real(void)
{
    return (st_timekeeper){real_now, real_probe, NULL};
}

static int64_t now(const st_sampling *sampling)
{
    return sampling->time.now_ns(sampling->time.context);
}

static int64_t probe(const st_sampling *sampling)
{
    return sampling->time.probe_ns(sampling->time.context);
}

static void finish(st_subject *subject, st_verdict verdict, const char *stop_reason)
{
    subject->verdict = verdict;
    subject->stop_reason = stop_reason;
}

/* One timed inference, added to the series. Failures finish the subject: what the subject does
 * wrong is its verdict, not the group's failure. */
static cn_status take_sample(const st_sampling *sampling, st_subject *subject, bool warmup,
                             cn_error *error)
{
    st_sample sample = {
        .begin_ns = now(sampling), .block = subject->series.block_count, .warmup = warmup};
    cn_error problem;
    int64_t index = subject->runs++;
    cn_status status = subject->run(subject->context, index, &problem);
    sample.duration_ns = now(sampling) - sample.begin_ns;
    if (!status && subject->check) status = subject->check(subject->context, index, &problem);
    if (status) {
        snprintf(subject->reason, sizeof subject->reason, "%.255s", problem.message);
        finish(subject, status == CN_EDIVERGED ? ST_INVALID_OUTPUT : ST_FAILED, "failed");
    }
    return st_series_add_sample(&subject->series, sample, error);
}

/* Samples of the last block's length give the next one's: enough for block_seconds. */
static int32_t block_length(const st_rule *rule, const st_series *series)
{
    if (!series->sample_count) return 1;
    double seconds = (double)series->samples[series->sample_count - 1].duration_ns * 1e-9;
    if (seconds * rule->block_samples <= rule->block_seconds) return rule->block_samples;
    int32_t length = (int32_t)(rule->block_seconds / seconds);
    return length < 1 ? 1 : length;
}

/* A probe, a block of samples, a probe. The block is slowed where a probe is longer than the
 * baseline allows. */
static cn_status take_block(const st_sampling *sampling, st_subject *subject, int32_t round,
                            int64_t baseline, bool warmup, cn_error *error)
{
    int64_t visited_ns = now(sampling);
    st_block block = {.round = round, .probe_before_ns = probe(sampling)};
    st_series *series = &subject->series;
    int32_t length = block_length(&sampling->rule, series);
    bool cold = !warmup && length > 1; /* the other cells have emptied the caches */
    block.begin_ns = now(sampling);
    cn_status status = CN_OK;
    if (cold) status = take_sample(sampling, subject, true, error);
    int64_t counted_from = now(sampling);
    for (int32_t i = 0; i < length && !status && !subject->stop_reason; i++)
        status = take_sample(sampling, subject, warmup, error);
    if (cold) block.begin_ns = counted_from;
    block.end_ns = now(sampling);
    block.probe_after_ns = probe(sampling);
    double limit = (double)baseline * (1 + sampling->rule.slow);
    block.slowed = (double)block.probe_before_ns > limit || (double)block.probe_after_ns > limit;
    subject->own_ns += now(sampling) - visited_ns;
    if (!status) status = st_series_add_block(series, block, error);
    if (status || warmup || subject->stop_reason) return status;
    if (!subject->first_ns) subject->first_ns = block.begin_ns;
    if (!block.slowed) subject->counted += length;
    subject->slowed_in_a_row = block.slowed ? subject->slowed_in_a_row + 1 : 0;
    if (!block.slowed && subject->block_done) subject->block_done(subject->context, &block, length);
    return CN_OK;
}

/* Median duration of the last block's samples. */
static double last_median(const st_series *series)
{
    double values[64];
    int32_t count = 0;
    for (int32_t i = series->sample_count - 1; i >= 0 && count < 64; i--) {
        if (series->samples[i].block != series->block_count - 1) break;
        values[count++] = (double)series->samples[i].duration_ns;
    }
    return st_percentile(values, (size_t)count, 50);
}

/* Blocks of warm-up runs until the medians of three in a row agree. */
static cn_status warm_up(const st_sampling *sampling, st_subject *subject, int64_t baseline,
                         cn_error *error)
{
    double medians[3] = {0};
    int64_t begin = now(sampling);
    for (int32_t n = 0; !subject->stop_reason; n++) {
        cn_status status = take_block(sampling, subject, -1, baseline, true, error);
        if (status) return status;
        memmove(medians, medians + 1, 2 * sizeof *medians);
        medians[2] = last_median(&subject->series);
        double low = medians[0], high = medians[0];
        for (int i = 1; i < 3; i++) {
            if (medians[i] < low) low = medians[i];
            if (medians[i] > high) high = medians[i];
        }
        subject->settled = n >= 2 && high <= low * (1 + sampling->rule.settled);
        double seconds = (double)(now(sampling) - begin) * 1e-9;
        if (subject->settled || (n >= 2 && seconds >= sampling->rule.warmup_seconds)) break;
    }
    subject->own_ns = 0;
    return CN_OK;
}

/* Works the summary out and decides whether the subject is done; `limit` says which limit is
 * reached, NULL where none is. */
static cn_status summarize(const st_sampling *sampling, st_subject *subject, int32_t index,
                           const char *limit, cn_error *error)
{
    double *values;
    int32_t count;
    cn_status status = st_series_counted(&subject->series, &values, &count, error);
    if (status) return status;
    st_summary summary = st_summarize(values, (size_t)count);
    double elapsed = (double)(now(sampling) - subject->first_ns) * 1e-9;
    bool converged = st_rule_converged(&sampling->rule, &summary, elapsed);
    if (converged || limit)
        finish(subject, st_rule_verdict(&sampling->rule, values, count, converged, subject->reason),
               converged ? "converged" : limit);
    if (sampling->progress) sampling->progress(sampling->context, index, &summary);
    cn_free(values);
    return CN_OK;
}

/* Decides after a block whether the subject is done. Sorting all samples after each block would
 * take longer than measuring, so the looks are a sixteenth more samples apart. */
static cn_status judge(const st_sampling *sampling, st_subject *subject, int32_t index,
                       cn_error *error)
{
    const st_rule *rule = &sampling->rule;
    const char *limit = NULL;
    if (subject->counted >= rule->max_samples) limit = "sample limit";
    if ((double)subject->own_ns * 1e-9 >= rule->max_seconds) limit = "time limit";
    if (limit || subject->counted >= subject->judge_at) {
        subject->judge_at = subject->counted + subject->counted / 16;
        cn_status status = summarize(sampling, subject, index, limit, error);
        if (status || subject->stop_reason) return status;
    }
    if (subject->slowed_in_a_row > rule->max_slowed) {
        finish(subject, ST_THROTTLED, "slowed");
        snprintf(subject->reason, sizeof subject->reason,
                 "the machine was more than %.0f %% slower than at the start in %d blocks in a row",
                 100 * rule->slow, subject->slowed_in_a_row);
    }
    return CN_OK;
}

/* The machine's usual speed: the median of some probes before anything runs. */
static int64_t take_baseline(const st_sampling *sampling)
{
    double probes[9];
    for (int i = 0; i < 9; i++)
        probes[i] = (double)probe(sampling);
    return (int64_t)st_percentile(probes, 9, 50);
}

static bool stopped(const st_sampling *sampling)
{
    return sampling->stop && *sampling->stop;
}

/* Warms the subject up or takes a block, judges, and tells when it is finished. */
static cn_status visit(const st_sampling *sampling, st_subject *subject, int32_t index,
                       int32_t round, int64_t baseline, cn_error *error)
{
    cn_status status = CN_OK;
    if (!subject->series.block_count) status = warm_up(sampling, subject, baseline, error);
    if (!status && !subject->stop_reason)
        status = take_block(sampling, subject, round, baseline, false, error);
    if (!status && !subject->stop_reason) status = judge(sampling, subject, index, error);
    if (status || !subject->stop_reason) return status;
    status = st_series_label_outliers(&subject->series, error);
    if (!status && sampling->finished) status = sampling->finished(sampling->context, index, error);
    return status;
}

cn_status st_sample_group(const st_sampling *sampling, st_subject *subjects, int32_t count,
                          cn_error *error)
{
    uint32_t *order = cn_calloc((size_t)count, sizeof *order);
    if (!order) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_random random = cn_random_named(sampling->seed, "order");
    int64_t baseline = take_baseline(sampling);
    cn_status status = CN_OK;
    int32_t left = count;
    for (int32_t round = 0; left > 0 && !status; round++) {
        for (int32_t i = 0; i < count; i++)
            order[i] = (uint32_t)i;
        cn_random_shuffle(&random, order, (uint32_t)count);
        for (int32_t i = 0; i < count && !status; i++) {
            st_subject *subject = &subjects[order[i]];
            if (subject->stop_reason) continue;
            if (stopped(sampling))
                status = cn_fail(error, CN_EINTERRUPTED, "stopped on request");
            else
                status = visit(sampling, subject, (int32_t)order[i], round, baseline, error);
            if (subject->stop_reason) left--;
        }
    }
    cn_free(order);
    return status;
}
