/* The sampler on a simulated machine: time passes only when a subject runs or a probe is taken. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/random.h"
#include "measure/sampler.h"

typedef struct machine {
    int64_t now;
    int64_t slow_from, slow_until; /* the probe takes twice as long in between */
    char order[4096];
    int32_t visits;
} machine;

typedef struct model {
    machine *machine;
    cn_random random;
    double mean_ns, spread, trend; /* spread: of the mean; trend: share a second */
    int64_t bad_at;                /* run whose output is wrong; -1: none */
    char letter;
} model;

static int64_t sim_now(void *context)
{
    return ((machine *)context)->now;
}

static int64_t sim_probe(void *context)
{
    machine *m = context;
    bool slow = m->now >= m->slow_from && m->now < m->slow_until;
    int64_t ns = slow ? 2000000 : 1000000;
    m->now += ns;
    return ns;
}

static cn_status sim_run(void *context, int64_t index, cn_error *error)
{
    (void)index, (void)error;
    model *m = context;
    double seconds = (double)m->machine->now * 1e-9;
    double ns = m->mean_ns * (1 + m->spread * cn_random_normal(&m->random) + m->trend * seconds);
    m->machine->now += ns > 1 ? (int64_t)ns : 1;
    if (m->machine->visits < (int32_t)sizeof m->machine->order - 1)
        m->machine->order[m->machine->visits++] = m->letter;
    return CN_OK;
}

static cn_status sim_check(void *context, int64_t index, cn_error *error)
{
    const model *m = context;
    return index == m->bad_at ? cn_fail(error, CN_EDIVERGED, "run %d differs", (int)index) : CN_OK;
}

static model model_of(machine *m, double mean_ns, double spread, uint64_t seed)
{
    return (model){m, cn_random_seed(seed), mean_ns, spread, 0, -1, 'a'};
}

static st_sampling sampling_of(machine *m)
{
    st_sampling sampling = {.time = {sim_now, sim_probe, m}, .rule = st_rule_defaults(), .seed = 1};
    sampling.rule.min_seconds = 0;
    return sampling;
}

static st_subject subject_of(model *m)
{
    return (st_subject){.name = "sim", .context = m, .run = sim_run, .check = sim_check};
}

static int32_t counted(const st_subject *subject)
{
    double *values;
    int32_t count;
    cr_assert_eq(st_series_counted(&subject->series, &values, &count, NULL), CN_OK);
    cn_free(values);
    return count;
}

Test(sampler, known_noise_needs_the_predicted_number)
{
    double total = 0, predicted = pow(1.96 * 0.4 / 0.05, 2);
    for (uint64_t seed = 1; seed <= 30; seed++) {
        machine m = {.slow_from = INT64_MAX};
        model sim = model_of(&m, 10e6, 0.4, seed);
        st_sampling sampling = sampling_of(&m);
        st_subject subject = subject_of(&sim);
        cr_assert_eq(st_sample_group(&sampling, &subject, 1, NULL), CN_OK);
        cr_expect_str_eq(subject.stop_reason, "converged");
        total += counted(&subject);
        st_series_clear(&subject.series);
    }
    cr_expect(fabs(total / 30 / predicted - 1) < 0.25, "%g samples, %g predicted", total / 30,
              predicted);
}

Test(sampler, noise_that_never_settles_is_noisy_with_its_interval)
{
    machine m = {.slow_from = INT64_MAX};
    model sim = model_of(&m, 20e6, 5, 3);
    st_sampling sampling = sampling_of(&m);
    sampling.rule.max_seconds = 2;
    st_subject subject = subject_of(&sim);
    cr_assert_eq(st_sample_group(&sampling, &subject, 1, NULL), CN_OK);
    cr_expect_eq(subject.verdict, ST_NOISY, "%s", st_verdict_name(subject.verdict));
    cr_expect(strstr(subject.reason, "+-"), "%s", subject.reason);
    cr_expect_str_eq(subject.stop_reason, "time limit");
    st_series_clear(&subject.series);
}

Test(sampler, equal_samples_stop_at_the_minimum)
{
    machine m = {.slow_from = INT64_MAX};
    model sim = model_of(&m, 30e6, 0, 1);
    st_sampling sampling = sampling_of(&m);
    st_subject subject = subject_of(&sim);
    cr_assert_eq(st_sample_group(&sampling, &subject, 1, NULL), CN_OK);
    cr_expect_eq(subject.verdict, ST_VALID);
    cr_expect_eq(counted(&subject), 10);
    st_series_clear(&subject.series);
}

Test(sampler, one_long_sample_is_no_result)
{
    machine m = {.slow_from = INT64_MAX};
    model sim = model_of(&m, 90e9, 0, 1);
    st_sampling sampling = sampling_of(&m);
    st_subject subject = subject_of(&sim);
    cr_assert_eq(st_sample_group(&sampling, &subject, 1, NULL), CN_OK);
    cr_expect_eq(subject.verdict, ST_NOISY);
    cr_expect_eq(counted(&subject), 1);
    st_series_clear(&subject.series);
}

Test(sampler, minimum_time_is_waited_for)
{
    machine m = {.slow_from = INT64_MAX};
    model sim = model_of(&m, 1e6, 0.01, 1);
    st_sampling sampling = sampling_of(&m);
    sampling.rule.min_seconds = 3;
    st_subject subject = subject_of(&sim);
    cr_assert_eq(st_sample_group(&sampling, &subject, 1, NULL), CN_OK);
    cr_expect_geq(m.now - subject.first_ns, 3000000000);
    st_series_clear(&subject.series);
}

