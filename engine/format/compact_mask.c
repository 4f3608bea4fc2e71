/* An index section holds, in this order and without gaps:
 *   where rows are dropped, a bit for each row (each eight, where eight share): 1 where it stays;
 *   the position code over the units of all lines, line after line:
 *     full    nothing: every unit is there
 *     bitmap  a bit for each unit
 *     gaps    a parameter k of five bits; then the number of units that are missing before each one
 *             that is there, and before the end, as Rice codes: number >> k ones, a zero, k bits;
 *   where units are patterns, the number of patterns less one in six bits, each pattern's bits, and
 *   for each unit that is there the pattern's number in as many bits as the numbers need. */
#include "format/compact_mask.h"

#include <string.h>

#include "condense/memory.h"

enum { RICE_LIMIT = 30 };

static const char *const sharing_names[] = {"each row", "eight rows share", "all rows share"};
static const char *const unit_names[] = {"weights", "kernels", "patterns"};

const char *cn_sharing_name(cn_sharing sharing)
{
    return sharing_names[sharing];
}

const char *cn_unit_name(cn_unit unit)
{
    return unit_names[unit];
}

cn_mask cn_mask_of_shape(int32_t rank, const int32_t *dims)
{
    cn_mask mask = {.rows = 1, .channels = 1, .kernel = 1};
    if (rank > 1) mask.rows = dims[0];
    if (rank > 0) mask.channels = dims[rank > 1];
    for (int32_t i = 2; i < rank; i++)
        mask.kernel *= dims[i];
    return mask;
}

void cn_mask_clear(cn_mask *mask)
{
    cn_free(mask->line);
    cn_free(mask->used);
    cn_free(mask->stored);
    cn_free(mask->kept);
    cn_free(mask->pattern);
    cn_free(mask->hits);
    *mask = (cn_mask){.rows = mask->rows, .channels = mask->channels, .kernel = mask->kernel};
}

bool cn_layout_fits(const cn_mask *mask, cn_layout layout)
{
    if (layout.sharing != CN_SHARE_ALL && mask->rows == 1) return false;
    if (layout.sharing == CN_SHARE_EIGHT && mask->rows <= 8) return false;
    if (layout.unit != CN_UNIT_WEIGHT && mask->kernel == 1) return false;
    if (layout.unit == CN_UNIT_PATTERN) return mask->kernel <= 64;
    return layout.positions != CN_FULL ||
           (layout.sharing == CN_SHARE_ALL && layout.unit == CN_UNIT_WEIGHT);
}

static int64_t columns_of(const cn_mask *mask)
{
    return mask->channels * mask->kernel;
}

/* Units of a line. */
static int64_t units_of(const cn_mask *mask)
{
    return mask->layout.unit == CN_UNIT_WEIGHT ? columns_of(mask) : mask->channels;
}

static int64_t rows_together(const cn_mask *mask)
{
    return mask->layout.sharing == CN_SHARE_EIGHT ? 8 : 1;
}

/* Numbers the lines; stays[i]: the i-th row (or eight rows) is not dropped. */
static cn_status number_lines(cn_mask *mask, const uint8_t *stays)
{
    int64_t together = rows_together(mask), next = -1;
    mask->line = cn_calloc((size_t)mask->rows, sizeof *mask->line);
    if (!mask->line) return CN_ENOMEM;
    for (int64_t row = 0; row < mask->rows; row++) {
        bool here = stays[row / together];
        if (here && row % together == 0) next++;
        bool all = mask->layout.sharing == CN_SHARE_ALL;
        mask->line[row] = !here ? -1 : all ? 0 : (int32_t)next;
        if (here) mask->lines = mask->line[row] + 1;
    }
    return CN_OK;
}

/* The memory that depends on the number of lines. */
static cn_status make_lines(cn_mask *mask)
{
    size_t weights = (size_t)(mask->lines * columns_of(mask));
    mask->stored = cn_calloc(weights, 1);
    mask->hits = cn_calloc((size_t)columns_of(mask), 1);
    return mask->stored && mask->hits ? CN_OK : CN_ENOMEM;
}

/* By kernels, what is there is told apart from what is stored. */
static cn_status make_kernels(cn_mask *mask)
{
    size_t kernels = (size_t)(mask->lines * mask->channels);
    mask->kept = cn_calloc(kernels, 1);
    mask->pattern = cn_calloc(kernels, 1);
    return mask->kept && mask->pattern ? CN_OK : CN_ENOMEM;
}

