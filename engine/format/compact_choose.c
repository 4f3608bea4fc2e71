#include "format/compact_choose.h"

#include <string.h>

#include "condense/memory.h"

void cn_encoder_gather(cn_encoder *e)
{
    const cn_mask *mask = &e->mask;
    int64_t columns = mask->channels * mask->kernel, count = 0;
    for (int64_t row = 0; row < mask->rows; row++) {
        const uint8_t *stored = cn_mask_row(mask, row);
        const float *from = e->tensor->data + row * columns;
        e->values.begin[row] = count;
        for (int64_t i = 0; i < columns && stored; i++)
            if (stored[i]) e->values.data[count++] = from[i];
    }
    e->values.begin[mask->rows] = count;
}

static int64_t value_count(const cn_encoder *e)
{
    return e->values.begin[e->values.rows];
}

size_t cn_plan_bytes(const cn_plan *plan)
{
    return plan->index_bytes + plan->value_bytes;
}

static size_t index_size(const cn_mask *mask, bool range)
{
    cn_sink sink = cn_sink_begin(NULL, range);
    cn_mask_write(mask, &sink);
    cn_sink_end(&sink);
    return sink.size;
}

static size_t value_size(const cn_values *values, const cn_coding *coding, bool range)
{
    cn_sink sink = cn_sink_begin(NULL, range);
    cn_values_write(values, coding, &sink);
    cn_sink_end(&sink);
    return sink.size;
}

/* sizes[per row][code]: bytes of the values; SIZE_MAX for codes that are not useful or do not fit.
 */
typedef size_t value_sizes[2][CN_VALUE_CODES];

static cn_status measure_parts(const cn_encoder *e, bool per_row, bool range, size_t *sizes)
{
    cn_palette *palettes = NULL;
    cn_status status = CN_OK;
    for (int code = CN_VALUE_FLOAT + 1; code < CN_VALUE_CODES && !status; code++) {
        if (!e->useful[per_row][code]) continue;
        if (!palettes) status = cn_palettes_make(&e->values, per_row, &palettes);
        if (!palettes) break;
        cn_coding coding = {.code = (cn_value_code)code, .per_row = per_row, .palettes = palettes};
        bool fits = false;
        status = cn_coding_fit(&coding, &e->values, &fits);
        if (fits) sizes[code] = value_size(&e->values, &coding, range);
        cn_coding_clear(&coding);
    }
    cn_free(palettes);
    return status;
}

static cn_status measure_values(const cn_encoder *e, bool range, value_sizes sizes)
{
    static const cn_coding as_it_is = {.code = CN_VALUE_FLOAT};
    for (int i = 0; i < 2 * CN_VALUE_CODES; i++)
        sizes[i / CN_VALUE_CODES][i % CN_VALUE_CODES] = SIZE_MAX;
    sizes[0][CN_VALUE_FLOAT] = value_size(&e->values, &as_it_is, range);
    cn_status status = measure_parts(e, false, range, sizes[0]);
    return status ? status : measure_parts(e, true, range, sizes[1]);
}

/* Takes the smallest of the sizes where it is smaller than the plan's. */
static void take_smallest(cn_plan *p, value_sizes sizes, bool range)
{
    for (int i = 0; i < 2 * CN_VALUE_CODES; i++) {
        size_t bytes = sizes[i / CN_VALUE_CODES][i % CN_VALUE_CODES];
        if (bytes >= p->value_bytes) continue;
        p->value_bytes = bytes;
        p->code = (cn_value_code)(i % CN_VALUE_CODES);
        p->per_row = i >= CN_VALUE_CODES;
        p->value_range = range;
    }
}

/* The same through the range coder, index and values each where that is smaller. */
static cn_status squeeze(const cn_encoder *e, cn_plan *p)
{
    value_sizes sizes;
    size_t index_bytes = index_size(&e->mask, true);
    cn_status status = measure_values(e, true, sizes);
    if (status) return status;
    take_smallest(p, sizes, true);
    if (index_bytes < p->index_bytes) {
        p->index_bytes = index_bytes;
        p->index_range = true;
    }
    return CN_OK;
}

/* The packed bytes from which on a layout is of no interest. */
static size_t limit(const cn_encoder *e)
{
    return e->entropy && e->packed_bytes < SIZE_MAX / 2 ? 2 * e->packed_bytes : e->packed_bytes;
}

/* Tries the layout of the encoder's mask. */
static cn_status try_layout(cn_encoder *e)
{
    cn_plan p = {.layout = e->mask.layout,
                 .index_bytes = index_size(&e->mask, false),
                 .value_bytes = SIZE_MAX};
    if (p.index_bytes + e->least_values >= limit(e)) return CN_OK;
    cn_encoder_gather(e);
    size_t least = (size_t)value_count(e) / 8 * (e->quantized ? e->least_bits : 32);
    if (p.index_bytes + least >= limit(e)) return CN_OK;
    value_sizes sizes;
    cn_status status = measure_values(e, false, sizes);
    if (status) return status;
    take_smallest(&p, sizes, false);
    if (cn_plan_bytes(&p) < e->packed_bytes) e->packed_bytes = cn_plan_bytes(&p);
    if (e->entropy && cn_plan_bytes(&p) <= limit(e)) status = squeeze(e, &p);
    if (cn_plan_bytes(&p) < cn_plan_bytes(&e->best)) e->best = p;
    return status;
}

