/* Euclidean projections onto the pruning schemes. */
#include <string.h>

#include "compress/units.h"
#include "condense/memory.h"

enum { PATTERN_PLACES = 4 };

/* The weights of one input in the outputs that share units: visit(weight index, unit). */
#define FOR_EACH_WEIGHT(u, output, input, place)                                                   \
    for (int64_t output = 0; output < (u)->outputs; output++)                                      \
        for (int64_t input = 0; input < (u)->inputs; input++)                                      \
            for (int64_t place = 0; place < (u)->places; place++)

static int64_t weight_at(const units *u, int64_t output, int64_t input, int64_t place)
{
    return (output * u->inputs + input) * u->places + place;
}

/* The pattern of the set under which the kernels of `input` in the outputs from `first` to before
 * `end` keep the largest norm. */
static uint16_t best_pattern(const units *u, const cn_patterns *patterns, const float *from,
                             int64_t first, int64_t end, int64_t input)
{
    double squares[9] = {0}, best = -1;
    uint16_t mask = 0;
    for (int64_t output = first; output < end; output++)
        for (int64_t place = 0; place < 9; place++) {
            double w = (double)from[weight_at(u, output, input, place)];
            squares[place] += w * w;
        }
    for (int32_t i = 0; i < patterns->count; i++) {
        double sum = 0;
        for (int place = 0; place < 9; place++)
            sum += patterns->masks[i] >> place & 1 ? squares[place] : 0;
        if (sum > best) {
            best = sum;
            mask = patterns->masks[i];
        }
    }
    return mask;
}

/* to = `from` with every group of kernels that share a pattern under its best one. */
static void apply_patterns(const units *u, const cn_patterns *patterns, const float *from,
                           float *to)
{
    for (int64_t first = 0; first < u->outputs; first += u->share_outputs) {
        int64_t end = first + u->share_outputs < u->outputs ? first + u->share_outputs : u->outputs;
        for (int64_t input = 0; input < u->inputs; input++) {
            uint16_t mask = best_pattern(u, patterns, from, first, end, input);
            for (int64_t output = first; output < end; output++)
                for (int64_t place = 0; place < 9; place++) {
                    int64_t at = weight_at(u, output, input, place);
                    to[at] = mask >> place & 1 ? from[at] : 0;
                }
        }
    }
}

static void sum_squares(const units *u, const float *from, double *scores)
{
    memset(scores, 0, (size_t)u->count * sizeof *scores);
    FOR_EACH_WEIGHT(u, output, input, place)
    {
        double w = (double)from[weight_at(u, output, input, place)];
        scores[unit_of(u, output, input, place)] += w * w;
    }
}

int64_t cn_scheme_units(const cn_tensor *tensor, const cn_constraint *constraint)
{
    return units_of(tensor, constraint->scheme).count;
}

int64_t cn_scheme_unit_size(const cn_tensor *tensor, const cn_constraint *constraint)
{
    units u = units_of(tensor, constraint->scheme);
    int64_t rows = u.share_outputs < u.outputs ? u.share_outputs : u.outputs;
    int64_t columns = u.share_inputs < u.inputs ? u.share_inputs : u.inputs;
    return rows * columns * (u.pattern ? PATTERN_PLACES : u.share_places);
}

int64_t cn_scheme_units_kept(const cn_tensor *tensor, const cn_constraint *constraint)
{
    units u = units_of(tensor, constraint->scheme);
    if (constraint->scheme == CN_SCHEME_NONE || constraint->scheme == CN_SCHEME_PATTERN)
        return u.count;
    double share = constraint->keep * (u.pattern ? 9.0 / PATTERN_PLACES : 1);
    int64_t kept = (int64_t)(share * (double)u.count + 1e-6);
    return kept < 1 ? 1 : kept > u.count ? u.count : kept;
}

void cn_scheme_keep_units(const cn_tensor *tensor, cn_constraint *constraint, int64_t count)
{
    units u = units_of(tensor, constraint->scheme);
    double share = (double)count / (double)u.count;
    constraint->keep = share * (u.pattern ? PATTERN_PLACES / 9.0 : 1);
}