static bool is_zero(const float *value)
{
    uint32_t bits;
    memcpy(&bits, value, sizeof bits);
    return bits == 0; /* -0 is a value like any other */
}

static cn_status find_dropped(const cn_mask *mask, const float *values, uint8_t **stays)
{
    int64_t columns = columns_of(mask), together = rows_together(mask);
    *stays = cn_calloc((size_t)(mask->rows + together - 1) / (size_t)together, 1);
    if (!*stays) return CN_ENOMEM;
    for (int64_t row = 0; row < mask->rows; row++)
        for (int64_t i = 0; i < columns && !(*stays)[row / together]; i++)
            (*stays)[row / together] =
                !mask->layout.dropped || !is_zero(values + row * columns + i);
    return CN_OK;
}

cn_status cn_mask_lines(cn_mask *mask, const float *values, cn_sharing sharing, bool dropped)
{
    cn_mask_clear(mask);
    mask->layout = (cn_layout){.sharing = sharing, .dropped = dropped};
    int64_t columns = columns_of(mask);
    uint8_t *stays;
    cn_status status = find_dropped(mask, values, &stays);
    if (!status) status = number_lines(mask, stays);
    cn_free(stays);
    if (!status) status = make_lines(mask);
    if (status) return status;
    mask->used = cn_calloc((size_t)(mask->lines * columns), 1);
    if (!mask->used) return CN_ENOMEM;
    if (mask->kernel > 1) status = make_kernels(mask);
    for (int64_t row = 0; row < mask->rows && !status; row++) {
        uint8_t *used = mask->used + mask->line[row] * columns;
        for (int64_t i = 0; i < columns && mask->line[row] >= 0; i++)
            used[i] |= !is_zero(values + row * columns + i);
    }
    return status;
}

/* The number of the pattern, which may be a new one; -1: there are too many. */
static int32_t number_pattern(cn_mask *mask, uint64_t pattern)
{
    for (int32_t i = 0; i < mask->pattern_count; i++)
        if (mask->patterns[i] == pattern) return i;
    if (mask->pattern_count == CN_PATTERNS) return -1;
    mask->patterns[mask->pattern_count] = pattern;
    return mask->pattern_count++;
}

static bool choose_kernel(cn_mask *mask, int64_t index)
{
    bool by_pattern = mask->layout.unit == CN_UNIT_PATTERN;
    const uint8_t *used = mask->used + index * mask->kernel;
    uint64_t pattern = 0;
    bool any = false;
    for (int64_t i = 0; i < mask->kernel; i++) {
        any |= used[i];
        if (by_pattern) pattern |= (uint64_t)used[i] << i;
    }
    mask->kept[index] = any || mask->layout.positions == CN_FULL;
    if (!by_pattern) {
        memset(mask->stored + index * mask->kernel, any, (size_t)mask->kernel);
    } else if (mask->kept[index]) {
        int32_t number = number_pattern(mask, pattern);
        if (number < 0) return false;
        mask->pattern[index] = (uint8_t)number;
    }
    return true;
}

bool cn_mask_units(cn_mask *mask, cn_unit unit, cn_positions positions)
{
    size_t weights = (size_t)(mask->lines * columns_of(mask));
    mask->layout.unit = unit;
    mask->layout.positions = positions;
    mask->pattern_count = 0;
    if (unit != CN_UNIT_KERNEL) memcpy(mask->stored, mask->used, weights);
    if (unit == CN_UNIT_WEIGHT) {
        if (positions == CN_FULL) memset(mask->stored, 1, weights);
        return true;
    }
    for (int64_t i = 0; i < mask->lines * mask->channels; i++)
        if (!choose_kernel(mask, i)) return false;
    return mask->pattern_count > 0 || unit == CN_UNIT_KERNEL;
}

/* The units that are there, a byte each. */
static uint8_t *units_kept(const cn_mask *mask)
{
    return mask->layout.unit == CN_UNIT_WEIGHT ? mask->stored : mask->kept;
}

static void full_write(const cn_mask *mask, cn_sink *sink)
{
    (void)mask, (void)sink;
}

static cn_status full_read(cn_mask *mask, cn_source *source)
{
    (void)source;
    memset(units_kept(mask), 1, (size_t)(mask->lines * units_of(mask)));
    return CN_OK;
}