Test(sampler, a_slow_spell_does_not_count)
{
    machine m = {.slow_from = 600000000, .slow_until = 900000000};
    model sim = model_of(&m, 10e6, 0.01, 1);
    st_sampling sampling = sampling_of(&m);
    sampling.rule.min_seconds = 2;
    st_subject subject = subject_of(&sim);
    cr_assert_eq(st_sample_group(&sampling, &subject, 1, NULL), CN_OK);
    cr_expect_eq(subject.verdict, ST_VALID, "%s", subject.reason);
    int slowed = 0;
    for (int32_t i = 0; i < subject.series.sample_count; i++) {
        const st_sample *sample = &subject.series.samples[i];
        const st_block *block = &subject.series.blocks[sample->block];
        bool inside = block->begin_ns >= m.slow_from && block->end_ns < m.slow_until;
        if (inside) cr_expect(!st_series_counts(&subject.series, sample));
        slowed += block->slowed;
    }
    cr_expect_gt(slowed, 0);
    st_series_clear(&subject.series);
}

Test(sampler, a_machine_that_stays_slow_is_throttled)
{
    machine m = {.slow_from = 600000000, .slow_until = INT64_MAX};
    model sim = model_of(&m, 10e6, 0.01, 1);
    st_sampling sampling = sampling_of(&m);
    sampling.rule.min_seconds = 20;
    st_subject subject = subject_of(&sim);
    cr_assert_eq(st_sample_group(&sampling, &subject, 1, NULL), CN_OK);
    cr_expect_eq(subject.verdict, ST_THROTTLED);
    cr_expect(strstr(subject.reason, "slower than at the start"), "%s", subject.reason);
    st_series_clear(&subject.series);
}

Test(sampler, a_trend_is_drift)
{
    machine m = {.slow_from = INT64_MAX};
    model sim = model_of(&m, 10e6, 0.01, 1);
    sim.trend = 0.1;
    st_sampling sampling = sampling_of(&m);
    sampling.rule.min_seconds = 4;
    st_subject subject = subject_of(&sim);
    cr_assert_eq(st_sample_group(&sampling, &subject, 1, NULL), CN_OK);
    cr_expect_eq(subject.verdict, ST_DRIFTED, "%s", st_verdict_name(subject.verdict));
    st_series_clear(&subject.series);
}

Test(sampler, a_wrong_output_ends_its_cell_alone)
{
    machine m = {.slow_from = INT64_MAX};
    model sims[2] = {model_of(&m, 10e6, 0.01, 1), model_of(&m, 10e6, 0.01, 2)};
    sims[0].bad_at = 7;
    st_sampling sampling = sampling_of(&m);
    st_subject subjects[2] = {subject_of(&sims[0]), subject_of(&sims[1])};
    cr_assert_eq(st_sample_group(&sampling, subjects, 2, NULL), CN_OK);
    cr_expect_eq(subjects[0].verdict, ST_INVALID_OUTPUT);
    cr_expect_str_eq(subjects[0].reason, "run 7 differs");
    cr_expect_eq(subjects[1].verdict, ST_VALID);
    st_series_clear(&subjects[0].series);
    st_series_clear(&subjects[1].series);
}

/* The letters of three interleaved subjects under a seed, as a new string. */
static char *order_of(uint64_t seed)
{
    machine m = {.slow_from = INT64_MAX};
    model sims[3];
    st_subject subjects[3];
    st_sampling sampling = sampling_of(&m);
    sampling.seed = seed;
    sampling.rule.min_seconds = 3;
    for (int i = 0; i < 3; i++) {
        sims[i] = model_of(&m, 60e6, 0.001, 1);
        sims[i].letter = (char)('a' + i);
        subjects[i] = subject_of(&sims[i]);
    }
    cr_assert_eq(st_sample_group(&sampling, subjects, 3, NULL), CN_OK);
    for (int i = 0; i < 3; i++)
        st_series_clear(&subjects[i].series);
    return cn_strdup(m.order);
}

Test(sampler, order_is_interleaved_and_follows_the_seed)
{
    char *one = order_of(1), *again = order_of(1), *other = order_of(2);
    cr_expect_str_eq(one, again);
    cr_expect_str_neq(one, other);
    /* Blocks are of one sample here. The first round has three warm-ups and a sample each; after it
     * every three letters are a round. */
    const char *rounds = one + 12;
    for (int i = 0; i < 10; i++, rounds += 3)
        for (char letter = 'a'; letter <= 'c'; letter++)
            cr_expect(memchr(rounds, letter, 3), "round %.3s lacks %c", rounds, letter);
    cn_free(one);
    cn_free(again);
    cn_free(other);
}

Test(sampler, stops_on_request_between_blocks)
{
    machine m = {.slow_from = INT64_MAX};
    model sim = model_of(&m, 10e6, 0.01, 1);
    st_sampling sampling = sampling_of(&m);
    volatile int stop = 1;
    sampling.stop = &stop;
    st_subject subject = subject_of(&sim);
    cr_expect_eq(st_sample_group(&sampling, &subject, 1, NULL), CN_EINTERRUPTED);
    cr_expect_null(subject.stop_reason);
    st_series_clear(&subject.series);
}
