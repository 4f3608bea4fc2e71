/* condense audit: whether the timed runs are honest work, after MLPerf's compliance tests. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "commands/commands.h"
#include "condense/memory.h"
#include "study/runner.h"
#include "study/trial.h"

/* Three subjects in one interleaved group: the cell as it is run, the same with one input again and
 * again, and the same with the inputs and checks of another seed. */
enum { USUAL, SAME_INPUT, OTHER_SEED, SUBJECTS };

static cn_status run_same(void *context, int64_t index, cn_error *error)
{
    (void)index;
    st_subject usual = st_trial_subject(context);
    return usual.run(context, 0, error);
}

static cn_status check_same(void *context, int64_t index, cn_error *error)
{
    (void)index;
    st_subject usual = st_trial_subject(context);
    return usual.check(context, 0, error);
}

/* Means of the blocks that count, by round, NAN where there is none. */
static void round_means(const st_series *series, double *means, int32_t rounds)
{
    for (int32_t r = 0; r < rounds; r++) {
        double sum = 0;
        int32_t count = 0;
        for (int32_t i = 0; i < series->sample_count; i++) {
            const st_sample *s = &series->samples[i];
            if (series->blocks[s->block].round != r || !st_series_counts(series, s)) continue;
            sum += (double)s->duration_ns;
            count++;
        }
        means[r] = count ? sum / count : NAN;
    }
}

/* Ratio of two subjects' latencies from the rounds that both have. */
static int32_t compare(const st_subject *a, const st_subject *b, double *ratio, double *low,
                       double *high)
{
    enum { ROUNDS = 200 };
    double x[ROUNDS], y[ROUNDS];
    int32_t pairs = 0;
    round_means(&a->series, x, ROUNDS);
    round_means(&b->series, y, ROUNDS);
    for (int32_t i = 0; i < ROUNDS; i++)
        if (isfinite(x[i]) && isfinite(y[i])) {
            x[pairs] = x[i];
            y[pairs++] = y[i];
        }
    st_ratio_interval(x, y, (size_t)pairs, ratio, low, high);
    return pairs;
}

static int say(const char *test, int code, const char *text)
{
    static const char *const words[] = {"passed", "FAILED", "", "inconclusive"};
    printf("%-11s %-12s %s\n", test, words[code], text);
    return code;
}

/* The first input through double precision, layer by layer, against the checked session's output.
 */
static int check_reference(const st_trial *trial, const cn_weights *weights)
{
    cn_error error = {0};
    char text[256];
    double *output = cn_calloc(trial->output_size, sizeof *output), largest = 0, difference = 0;
    cn_status status = output ? cn_reference_run(&trial->cell.model.graph, weights,
                                                 (int32_t)trial->cell.request.batch, trial->inputs,
                                                 output, NULL, &error)
                              : cn_fail(&error, CN_ENOMEM, "out of memory");
    for (size_t i = 0; i < trial->output_size && !status; i++) {
        double d = fabs(output[i] - (double)trial->expected[i]);
        largest = fmax(largest, fabs(output[i]));
        if (!(d <= difference) && !isnan(difference)) difference = d;
    }
    cn_free(output);
    if (status) return say("reference", ST_EXIT_FAILED, error.message);
    snprintf(text, sizeof text, "largest difference %.2g of %.2g from double precision", difference,
             largest);
    return say("reference", difference <= 1e-3 * largest ? ST_EXIT_OK : ST_EXIT_FAILED, text);
}

/* TEST01: outputs of timed runs are those of the accuracy run. */
static int check_outputs(const st_subject *subjects, const st_trial *trial)
{
    char text[320];
    for (int i = 0; i < SUBJECTS; i++)
        if (subjects[i].verdict == ST_INVALID_OUTPUT || subjects[i].verdict == ST_FAILED)
            return say("outputs", ST_EXIT_FAILED, subjects[i].reason);
    int64_t checked = trial->cell.findings.outputs_checked;
    snprintf(text, sizeof text, "%lld outputs of timed runs are those of the accuracy run",
             (long long)checked);
    return say("outputs", checked > 0 ? ST_EXIT_OK : ST_EXIT_FAILED, text);
}

/* TEST04 wants a ratio of at most `most`; TEST05 one that is not further from 1 than the study's
 * interval. Both fail only where the whole interval of the ratio is outside. */
static int check_ratio(const char *test, const st_subject *usual, const st_subject *other,
                       double least, double most, const char *what)
{
    double ratio, low, high;
    char text[320];
    int32_t pairs = compare(usual, other, &ratio, &low, &high);
    snprintf(text, sizeof text, "%s: %.3f times (%.3f to %.3f, %d paired blocks), allowed to %g",
             what, ratio, low, high, pairs, most);
    if (pairs < 5 || !isfinite(low) || !isfinite(high))
        return say(test, ST_EXIT_INCONCLUSIVE, text);
    if (low > most || high < least) return say(test, ST_EXIT_FAILED, text);
    return say(test, low >= least && high <= most ? ST_EXIT_OK : ST_EXIT_INCONCLUSIVE, text);
}

static int worst(int a, int b)
{
    if (a == ST_EXIT_FAILED || b == ST_EXIT_FAILED) return ST_EXIT_FAILED;
    return a > b ? a : b;
}

