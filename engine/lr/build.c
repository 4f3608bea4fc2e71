/* Statements to layers. */
#include "lr/build.h"

#include <stdio.h>
#include <string.h>

/* The full name of `label` in `naming`; NULL with a message where it is no layer's name. */
static char *full_name(cn_builder *builder, const cn_naming *naming, const char *label, cn_place at)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t prefix = strlen(naming->prefix), length = strlen(label);
    if (!length || strspn(label, allowed) != length || label[0] == '.' ||
        label[length - 1] == '.') {
        cn_text_fail(builder->text, CN_EFORMAT, at,
                     "'%s' is no layer name; use letters, digits, '_', '-' and inner dots", label);
        return NULL;
    }
    if (prefix + length > CN_TEXT_MAX_STRING) {
        cn_text_fail(builder->text, CN_EFORMAT, at, "the layer name '%s%s' is longer than %d",
                     naming->prefix, label, CN_TEXT_MAX_STRING);
        return NULL;
    }
    char *name = cn_text_alloc(builder->text, prefix + length + 2, 1, at);
    if (!name) return NULL;
    memcpy(name, naming->prefix, prefix);
    memcpy(name + prefix, label, length);
    return name;
}

/* A statement's label as text; *label is NULL where there is none. A label may not hide a value. */
static bool evaluate_label(cn_builder *builder, const cn_scope *scope, const cn_statement *s,
                           const char **label)
{
    *label = NULL;
    if (!s->label) return true;
    if (s->label->kind == CN_EXPR_NAME) {
        *label = s->label->name;
    } else {
        cn_value value;
        if (!cn_value_as(builder, scope, s->label, CN_VALUE_STRING, &value)) return false;
        *label = value.text;
    }
    if (cn_frame_find(scope->frame, *label) || cn_frame_find(&builder->globals, *label))
        return cn_text_fail(builder->text, CN_EFORMAT, s->label->at,
                            "'%s' is already the name of a value; choose another label", *label);
    return true;
}

/* The index of the layer that `e` means: a layer value, or a label as a string. */
static bool evaluate_layer(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                           int32_t *index)
{
    cn_value value;
    if (!cn_value_of(builder, scope, e, &value)) return false;
    if (value.kind == CN_VALUE_LAYER) {
        *index = (int32_t)value.number;
        return true;
    }
    if (value.kind != CN_VALUE_STRING)
        return cn_text_fail(builder->text, CN_EFORMAT, e->at, "a layer expected and this is %s",
                            cn_value_kind_name(value.kind));
    *index = cn_label_find(builder, scope, value.text, e->at);
    return *index >= 0 || cn_text_fail(builder->text, CN_EFORMAT, e->at,
                                       "there is no layer '%s' before this line", value.text);
}

/* Moves the cursor to the single layer after "from". */
static bool enter(cn_builder *builder, cn_scope *scope, const cn_statement *s)
{
    if (s->input_count > 1)
        return cn_text_fail(builder->text, CN_EFORMAT, s->inputs[1]->at,
                            "a block reads one layer; give others as arguments");
    return !s->input_count || evaluate_layer(builder, scope, s->inputs[0], &scope->cursor);
}

/* The naming below `label`, or `outer` itself where there is none. */
static bool open_naming(cn_builder *builder, cn_naming *outer, const char *label, cn_place at,
                        cn_naming *own, cn_naming **naming)
{
    *naming = outer;
    if (!label) return true;
    char *prefix = full_name(builder, outer, label, at);
    if (!prefix) return false;
    prefix[strlen(prefix)] = '.'; /* full_name leaves room */
    *own = (cn_naming){.parent = outer, .prefix = prefix};
    *naming = own;
    return true;
}

/* Makes a label mean the layer that its group or block ended with. */
static bool close_naming(cn_builder *builder, const cn_scope *scope, const char *label,
                         const cn_naming *outer, cn_place at)
{
    if (!label) return true;
    char *name = full_name(builder, outer, label, at);
    return name && cn_label_set(builder, name, scope->cursor, at);
}

/* The name of a layer without label: its operator, from the second on with a number. */
static char *unnamed(cn_builder *builder, cn_scope *scope, cn_op op, cn_place at)
{
    for (;;) {
        char label[48];
        int32_t n = ++scope->naming->unnamed[op];
        snprintf(label, sizeof label, n > 1 ? "%s%d" : "%s", cn_op_name(op), n);
        char *name = full_name(builder, scope->naming, label, at);
        if (!name || cn_graph_find(builder->graph, name) < 0) return name;
        if (!cn_builder_step(builder, at)) return NULL;
    }
}

