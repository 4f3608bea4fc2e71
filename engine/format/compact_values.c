/* A value section holds a header, then, for each part that has values, what the part needs and a
 * code for each value:
 *   float32   no header. The eight bits of the exponent, then sign and fraction in 24 bits.
 *   codebook  no header. A part: the number of different values less one in eight bits, their 32
 *             bits each, and numbers in that list in as few bits as it needs.
 *   levels    value = (float)(level * scale), worked out in double precision. Header: the lowest
 *             level in 16 bits (two's complement); the width of codes in four; in two which levels
 *             have codes: 0 all from the lowest on, 1 all but level 0, 2 each second; a bit that is
 *             1 where scales are float64 and not float32. A part: its scale.
 *   powers    value = base * 2^code. Header: the width of codes in four bits, a bit that is 1
 *             where each code is followed by a sign. A part: its base, a float32. */
#include "format/compact_values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"

enum { LONGEST_CODE = 8, TREE = 1 << LONGEST_CODE, LEVEL_LIMIT = 32767, FIRST_LEVELS = 128 };

static uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int64_t cn_values_parts(const cn_values *values, bool per_row)
{
    return per_row ? values->rows : 1;
}

/* A part's values and how many there are. */
static int64_t part(const cn_values *values, bool per_row, int64_t index, float **data)
{
    int64_t begin = per_row ? values->begin[index] : 0;
    *data = values->data + begin;
    return (per_row ? values->begin[index + 1] : values->begin[values->rows]) - begin;
}

