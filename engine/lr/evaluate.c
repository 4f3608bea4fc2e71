/* Values of expressions. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lr/build.h"

bool cn_builder_step(cn_builder *builder, cn_place at)
{
    if (++builder->steps > CN_TEXT_MAX_STEPS)
        return cn_text_fail(builder->text, CN_EFORMAT, at,
                            "more than %d steps; the text repeats too much", CN_TEXT_MAX_STEPS);
    return true;
}

const char *cn_value_kind_name(cn_value_kind kind)
{
    static const char *const names[] = {"a number", "true or false", "a string", "a list",
                                        "a layer"};
    return names[kind];
}

static cn_value number_value(double number)
{
    return (cn_value){.kind = CN_VALUE_NUMBER, .number = number};
}

static cn_value bool_value(bool truth)
{
    return (cn_value){.kind = CN_VALUE_BOOL, .number = truth};
}

bool cn_value_as(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                 cn_value_kind kind, cn_value *value)
{
    if (!cn_value_of(builder, scope, e, value)) return false;
    if (value->kind == kind) return true;
    return cn_text_fail(builder->text, CN_EFORMAT, e->at, "%s expected and this is %s",
                        cn_value_kind_name(kind), cn_value_kind_name(value->kind));
}

bool cn_value_whole(cn_builder *builder, const cn_value *value, cn_place at, int32_t *whole)
{
    double n = value->number;
    if (value->kind != CN_VALUE_NUMBER)
        return cn_text_fail(builder->text, CN_EFORMAT, at, "a whole number expected and this is %s",
                            cn_value_kind_name(value->kind));
    if (!(fabs(n) <= CN_MAX_EXTENT) || n != floor(n))
        return cn_text_fail(builder->text, CN_EFORMAT, at,
                            "%g is not a whole number up to %d; round it with floor, ceil or round",
                            n, CN_MAX_EXTENT);
    *whole = (int32_t)n;
    return true;
}

/* Appends `piece` to the string in `buffer`. */
static bool append_text(cn_builder *builder, char buffer[CN_TEXT_MAX_STRING + 1],
                        const cn_value *piece, cn_place at)
{
    char digits[32];
    const char *text = piece->text;
    if (piece->kind == CN_VALUE_NUMBER) {
        snprintf(digits, sizeof digits, "%.9g", piece->number);
        text = digits;
    } else if (piece->kind != CN_VALUE_STRING) {
        return cn_text_fail(builder->text, CN_EFORMAT, at,
                            "a string is made of strings and numbers and this is %s",
                            cn_value_kind_name(piece->kind));
    }
    size_t used = strlen(buffer), more = strlen(text);
    if (used + more > CN_TEXT_MAX_STRING)
        return cn_text_fail(builder->text, CN_EFORMAT, at,
                            "a string longer than %d characters; shorten it", CN_TEXT_MAX_STRING);
    memcpy(buffer + used, text, more + 1);
    return true;
}

static bool string_value(cn_builder *builder, const char *buffer, cn_place at, cn_value *value)
{
    *value = (cn_value){.kind = CN_VALUE_STRING};
    value->text = cn_text_copy(builder->text, buffer, strlen(buffer), at);
    return value->text != NULL;
}

static bool evaluate_string(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                            cn_value *value)
{
    if (e->name) {
        *value = (cn_value){.kind = CN_VALUE_STRING, .text = e->name};
        return true;
    }
    char buffer[CN_TEXT_MAX_STRING + 1] = "";
    for (int32_t i = 0; i < e->count; i++) {
        cn_value piece;
        if (!cn_value_of(builder, scope, e->items[i], &piece) ||
            !append_text(builder, buffer, &piece, e->items[i]->at))
            return false;
    }
    return string_value(builder, buffer, e->at, value);
}

/* A value of the block, a label, a value of the whole text, or a word of the language. */
static bool evaluate_name(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                          cn_value *value)
{
    const cn_value *found = cn_frame_find(scope->frame, e->name);
    int32_t layer = found ? -1 : cn_label_find(builder, scope, e->name, e->at);
    if (builder->text->status) return false;
    if (!found && layer < 0) found = cn_frame_find(&builder->globals, e->name);
    if (found)
        *value = *found;
    else if (layer >= 0)
        *value = (cn_value){.kind = CN_VALUE_LAYER, .number = layer};
    else if (!strcmp(e->name, "true") || !strcmp(e->name, "false"))
        *value = bool_value(e->name[0] == 't');
    else if (!strcmp(e->name, "same"))
        *value = (cn_value){.kind = CN_VALUE_STRING, .text = "same"};
    else {
        const char *known[2 * CN_TEXT_MAX_ITEMS];
        char buffer[192];
        int32_t count = 0;
        for (int32_t i = 0; i < scope->frame->count; i++)
            known[count++] = scope->frame->names[i];
        for (int32_t i = 0; i < builder->globals.count && scope->frame != &builder->globals; i++)
            known[count++] = builder->globals.names[i];
        return cn_text_fail(
            builder->text, CN_EFORMAT, e->at, "there is no value or layer '%s' here; %s", e->name,
            cn_suggest(e->name, known, count, "define it before its use with param, let or a label",
                       buffer));
    }
    return true;
}

