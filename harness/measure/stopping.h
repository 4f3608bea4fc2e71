/* When a cell has enough samples (docs/measuring.md). */
#ifndef HARNESS_MEASURE_STOPPING_H
#define HARNESS_MEASURE_STOPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/series.h"
#include "measure/stats.h"

typedef enum st_verdict {
    ST_VALID,
    ST_NOISY,
    ST_THROTTLED,
    ST_DRIFTED,
    ST_INVALID_OUTPUT,
    ST_FAILED
} st_verdict;

/* "valid", "noisy", ... as in the database. */
const char *st_verdict_name(st_verdict verdict);

typedef struct st_rule {
    double interval;    /* half-width of the 95 % interval over the mean, at most */
    double interval_ms; /* or half-width itself: 5 % of a few microseconds is the clock's noise */
    int32_t min_samples;
    int32_t max_samples;   /* then it gives up too: more would only fill the disk */
    double min_seconds;    /* from the first sample that counts */
    double max_seconds;    /* spent in the cell's own blocks, probes included; then it gives up */
    double settled;        /* warm-up ends when three block medians agree within this */
    double warmup_seconds; /* or after this long */
    double slow;           /* a probe longer than the baseline by this share marks its block */
    int32_t max_slowed;    /* slowed blocks in a row before it gives up */
    double block_seconds;  /* aimed at */
    int32_t block_samples; /* at most */
} st_rule;

/* 5 %, 0.002 ms, 10 to 50,000 samples, 1 to 60 s, warm-up 2 % or 1 s, probe 10 % and 8 blocks,
 * blocks of 50 ms or 20 samples. */
st_rule st_rule_defaults(void);

/* Whether the samples so far suffice. */
bool st_rule_converged(const st_rule *rule, const st_summary *summary, double seconds);

/* Verdict of a finished series; `reason` says what a verdict other than valid rests on. A series
 * drifted where the means of its halves are further apart than rule->interval and three quarters of
 * one half lie beyond three quarters of the other. */
st_verdict st_rule_verdict(const st_rule *rule, const double *samples, int32_t count,
                           bool converged, char reason[256]);

#endif
