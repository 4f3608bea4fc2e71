#include "lr/attributes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LAYER(name, kind, field)                                                                   \
    {                                                                                              \
        name, CN_ATTRIBUTE_##kind, offsetof(cn_layer, field), false                                \
    }
#define NEEDED(name, kind, field)                                                                  \
    {                                                                                              \
        name, CN_ATTRIBUTE_##kind, offsetof(cn_layer, field), true                                 \
    }
#define PICTURE(name, kind, field)                                                                 \
    {                                                                                              \
        name, CN_ATTRIBUTE_##kind, offsetof(cn_preprocess, field), false                           \
    }

enum { MOST = 8 }; /* attributes of one operator */

static const cn_attribute input_rows[] = {NEEDED("channels", WHOLE, shape.c),
                                          NEEDED("height", WHOLE, shape.h),
                                          NEEDED("width", WHOLE, shape.w)};
static const cn_attribute conv_rows[] = {NEEDED("out", WHOLE, units),
                                         NEEDED("kernel", PAIR, window.kernel_h),
                                         LAYER("stride", PAIR, window.stride_h),
                                         LAYER("pad", PADDING, window.pad_top),
                                         LAYER("groups", WHOLE, groups),
                                         LAYER("dilation", PAIR, window.dilation_h),
                                         LAYER("bias", BOOL, bias)};
static const cn_attribute fc_rows[] = {NEEDED("out", WHOLE, units), LAYER("bias", BOOL, bias)};
static const cn_attribute max_pool_rows[] = {
    NEEDED("kernel", PAIR, window.kernel_h), LAYER("stride", PAIR, window.stride_h),
    LAYER("pad", PADDING, window.pad_top), LAYER("ceil", BOOL, ceil_mode)};
static const cn_attribute avg_pool_rows[] = {
    NEEDED("kernel", PAIR, window.kernel_h), LAYER("stride", PAIR, window.stride_h),
    LAYER("pad", PADDING, window.pad_top), LAYER("ceil", BOOL, ceil_mode),
    LAYER("count_padding", BOOL, count_padding)};
static const cn_attribute batch_norm_rows[] = {LAYER("epsilon", REAL, epsilon)};
static const cn_attribute lrn_rows[] = {LAYER("size", WHOLE, lrn_size),
                                        LAYER("alpha", REAL, lrn_alpha),
                                        LAYER("beta", REAL, lrn_beta), LAYER("k", REAL, lrn_k)};
static const cn_attribute dropout_rows[] = {LAYER("rate", REAL, rate)};
static const cn_attribute pad_rows[] = {NEEDED("pad", PADDING, window.pad_top)};
static const cn_attribute resize_rows[] = {NEEDED("size", PAIR, resize_h),
                                           LAYER("mode", RESIZE, resize)};
static const cn_attribute pixel_shuffle_rows[] = {NEEDED("factor", WHOLE, factor)};
static const cn_attribute preprocess_rows[] = {
    PICTURE("resize", WHOLE, resize), PICTURE("squash", BOOL, squash), PICTURE("crop", WHOLE, crop),
    PICTURE("order", ORDER, bgr),     PICTURE("mean", TRIPLE, mean),   PICTURE("std", TRIPLE, std)};

#define TABLE(rows)                                                                                \
    {                                                                                              \
        rows, sizeof rows / sizeof *rows                                                           \
    }

cn_attributes cn_operator_attributes(cn_op op)
{
    static const cn_attributes tables[CN_OP_COUNT] = {
        [CN_OP_INPUT] = TABLE(input_rows),
        [CN_OP_CONV] = TABLE(conv_rows),
        [CN_OP_FC] = TABLE(fc_rows),
        [CN_OP_MAX_POOL] = TABLE(max_pool_rows),
        [CN_OP_AVG_POOL] = TABLE(avg_pool_rows),
        [CN_OP_BATCH_NORM] = TABLE(batch_norm_rows),
        [CN_OP_LRN] = TABLE(lrn_rows),
        [CN_OP_DROPOUT] = TABLE(dropout_rows),
        [CN_OP_PAD] = TABLE(pad_rows),
        [CN_OP_RESIZE] = TABLE(resize_rows),
        [CN_OP_PIXEL_SHUFFLE] = TABLE(pixel_shuffle_rows),
    };
    return tables[op];
}

cn_attributes cn_preprocess_attributes(void)
{
    return (cn_attributes)TABLE(preprocess_rows);
}

/* `count` whole numbers from a number (which stands for all) or a list; of a list of `count` / 2,
 * each stands for two neighbours. */
static bool read_wholes(cn_builder *builder, const cn_value *value, cn_place at, int32_t count,
                        int32_t *out)
{
    if (value->kind != CN_VALUE_LIST) {
        if (!cn_value_whole(builder, value, at, &out[0])) return false;
        for (int32_t i = 1; i < count; i++)
            out[i] = out[0];
        return true;
    }
    if (value->count != count && value->count * 2 != count)
        return cn_text_fail(builder->text, CN_EFORMAT, at, "a list of %d; it should have %s%d",
                            value->count, count == 4 ? "2 or " : "", count);
    int32_t each = count / value->count;
    for (int32_t i = 0; i < count; i++)
        if (!cn_value_whole(builder, &value->items[i / each], at, &out[i])) return false;
    return true;
}

