/* Projections onto weights of few values. Zeros are left alone: they are what pruning removed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/scheme.h"

enum { ALTERNATIONS = 12, LLOYD_STEPS = 30 };

/* Equally spaced levels: (n + offset) q for n from 0 to before `half`, of either sign. */
typedef struct grid {
    double half, offset; /* 2^(b - 1) levels a side, the first at `offset` */
} grid;

/* The level nearest to |w| in units of q. */
static inline double level_of(const grid *g, double w, double q)
{
    double n = rint(fabs(w) / q - g->offset);
    n = n < 0 ? 0 : n > g->half - 1 ? g->half - 1 : n;
    return n + g->offset;
}

/* For the levels l that the weights are nearest to at interval q, sum (w - q' l)^2 is smallest at
 * q' = sum |w| l / sum l^2. Returns q', and at q' that sum with the old levels. */
static double refit(const grid *g, const float *w, int64_t count, double q, double *error)
{
    double product = 0, squares = 0, power = 0;
    for (int64_t i = 0; i < count; i++) {
        if (w[i] == 0) continue;
        double level = level_of(g, (double)w[i], q);
        product += fabs((double)w[i]) * level;
        squares += level * level;
        power += (double)w[i] * (double)w[i];
    }
    double fitted = squares > 0 ? product / squares : q;
    *error = power - 2 * fitted * product + fitted * fitted * squares;
    return fitted;
}

static void project_linear(const cn_constraint *c, const float *from, float *to, int64_t count)
{
    static const double starts[] = {1, 0.8, 0.6, 0.45, 0.3, 0.2};
    grid g = {ldexp(1, c->bits - 1), c->scheme == CN_SCHEME_NONE ? 0.5 : 1};
    double largest = 0, best = INFINITY, interval = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)from[i]));
    if (largest == 0) {
        memmove(to, from, (size_t)count * sizeof *to);
        return;
    }
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        double q = starts[s] * largest / (g.half - 1 + g.offset), error = INFINITY, last;
        for (int i = 0; i < ALTERNATIONS; i++) {
            last = error;
            q = refit(&g, from, count, q, &error);
            if (!(error < last * (1 - 1e-6))) break;
        }
        if (error < best) {
            best = error;
            interval = q;
        }
    }
    for (int64_t i = 0; i < count; i++)
        to[i] = from[i] == 0 ? 0
                             : (float)copysign(level_of(&g, (double)from[i], interval) * interval,
                                               (double)from[i]);
}

/* The power of two nearest to |w| with an exponent in [top - count + 1, top]. */
static double power_of(double w, int top, int count)
{
    int exponent;
    double fraction = frexp(fabs(w), &exponent); /* in [0.5, 1) */
    exponent -= fraction < 0.75 ? 1 : 0;         /* nearest: 0.75 lies between 0.5 and 1 */
    exponent = exponent > top ? top : exponent < top - count + 1 ? top - count + 1 : exponent;
    return ldexp(1, exponent);
}

static void project_powers(const cn_constraint *c, const float *from, float *to, int64_t count)
{
    int exponents = 1 << (c->bits - 1), highest = 0, top = 0;
    double largest = 0, best = INFINITY;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)from[i]));
    frexp(largest, &highest);
    for (int t = highest; t > highest - 4; t--) {
        double error = 0;
        for (int64_t i = 0; i < count; i++) {
            double w = fabs((double)from[i]), d = w > 0 ? w - power_of(w, t, exponents) : 0;
            error += d * d;
        }
        if (error < best) {
            best = error;
            top = t;
        }
    }
    for (int64_t i = 0; i < count; i++)
        to[i] = from[i] == 0
                    ? 0
                    : (float)copysign(power_of((double)from[i], top, exponents), (double)from[i]);
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* First of the sorted values that is at least `bound`. */
static int64_t lower_bound(const float *sorted, int64_t count, double bound)
{
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if ((double)sorted[middle] < bound)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Lloyd's algorithm on sorted values with sums[i] = their first i values' sum; codes start equally
 * spaced between the extremes (Han, Mao and Dally, "Deep Compression", 2016). */
static void fit_codebook(const float *sorted, const double *sums, int64_t count, double *codes,
                         int32_t code_count)
{
    double low = (double)sorted[0], high = (double)sorted[count - 1];
    for (int32_t i = 0; i < code_count; i++)
        codes[i] = low + (high - low) * (i + 0.5) / code_count;
    for (int step = 0; step < LLOYD_STEPS; step++) {
        int64_t begin = 0;
        for (int32_t i = 0; i < code_count; i++) {
            double bound = i + 1 < code_count ? (codes[i] + codes[i + 1]) / 2 : INFINITY;
            int64_t end = i + 1 < code_count ? lower_bound(sorted, count, bound) : count;
            if (end > begin) codes[i] = (sums[end] - sums[begin]) / (double)(end - begin);
            begin = end > begin ? end : begin;
        }
    }
}

static double nearest_code(const double *codes, int32_t count, double w)
{
    int32_t low = 0, high = count - 1;
    while (low < high) {
        int32_t middle = (low + high) / 2;
        if (w < (codes[middle] + codes[middle + 1]) / 2)
            high = middle;
        else
            low = middle + 1;
    }
    return codes[low];
}

static cn_status project_codebook(const cn_constraint *c, const float *from, float *to,
                                  int64_t count, cn_error *error)
{
    float *sorted = cn_calloc((size_t)count, sizeof *sorted);
    double *sums = cn_calloc((size_t)count + 1, sizeof *sums);
    double codes[256];
    int32_t code_count = 1 << c->bits;
    cn_status status = CN_OK;
    if (!sorted || !sums) status = cn_fail(error, CN_ENOMEM, "out of memory for a projection");
    int64_t kept = 0;
    for (int64_t i = 0; i < count && status == CN_OK; i++)
        if (from[i] != 0) sorted[kept++] = from[i];
    if (status == CN_OK && kept > 0) {
        qsort(sorted, (size_t)kept, sizeof *sorted, ascending);
        for (int64_t i = 0; i < kept; i++)
            sums[i + 1] = sums[i] + (double)sorted[i];
        fit_codebook(sorted, sums, kept, codes, code_count);
    }
    for (int64_t i = 0; i < count && status == CN_OK; i++)
        to[i] = from[i] == 0 ? 0 : (float)nearest_code(codes, code_count, (double)from[i]);
    cn_free(sorted);
    cn_free(sums);
    return status;
}

cn_status cn_project_levels(const cn_tensor *tensor, const cn_constraint *constraint,
                            const float *from, float *to, cn_error *error)
{
    int64_t count = cn_tensor_count(tensor);
    int64_t step = constraint->per_channel ? count / tensor->dims[0] : count;
    cn_status status = CN_OK;
    for (int64_t at = 0; at < count && status == CN_OK; at += step) {
        switch (constraint->levels) {
        case CN_LEVELS_LINEAR:
            project_linear(constraint, from + at, to + at, step);
            break;
        case CN_LEVELS_POWERS:
            project_powers(constraint, from + at, to + at, step);
            break;
        case CN_LEVELS_CODEBOOK:
            status = project_codebook(constraint, from + at, to + at, step, error);
            break;
        case CN_LEVELS_NONE:
        case CN_LEVELS_COUNT:
            memmove(to + at, from + at, (size_t)step * sizeof *to);
            break;
        }
    }
    return status;
}