static cn_status prepare(st_trial *trial, const st_plan *plan, uint64_t seed, st_energy *energy,
                         cn_weights *weights, cn_error *error)
{
    st_environment environment = {0};
    st_settings settings = plan->settings;
    settings.seed = seed;
    cn_status status = st_environment_capture(&environment, "/", error);
    if (!status) status = st_cell_open(&trial->cell, &plan->requests[0], &environment, error);
    if (!status && weights) status = cn_weights_copy(&trial->cell.weights, weights, error);
    if (!status) status = st_trial_prepare(trial, &settings, energy, NULL, error);
    if (!status && trial->verdict != ST_VALID)
        status = cn_fail(error, CN_EDIVERGED, "%s", trial->reason);
    st_environment_clear(&environment);
    return status;
}

static cn_status audit(const st_plan *plan, int *code, cn_error *error)
{
    st_energy_options none = st_energy_defaults();
    none.source = "none";
    st_energy *energy = NULL;
    st_trial trials[2] = {0};
    st_subject subjects[SUBJECTS] = {0};
    cn_weights weights = {0};
    uint64_t seed = plan->settings.seed;
    cn_status status = st_energy_open(&energy, &none, error);
    if (!status) status = prepare(&trials[0], plan, seed, energy, &weights, error);
    if (!status) status = prepare(&trials[1], plan, seed + 1, energy, NULL, error);
    if (!status) {
        subjects[USUAL] = subjects[SAME_INPUT] = st_trial_subject(&trials[0]);
        subjects[OTHER_SEED] = st_trial_subject(&trials[1]);
        subjects[SAME_INPUT].run = run_same;
        subjects[SAME_INPUT].check = check_same;
        st_sampling sampling = {
            .time = st_timekeeper_real(), .rule = plan->settings.rule, .seed = seed};
        status = st_sample_group(&sampling, subjects, SUBJECTS, error);
    }
    if (!status) {
        printf("%s\n", trials[0].cell.identity.name);
        *code = check_reference(&trials[0], &weights);
        *code = worst(*code, check_outputs(subjects, &trials[0]));
        *code = worst(*code, check_ratio("caching", &subjects[USUAL], &subjects[SAME_INPUT], 0, 1.1,
                                         "changing inputs take as long as one input again"));
        *code = worst(*code, check_ratio("seed", &subjects[USUAL], &subjects[OTHER_SEED], 1 / 1.05,
                                         1.05, "one seed's inputs take as long as another's"));
    }
    for (int i = 0; i < SUBJECTS; i++)
        st_series_clear(&subjects[i].series);
    for (int i = 0; i < 2; i++)
        st_trial_close(&trials[i]);
    cn_weights_clear(&weights);
    st_energy_close(energy);
    return status;
}

int st_command_audit(int argc, char **argv)
{
    const char *axes[ST_AXIS_COUNT] = {0};
    st_plan plan = st_plan_new();
    plan.settings.images = 100;
    const st_option options[] = {
        {"model", ST_TEXT, &axes[ST_AXIS_MODEL], "M", "network; default lenet5"},
        {"scale", ST_TEXT, &axes[ST_AXIS_SCALE], "S", "preset; default fashion"},
        {"threads", ST_TEXT, &axes[ST_AXIS_THREADS], "N", "default 1"},
        {"batch", ST_TEXT, &axes[ST_AXIS_BATCH], "N", "default 1"},
        {"weights", ST_TEXT, &axes[ST_AXIS_WEIGHTS], "FILE", "as in 'condense run'"},
        {"isa", ST_TEXT, &axes[ST_AXIS_ISA], "NAME", "highest instruction set"},
        {"min-time", ST_REAL, &plan.settings.rule.min_seconds, "S", "sample at least so long", 0,
         3600},
        {"max-time", ST_REAL, &plan.settings.rule.max_seconds, "S", "and at most", 0.01, 86400},
        {0}};
    const st_usage usage = {
        "audit",
        "condense audit [--model M] [--scale S] [...]",
        "Checks that a cell's timed runs are honest work, after MLPerf's compliance tests:\n"
        "  reference  the output is that of plain loops in double precision\n"
        "  outputs    timed runs give the accuracy run's outputs (TEST01)\n"
        "  caching    the same input again is not more than 10 % faster (TEST04)\n"
        "  seed       inputs and order of another seed are as fast within 5 % (TEST05)\n"
        "Ends with 1 where one fails, 3 where the machine was too noisy to tell.",
        options,
        0,
        0};
    int code = st_options_parse(&usage, argc, argv, NULL);
    if (code >= 0) return code;
    cn_error error = {0};
    cn_status status = st_plan_add_matrix(&plan, axes, "", &error);
    if (!status && plan.count != 1)
        status = cn_fail(&error, CN_EINVAL, "one cell at a time; the flags name %d", plan.count);
    if (!status) status = st_plan_check(&plan, NULL, &error);
    if (!status) status = audit(&plan, &code, &error);
    st_plan_clear(&plan);
    if (status == CN_OK) return code;
    return st_complain("audit", st_exit_status(status), "%s", error.message);
}