void cn_scheme_scores(const cn_tensor *tensor, const cn_constraint *constraint, const float *from,
                      double *scores)
{
    units u = units_of(tensor, constraint->scheme);
    if (!u.pattern) {
        sum_squares(&u, from, scores);
        return;
    }
    for (int64_t row = 0; row < u.rows; row++) {
        int64_t first = row * u.share_outputs, end = first + u.share_outputs;
        if (end > u.outputs) end = u.outputs;
        for (int64_t input = 0; input < u.inputs; input++) {
            uint16_t mask = best_pattern(&u, &constraint->patterns, from, first, end, input);
            double sum = 0;
            for (int64_t output = first; output < end; output++)
                for (int64_t place = 0; place < 9; place++) {
                    double w = (double)from[weight_at(&u, output, input, place)];
                    sum += mask >> place & 1 ? w * w : 0;
                }
            scores[unit_of(&u, first, input, 0)] = sum;
        }
    }
}

/* The value that `place` values of the array are greater than or equal to, in descending order from
 * 0; the array is reordered (Hoare's selection). */
static double select_largest(double *values, int64_t count, int64_t place)
{
    int64_t low = 0, high = count - 1;
    while (low < high) {
        double pivot = values[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (values[i] > pivot)
                i++;
            while (values[j] < pivot)
                j--;
            if (i > j) break;
            double swapped = values[i];
            values[i++] = values[j];
            values[j--] = swapped;
        }
        if (place <= j)
            high = j;
        else if (place >= i)
            low = i;
        else
            break;
    }
    return values[place];
}

/* keep[i] = whether unit i is among the `kept` with the largest scores. */
static cn_status choose_units(const double *scores, int64_t count, int64_t kept, uint8_t *keep,
                              cn_error *error)
{
    double *order = cn_calloc((size_t)count, sizeof *order);
    if (!order) return cn_fail(error, CN_ENOMEM, "out of memory for a projection");
    memcpy(order, scores, (size_t)count * sizeof *order);
    double threshold = select_largest(order, count, kept - 1);
    cn_free(order);
    int64_t ties = kept;
    for (int64_t i = 0; i < count; i++)
        ties -= scores[i] > threshold;
    for (int64_t i = 0; i < count; i++)
        keep[i] = scores[i] > threshold || (scores[i] == threshold && ties-- > 0);
    return CN_OK;
}

static cn_status remove_units(const units *u, int64_t kept, float *to, cn_error *error)
{
    double *scores = cn_calloc((size_t)u->count, sizeof *scores);
    uint8_t *keep = cn_calloc((size_t)u->count, sizeof *keep);
    cn_status status = CN_OK;
    if (scores && keep) {
        sum_squares(u, to, scores);
        status = choose_units(scores, u->count, kept, keep, error);
    } else {
        status = cn_fail(error, CN_ENOMEM, "out of memory for a projection");
    }
    if (status == CN_OK) FOR_EACH_WEIGHT(u, output, input, place)
    if (!keep[unit_of(u, output, input, place)]) to[weight_at(u, output, input, place)] = 0;
    cn_free(scores);
    cn_free(keep);
    return status;
}

cn_status cn_project_scheme(const cn_tensor *tensor, const cn_constraint *constraint,
                            const float *from, float *to, cn_error *error)
{
    units u = units_of(tensor, constraint->scheme);
    int64_t kept = cn_scheme_units_kept(tensor, constraint);
    if (u.pattern && !constraint->patterns.count)
        return cn_fail(error, CN_EINVAL,
                       "scheme '%s' needs a set of patterns, and it is empty: all of the network's "
                       "3 x 3 kernels are zero; give a set",
                       cn_scheme_name(constraint->scheme));
    if (u.pattern)
        apply_patterns(&u, &constraint->patterns, from, to);
    else
        memmove(to, from, (size_t)cn_tensor_count(tensor) * sizeof *to);
    return kept < u.count ? remove_units(&u, kept, to, error) : CN_OK;
}

cn_status cn_project(const cn_tensor *tensor, const cn_constraint *constraint, const float *from,
                     float *to, cn_error *error)
{
    cn_status status = cn_project_scheme(tensor, constraint, from, to, error);
    return status == CN_OK ? cn_project_levels(tensor, constraint, to, to, error) : status;
}
