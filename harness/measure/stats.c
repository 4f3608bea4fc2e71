#include "measure/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

#include "condense/memory.h"

static const double LEVEL = 0.975; /* two-sided 95 % */

/* Autocorrelation below this many standard errors of its estimate is taken for chance. */
static const double LAG1_ERRORS = 1.3;

/* Below this many samples the autocorrelation says nothing. */
enum { LAG1_SAMPLES = 8 };

/* The fewest independent samples that an interval is built on: with less, Student's t is so wide
 * that it only says "take more samples", which this says too. */
static const double EFFECTIVE_LEAST = 3;

/* The moments of a series that the intervals need. */
typedef struct moments {
    double mean, variance; /* variance with n - 1 */
    double skewness;       /* unbiased for normal noise (G1) */
    double lag1;
} moments;

static moments moments_of(const double *x, size_t count)
{
    double n = (double)count, sum = 0, squares = 0, cubes = 0, products = 0, before = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i];
    moments m = {sum / n, 0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        double d = x[i] - m.mean;
        squares += d * d;
        cubes += d * d * d;
        if (i > 0) products += d * before;
        before = d;
    }
    if (count > 1) m.variance = squares / (n - 1);
    /* Rounding alone may leave a variance where all samples are equal. */
    if (!(sqrt(m.variance) > 1e-14 * fabs(m.mean))) {
        if (isfinite(m.variance)) m.variance = 0;
        return m;
    }
    m.lag1 = products / squares;
    if (count > 2) m.skewness = cubes / n / pow(squares / n, 1.5) * sqrt(n * (n - 1)) / (n - 2);
    return m;
}

/* How many independent samples are worth as much as `count` with this lag-1 autocorrelation, for
 * noise that forgets exponentially (AR(1)): n (1 - r) / (1 + r). The estimate of r is first
 * corrected for its bias of -(1 + 4 r) / n (Marriott and Pope 1954). */
static double effective_count(size_t count, double lag1)
{
    double n = (double)count;
    if (count < LAG1_SAMPLES) return n;
    double rho = (n * lag1 + 1) / (n - 4);
    if (!(rho > LAG1_ERRORS / sqrt(n))) return n;
    double effective = rho < 1 ? n * (1 - rho) / (1 + rho) : 0;
    return effective > EFFECTIVE_LEAST ? effective : EFFECTIVE_LEAST;
}

/* The variance of one sample: autocorrelated samples stay close to their own mean, which makes the
 * usual estimate too small. */
static double corrected_variance(double variance, size_t count, double effective)
{
    double n = (double)count;
    return effective < n ? variance * (n - 1) / n / (1 - 1 / effective) : variance;
}

/* Inverse of Hall's transformation (1992), which takes the skewness out of the t statistic. */
static double hall(double y, double skewness, double effective)
{
    return 3 / skewness * (cbrt(1 + skewness * (y - skewness / (6 * effective))) - 1);
}

static void interval(const moments *m, size_t count, double effective, double *low, double *high)
{
    double sd = sqrt(corrected_variance(m->variance, count, effective));
    double y = gsl_cdf_tdist_Pinv(LEVEL, effective - 1) / sqrt(effective);
    *low = m->mean - sd * y;
    *high = m->mean + sd * y;
    if (fabs(m->skewness) < 1e-6) return; /* the transformation divides by it */
    *low = fmin(*low, m->mean - sd * hall(y, m->skewness, effective));
    *high = fmax(*high, m->mean - sd * hall(-y, m->skewness, effective));
}