/* Where `bits` is in the palette, or would have to go. */
static int32_t palette_place(const cn_palette *palette, uint32_t bits)
{
    int32_t low = 0, high = palette->count;
    while (low < high) {
        int32_t middle = (low + high) / 2;
        if (palette->bits[middle] < bits)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool palette_add(cn_palette *palette, uint32_t bits)
{
    int32_t at = palette_place(palette, bits);
    if (at < palette->count && palette->bits[at] == bits) return true;
    if (palette->count == 256) return false;
    memmove(palette->bits + at + 1, palette->bits + at,
            (size_t)(palette->count - at) * sizeof *palette->bits);
    palette->bits[at] = bits;
    palette->count++;
    return true;
}

/* All of a part's values; false where they are too many. Values that were there before are mostly
 * known by a table of the last ones with like bits, without a search. */
static bool palette_fill(cn_palette *palette, const float *data, int64_t count)
{
    enum { KNOWN = 1024 };
    uint64_t known[KNOWN] = {0}; /* bits, and one more above them where there are any */
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits = bits_of_float(data[i]);
        uint64_t *slot = &known[bits * UINT32_C(2654435769) >> 22], mark = (uint64_t)1 << 32 | bits;
        if (*slot == mark) continue;
        if (!palette_add(palette, bits)) return false;
        *slot = mark;
    }
    return true;
}

cn_status cn_palettes_make(const cn_values *values, bool per_row, cn_palette **palettes)
{
    int64_t parts = cn_values_parts(values, per_row);
    *palettes = cn_calloc((size_t)parts, sizeof **palettes);
    if (!*palettes) return CN_ENOMEM;
    bool few = true;
    for (int64_t p = 0; p < parts && few; p++) {
        float *data;
        int64_t count = part(values, per_row, p, &data);
        few = palette_fill(&(*palettes)[p], data, count);
    }
    if (few) return CN_OK;
    cn_free(*palettes);
    *palettes = NULL;
    return CN_OK;
}

static void float_write(const cn_values *values, const cn_coding *coding, cn_sink *sink)
{
    (void)coding;
    cn_context tree[TREE] = {0};
    for (int64_t i = 0; i < values->begin[values->rows]; i++) {
        uint32_t bits = bits_of_float(values->data[i]);
        cn_put_tree(sink, tree, 8, bits >> 23 & 0xff);
        cn_put_raw(sink, 24, (bits >> 31) << 23 | (bits & 0x7fffff));
    }
}

static cn_status float_read(cn_values *values, bool per_row, cn_source *source)
{
    cn_context tree[TREE] = {0};
    for (int64_t i = 0; i < values->begin[values->rows]; i++) {
        uint32_t exponent = cn_get_tree(source, tree, 8), rest = cn_get_raw(source, 24);
        values->data[i] = float_of_bits((rest >> 23) << 31 | exponent << 23 | (rest & 0x7fffff));
        if (cn_source_overrun(source)) return CN_EFORMAT;
    }
    return per_row ? CN_EFORMAT : CN_OK;
}

static bool codebook_fit(cn_coding *coding, int64_t parts)
{
    (void)coding, (void)parts;
    return true;
}

static void codebook_write(const cn_values *values, const cn_coding *coding, cn_sink *sink)
{
    cn_context tree[TREE] = {0};
    for (int64_t p = 0; p < cn_values_parts(values, coding->per_row); p++) {
        const cn_palette *palette = &coding->palettes[p];
        float *data;
        int64_t count = part(values, coding->per_row, p, &data);
        if (!count) continue;
        int width = cn_bits_of((uint32_t)palette->count);
        cn_put_raw(sink, 8, (uint32_t)palette->count - 1);
        for (int32_t i = 0; i < palette->count; i++)
            cn_put_raw(sink, 32, palette->bits[i]);
        for (int64_t i = 0; i < count; i++)
            cn_put_tree(sink, tree, width,
                        (uint32_t)palette_place(palette, bits_of_float(data[i])));
    }
}

static cn_status codebook_read(cn_values *values, bool per_row, cn_source *source)
{
    cn_context tree[TREE] = {0};
    for (int64_t p = 0; p < cn_values_parts(values, per_row); p++) {
        uint32_t palette[256];
        float *data;
        int64_t count = part(values, per_row, p, &data);
        if (!count) continue;
        uint32_t different = cn_get_raw(source, 8) + 1;
        int width = cn_bits_of(different);
        for (uint32_t i = 0; i < different; i++)
            palette[i] = cn_get_raw(source, 32);
        for (int64_t i = 0; i < count; i++) {
            uint32_t code = cn_get_tree(source, tree, width);
            if (code >= different || cn_source_overrun(source)) return CN_EFORMAT;
            data[i] = float_of_bits(palette[code]);
        }
    }
    return CN_OK;
}

/* The smallest value that is not 0, without sign; 0 where there is none. False where a value is not
 * finite. */
static bool smallest(const cn_palette *palette, float *least)
{
    *least = 0;
    for (int32_t i = 0; i < palette->count; i++) {
        float size = fabsf(float_of_bits(palette->bits[i]));
        if (!isfinite(size)) return false;
        if (size > 0 && (*least == 0 || size < *least)) *least = size;
    }
    return true;
}

static bool all_levels(const cn_palette *palette, double scale)
{
    for (int32_t i = 0; i < palette->count; i++) {
        double level = rint(float_of_bits(palette->bits[i]) / scale);
        if (!(fabs(level) <= LEVEL_LIMIT)) return false;
        /* + 0.0: a level of -0 is 0 */
        if (bits_of_float((float)((level + 0.0) * scale)) != palette->bits[i]) return false;
    }
    return true;
}

/* The scale near `guess` that gives every value of the palette by rounding: each value allows an
 * interval of scales, and one in all of them is taken, a float where there is one. */
static bool refine_scale(const cn_palette *palette, double guess, double *scale)
{
    double low = 0, high = HUGE_VAL;
    for (int32_t i = 0; i < palette->count && low <= high; i++) {
        float size = fabsf(float_of_bits(palette->bits[i]));
        double level = rint(size / guess);
        if (size == 0) continue;
        if (!(level >= 1 && level <= LEVEL_LIMIT)) return false;
        low = fmax(low, ((double)size + nextafterf(size, 0)) / 2 / level);
        high = fmin(high, ((double)size + nextafterf(size, HUGE_VALF)) / 2 / level);
    }
    double middle = low + (high - low) / 2;
    const double choices[] = {(float)middle, nextafterf((float)middle, 0),
                              nextafterf((float)middle, HUGE_VALF), middle};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (low <= high && choices[i] > 0 && all_levels(palette, *scale = choices[i])) return true;
    return false;
}

/* The scale of a palette: its smallest value may be any of the first levels. */
static bool find_scale(const cn_palette *palette, double *scale)
{
    float least;
    if (!smallest(palette, &least)) return false;
    *scale = 1;
    if (least == 0) return all_levels(palette, *scale);
    for (int level = 1; level <= FIRST_LEVELS; level++)
        if (refine_scale(palette, (double)least / level, scale)) return true;
    return false;
}

static int32_t level_of(float value, double scale)
{
    return (int32_t)rint(value / scale);
}

static uint32_t code_of_level(cn_steps steps, int32_t first, int32_t level)
{
    if (steps == CN_STEPS_SECOND) return (uint32_t)(level - first) / 2;
    return (uint32_t)(level - first - (steps == CN_STEPS_NO_ZERO && level > 0));
}

static int32_t level_of_code(cn_steps steps, int32_t first, uint32_t code)
{
    int32_t level = first + (int32_t)code;
    if (steps == CN_STEPS_SECOND) return level + (int32_t)code;
    return level + (steps == CN_STEPS_NO_ZERO && level >= 0);
}

/* Finds the parts' scales, their lowest and highest level, and which levels there are. */
static bool find_levels(cn_coding *coding, int64_t parts, int32_t *first, int32_t *last)
{
    bool zero = false, odd = true;
    for (int64_t p = 0; p < parts; p++) {
        const cn_palette *palette = &coding->palettes[p];
        if (!palette->count) continue;
        if (!find_scale(palette, &coding->scales[p])) return false;
        coding->wide |= coding->scales[p] != (double)(float)coding->scales[p];
        for (int32_t i = 0; i < palette->count; i++) {
            int32_t level = level_of(float_of_bits(palette->bits[i]), coding->scales[p]);
            if (level < *first) *first = level;
            if (level > *last) *last = level;
            zero |= level == 0;
            odd &= level % 2 != 0;
        }
    }
    bool no_zero = !zero && *first < 0 && *last > 0;
    coding->steps = odd ? CN_STEPS_SECOND : no_zero ? CN_STEPS_NO_ZERO : CN_STEPS_ALL;
    return true;
}

static bool levels_fit(cn_coding *coding, int64_t parts)
{
    int32_t first = LEVEL_LIMIT, last = -LEVEL_LIMIT;
    if (!find_levels(coding, parts, &first, &last)) return false;
    uint32_t highest = first > last ? 0 : code_of_level(coding->steps, first, last);
    coding->first = first;
    coding->width = cn_bits_of(highest + 1);
    return coding->width <= LONGEST_CODE;
}

static void levels_write(const cn_values *values, const cn_coding *coding, cn_sink *sink)
{
    cn_context tree[TREE] = {0};
    cn_put_raw(sink, 16, (uint16_t)coding->first);
    cn_put_raw(sink, 4, (uint32_t)coding->width);
    cn_put_raw(sink, 2, coding->steps);
    cn_put_raw(sink, 1, coding->wide);
    for (int64_t p = 0; p < cn_values_parts(values, coding->per_row); p++) {
        float *data;
        int64_t count = part(values, coding->per_row, p, &data);
        double scale = coding->scales[p];
        uint64_t bits;
        memcpy(&bits, &scale, sizeof bits);
        if (!count) continue;
        cn_put_raw(sink, 32, coding->wide ? (uint32_t)bits : bits_of_float((float)scale));
        if (coding->wide) cn_put_raw(sink, 32, (uint32_t)(bits >> 32));
        for (int64_t i = 0; i < count; i++)
            cn_put_tree(sink, tree, coding->width,
                        code_of_level(coding->steps, coding->first, level_of(data[i], scale)));
    }
}

static double scale_read(cn_source *source, bool wide)
{
    uint64_t bits = cn_get_raw(source, 32);
    double scale;
    if (!wide) return float_of_bits((uint32_t)bits);
    bits |= (uint64_t)cn_get_raw(source, 32) << 32;
    memcpy(&scale, &bits, sizeof scale);
    return scale;
}

static cn_status levels_read(cn_values *values, bool per_row, cn_source *source)
{
    cn_context tree[TREE] = {0};
    int32_t first = (int16_t)cn_get_raw(source, 16);
    int width = (int)cn_get_raw(source, 4);
    cn_steps steps = (cn_steps)cn_get_raw(source, 2);
    bool wide = cn_get_raw(source, 1);
    if (width > LONGEST_CODE || steps >= CN_STEPS) return CN_EFORMAT;
    for (int64_t p = 0; p < cn_values_parts(values, per_row); p++) {
        float *data;
        int64_t count = part(values, per_row, p, &data);
        double scale = count ? scale_read(source, wide) : 0;
        for (int64_t i = 0; i < count; i++) {
            uint32_t code = cn_get_tree(source, tree, width);
            if (cn_source_overrun(source)) return CN_EFORMAT;
            data[i] = (float)(level_of_code(steps, first, code) * scale);
        }
    }
    return CN_OK;
}

/* The power of two that takes `base` to `value`, signs apart; -1 where none does. */
static int power_of(float base, float value)
{
    int from, to;
    if (frexpf(fabsf(base), &from) != frexpf(fabsf(value), &to)) return -1;
    return to - from;
}

static bool powers_fit(cn_coding *coding, int64_t parts)
{
    int last = 0;
    for (int64_t p = 0; p < parts; p++) {
        const cn_palette *palette = &coding->palettes[p];
        float least;
        if (!palette->count) continue;
        if (!smallest(palette, &least) || least == 0) return false;
        /* Bits rise from positive to negative values. */
        bool negative = palette->bits[0] >> 31;
        coding->signs |= (palette->bits[palette->count - 1] >> 31) != negative;
        coding->scales[p] = negative ? -least : least;
        for (int32_t i = 0; i < palette->count; i++) {
            float value = float_of_bits(palette->bits[i]);
            int power = value == 0 ? -1 : power_of(least, value);
            if (power < 0) return false;
            if (power > last) last = power;
        }
    }
    coding->width = cn_bits_of((uint32_t)last + 1);
    return coding->width <= LONGEST_CODE;
}

static void powers_write(const cn_values *values, const cn_coding *coding, cn_sink *sink)
{
    cn_context tree[TREE] = {0}, sign = {0};
    cn_put_raw(sink, 4, (uint32_t)coding->width);
    cn_put_raw(sink, 1, coding->signs);
    for (int64_t p = 0; p < cn_values_parts(values, coding->per_row); p++) {
        float *data;
        int64_t count = part(values, coding->per_row, p, &data);
        if (!count) continue;
        float base = (float)coding->scales[p];
        if (coding->signs) base = fabsf(base);
        cn_put_raw(sink, 32, bits_of_float(base));
        for (int64_t i = 0; i < count; i++) {
            cn_put_tree(sink, tree, coding->width, (uint32_t)power_of(base, data[i]));
            if (coding->signs) cn_put(sink, &sign, signbit(data[i]) != 0);
        }
    }
}

static cn_status powers_read(cn_values *values, bool per_row, cn_source *source)
{
    cn_context tree[TREE] = {0}, sign = {0};
    int width = (int)cn_get_raw(source, 4);
    bool signs = cn_get_raw(source, 1);
    if (width > LONGEST_CODE) return CN_EFORMAT;
    for (int64_t p = 0; p < cn_values_parts(values, per_row); p++) {
        float *data;
        int64_t count = part(values, per_row, p, &data);
        float base = count ? float_of_bits(cn_get_raw(source, 32)) : 0;
        for (int64_t i = 0; i < count; i++) {
            float value = ldexpf(base, (int)cn_get_tree(source, tree, width));
            if (cn_source_overrun(source)) return CN_EFORMAT;
            data[i] = signs && cn_get(source, &sign) ? -value : value;
        }
    }
    return CN_OK;
}

static const struct {
    const char *name;
    bool (*fit)(cn_coding *coding, int64_t parts);
    void (*write)(const cn_values *values, const cn_coding *coding, cn_sink *sink);
    cn_status (*read)(cn_values *values, bool per_row, cn_source *source);
} codes[CN_VALUE_CODES] = {
    [CN_VALUE_FLOAT] = {"float32", NULL, float_write, float_read},
    [CN_VALUE_CODEBOOK] = {"codebook", codebook_fit, codebook_write, codebook_read},
    [CN_VALUE_LEVELS] = {"levels", levels_fit, levels_write, levels_read},
    [CN_VALUE_POWERS] = {"powers of two", powers_fit, powers_write, powers_read}};

const char *cn_value_code_name(cn_value_code code)
{
    return codes[code].name;
}

cn_status cn_coding_fit(cn_coding *coding, const cn_values *values, bool *fits)
{
    int64_t parts = cn_values_parts(values, coding->per_row);
    coding->scales = cn_calloc((size_t)parts, sizeof *coding->scales);
    if (!coding->scales) return CN_ENOMEM;
    *fits = codes[coding->code].fit(coding, parts);
    return CN_OK;
}

void cn_coding_clear(cn_coding *coding)
{
    cn_free(coding->scales);
    *coding = (cn_coding){0};
}

void cn_values_write(const cn_values *values, const cn_coding *coding, cn_sink *sink)
{
    codes[coding->code].write(values, coding, sink);
}

cn_status cn_values_read(cn_values *values, cn_value_code code, bool per_row, cn_source *source)
{
    return codes[code].read(values, per_row, source);
}
