/* The samples of one cell, as taken: every timed inference, in blocks between two micro-probes. */
#ifndef HARNESS_MEASURE_SERIES_H
#define HARNESS_MEASURE_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/status.h"
#include "measure/stats.h"

typedef struct st_sample {
    int64_t begin_ns, duration_ns; /* of the clock of the run */
    int32_t block;
    bool warmup, outlier;
} st_sample;

typedef struct st_block {
    int32_t round;
    int64_t begin_ns, end_ns; /* without the probes */
    int64_t probe_before_ns, probe_after_ns;
    bool slowed; /* the machine was slower than at the start: its samples do not count */
} st_block;

typedef struct st_series {
    st_sample *samples;
    int32_t sample_count, sample_capacity;
    st_block *blocks;
    int32_t block_count, block_capacity;
} st_series;

cn_status st_series_add_sample(st_series *series, st_sample sample, cn_error *error);
cn_status st_series_add_block(st_series *series, st_block block, cn_error *error);

/* Whether a sample counts: no warm-up, and its block was not slowed. */
bool st_series_counts(const st_series *series, const st_sample *sample);

/* The counted durations in time order, in milliseconds; free with cn_free. */
cn_status st_series_counted(const st_series *series, double **milliseconds, int32_t *count,
                            cn_error *error);

/* Labels counted samples outside Tukey's far fences (3 interquartile ranges). */
cn_status st_series_label_outliers(st_series *series, cn_error *error);

void st_series_clear(st_series *series);

#endif