static bool evaluate_list(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                          cn_value *value)
{
    cn_value *items = cn_text_alloc(builder->text, (size_t)e->count, sizeof *items, e->at);
    if (!items) return false;
    for (int32_t i = 0; i < e->count; i++)
        if (!cn_value_of(builder, scope, e->items[i], &items[i])) return false;
    *value = (cn_value){.kind = CN_VALUE_LIST, .items = items, .count = e->count};
    return true;
}

static bool evaluate_unary(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                           cn_value *value)
{
    cn_value operand;
    bool minus = e->op == '-';
    if (!cn_value_as(builder, scope, e->items[0], minus ? CN_VALUE_NUMBER : CN_VALUE_BOOL,
                     &operand))
        return false;
    *value = minus ? number_value(-operand.number) : bool_value(!operand.number);
    return true;
}

/* == and != of values that are not lists. */
static bool evaluate_equality(cn_builder *builder, const cn_expression *e, const cn_value *a,
                              const cn_value *b, cn_value *value)
{
    if (a->kind == CN_VALUE_LIST || b->kind == CN_VALUE_LIST)
        return cn_text_fail(builder->text, CN_EFORMAT, e->at,
                            "lists cannot be compared; compare their items");
    bool equal = a->kind == b->kind &&
                 (a->kind == CN_VALUE_STRING ? !strcmp(a->text, b->text) : a->number == b->number);
    *value = bool_value(equal == (e->op == CN_TOKEN_EQUAL));
    return true;
}

/* and, or: the second operand only where it decides. */
static bool evaluate_logic(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                           cn_value *value)
{
    if (!cn_value_as(builder, scope, e->items[0], CN_VALUE_BOOL, value)) return false;
    if ((value->number != 0) == (e->op == 'o')) return true;
    return cn_value_as(builder, scope, e->items[1], CN_VALUE_BOOL, value);
}

static bool arithmetic(cn_builder *builder, const cn_expression *e, double a, double b,
                       cn_value *value)
{
    double result = 0;
    switch (e->op) {
    case '<':
        *value = bool_value(a < b);
        return true;
    case '>':
        *value = bool_value(a > b);
        return true;
    case CN_TOKEN_AT_MOST:
        *value = bool_value(a <= b);
        return true;
    case CN_TOKEN_AT_LEAST:
        *value = bool_value(a >= b);
        return true;
    case '+':
        result = a + b;
        break;
    case '-':
        result = a - b;
        break;
    case '*':
        result = a * b;
        break;
    case '/':
        result = b != 0 ? a / b : NAN;
        break;
    case '%':
        result = b != 0 ? a - b * floor(a / b) : NAN;
        break;
    case CN_TOKEN_FLOOR_DIVIDE:
        result = b != 0 ? floor(a / b) : NAN;
        break;
    default:
        result = pow(a, b);
        break;
    }
    if (!isfinite(result))
        return cn_text_fail(builder->text, CN_EFORMAT, e->at,
                            "the result for %g and %g is not a finite number", a, b);
    *value = number_value(result);
    return true;
}

static bool evaluate_binary(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                            cn_value *value)
{
    if (e->op == 'a' || e->op == 'o') return evaluate_logic(builder, scope, e, value);
    cn_value a, b;
    if (!cn_value_of(builder, scope, e->items[0], &a) ||
        !cn_value_of(builder, scope, e->items[1], &b))
        return false;
    if (e->op == CN_TOKEN_EQUAL || e->op == CN_TOKEN_UNEQUAL)
        return evaluate_equality(builder, e, &a, &b, value);
    if (e->op == '+' && (a.kind == CN_VALUE_STRING || b.kind == CN_VALUE_STRING)) {
        char buffer[CN_TEXT_MAX_STRING + 1] = "";
        return append_text(builder, buffer, &a, e->items[0]->at) &&
               append_text(builder, buffer, &b, e->items[1]->at) &&
               string_value(builder, buffer, e->at, value);
    }
    for (int32_t i = 0; i < 2; i++) {
        cn_value_kind kind = (i ? b : a).kind;
        if (kind != CN_VALUE_NUMBER)
            return cn_text_fail(builder->text, CN_EFORMAT, e->items[i]->at,
                                "a number expected and this is %s", cn_value_kind_name(kind));
    }
    return arithmetic(builder, e, a.number, b.number, value);
}

