/* Projections onto weights of few values. */
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

/* The interval that fits the levels nearest at interval q; *error becomes its squared error. */
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
    double fitted = product / squares;
    *error = power - 2 * fitted * product + fitted * fitted * squares;
    return fitted;
}

static double largest_of(const float *w, int64_t count)
{
    double largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)w[i]));
    return largest;
}

/* Codes are symmetric: `side` holds the positive ones in ascending order. */
static void mirror(const double *side, int32_t half, float *codes)
{
    for (int32_t i = 0; i < half; i++) {
        codes[half + i] = (float)side[i];
        codes[half - 1 - i] = (float)-side[i];
    }
}

static void fit_linear(const cn_constraint *c, const float *w, int64_t count, float *codes)
{
    static const double starts[] = {1, 0.8, 0.6, 0.45, 0.3, 0.2};
    grid g = {ldexp(1, c->bits - 1), c->scheme == CN_SCHEME_NONE ? 0.5 : 1};
    double largest = largest_of(w, count), best = INFINITY, interval = 0;
    for (size_t s = 0; s < sizeof starts / sizeof *starts && largest > 0; s++) {
        double q = starts[s] * largest / (g.half - 1 + g.offset), error = INFINITY, last;
        for (int i = 0; i < ALTERNATIONS; i++) {
            last = error;
            q = refit(&g, w, count, q, &error);
            if (!(error < last * (1 - 1e-6))) break;
        }
        if (error < best) {
            best = error;
            interval = q;
        }
    }
    double side[128];
    for (int32_t i = 0; i < (int32_t)g.half; i++)
        side[i] = (i + g.offset) * interval;
    mirror(side, (int32_t)g.half, codes);
}

/* The exponent of the power of two nearest to w > 0. */
static int nearest_exponent(double w)
{
    int exponent;
    double fraction = frexp(w, &exponent); /* in [0.5, 1): 0.75 is the middle */
    return fraction < 0.75 ? exponent - 1 : exponent;
}

static void fit_powers(const cn_constraint *c, const float *w, int64_t count, float *codes)
{
    enum { TOPS = 4 };
    int32_t half = 1 << (c->bits - 1);
    double largest = largest_of(w, count), best = INFINITY, side[128];
    int highest = largest > 0 ? nearest_exponent(largest) : 0, top = highest;
    for (int t = highest; t > highest - TOPS; t--) {
        double error = 0;
        for (int64_t i = 0; i < count; i++) {
            if (w[i] == 0) continue;
            double value = fabs((double)w[i]);
            int e = nearest_exponent(value);
            double d = value - ldexp(1, e > t ? t : e < t - half + 1 ? t - half + 1 : e);
            error += d * d;
        }
        if (error < best) {
            best = error;
            top = t;
        }
    }
    for (int32_t i = 0; i < half; i++)
        side[i] = ldexp(1, top - half + 1 + i);
    mirror(side, half, codes);
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

/* Lloyd's algorithm on sorted values, sums[i] being the sum of the first i; codes start equally
 * spaced between the extremes (Han, Mao and Dally, "Deep Compression", 2016). */
static void lloyd(const float *sorted, const double *sums, int64_t count, double *codes,
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
            if (end <= begin) continue;
            codes[i] = (sums[end] - sums[begin]) / (double)(end - begin);
            begin = end;
        }
    }
}

static cn_status fit_codebook(const cn_constraint *c, const float *w, int64_t count, float *codes,
                              cn_error *error)
{
    float *sorted = cn_calloc((size_t)count, sizeof *sorted);
    double *sums = cn_calloc((size_t)count + 1, sizeof *sums);
    double fitted[256] = {0};
    int32_t code_count = 1 << c->bits;
    int64_t kept = 0;
    if (sorted && sums) {
        for (int64_t i = 0; i < count; i++)
            if (w[i] != 0) sorted[kept++] = w[i];
        qsort(sorted, (size_t)kept, sizeof *sorted, ascending);
        for (int64_t i = 0; i < kept; i++)
            sums[i + 1] = sums[i] + (double)sorted[i];
        if (kept) lloyd(sorted, sums, kept, fitted, code_count);
    }
    for (int32_t i = 0; i < code_count; i++)
        codes[i] = (float)fitted[i];
    cn_status status =
        sorted && sums ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory for a projection");
    cn_free(sorted);
    cn_free(sums);
    return status;
}

int64_t cn_levels_groups(const cn_tensor *tensor, const cn_constraint *constraint)
{
    return constraint->levels == CN_LEVELS_NONE ? 0 : constraint->per_channel ? tensor->dims[0] : 1;
}

cn_status cn_levels_fit(const cn_tensor *tensor, const cn_constraint *constraint, const float *from,
                        float *codes, cn_error *error)
{
    int64_t groups = cn_levels_groups(tensor, constraint);
    int64_t size = groups ? cn_tensor_count(tensor) / groups : 0;
    cn_status status = CN_OK;
    for (int64_t i = 0; i < groups && status == CN_OK; i++) {
        const float *w = from + i * size;
        float *own = codes + (i << constraint->bits);
        if (constraint->levels == CN_LEVELS_LINEAR)
            fit_linear(constraint, w, size, own);
        else if (constraint->levels == CN_LEVELS_POWERS)
            fit_powers(constraint, w, size, own);
        else
            status = fit_codebook(constraint, w, size, own, error);
    }
    return status;
}

static float nearest_code(const float *codes, int32_t count, float w)
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

void cn_levels_apply(const cn_tensor *tensor, const cn_constraint *constraint, const float *codes,
                     const float *from, float *to)
{
    int64_t count = cn_tensor_count(tensor), groups = cn_levels_groups(tensor, constraint);
    int64_t size = count / groups;
    for (int64_t i = 0; i < count; i++) {
        const float *own = codes + (i / size << constraint->bits);
        to[i] = from[i] == 0 ? 0 : nearest_code(own, 1 << constraint->bits, from[i]);
    }
}

cn_status cn_project_levels(const cn_tensor *tensor, const cn_constraint *constraint,
                            const float *from, float *to, cn_error *error)
{
    int64_t groups = cn_levels_groups(tensor, constraint);
    if (!groups) {
        memmove(to, from, (size_t)cn_tensor_count(tensor) * sizeof *to);
        return CN_OK;
    }
    float *codes = cn_calloc((size_t)groups << constraint->bits, sizeof *codes);
    if (!codes) return cn_fail(error, CN_ENOMEM, "out of memory for a projection");
    cn_status status = cn_levels_fit(tensor, constraint, from, codes, error);
    if (status == CN_OK) cn_levels_apply(tensor, constraint, codes, from, to);
    cn_free(codes);
    return status;
}
