/* The range that eight bits are spread over: estimators on histograms. */
#include <math.h>
#include <string.h>

#include "condense/quantize.h"

enum { LEVELS = 256, CANDIDATES = 96 };
static const double least_share = 0.05;   /* of the range seen, of the smallest one tried */
static const double beyond = 1.0 / 20000; /* percentile: the share left out at either end */

static const char *const names[CN_RANGES] = {"minmax", "percentile", "kl", "mse"};

const char *cn_range_name(cn_range range)
{
    return (unsigned)range < CN_RANGES ? names[range] : NULL;
}

bool cn_range_find(const char *name, cn_range *range)
{
    for (int i = 0; i < CN_RANGES; i++)
        if (!strcmp(name, names[i])) {
            *range = (cn_range)i;
            return true;
        }
    return false;
}

cn_scale cn_scale_of(double low, double high)
{
    low = fmin(low, 0);
    high = fmax(high, 0);
    float scale = (float)((high - low) / (LEVELS - 1));
    if (!(scale > 0)) return (cn_scale){1, 0};
    return (cn_scale){scale, (int32_t)rint(-low / (double)scale)};
}

void cn_scale_round(cn_scale scale, float *x, int64_t count)
{
    float zero = (float)scale.zero, by = 1 / scale.scale;
    for (int64_t i = 0; i < count; i++) {
        float q = rintf(x[i] * by) + zero;
        q = q > 0 ? q : 0; /* also what is not a number */
        q = q < LEVELS - 1 ? q : LEVELS - 1;
        x[i] = (q - zero) * scale.scale;
    }
}

void cn_histogram_add(cn_histogram *h, const float *x, int64_t count)
{
    double by = h->high > h->low ? CN_HISTOGRAM_BINS / (h->high - h->low) : 0;
    for (int64_t i = 0; i < count; i++) {
        if (x[i] == 0) {
            h->zeros++;
            continue;
        }
        double at = ((double)x[i] - h->low) * by;
        at = at > 0 ? at : 0;
        h->counts[at < CN_HISTOGRAM_BINS ? (int)at : CN_HISTOGRAM_BINS - 1]++;
    }
}

static double bin_width(const cn_histogram *h)
{
    return (h->high - h->low) / CN_HISTOGRAM_BINS;
}

static double centre(const cn_histogram *h, int bin)
{
    return h->low + (bin + 0.5) * bin_width(h);
}

/* The first bin edge from the end at which more than the share lies beyond; `step` is 1 from below,
 * -1 from above. Zeros lie at zero. */
static double percentile(const cn_histogram *h, int step)
{
    double total = (double)h->zeros, seen = 0;
    for (int i = 0; i < CN_HISTOGRAM_BINS; i++)
        total += (double)h->counts[i];
    int bin = step > 0 ? 0 : CN_HISTOGRAM_BINS - 1;
    for (; bin >= 0 && bin < CN_HISTOGRAM_BINS; bin += step) {
        seen += (double)h->counts[bin];
        if (seen > beyond * total) break;
    }
    return h->low + (bin + (step > 0 ? 0 : 1)) * bin_width(h);
}

/* What is lost by the range; what is to be least. */
typedef double loss(const cn_histogram *h, double low, double high);

static double square_error(const cn_histogram *h, double from, double to)
{
    cn_scale scale = cn_scale_of(from, to);
    double step = (double)scale.scale, low = -scale.zero * step;
    double high = (LEVELS - 1 - scale.zero) * step, sum = 0;
    for (int i = 0; i < CN_HISTOGRAM_BINS; i++) {
        if (!h->counts[i]) continue;
        double x = centre(h, i), inside = fmin(high, fmax(low, x));
        /* Values lie all over the bin: within the range their error is that of a level's width. */
        double error = x == inside ? step * step / 12 : (x - inside) * (x - inside);
        sum += (double)h->counts[i] * error;
    }
    return sum;
}

/* KL(P || Q) of bins first .. end - 1: P has what lies beyond in its outermost bins; Q has what
 * each level's bins have together, spread evenly over those of them that are not empty. */
static double divergence(const cn_histogram *h, double low, double high)
{
    int first = (int)((low - h->low) / bin_width(h));
    int end = (int)ceil((high - h->low) / bin_width(h));
    end = end < CN_HISTOGRAM_BINS ? end : CN_HISTOGRAM_BINS;
    if (end - first < LEVELS) return INFINITY;
    double total = 0, below = 0, above = 0, inside = 0, sum = 0;
    for (int i = 0; i < CN_HISTOGRAM_BINS; i++) {
        total += (double)h->counts[i];
        *(i < first ? &below : i >= end ? &above : &inside) += (double)h->counts[i];
    }
    if (!(inside > 0)) return INFINITY;
    for (int level = 0; level < LEVELS; level++) {
        int from = first + (end - first) * level / LEVELS;
        int to = first + (end - first) * (level + 1) / LEVELS;
        double mass = 0, filled = 0;
        for (int i = from; i < to; i++) {
            mass += (double)h->counts[i];
            filled += h->counts[i] > 0;
        }
        for (int i = from; i < to; i++) {
            double p = (double)h->counts[i] + (i == first ? below : 0) + (i == end - 1 ? above : 0);
            double q = h->counts[i] ? mass / filled : 0;
            if (!(p > 0)) continue;
            if (!(q > 0)) q = 1e-3; /* an outlier where nothing was: unlikely, not impossible */
            sum += p / total * log((p / total) / (q / inside));
        }
    }
    return sum;
}

/* Upper end and lower end in turn, each over shares of where values end. */
static cn_scale least(const cn_histogram *h, loss *lost)
{
    double low = h->low, high = h->high;
    for (int turn = 0; turn < 3; turn++)
        for (int end = 0; end < 2; end++) {
            double best = end ? low : high, lowest = INFINITY;
            for (int i = 0; i < CANDIDATES; i++) {
                double share = 1 - (1 - least_share) * i / (CANDIDATES - 1);
                double at = share * (end ? h->low : h->high);
                double now = end ? lost(h, at, high) : lost(h, low, at);
                if (!(now < lowest)) continue;
                lowest = now;
                best = at;
            }
            *(end ? &low : &high) = best;
        }
    return cn_scale_of(low, high);
}

cn_scale cn_range_estimate(cn_range range, const cn_histogram *h)
{
    if (!(h->high > h->low)) return cn_scale_of(h->low, h->high);
    switch (range) {
    case CN_RANGE_PERCENTILE:
        return cn_scale_of(percentile(h, 1), percentile(h, -1));
    case CN_RANGE_KL:
        return least(h, divergence);
    case CN_RANGE_MSE:
        return least(h, square_error);
    default:
        return cn_scale_of(h->low, h->high);
    }
}