static bool build_layer(cn_builder *builder, cn_scope *scope, const cn_statement *s, cn_op op,
                        const char *label)
{
    cn_layer layer = cn_layer_defaults(op);
    if (!cn_operator_set(builder, scope, s, &layer)) return false;
    int32_t inputs[CN_TEXT_MAX_ITEMS], count = s->input_count;
    for (int32_t i = 0; i < count; i++)
        if (!evaluate_layer(builder, scope, s->inputs[i], &inputs[i])) return false;
    if (!count && op != CN_OP_INPUT && scope->cursor >= 0) inputs[count++] = scope->cursor;

    cn_place at = s->label ? s->label->at : s->at;
    char *name =
        label ? full_name(builder, scope->naming, label, at) : unnamed(builder, scope, op, at);
    if (!name) return false;
    cn_error error;
    cn_status status =
        cn_graph_add(builder->graph, &layer, name, inputs, count, &scope->cursor, &error);
    if (status == CN_ENOMEM) return cn_text_fail(builder->text, status, s->at, "%s", error.message);
    if (status) return cn_text_fail(builder->text, CN_EFORMAT, s->at, "%s", error.message);
    return cn_label_set(builder, name, scope->cursor, at);
}

/* Binds the arguments of a call of `block` into `frame`. Values are the caller's, defaults may use
 * the arguments before them. */
static bool bind_block(cn_builder *builder, const cn_scope *scope, const cn_statement *s,
                       const cn_definition *block, cn_scope *inner)
{
    const char *names[CN_TEXT_MAX_ITEMS];
    const cn_argument *bound[CN_TEXT_MAX_ITEMS];
    char what[CN_TEXT_MAX_STRING + 16];
    for (int32_t i = 0; i < block->argument_count; i++)
        names[i] = block->arguments[i].name;
    snprintf(what, sizeof what, "block %s", block->name);
    if (!cn_bind(builder, what, names, block->argument_count, s->arguments, s->argument_count,
                 bound))
        return false;
    for (int32_t i = 0; i < block->argument_count; i++) {
        cn_value value;
        const cn_expression *otherwise = block->arguments[i].value;
        if (!bound[i] && !otherwise)
            return cn_text_fail(builder->text, CN_EFORMAT, s->at, "%s needs '%s'; write %s=VALUE",
                                what, names[i], names[i]);
        if (!(bound[i] ? cn_value_of(builder, scope, bound[i]->value, &value)
                       : cn_value_of(builder, inner, otherwise, &value)) ||
            !cn_frame_set(builder, inner->frame, names[i], value, s->at))
            return false;
    }
    return true;
}

static bool build_block(cn_builder *builder, cn_scope *scope, const cn_statement *s,
                        const cn_definition *block, const char *label)
{
    if (builder->calls == CN_TEXT_MAX_CALLS)
        return cn_text_fail(builder->text, CN_EFORMAT, s->at,
                            "more than %d blocks inside one another; does '%s' use itself?",
                            CN_TEXT_MAX_CALLS, block->name);
    cn_place at = s->label ? s->label->at : s->at;
    cn_frame frame = {.count = 0};
    cn_naming own;
    cn_scope inner = {.frame = &frame};
    if (!enter(builder, scope, s) ||
        !open_naming(builder, scope->naming, label, at, &own, &inner.naming))
        return false;
    frame.outermost = inner.naming;
    inner.cursor = scope->cursor;
    cn_value in = {.kind = CN_VALUE_LAYER, .number = scope->cursor};
    if (scope->cursor >= 0 && !cn_frame_set(builder, &frame, "in", in, s->at)) return false;
    if (!bind_block(builder, scope, s, block, &inner)) return false;
    builder->calls++;
    if (!cn_build_statements(builder, &inner, &block->body)) return false;
    builder->calls--;
    scope->cursor = inner.cursor;
    return close_naming(builder, scope, label, scope->naming, at);
}

static bool build_group(cn_builder *builder, cn_scope *scope, const cn_statement *s)
{
    const char *label;
    cn_place at = s->label ? s->label->at : s->at;
    cn_naming own;
    cn_scope inner = *scope;
    if (!evaluate_label(builder, scope, s, &label) || !enter(builder, &inner, s) ||
        !open_naming(builder, scope->naming, label, at, &own, &inner.naming) ||
        !cn_build_statements(builder, &inner, &s->body))
        return false;
    scope->cursor = inner.cursor;
    return close_naming(builder, scope, label, scope->naming, at);
}

