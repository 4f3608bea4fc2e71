/* Statistics: known answers, and coverage of the intervals by simulation. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "condense/random.h"
#include "measure/stats.h"

enum { CELLS = 10000, LONGEST = 1000 };

Test(stats, known_answers)
{
    const double x[] = {4, 1, 3, 2, 5};
    st_summary s = st_summarize(x, 5);
    cr_assert_eq(s.count, 5);
    cr_assert_float_eq(s.mean, 3, 1e-12);
    cr_assert_float_eq(s.median, 3, 1e-12);
    cr_assert_float_eq(s.p90, 4.6, 1e-12);
    cr_assert_float_eq(s.stddev, sqrt(2.5), 1e-12);
    cr_assert_float_eq(s.min, 1, 0);
    cr_assert_float_eq(s.max, 5, 0);
    /* Not skewed: Student's t alone, 2.776445 standard errors with 4 degrees of freedom. */
    cr_assert_float_eq(s.ci_high - 3, 2.7764451 * sqrt(2.5 / 5), 1e-6);
    cr_assert_float_eq(s.ci_relative, 2.7764451 * sqrt(2.5 / 5) / 3, 1e-6);
    cr_assert_eq(s.effective_count, 5);
    st_summary quick = st_summarize_mean(x, 5);
    cr_assert(quick.mean == s.mean && quick.ci_low == s.ci_low && quick.ci_high == s.ci_high);
    cr_assert(quick.ci_relative == s.ci_relative && quick.lag1 == s.lag1 && isnan(quick.median));
    cr_assert_float_eq(st_percentile(x, 5, 0), 1, 0);
    cr_assert_float_eq(st_percentile(x, 5, 100), 5, 0);
    cr_assert_float_eq(st_percentile(x, 5, 60), 3.4, 1e-12);
}

