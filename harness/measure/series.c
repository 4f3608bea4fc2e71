#include "measure/series.h"

#include "condense/memory.h"

/* Room for one more item: doubles the array. */
static cn_status grow(void **items, int32_t count, int32_t *capacity, size_t size, cn_error *error)
{
    if (count < *capacity) return CN_OK;
    int32_t larger = *capacity ? 2 * *capacity : 64;
    void *block = cn_recalloc(*items, (size_t)*capacity, (size_t)larger, size);
    if (!block) return cn_fail(error, CN_ENOMEM, "no memory for %d samples", larger);
    *items = block;
    *capacity = larger;
    return CN_OK;
}

cn_status st_series_add_sample(st_series *series, st_sample sample, cn_error *error)
{
    void *items = series->samples;
    cn_status status =
        grow(&items, series->sample_count, &series->sample_capacity, sizeof sample, error);
    series->samples = items;
    if (!status) series->samples[series->sample_count++] = sample;
    return status;
}

cn_status st_series_add_block(st_series *series, st_block block, cn_error *error)
{
    void *items = series->blocks;
    cn_status status =
        grow(&items, series->block_count, &series->block_capacity, sizeof block, error);
    series->blocks = items;
    if (!status) series->blocks[series->block_count++] = block;
    return status;
}

bool st_series_counts(const st_series *series, const st_sample *sample)
{
    return !sample->warmup && !series->blocks[sample->block].slowed;
}

cn_status st_series_counted(const st_series *series, double **milliseconds, int32_t *count,
                            cn_error *error)
{
    double *values = cn_calloc((size_t)series->sample_count, sizeof *values);
    if (!values) return cn_fail(error, CN_ENOMEM, "no memory for the samples");
    int32_t counted = 0;
    for (int32_t i = 0; i < series->sample_count; i++)
        if (st_series_counts(series, &series->samples[i]))
            values[counted++] = (double)series->samples[i].duration_ns * 1e-6;
    *milliseconds = values;
    *count = counted;
    return CN_OK;
}

cn_status st_series_label_outliers(st_series *series, cn_error *error)
{
    double *values;
    int32_t count;
    cn_status status = st_series_counted(series, &values, &count, error);
    if (status || !count) {
        if (!status) cn_free(values);
        return status;
    }
    double low = st_percentile(values, (size_t)count, 25);
    double high = st_percentile(values, (size_t)count, 75);
    cn_free(values);
    double fence = 3 * (high - low);
    for (int32_t i = 0; i < series->sample_count; i++) {
        st_sample *sample = &series->samples[i];
        double value = (double)sample->duration_ns * 1e-6;
        sample->outlier =
            st_series_counts(series, sample) && (value < low - fence || value > high + fence);
    }
    return CN_OK;
}

void st_series_clear(st_series *series)
{
    cn_free(series->samples);
    cn_free(series->blocks);
    *series = (st_series){0};
}