static bool evaluate_index(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                           cn_value *value)
{
    cn_value list, at;
    int32_t index;
    if (!cn_value_as(builder, scope, e->items[0], CN_VALUE_LIST, &list) ||
        !cn_value_of(builder, scope, e->items[1], &at) ||
        !cn_value_whole(builder, &at, e->items[1]->at, &index))
        return false;
    if (index < 0 || index >= list.count)
        return cn_text_fail(builder->text, CN_EFORMAT, e->items[1]->at,
                            "index %d of a list of %d; the first is 0", index, list.count);
    *value = list.items[index];
    return true;
}

/* Functions of numbers: the number of arguments and the result. */
static double round_to(const double *x)
{
    return floor(x[0] / x[1] + 0.5) * x[1];
}
static double floor_of(const double *x)
{
    return floor(x[0]);
}
static double ceil_of(const double *x)
{
    return ceil(x[0]);
}
static double min_of(const double *x)
{
    return fmin(x[0], x[1]);
}
static double max_of(const double *x)
{
    return fmax(x[0], x[1]);
}

static const struct function {
    const char *name;
    int32_t count;
    double (*numbers)(const double *x); /* NULL: a function of a list or layer */
} functions[] = {{"min", 2, min_of},    {"max", 2, max_of},     {"floor", 1, floor_of},
                 {"ceil", 1, ceil_of},  {"round", 2, round_to}, {"length", 1, NULL},
                 {"channels", 1, NULL}, {"height", 1, NULL},    {"width", 1, NULL}};
enum { FUNCTION_COUNT = sizeof functions / sizeof *functions };

static bool call_numbers(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                         const struct function *f, cn_value *value)
{
    double x[2] = {0, 0};
    for (int32_t i = 0; i < f->count; i++) {
        if (!cn_value_as(builder, scope, e->items[i], CN_VALUE_NUMBER, value)) return false;
        x[i] = value->number;
    }
    *value = number_value(f->numbers(x));
    if (!isfinite(value->number))
        return cn_text_fail(builder->text, CN_EFORMAT, e->at, "%s(%g, %g) is not a finite number",
                            f->name, x[0], x[1]);
    return true;
}

static bool evaluate_call(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                          cn_value *value)
{
    const char *names[FUNCTION_COUNT];
    const struct function *f = NULL;
    for (int i = 0; i < FUNCTION_COUNT; i++) {
        names[i] = functions[i].name;
        if (!strcmp(e->name, names[i])) f = &functions[i];
    }
    char buffer[192];
    if (!f)
        return cn_text_fail(builder->text, CN_EFORMAT, e->at, "there is no function '%s'; %s",
                            e->name,
                            cn_suggest(e->name, names, FUNCTION_COUNT,
                                       "there are min, max, floor, ceil, round, length, channels, "
                                       "height and width",
                                       buffer));
    if (e->count != f->count)
        return cn_text_fail(builder->text, CN_EFORMAT, e->at, "%s takes %d values and got %d",
                            f->name, f->count, e->count);
    if (f->numbers) return call_numbers(builder, scope, e, f, value);
    bool list = f->name[0] == 'l';
    cn_value of;
    if (!cn_value_as(builder, scope, e->items[0], list ? CN_VALUE_LIST : CN_VALUE_LAYER, &of))
        return false;
    if (list) {
        *value = number_value(of.count);
        return true;
    }
    cn_shape shape = builder->graph->layers[(int32_t)of.number].shape;
    *value = number_value(f->name[0] == 'c' ? shape.c : f->name[0] == 'h' ? shape.h : shape.w);
    return true;
}

bool cn_value_of(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                 cn_value *value)
{
    if (!cn_builder_step(builder, e->at)) return false;
    switch (e->kind) {
    case CN_EXPR_NUMBER:
        *value = number_value(e->number);
        return true;
    case CN_EXPR_STRING:
        return evaluate_string(builder, scope, e, value);
    case CN_EXPR_NAME:
        return evaluate_name(builder, scope, e, value);
    case CN_EXPR_LIST:
        return evaluate_list(builder, scope, e, value);
    case CN_EXPR_UNARY:
        return evaluate_unary(builder, scope, e, value);
    case CN_EXPR_BINARY:
        return evaluate_binary(builder, scope, e, value);
    case CN_EXPR_CALL:
        return evaluate_call(builder, scope, e, value);
    case CN_EXPR_INDEX:
        return evaluate_index(builder, scope, e, value);
    case CN_EXPR_IF:
        break;
    }
    cn_value condition;
    return cn_value_as(builder, scope, e->items[0], CN_VALUE_BOOL, &condition) &&
           cn_value_of(builder, scope, e->items[condition.number ? 1 : 2], value);
}
