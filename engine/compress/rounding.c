/* Rounding a layer's weights to integers: to the nearest, or learned; where a channel's weights are
 * levels already, they stay. */
#include <math.h>
#include <string.h>

#include "compress/matrix.h"
#include "condense/memory.h"
#include "condense/quantize.h"

enum { TOP = 127, SWEEPS = 12 };
static const double damping = 0.01;
/* How far, of itself, a weight may be from a multiple of a step: it was rounded as a level and when
 * batch norm was folded in, and so was the weight that the step is guessed from. */
static const double slack = 0x1p-21;

static bool are_multiples(const float *w, int64_t count, double step)
{
    for (int64_t i = 0; i < count; i++) {
        double exact = fabs((double)w[i]) / step, level = rint(exact);
        if (!(level <= TOP) || fabs(exact - level) > slack * level) return false;
    }
    return true;
}

/* The float nearest to the step of least squares, or one beside it that gives more of the weights
 * back to the bit. */
static float fit_step(const float *w, int64_t count, double step)
{
    double products = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) {
        double level = rint((double)w[i] / step);
        products += level * (double)w[i];
        squares += level * level;
    }
    float nearest = (float)(products / squares), best = nearest;
    const float choices[] = {nearest, nextafterf(nearest, 0), nextafterf(nearest, HUGE_VALF)};
    int64_t most = -1;
    for (int k = 0; k < 3; k++) {
        int64_t same = 0;
        for (int64_t i = 0; i < count; i++)
            same += rintf(w[i] / choices[k]) * choices[k] == w[i];
        if (same > most) best = choices[k];
        most = same > most ? same : most;
    }
    return best;
}

/* The largest step of which all the weights are multiples, at most TOP; 0 where there is none. */
static float find_step(const float *w, int64_t count)
{
    float least = HUGE_VALF;
    for (int64_t i = 0; i < count; i++)
        if (w[i] != 0) least = fminf(least, fabsf(w[i]));
    for (int k = 1; k <= TOP && least < HUGE_VALF; k++)
        if (are_multiples(w, count, (double)least / k))
            return fit_step(w, count, (double)least / k);
    return 0;
}

/* kept[c]: the channel's weights are levels already, which its scale keeps. */
static void choose_scales(const cn_tensor *weight, int64_t row, float *scales, bool *kept)
{
    for (int32_t c = 0; c < weight->dims[0]; c++) {
        const float *w = weight->data + c * row;
        float most = 0, step = find_step(w, row);
        for (int64_t i = 0; i < row; i++)
            most = fmaxf(most, fabsf(w[i]));
        kept[c] = step > 0;
        scales[c] = kept[c] ? step : most > 0 ? most / TOP : 1;
    }
}

/* Rows of one group, and the moments they share. */
typedef struct descent {
    int64_t rows, inputs;
    const double *moments; /* damped */
    const float *scales;
    const bool *kept;     /* rows that are levels already */
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
        for (int i = 0; i < SWEEPS && !d->kept[row] && sweep(d, row); i++)
            ;
    cn_free(off);
    cn_free(d->slope);
    return status;
}

static cn_status learn(const cn_tensor *weight, const cn_moments *m, const float *scales,
                       const bool *kept, float *levels, cn_error *error)
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
                     .kept = kept + g * rows,
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
                         const bool *kept, float *levels, cn_error *error)
{
    int64_t count = cn_tensor_count(weight), row = count / weight->dims[0];
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
    if (!status) status = learn(weight, m, scales, kept, learned, error);
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
    bool *kept = cn_calloc((size_t)weight->dims[0], sizeof *kept);
    cn_status status = CN_OK;
    if (!levels || !kept)
        status = cn_fail(error, CN_ENOMEM, "no memory to round '%s'", weight->name);
    if (!status) {
        choose_scales(weight, row, scales, kept);
        round_to_nearest(weight, row, scales, levels);
    }
    if (!status && moments) status = improve(weight, moments, scales, kept, levels, error);
    if (!status) spread(levels, count, row, scales, weight->data);
    cn_free(levels);
    cn_free(kept);
    return status;
}