static bool read_reals(cn_builder *builder, const cn_value *value, cn_place at, int32_t count,
                       float *out)
{
    if (value->kind == CN_VALUE_LIST && value->count != count)
        return cn_text_fail(builder->text, CN_EFORMAT, at, "a list of %d; it should have %d",
                            value->count, count);
    for (int32_t i = 0; i < count; i++) {
        const cn_value *item = value->kind == CN_VALUE_LIST ? &value->items[i] : value;
        if (item->kind != CN_VALUE_NUMBER)
            return cn_text_fail(builder->text, CN_EFORMAT, at, "a number expected and this is %s",
                                cn_value_kind_name(item->kind));
        out[i] = (float)item->number;
        if (!isfinite(out[i]))
            return cn_text_fail(builder->text, CN_EFORMAT, at, "%g is too large", item->number);
    }
    return true;
}

static bool read_bool(cn_builder *builder, const cn_value *value, cn_place at, bool *out)
{
    if (value->kind != CN_VALUE_BOOL)
        return cn_text_fail(builder->text, CN_EFORMAT, at, "true or false expected and this is %s",
                            cn_value_kind_name(value->kind));
    *out = value->number != 0;
    return true;
}

/* One of two words: *second is whether it is the second. */
static bool read_word(cn_builder *builder, const cn_value *value, cn_place at, const char *a,
                      const char *b, bool *second)
{
    if (value->kind == CN_VALUE_STRING && (!strcmp(value->text, a) || !strcmp(value->text, b))) {
        *second = !strcmp(value->text, b);
        return true;
    }
    return cn_text_fail(builder->text, CN_EFORMAT, at, "\"%s\" or \"%s\" expected", a, b);
}

static bool read_padding(cn_builder *builder, const cn_value *value, cn_place at, cn_layer *layer)
{
    if (value->kind == CN_VALUE_STRING) {
        layer->same = !strcmp(value->text, "same") && layer->op != CN_OP_PAD;
        return layer->same ||
               cn_text_fail(builder->text, CN_EFORMAT, at, "the padding is \"%s\"; write numbers%s",
                            value->text, layer->op == CN_OP_PAD ? "" : " or same");
    }
    return read_wholes(builder, value, at, 4, &layer->window.pad_top);
}

static bool read_attribute(cn_builder *builder, const cn_attribute *row, const cn_value *value,
                           cn_place at, void *target)
{
    void *field = (char *)target + row->offset;
    bool second = false;
    switch (row->kind) {
    case CN_ATTRIBUTE_WHOLE:
        return cn_value_whole(builder, value, at, field);
    case CN_ATTRIBUTE_PAIR:
        return read_wholes(builder, value, at, 2, field);
    case CN_ATTRIBUTE_REAL:
        return read_reals(builder, value, at, 1, field);
    case CN_ATTRIBUTE_TRIPLE:
        return read_reals(builder, value, at, 3, field);
    case CN_ATTRIBUTE_BOOL:
        return read_bool(builder, value, at, field);
    case CN_ATTRIBUTE_PADDING:
        return read_padding(builder, value, at, target);
    case CN_ATTRIBUTE_ORDER:
        return read_word(builder, value, at, "rgb", "bgr", field);
    case CN_ATTRIBUTE_RESIZE:
        if (!read_word(builder, value, at, "nearest", "bilinear", &second)) return false;
        *(cn_resize *)field = second ? CN_RESIZE_BILINEAR : CN_RESIZE_NEAREST;
        return true;
    }
    return false;
}

static bool set_attributes(cn_builder *builder, const cn_scope *scope, const char *what,
                           cn_attributes table, const cn_argument *arguments,
                           int32_t argument_count, cn_place at, void *target)
{
    const char *names[MOST] = {NULL};
    const cn_argument *bound[MOST] = {NULL};
    for (int32_t i = 0; i < table.count; i++)
        names[i] = table.rows[i].name;
    if (!cn_bind(builder, what, names, table.count, arguments, argument_count, bound)) return false;
    for (int32_t i = 0; i < table.count; i++) {
        if (!bound[i] && table.rows[i].required)
            return cn_text_fail(builder->text, CN_EFORMAT, at, "%s needs '%s'; write %s=VALUE",
                                what, names[i], names[i]);
        cn_value value;
        if (bound[i] &&
            (!cn_value_of(builder, scope, bound[i]->value, &value) ||
             !read_attribute(builder, &table.rows[i], &value, bound[i]->value->at, target)))
            return false;
    }
    return true;
}

int cn_operator_find(const char *name)
{
    for (int op = 0; op < CN_OP_COUNT; op++)
        if (!strcmp(cn_op_name((cn_op)op), name)) return op;
    return -1;
}

bool cn_operator_set(cn_builder *builder, const cn_scope *scope, const cn_statement *s,
                     cn_layer *layer)
{
    layer->line = s->at.line;
    layer->column = s->at.column;
    return set_attributes(builder, scope, s->name, cn_operator_attributes(layer->op), s->arguments,
                          s->argument_count, s->at, layer);
}

bool cn_preprocess_set(cn_builder *builder, const cn_scope *scope, const cn_definition *definition,
                       cn_preprocess *preprocess)
{
    *preprocess = (cn_preprocess){.std = {1, 1, 1}};
    if (!set_attributes(builder, scope, "preprocess", cn_preprocess_attributes(),
                        definition->arguments, definition->argument_count, definition->at,
                        preprocess))
        return false;
    for (int i = 0; i < 3; i++)
        if (!(preprocess->std[i] > 0))
            return cn_text_fail(builder->text, CN_EFORMAT, definition->at,
                                "std is %g; it must be positive", (double)preprocess->std[i]);
    if (preprocess->resize < 0 || preprocess->crop < 0)
        return cn_text_fail(builder->text, CN_EFORMAT, definition->at,
                            "resize and crop are numbers of pixels, or 0 for none");
    if (preprocess->squash && !preprocess->resize)
        return cn_text_fail(builder->text, CN_EFORMAT, definition->at,
                            "squash needs resize=PIXELS");
    return true;
}