static bool build_call(cn_builder *builder, cn_scope *scope, const cn_statement *s)
{
    const cn_definitions *blocks = &builder->program->blocks;
    const char *label, *known[CN_TEXT_MAX_ITEMS + CN_OP_COUNT];
    int32_t count = 0;
    if (!evaluate_label(builder, scope, s, &label)) return false;
    int op = cn_operator_find(s->name);
    if (op >= 0) return build_layer(builder, scope, s, (cn_op)op, label);
    for (int32_t i = 0; i < blocks->count; i++) {
        if (!strcmp(blocks->items[i].name, s->name))
            return build_block(builder, scope, s, &blocks->items[i], label);
        known[count++] = blocks->items[i].name;
    }
    for (int i = 0; i < CN_OP_COUNT; i++)
        known[count++] = cn_op_name((cn_op)i);
    char buffer[192];
    return cn_text_fail(
        builder->text, CN_EFORMAT, s->at, "there is no operator or block '%s'; %s", s->name,
        cn_suggest(s->name, known, count, "docs/model-language.md lists the operators", buffer));
}

static bool build_let(cn_builder *builder, cn_scope *scope, const cn_statement *s)
{
    cn_value value;
    if (!cn_value_of(builder, scope, s->value, &value)) return false;
    if (cn_label_find(builder, scope, s->name, s->at) >= 0)
        return cn_text_fail(builder->text, CN_EFORMAT, s->at,
                            "'%s' is already the name of a layer; choose another", s->name);
    return !builder->text->status && cn_frame_set(builder, scope->frame, s->name, value, s->at);
}

/* Gives the loop's names the item: one name the whole, several names its items. */
static bool bind_item(cn_builder *builder, cn_scope *scope, const cn_statement *s,
                      const cn_value *item)
{
    if (s->name_count == 1) return cn_frame_set(builder, scope->frame, s->names[0], *item, s->at);
    if (item->kind != CN_VALUE_LIST || item->count != s->name_count)
        return cn_text_fail(builder->text, CN_EFORMAT, s->value->at,
                            "every item must be a list of %d, one for each name", s->name_count);
    for (int32_t i = 0; i < item->count; i++)
        if (!cn_frame_set(builder, scope->frame, s->names[i], item->items[i], s->at)) return false;
    return true;
}

static bool build_for(cn_builder *builder, cn_scope *scope, const cn_statement *s)
{
    cn_value value, last;
    int32_t from = 0, to = -1;
    if (!cn_value_of(builder, scope, s->value, &value)) return false;
    if (s->last) {
        if (!cn_value_whole(builder, &value, s->value->at, &from) ||
            !cn_value_of(builder, scope, s->last, &last) ||
            !cn_value_whole(builder, &last, s->last->at, &to))
            return false;
    } else if (value.kind == CN_VALUE_LIST) {
        to = value.count - 1;
    } else {
        return cn_text_fail(builder->text, CN_EFORMAT, s->value->at,
                            "a list or a range like 1..3 expected and this is %s",
                            cn_value_kind_name(value.kind));
    }
    for (int32_t i = from; i <= to; i++) {
        cn_value number = {.kind = CN_VALUE_NUMBER, .number = i};
        if (!cn_builder_step(builder, s->at) ||
            !bind_item(builder, scope, s, s->last ? &number : &value.items[i]) ||
            !cn_build_statements(builder, scope, &s->body))
            return false;
    }
    return true;
}

static bool build_if(cn_builder *builder, cn_scope *scope, const cn_statement *s)
{
    cn_value condition;
    return cn_value_as(builder, scope, s->value, CN_VALUE_BOOL, &condition) &&
           cn_build_statements(builder, scope, condition.number ? &s->body : &s->otherwise);
}

bool cn_build_statements(cn_builder *builder, cn_scope *scope, const cn_statements *statements)
{
    static bool (*const build[])(cn_builder *, cn_scope *, const cn_statement *) = {
        [CN_STATEMENT_LAYER] = build_call, [CN_STATEMENT_GROUP] = build_group,
        [CN_STATEMENT_LET] = build_let,    [CN_STATEMENT_FOR] = build_for,
        [CN_STATEMENT_IF] = build_if,
    };
    for (const cn_statement *s = statements->first; s; s = s->next)
        if (!cn_builder_step(builder, s->at) || !build[s->kind](builder, scope, s)) return false;
    return true;
}
