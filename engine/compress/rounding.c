/* Rounding a layer's weights to integers: to the nearest, or learned. */
#include <math.h>
#include <string.h>

#include "compress/matrix.h"
#include "condense/memory.h"
#include "condense/quantize.h"

enum { TOP = 127, SWEEPS = 12 };
static const double damping = 0.01;

static void choose_scales(const cn_tensor *weight, int64_t row, float *scales)
{
    for (int32_t c = 0; c < weight->dims[0]; c++) {
        float most = 0;
        for (int64_t i = c * row; i < (c + 1) * row; i++)
            most = fmaxf(most, fabsf(weight->data[i]));
        scales[c] = most > 0 ? most / TOP : 1;
    }
}

/* Rows of one group, and the moments they share. */
typedef struct descent {
    int64_t rows, inputs;
    const double *moments; /* damped */
    const float *scales;
    const float *weights; /* as they were */
    float *levels;        /* rounded: whole numbers */
    double *slope;        /* rows x inputs: moments times the rounding error */
} descent;

/* The level on the other side of w; the same where there is none. */
static float other_level(float w, float scale, float level)
{
    float exact = w / scale, other = exact > level ? level + 1 : exact < level ? level - 1 : level;
    return fabsf(other) <= TOP ? other : level;
}

/* Goes over one row's weights once; whether anything changed. */
static bool sweep(const descent *d, int64_t row)
{
    const float *w = d->weights + row * d->inputs;
    float *levels = d->levels + row * d->inputs, scale = d->scales[row];
    double *slope = d->slope + row * d->inputs;
    bool changed = false;
    for (int64_t i = 0; i < d->inputs; i++) {
        const double *moments = d->moments + i * d->inputs;
        float other = other_level(w[i], scale, levels[i]);
        double move = (double)(other - levels[i]) * (double)scale;
        double gain = 2 * move * slope[i] + move * move * moments[i];
        if (!(gain < -1e-9 * move * move * moments[i])) continue;
        levels[i] = other;
        changed = true;
#pragma omp simd
        for (int64_t k = 0; k < d->inputs; k++)
            slope[k] += move * moments[k];
    }
    return changed;
}

static cn_status descend(descent *d, cn_error *error)
{
    int64_t count = d->rows * d->inputs;
    double *off = cn_calloc((size_t)count, sizeof *off);
    d->slope = cn_calloc((size_t)count, sizeof *d->slope);
    cn_status status = CN_OK;
    if (!off || !d->slope) status = cn_fail(error, CN_ENOMEM, "no memory to learn rounding");
    for (int64_t i = 0; i < count && !status; i++)
        off[i] = (double)d->levels[i] * (double)d->scales[i / d->inputs] - (double)d->weights[i];
    factor left = {.wide = off, .row = d->inputs, .depth = 1};
    factor right = {.wide = d->moments, .row = d->inputs, .depth = 1};
    if (!status)
        status = matrix_add_product(d->rows, d->inputs, d->inputs, 1, left, right, d->slope,
                                    d->inputs, false, error);
    for (int64_t row = 0; row < d->rows && !status; row++)
        for (int i = 0; i < SWEEPS && sweep(d, row); i++)
            ;
    cn_free(off);
    cn_free(d->slope);
    return status;
}

static cn_status learn(const cn_tensor *weight, const cn_moments *m, const float *scales,
                       float *levels, cn_error *error)
{
    int64_t n = m->inputs, rows = weight->dims[0] / m->groups;
    double *damped = cn_calloc((size_t)(n * n), sizeof *damped);
    cn_status status = damped ? CN_OK : cn_fail(error, CN_ENOMEM, "no memory to learn rounding");
    for (int64_t g = 0; g < m->groups && !status; g++) {
        double mean = 0;
        memcpy(damped, m->values + g * n * n, (size_t)(n * n) * sizeof *damped);
        for (int64_t i = 0; i < n; i++)
            mean += damped[i * n + i] / (double)n;
        for (int64_t i = 0; i < n; i++)
            damped[i * n + i] += damping * mean;
        descent d = {.rows = rows,
                     .inputs = n,
                     .moments = damped,
                     .scales = scales + g * rows,
                     .weights = weight->data + g * rows * n,
                     .levels = levels + g * rows * n};
        status = descend(&d, error);
    }
    cn_free(damped);
    return status;
}

static void round_to_nearest(const cn_tensor *weight, int64_t row, const float *scales,
                             float *levels)
{
    for (int64_t i = 0; i < cn_tensor_count(weight); i++)
        levels[i] = fminf(TOP, fmaxf(-TOP, rintf(weight->data[i] / scales[i / row])));
}

/* What the levels stand for. */
static void spread(const float *levels, int64_t count, int64_t row, const float *scales, float *to)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = levels[i] * scales[i / row];
}

/* Learned levels replace the nearest ones if they are no worse on what was seen, undamped. */
static cn_status improve(const cn_tensor *weight, const cn_moments *m, const float *scales,
                         int64_t row, float *levels, cn_error *error)
{
    int64_t count = cn_tensor_count(weight);
    float *learned = cn_calloc((size_t)count, sizeof *learned);
    float *values = cn_calloc((size_t)count, sizeof *values);
    double nearest = 0, reached = 0;
    cn_status status = CN_OK;
    if (!learned || !values) status = cn_fail(error, CN_ENOMEM, "no memory to learn rounding");
    if (!status) {
        memcpy(learned, levels, (size_t)count * sizeof *learned);
        spread(levels, count, row, scales, values);
        status = cn_moments_error(m, weight, values, &nearest, error);
    }
    if (!status) status = learn(weight, m, scales, learned, error);
    if (!status) {
        spread(learned, count, row, scales, values);
        status = cn_moments_error(m, weight, values, &reached, error);
    }
    if (!status && reached <= nearest) memcpy(levels, learned, (size_t)count * sizeof *levels);
    cn_free(learned);
    cn_free(values);
    return status;
}

cn_status cn_round_weights(cn_tensor *weight, const cn_moments *moments, float *scales,
                           cn_error *error)
{
    int64_t count = cn_tensor_count(weight), row = count / weight->dims[0];
    float *levels = cn_calloc((size_t)count, sizeof *levels);
    if (!levels) return cn_fail(error, CN_ENOMEM, "no memory to round '%s'", weight->name);
    choose_scales(weight, row, scales);
    round_to_nearest(weight, row, scales, levels);
    cn_status status = moments ? improve(weight, moments, scales, row, levels, error) : CN_OK;
    if (!status) spread(levels, count, row, scales, weight->data);
    cn_free(levels);
    return status;
}