double st_mean_interval(const double *samples, size_t count, double *low, double *high)
{
    *low = *high = NAN;
    if (count < 2) return (double)count;
    moments m = moments_of(samples, count);
    double effective = effective_count(count, m.lag1);
    interval(&m, count, effective, low, high);
    return effective;
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* A sorted copy for cn_free; NULL when out of memory or where a sample is not a number. */
static double *sorted_copy(const double *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (isnan(samples[i])) return NULL;
    double *sorted = cn_calloc(count, sizeof *sorted);
    if (!sorted) return NULL;
    if (count) memcpy(sorted, samples, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, ascending);
    return sorted;
}

static double sorted_percentile(const double *sorted, size_t count, double p)
{
    double rank = p / 100 * (double)(count - 1);
    size_t below = (size_t)rank;
    if (below + 1 >= count) return sorted[count - 1];
    return sorted[below] + (rank - (double)below) * (sorted[below + 1] - sorted[below]);
}

double st_percentile(const double *samples, size_t count, double p)
{
    if (count == 0 || !(p >= 0 && p <= 100)) return NAN;
    double *sorted = sorted_copy(samples, count);
    double value = sorted ? sorted_percentile(sorted, count, p) : NAN;
    cn_free(sorted);
    return value;
}

/* The fields that depend on the order of values, not of time. */
static void summarize_sorted(st_summary *s, const double *sorted, size_t count)
{
    s->min = sorted[0];
    s->max = sorted[count - 1];
    s->median = sorted_percentile(sorted, count, 50);
    s->p90 = sorted_percentile(sorted, count, 90);
    double q1 = sorted_percentile(sorted, count, 25), q3 = sorted_percentile(sorted, count, 75);
    for (size_t i = 0; i < count; i++)
        s->outliers += sorted[i] < q1 - 3 * (q3 - q1) || sorted[i] > q3 + 3 * (q3 - q1);
}

st_summary st_summarize_mean(const double *samples, size_t count)
{
    st_summary s = {.count = count,
                    .mean = NAN,
                    .median = NAN,
                    .p90 = NAN,
                    .min = NAN,
                    .max = NAN,
                    .stddev = NAN,
                    .ci_low = NAN,
                    .ci_high = NAN,
                    .ci_relative = INFINITY,
                    .lag1 = NAN};
    if (count == 0) return s;
    moments m = moments_of(samples, count);
    s.mean = m.mean;
    s.effective_count = 1;
    if (count < 2 || isnan(m.mean)) return s;
    s.stddev = sqrt(m.variance);
    s.lag1 = m.lag1;
    double effective = effective_count(count, m.lag1);
    s.effective_count = (size_t)effective;
    interval(&m, count, effective, &s.ci_low, &s.ci_high);
    double relative = (s.ci_high - s.ci_low) / 2 / fabs(s.mean);
    if (isfinite(relative)) s.ci_relative = relative;
    return s;
}

st_summary st_summarize(const double *samples, size_t count)
{
    double *sorted = count ? sorted_copy(samples, count) : NULL;
    st_summary s = st_summarize_mean(samples, sorted ? count : 0);
    s.count = count;
    if (sorted) summarize_sorted(&s, sorted, count);
    cn_free(sorted);
    return s;
}

/* Lag-1 autocorrelation of a - ratio * b, the noise that the ratio's interval is about. */
static double residual_lag1(const double *a, const double *b, size_t count, double ratio)
{
    double squares = 0, products = 0, before = 0;
    for (size_t i = 0; i < count; i++) {
        double d = a[i] - ratio * b[i];
        squares += d * d;
        if (i > 0) products += d * before;
        before = d;
    }
    return squares > 0 ? products / squares : 0;
}

void st_ratio_interval(const double *a, const double *b, size_t count, double *ratio, double *low,
                       double *high)
{
    *ratio = *low = *high = NAN;
    if (count == 0) return;
    moments ma = moments_of(a, count), mb = moments_of(b, count);
    *ratio = ma.mean / mb.mean;
    if (count < 2) return;
    double covariance = 0;
    for (size_t i = 0; i < count; i++)
        covariance += (a[i] - ma.mean) * (b[i] - mb.mean);
    covariance /= (double)count - 1;

    double effective = effective_count(count, residual_lag1(a, b, count, *ratio));
    double t = gsl_cdf_tdist_Pinv(LEVEL, effective - 1);
    double q = corrected_variance(1, count, effective) * t * t / effective;
    /* All r with (mean(a) - r mean(b))^2 <= q var(a - r b): the roots of a quadratic in r. */
    double square = mb.mean * mb.mean - q * mb.variance;
    double middle = ma.mean * mb.mean - q * covariance;
    double constant = ma.mean * ma.mean - q * ma.variance;
    if (!(square > 0)) {
        *low = -INFINITY;
        *high = INFINITY;
        return;
    }
    double root = sqrt(fmax(0, middle * middle - square * constant));
    *low = (middle - root) / square;
    *high = (middle + root) / square;
}