static cn_status try_layouts(cn_encoder *e, cn_sharing sharing, bool dropped)
{
    cn_status status = cn_mask_lines(&e->mask, e->tensor->data, sharing, dropped);
    for (int i = 0; i < CN_UNITS * CN_POSITIONS && !status; i++) {
        cn_layout layout = {.sharing = sharing,
                            .unit = (cn_unit)(i / CN_POSITIONS),
                            .positions = (cn_positions)(i % CN_POSITIONS),
                            .dropped = dropped};
        if (cn_layout_fits(&e->mask, layout) &&
            cn_mask_units(&e->mask, layout.unit, layout.positions))
            status = try_layout(e);
    }
    return status;
}

/* The fewest bits that a code for the values must spend on one of them, by how many different
 * values the parts have. */
static cn_status find_least_bits(cn_encoder *e, bool per_row)
{
    cn_palette *palettes;
    cn_status status = cn_palettes_make(&e->values, per_row, &palettes);
    if (!palettes) return status;
    for (int64_t i = 0; i < cn_values_parts(&e->values, per_row); i++) {
        uint32_t bits = (uint32_t)cn_bits_of((uint32_t)palettes[i].count);
        if (palettes[i].count && bits < e->least_bits) e->least_bits = bits;
    }
    cn_free(palettes);
    return status;
}

/* Finds the codes that are worth trying, on the values that are not zero. A row's own list or scale
 * pays from a few values a row on. */
static cn_status find_useful(cn_encoder *e)
{
    bool one = e->mask.rows == 1;
    cn_status status =
        cn_mask_lines(&e->mask, e->tensor->data, one ? CN_SHARE_ALL : CN_SHARE_NONE, false);
    if (status) return status;
    cn_mask_units(&e->mask, CN_UNIT_WEIGHT, CN_BITMAP);
    cn_encoder_gather(e);
    bool rows = !one && value_count(e) >= 2 * e->mask.rows;
    for (int code = CN_VALUE_FLOAT + 1; code < CN_VALUE_CODES; code++) {
        e->useful[false][code] = true;
        e->useful[true][code] = rows;
    }
    value_sizes sizes;
    cn_plan p = {.value_bytes = SIZE_MAX};
    status = measure_values(e, false, sizes);
    if (status) return status;
    take_smallest(&p, sizes, false);
    for (int i = 0; i < 2 * CN_VALUE_CODES; i++)
        e->useful[i / CN_VALUE_CODES][i % CN_VALUE_CODES] =
            sizes[i / CN_VALUE_CODES][i % CN_VALUE_CODES] < sizes[0][CN_VALUE_FLOAT];
    e->quantized = p.code != CN_VALUE_FLOAT;
    e->least_values = p.value_bytes;
    e->least_bits = 32;
    if (e->quantized) status = find_least_bits(e, false);
    if (e->quantized && rows && !status) status = find_least_bits(e, true);
    return status;
}

static bool any_zero(const cn_tensor *tensor)
{
    static const float zero;
    int64_t count = cn_tensor_count(tensor);
    for (int64_t i = 0; i < count; i++)
        if (!memcmp(&tensor->data[i], &zero, sizeof zero)) return true;
    return false;
}

cn_status cn_encoder_begin(cn_encoder *e, const cn_tensor *tensor, bool entropy)
{
    *e = (cn_encoder){.tensor = tensor,
                      .entropy = entropy,
                      .mask = cn_mask_of_shape(tensor->rank, tensor->dims),
                      .packed_bytes = SIZE_MAX,
                      .best = {.value_bytes = SIZE_MAX}};
    e->values.rows = e->mask.rows;
    e->values.data = cn_calloc((size_t)cn_tensor_count(tensor), sizeof *e->values.data);
    e->values.begin = cn_calloc((size_t)e->mask.rows + 1, sizeof *e->values.begin);
    if (!e->values.data || !e->values.begin) return CN_ENOMEM;
    bool sparse = any_zero(tensor); /* else only the full layout, shared by all, can be smallest */
    cn_status status = find_useful(e);
    for (int sharing = sparse ? 0 : CN_SHARE_ALL; sharing < CN_SHARINGS && !status; sharing++)
        for (int dropped = 0; dropped <= sparse && !status; dropped++)
            status = try_layouts(e, (cn_sharing)sharing, dropped);
    return status;
}

void cn_encoder_end(cn_encoder *e)
{
    cn_mask_clear(&e->mask);
    cn_free(e->values.data);
    cn_free(e->values.begin);
}