Test(stats, edges)
{
    const double same[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    st_summary s = st_summarize(same, 11);
    cr_assert_float_eq(s.ci_relative, 0, 1e-12);
    cr_assert_eq(s.effective_count, 11);
    cr_assert_eq(s.outliers, 0);

    s = st_summarize(same, 1);
    cr_assert(s.mean == 0.1 && s.median == 0.1 && isnan(s.ci_low) && isinf(s.ci_relative));
    s = st_summarize(NULL, 0);
    cr_assert(isnan(s.mean) && isnan(s.median) && isinf(s.ci_relative));
    cr_assert(isnan(st_percentile(NULL, 0, 50)));
    cr_assert(isnan(st_percentile(same, 11, 101)));

    const double broken[] = {1, NAN, 2};
    s = st_summarize(broken, 3);
    cr_assert(isnan(s.mean) && isinf(s.ci_relative));
    const double zero_mean[] = {-1, 1};
    cr_assert(isinf(st_summarize(zero_mean, 2).ci_relative));
}

Test(stats, outliers_are_labelled)
{
    const double x[] = {10, 11, 10, 11, 10, 11, 10, 11, 50, 10};
    st_summary s = st_summarize(x, 10);
    cr_assert_eq(s.outliers, 1);
    cr_assert_float_eq(s.max, 50, 0);
    cr_assert_float_eq(s.mean, 14.4, 1e-12, "an outlier stays in the mean");
}

typedef enum noise_kind { NORMAL, LOGNORMAL, BIMODAL, AR1 } noise_kind;

/* Noise with mean 1. `share` is the share of the slow mode (which takes 1.3 times as long), or the
 * autocorrelation. `first` is 10 for the stopping rule, and the number of samples without it. */
typedef struct scenario {
    const char *name;
    noise_kind kind;
    double sd, share;
    size_t first;
    double least, most; /* allowed coverage */
} scenario;

static double draw(const scenario *s, cn_random *random, double *state)
{
    double z = cn_random_normal(random);
    switch (s->kind) {
    case NORMAL:
        return 1 + s->sd * z;
    case LOGNORMAL:
        return exp(s->sd * z - s->sd * s->sd / 2);
    case BIMODAL: {
        double mode = cn_random_uniform(random) < s->share ? 1.3 : 1;
        return (mode + s->sd * z) / (1 + 0.3 * s->share);
    }
    default:
        *state = isnan(*state) ? z : s->share * *state + sqrt(1 - s->share * s->share) * z;
        return 1 + s->sd * *state;
    }
}

/* Share of simulated cells whose interval holds the true mean. With a `block` above 0 a cell goes
 * on in blocks of so many samples until the half-width is under 5 % of the mean, as the harness
 * does. */
static double coverage(const scenario *s, size_t block, int cells)
{
    static double samples[LONGEST];
    cn_random random = cn_random_named(1, s->name);
    int covered = 0;
    for (int cell = 0; cell < cells; cell++) {
        double state = NAN, low, high;
        size_t count = 0, wanted = s->first;
        for (;;) {
            while (count < wanted)
                samples[count++] = draw(s, &random, &state);
            st_mean_interval(samples, count, &low, &high);
            if (!block || count + block > LONGEST || high - low < 0.05 * (high + low)) break;
            wanted += block;
        }
        covered += low <= 1 && 1 <= high;
    }
    return (double)covered / cells;
}

static void check(const scenario *table, size_t count, size_t block)
{
    for (size_t i = 0; i < count; i++) {
        const scenario *s = &table[i];
        double share = coverage(s, block, CELLS);
        fprintf(stderr, "coverage %s, blocks of %zu: %.2f %%\n", s->name, block, 100 * share);
        cr_expect(share >= s->least && share <= s->most, "%s: %.2f %% of %d cells", s->name,
                  100 * share, CELLS);
    }
}

Test(stats, coverage_under_the_stopping_rule)
{
    static const scenario table[] = {
        {"normal 2 %", NORMAL, 0.02, 0, 10, 0.93, 0.97},
        {"normal 10 %", NORMAL, 0.1, 0, 10, 0.93, 0.97},
        {"normal 20 %", NORMAL, 0.2, 0, 10, 0.93, 0.97},
        {"lognormal sigma 0.05", LOGNORMAL, 0.05, 0, 10, 0.93, 0.97},
        {"lognormal sigma 0.1", LOGNORMAL, 0.1, 0, 10, 0.93, 0.97},
        {"lognormal sigma 0.3", LOGNORMAL, 0.3, 0, 10, 0.93, 0.97},
        {"bimodal half slow", BIMODAL, 0.05, 0.5, 10, 0.93, 0.97},
        {"bimodal 30 % slow", BIMODAL, 0.05, 0.3, 10, 0.93, 0.97},
    };
    check(table, sizeof table / sizeof *table, 1); /* slow networks: a look after each sample */
    check(table, sizeof table / sizeof *table, 5);
    check(table, sizeof table / sizeof *table, 20);
}

Test(stats, coverage_at_fixed_counts)
{
    static const scenario table[] = {
        {"normal, n = 10", NORMAL, 0.1, 0, 10, 0.93, 0.97},
        {"normal, n = 50", NORMAL, 0.1, 0, 50, 0.93, 0.97},
        {"lognormal sigma 0.5, n = 10", LOGNORMAL, 0.5, 0, 10, 0.93, 0.97},
        {"lognormal sigma 0.8, n = 10", LOGNORMAL, 0.8, 0, 10, 0.93, 0.97},
        {"lognormal sigma 0.8, n = 20", LOGNORMAL, 0.8, 0, 20, 0.93, 0.97},
        {"lognormal sigma 0.8, n = 50", LOGNORMAL, 0.8, 0, 50, 0.93, 0.97},
        {"lognormal sigma 1, n = 50", LOGNORMAL, 1, 0, 50, 0.93, 0.97},
        {"bimodal 30 % slow, n = 50", BIMODAL, 0.05, 0.3, 50, 0.93, 0.97},
        {"bimodal 20 % slow, n = 50", BIMODAL, 0.05, 0.2, 50, 0.93, 0.98},
        {"bimodal 10 % slow, n = 50", BIMODAL, 0.05, 0.1, 50, 0.93, 0.97},
    };
    check(table, sizeof table / sizeof *table, 0);
}

Test(stats, coverage_of_autocorrelated_noise)
{
    static const scenario table[] = {
        {"AR(1) 0.5, n = 20", AR1, 0.1, 0.5, 20, 0.90, 0.97},
        {"AR(1) 0.3, n = 50", AR1, 0.1, 0.3, 50, 0.92, 0.97},
        {"AR(1) 0.5, n = 50", AR1, 0.1, 0.5, 50, 0.93, 0.97},
        {"AR(1) 0.7, n = 50", AR1, 0.1, 0.7, 50, 0.93, 0.97},
        {"AR(1) 0.5, n = 200", AR1, 0.1, 0.5, 200, 0.93, 0.97},
        {"AR(1) 0.9, n = 200", AR1, 0.1, 0.9, 200, 0.93, 0.97},
    };
    check(table, sizeof table / sizeof *table, 0);
    /* Without the rule hardly half of these intervals would hold the mean. */
    double samples[400], low, high, state = NAN;
    cn_random random = cn_random_seed(1);
    for (int i = 0; i < 400; i++)
        samples[i] = draw(&table[3], &random, &state);
    double effective = st_mean_interval(samples, 400, &low, &high);
    cr_assert(effective > 35 && effective < 140, "effective count %g, 71 expected", effective);
}

/* Paired samples: what slows a pair down slows both. Share of cells that hold the true ratio 2. */
static double ratio_coverage(size_t count, double common, double own, double rho)
{
    static double a[LONGEST], b[LONGEST];
    cn_random random = cn_random_named(count, "ratio");
    int covered = 0;
    for (int cell = 0; cell < CELLS; cell++) {
        double drift = cn_random_normal(&random), other = cn_random_normal(&random);
        double ratio, low, high;
        for (size_t i = 0; i < count; i++) {
            double shared = exp(common * cn_random_normal(&random));
            a[i] = 2 * shared * (1 + own * drift);
            b[i] = shared * (1 + own * other);
            drift = rho * drift + sqrt(1 - rho * rho) * cn_random_normal(&random);
            other = rho * other + sqrt(1 - rho * rho) * cn_random_normal(&random);
        }
        st_ratio_interval(a, b, count, &ratio, &low, &high);
        covered += low <= 2 && 2 <= high && low <= ratio && ratio <= high;
    }
    double share = (double)covered / CELLS;
    fprintf(stderr, "coverage ratio n = %zu: %.2f %%\n", count, 100 * share);
    return share;
}

Test(stats, ratio_coverage)
{
    static const struct {
        size_t count;
        double common, own, rho;
    } table[] = {{10, 0.1, 0.05, 0}, {20, 0.3, 0.05, 0}, {50, 0.3, 0.2, 0}, {100, 0.1, 0.1, 0.5}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double share = ratio_coverage(table[i].count, table[i].common, table[i].own, table[i].rho);
        cr_expect(share >= 0.93 && share <= 0.97, "row %zu: %.2f %%", i, 100 * share);
    }
}

Test(stats, ratio_edges)
{
    double ratio, low, high;
    const double a[] = {2, 4}, b[] = {1, 2}, noise[] = {-1, 1.5};
    st_ratio_interval(a, b, 2, &ratio, &low, &high);
    cr_assert_float_eq(ratio, 2, 1e-12);
    st_ratio_interval(a, b, 1, &ratio, &low, &high);
    cr_assert(ratio == 2 && isnan(low) && isnan(high));
    st_ratio_interval(a, b, 0, &ratio, &low, &high);
    cr_assert(isnan(ratio));
    st_ratio_interval(a, noise, 2, &ratio, &low, &high);
    cr_assert(isinf(low) && isinf(high), "a denominator around zero has no interval");
    const double c[] = {2, 4, 6, 8, 10}, d[] = {1, 2, 3, 4, 5};
    st_ratio_interval(c, d, 5, &ratio, &low, &high);
    cr_assert_float_eq(ratio, 2, 1e-12);
}
