/* Statistics of samples (docs/statistics.md). Distributions come from GSL. */
#ifndef HARNESS_MEASURE_STATS_H
#define HARNESS_MEASURE_STATS_H

#include <stddef.h>
#include <stdint.h>

typedef struct st_summary {
    size_t count;
    double mean, median, p90, min, max, stddev;
    double ci_low, ci_high; /* 95 % interval of the mean; NAN below two samples */
    double ci_relative;     /* half of its width over the mean; infinite below two samples */
    double lag1;            /* lag-1 autocorrelation of the samples in time order */
    size_t effective_count; /* independent samples that would tell as much about the mean */
    size_t outliers;        /* outside Tukey's far fences (3 IQR); labelled, never dropped */
} st_summary;

/* `samples` in time order; they are not changed. All NAN (and ci_relative infinite) for none, or
 * where a sample is not a number or there is no memory for the sorted copy. */
st_summary st_summarize(const double *samples, size_t count);

/* The same without what needs sorted samples (median, p90, min and max stay NAN, outliers 0): three
 * hundred times as fast at 10,000 samples, for looks during a measurement. */
st_summary st_summarize_mean(const double *samples, size_t count);

/* The 95 % interval alone: Student's t on the effective number of samples
 * (fewer than `count` where neighbours resemble each other), joined with Hall's interval for
 * skewed noise. Returns the effective number; *low and *high are NAN below two samples. */
double st_mean_interval(const double *samples, size_t count, double *low, double *high);

/* 95 % interval of mean(a) / mean(b) from `count` paired samples in time order (Fieller's theorem,
 * with the effective number of the pairs). Below two pairs the interval is NAN; where mean(b)
 * cannot be told from zero it is the whole line. */
void st_ratio_interval(const double *a, const double *b, size_t count, double *ratio, double *low,
                       double *high);

/* Percentile by linear interpolation between closest ranks; p in [0, 100]. NAN for no samples. */
double st_percentile(const double *samples, size_t count, double p);

#endif