/* A bit is likelier where the lines before have one in the same place, and beside another one. */
static cn_context *bitmap_context(cn_context contexts[8], uint8_t hits, unsigned left)
{
    return &contexts[(hits < 3 ? hits : 3) * 2 + (left != 0)];
}

static void bitmap_write(const cn_mask *mask, cn_sink *sink)
{
    cn_context contexts[8] = {0};
    const uint8_t *kept = units_kept(mask);
    int64_t units = units_of(mask);
    memset(mask->hits, 0, (size_t)units);
    for (int64_t line = 0; line < mask->lines; line++, kept += units)
        for (int64_t i = 0; i < units; i++) {
            cn_put(sink, bitmap_context(contexts, mask->hits[i], i ? kept[i - 1] : 0), kept[i]);
            if (mask->hits[i] < 3) mask->hits[i] += kept[i];
        }
}

static cn_status bitmap_read(cn_mask *mask, cn_source *source)
{
    cn_context contexts[8] = {0};
    uint8_t *kept = units_kept(mask);
    int64_t units = units_of(mask);
    for (int64_t line = 0; line < mask->lines; line++, kept += units) {
        for (int64_t i = 0; i < units; i++) {
            cn_context *c = bitmap_context(contexts, mask->hits[i], i ? kept[i - 1] : 0);
            kept[i] = (uint8_t)cn_get(source, c);
            if (mask->hits[i] < 3) mask->hits[i] += kept[i];
            if (cn_source_overrun(source)) return CN_EFORMAT;
        }
    }
    return CN_OK;
}

/* The gap from `at`: how many units are missing until the next that is there, or the end. */
static int64_t next_gap(const uint8_t *kept, int64_t at, int64_t total)
{
    const uint8_t *next = memchr(kept + at, 1, (size_t)(total - at));
    return next ? next - (kept + at) : total - at;
}

/* The Rice parameter that needs the fewest bits. */
static int best_rice(const uint8_t *kept, int64_t total)
{
    int64_t ones[RICE_LIMIT + 1] = {0}, gaps = 0;
    for (int64_t at = 0; at <= total; at++, gaps++) {
        int64_t gap = next_gap(kept, at, total);
        for (int k = 0; k <= RICE_LIMIT && gap >> k; k++)
            ones[k] += gap >> k;
        at += gap;
    }
    int best = 0;
    for (int k = 1; k <= RICE_LIMIT; k++)
        if (ones[k] + k * gaps < ones[best] + best * gaps) best = k;
    return best;
}

static cn_context *rice_context(cn_context contexts[8], int64_t ones)
{
    return &contexts[ones < 7 ? ones : 7];
}

static void gaps_write(const cn_mask *mask, cn_sink *sink)
{
    cn_context contexts[8] = {0};
    const uint8_t *kept = units_kept(mask);
    int64_t total = mask->lines * units_of(mask);
    int k = best_rice(kept, total);
    cn_put_raw(sink, 5, (uint32_t)k);
    for (int64_t at = 0; at <= total; at++) {
        int64_t gap = next_gap(kept, at, total);
        for (int64_t i = 0; i < gap >> k; i++)
            cn_put(sink, rice_context(contexts, i), 1);
        cn_put(sink, rice_context(contexts, gap >> k), 0);
        cn_put_raw(sink, k, (uint32_t)(gap & ((INT64_C(1) << k) - 1)));
        at += gap;
    }
}

static cn_status gaps_read(cn_mask *mask, cn_source *source)
{
    cn_context contexts[8] = {0};
    uint8_t *kept = units_kept(mask);
    int64_t total = mask->lines * units_of(mask);
    int k = (int)cn_get_raw(source, 5);
    if (k > RICE_LIMIT) return CN_EFORMAT;
    for (int64_t at = 0; at <= total; at++) {
        int64_t ones = 0;
        while (cn_get(source, rice_context(contexts, ones)))
            if (++ones << k > total - at || cn_source_overrun(source)) return CN_EFORMAT;
        int64_t gap = ones << k | cn_get_raw(source, k);
        if (gap > total - at || cn_source_overrun(source)) return CN_EFORMAT;
        at += gap;
        if (at < total) kept[at] = 1;
    }
    return CN_OK;
}

static const struct {
    const char *name;
    void (*write)(const cn_mask *mask, cn_sink *sink);
    cn_status (*read)(cn_mask *mask, cn_source *source);
} position_codes[CN_POSITIONS] = {[CN_FULL] = {"full", full_write, full_read},
                                  [CN_BITMAP] = {"bitmap", bitmap_write, bitmap_read},
                                  [CN_GAPS] = {"gaps", gaps_write, gaps_read}};

const char *cn_positions_name(cn_positions positions)
{
    return position_codes[positions].name;
}

static void patterns_write(const cn_mask *mask, cn_sink *sink)
{
    cn_context tree[CN_PATTERNS] = {0};
    int low = mask->kernel < 32 ? (int)mask->kernel : 32;
    int width = cn_bits_of((uint32_t)mask->pattern_count);
    cn_put_raw(sink, 6, (uint32_t)mask->pattern_count - 1);
    for (int32_t i = 0; i < mask->pattern_count; i++) {
        cn_put_raw(sink, low, (uint32_t)mask->patterns[i]);
        cn_put_raw(sink, (int)mask->kernel - low, (uint32_t)(mask->patterns[i] >> 32));
    }
    for (int64_t i = 0; i < mask->lines * mask->channels; i++)
        if (mask->kept[i]) cn_put_tree(sink, tree, width, mask->pattern[i]);
}

static cn_status patterns_read(cn_mask *mask, cn_source *source)
{
    cn_context tree[CN_PATTERNS] = {0};
    int low = mask->kernel < 32 ? (int)mask->kernel : 32;
    mask->pattern_count = (int32_t)cn_get_raw(source, 6) + 1;
    int width = cn_bits_of((uint32_t)mask->pattern_count);
    for (int32_t i = 0; i < mask->pattern_count; i++) {
        mask->patterns[i] = cn_get_raw(source, low);
        mask->patterns[i] |= (uint64_t)cn_get_raw(source, (int)mask->kernel - low) << 32;
    }
    for (int64_t i = 0; i < mask->lines * mask->channels; i++) {
        if (!mask->kept[i]) continue;
        uint32_t number = cn_get_tree(source, tree, width);
        if (number >= (uint32_t)mask->pattern_count || cn_source_overrun(source)) return CN_EFORMAT;
        for (int64_t k = 0; k < mask->kernel; k++)
            mask->stored[i * mask->kernel + k] = mask->patterns[number] >> k & 1;
    }
    return CN_OK;
}

void cn_mask_write(const cn_mask *mask, cn_sink *sink)
{
    cn_context context = {0};
    int64_t together = rows_together(mask);
    for (int64_t row = 0; row < mask->rows && mask->layout.dropped; row += together)
        cn_put(sink, &context, mask->line[row] >= 0);
    position_codes[mask->layout.positions].write(mask, sink);
    if (mask->layout.unit == CN_UNIT_PATTERN) patterns_write(mask, sink);
}

static cn_status read_dropped(cn_mask *mask, cn_source *source)
{
    cn_context context = {0};
    int64_t count = (mask->rows + rows_together(mask) - 1) / rows_together(mask);
    uint8_t *stays = cn_calloc((size_t)count, 1);
    if (!stays) return CN_ENOMEM;
    for (int64_t i = 0; i < count; i++)
        stays[i] = !mask->layout.dropped || cn_get(source, &context);
    cn_status status = cn_source_overrun(source) ? CN_EFORMAT : number_lines(mask, stays);
    cn_free(stays);
    return status;
}

cn_status cn_mask_read(cn_mask *mask, cn_source *source)
{
    if (!cn_layout_fits(mask, mask->layout)) return CN_EFORMAT;
    cn_unit unit = mask->layout.unit;
    cn_status status = read_dropped(mask, source);
    if (!status) status = make_lines(mask);
    if (!status && unit != CN_UNIT_WEIGHT) status = make_kernels(mask);
    if (!status) status = position_codes[mask->layout.positions].read(mask, source);
    if (!status && unit == CN_UNIT_PATTERN) status = patterns_read(mask, source);
    for (int64_t i = 0; i < mask->lines * mask->channels && !status && unit == CN_UNIT_KERNEL; i++)
        memset(mask->stored + i * mask->kernel, mask->kept[i], (size_t)mask->kernel);
    return status;
}

const uint8_t *cn_mask_row(const cn_mask *mask, int64_t row)
{
    int32_t line = mask->line[row];
    return line < 0 ? NULL : mask->stored + line * columns_of(mask);
}
