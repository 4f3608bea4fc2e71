/* Expressions: precedence climbing over a table of operators. */
#include <stdlib.h>
#include <string.h>

#include "lr/ast.h"

static const struct operation {
    int32_t token;    /* its kind; for words CN_TOKEN_NAME */
    const char *word; /* of "and", "or" */
    int32_t op;
    int precedence;
} operations[] = {
    {CN_TOKEN_NAME, "or", 'o', 1},
    {CN_TOKEN_NAME, "and", 'a', 2},
    {CN_TOKEN_EQUAL, NULL, CN_TOKEN_EQUAL, 3},
    {CN_TOKEN_UNEQUAL, NULL, CN_TOKEN_UNEQUAL, 3},
    {CN_TOKEN_AT_MOST, NULL, CN_TOKEN_AT_MOST, 3},
    {CN_TOKEN_AT_LEAST, NULL, CN_TOKEN_AT_LEAST, 3},
    {'<', NULL, '<', 3},
    {'>', NULL, '>', 3},
    {'+', NULL, '+', 4},
    {'-', NULL, '-', 4},
    {'*', NULL, '*', 5},
    {'/', NULL, '/', 5},
    {'%', NULL, '%', 5},
    {CN_TOKEN_FLOOR_DIVIDE, NULL, CN_TOKEN_FLOOR_DIVIDE, 5},
    {'^', NULL, '^', 7},
};
enum { UNARY_NOT = 3, UNARY_MINUS = 6, RIGHT_ASSOCIATIVE = 7 };

static cn_expression *new_node(cn_parser *parser, cn_expression_kind kind, cn_place at,
                               int32_t room)
{
    cn_expression *node = cn_text_alloc(parser->text, 1, sizeof *node, at);
    if (!node) return NULL;
    node->kind = kind;
    node->at = at;
    node->depth = 1;
    if (!room) return node;
    node->items = cn_text_alloc(parser->text, (size_t)room, sizeof(cn_expression *), at);
    return node->items ? node : NULL;
}

/* Appends an operand to a node with room for it; NULL operands pass failure on. */
static bool append(cn_parser *parser, cn_expression *node, cn_expression *item)
{
    if (!node || !item) return false;
    if (item->depth + 1 > node->depth) node->depth = item->depth + 1;
    if (node->depth > 4 * CN_TEXT_MAX_DEPTH)
        return cn_text_fail(parser->text, CN_EFORMAT, item->at,
                            "the expression is too long; use 'let' for its parts");
    node->items[node->count++] = item;
    return true;
}

static bool append_many(cn_parser *parser, cn_expression *node, cn_expression *item)
{
    if (item && node->count == CN_TEXT_MAX_ITEMS)
        return cn_text_fail(parser->text, CN_EFORMAT, item->at, "more than %d items",
                            CN_TEXT_MAX_ITEMS);
    return append(parser, node, item);
}

/* Comma-separated expressions up to `close`, which is taken. */
static bool parse_items(cn_parser *parser, cn_expression *node, int32_t close, const char *what)
{
    while (parser->token->kind != close) {
        if (!append_many(parser, node, cn_parse_expression(parser))) return false;
        if (parser->token->kind != ',') break;
        parser->token++;
    }
    return cn_parser_take(parser, close, what);
}

static cn_expression *literal(cn_parser *parser, const char *start, size_t length, cn_place at)
{
    cn_expression *node = new_node(parser, CN_EXPR_STRING, at, 0);
    if (!node) return NULL;
    node->name = cn_text_copy(parser->text, start, length, at);
    return node->name ? node : NULL;
}

/* The expression between the braces of a string, as a text of its own. */
static cn_expression *interpolation(cn_parser *parser, size_t start, size_t end, cn_place at)
{
    cn_tokens tokens;
    if (!cn_lex(parser->text, start, end, at, &tokens)) return NULL;
    cn_parser inner = {.text = parser->text, .token = tokens.items, .depth = parser->depth};
    cn_expression *value = cn_parse_expression(&inner);
    if (!value) return NULL;
    return cn_parser_take(&inner, CN_TOKEN_END, "'}'") ? value : NULL;
}

/* "layer{i}.{j}": literal pieces and expressions in turn. */
static cn_expression *parse_string(cn_parser *parser)
{
    const cn_token *token = parser->token++;
    const char *bytes = parser->text->bytes + token->start;
    if (token->length > CN_TEXT_MAX_STRING) {
        cn_text_fail(parser->text, CN_EFORMAT, token->at, "a string of %u characters; at most %d",
                     token->length, CN_TEXT_MAX_STRING);
        return NULL;
    }
    if (!memchr(bytes, '{', token->length)) return literal(parser, bytes, token->length, token->at);
    cn_expression *node = new_node(parser, CN_EXPR_STRING, token->at, CN_TEXT_MAX_STRING);
    for (size_t i = 0; node && i < token->length;) {
        const char *open = memchr(bytes + i, '{', token->length - i);
        size_t stop = open ? (size_t)(open - bytes) : token->length;
        if (stop > i && !append(parser, node, literal(parser, bytes + i, stop - i, token->at)))
            return NULL;
        if (!open) break;
        const char *close = memchr(open, '}', token->length - stop);
        cn_place at = {token->at.line, token->at.column + (int32_t)stop + 2};
        if (!close) {
            cn_text_fail(parser->text, CN_EFORMAT, at,
                         "'{' in the string is never closed; add '}'");
            return NULL;
        }
        size_t end = (size_t)(close - bytes);
        if (!append(parser, node,
                    interpolation(parser, token->start + stop + 1, token->start + end, at)))
            return NULL;
        i = end + 1;
    }
    return node;
}

static cn_expression *parse_number(cn_parser *parser)
{
    const cn_token *token = parser->token++;
    char digits[48] = {0};
    memcpy(digits, parser->text->bytes + token->start, token->length);
    cn_expression *node = new_node(parser, CN_EXPR_NUMBER, token->at, 0);
    if (node) node->number = strtod(digits, NULL);
    return node;
}

static cn_expression *parse_name(cn_parser *parser)
{
    const cn_token *token = parser->token++;
    bool call = parser->token->kind == '(';
    cn_expression *node = new_node(parser, call ? CN_EXPR_CALL : CN_EXPR_NAME, token->at,
                                   call ? CN_TEXT_MAX_ITEMS : 0);
    if (!node || !(node->name = cn_parser_text(parser, token))) return NULL;
    if (!call) return node;
    parser->token++;
    return parse_items(parser, node, ')', "',' or ')'") ? node : NULL;
}

/* if c then a else b */
static cn_expression *parse_if(cn_parser *parser)
{
    static const char *const words[] = {"then", "else"};
    cn_expression *node = new_node(parser, CN_EXPR_IF, parser->token++->at, 3);
    for (int i = 0; node && i < 3; i++) {
        if (!append(parser, node, cn_parse_expression(parser))) return NULL;
        if (i == 2) break;
        if (!cn_parser_at_word(parser, words[i])) {
            char found[64];
            cn_text_fail(parser->text, CN_EFORMAT, parser->token->at,
                         "'%s' expected and %s found; write: if CONDITION then A else B", words[i],
                         cn_parser_found(parser, found));
            return NULL;
        }
        parser->token++;
    }
    return node;
}

static cn_expression *parse_primary(cn_parser *parser)
{
    const cn_token *token = parser->token;
    char found[64];
    cn_expression *node = NULL;
    switch (token->kind) {
    case CN_TOKEN_NUMBER:
        return parse_number(parser);
    case CN_TOKEN_STRING:
        return parse_string(parser);
    case CN_TOKEN_NAME:
        return parse_name(parser);
    case '[':
        parser->token++;
        node = new_node(parser, CN_EXPR_LIST, token->at, CN_TEXT_MAX_ITEMS);
        return node && parse_items(parser, node, ']', "',' or ']'") ? node : NULL;
    case '(':
        parser->token++;
        node = cn_parse_expression(parser);
        return node && cn_parser_take(parser, ')', "')'") ? node : NULL;
    default:
        cn_text_fail(parser->text, CN_EFORMAT, token->at, "a value expected and %s found",
                     cn_parser_found(parser, found));
        return NULL;
    }
}

/* A primary and the indices after it. */
static cn_expression *parse_postfix(cn_parser *parser)
{
    cn_expression *node = parse_primary(parser);
    while (node && parser->token->kind == '[') {
        cn_expression *index = new_node(parser, CN_EXPR_INDEX, parser->token++->at, 2);
        if (!append(parser, index, node) || !append(parser, index, cn_parse_expression(parser)) ||
            !cn_parser_take(parser, ']', "']'"))
            return NULL;
        node = index;
    }
    return node;
}

static const struct operation *operation_here(const cn_parser *parser)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        const struct operation *o = &operations[i];
        if (o->word ? cn_parser_at_word(parser, o->word) : parser->token->kind == o->token)
            return o;
    }
    return NULL;
}

static cn_expression *parse_level(cn_parser *parser, int precedence);

static cn_expression *parse_unary(cn_parser *parser)
{
    bool minus = parser->token->kind == '-';
    if (!minus && !cn_parser_at_word(parser, "not")) return parse_postfix(parser);
    cn_expression *node = new_node(parser, CN_EXPR_UNARY, parser->token++->at, 1);
    if (!node) return NULL;
    node->op = minus ? '-' : 'n';
    return append(parser, node, parse_level(parser, minus ? UNARY_MINUS : UNARY_NOT)) ? node : NULL;
}

/* Operators that bind at least as tightly as `precedence`. */
static cn_expression *parse_level(cn_parser *parser, int precedence)
{
    if (!cn_parser_deeper(parser)) return NULL;
    cn_expression *left = parse_unary(parser);
    for (const struct operation *o;
         left && (o = operation_here(parser)) && o->precedence >= precedence;) {
        cn_expression *node = new_node(parser, CN_EXPR_BINARY, parser->token++->at, 2);
        int next = o->precedence + (o->precedence != RIGHT_ASSOCIATIVE);
        if (!append(parser, node, left) || !append(parser, node, parse_level(parser, next)))
            return NULL;
        node->op = o->op;
        left = node;
    }
    parser->depth--;
    return left;
}

cn_expression *cn_parse_expression(cn_parser *parser)
{
    if (!cn_parser_deeper(parser)) return NULL;
    cn_expression *node =
        cn_parser_at_word(parser, "if") ? parse_if(parser) : parse_level(parser, 1);
    parser->depth--;
    return node;
}

bool cn_parse_arguments(cn_parser *parser, cn_argument **arguments, int32_t *count)
{
    cn_argument found[CN_TEXT_MAX_ITEMS];
    *count = 0;
    while (parser->token->kind != ')') {
        cn_argument *a = &found[*count];
        *a = (cn_argument){.at = parser->token->at};
        if (parser->token->kind == CN_TOKEN_NAME && parser->token[1].kind == '=') {
            if (!(a->name = cn_parser_text(parser, parser->token))) return false;
            parser->token += 2;
        } else if (*count && found[*count - 1].name) {
            return cn_text_fail(parser->text, CN_EFORMAT, a->at,
                                "a value without a name after one with; name it: NAME=VALUE");
        }
        if (!(a->value = cn_parse_expression(parser))) return false;
        if (++*count == CN_TEXT_MAX_ITEMS)
            return cn_text_fail(parser->text, CN_EFORMAT, a->at, "more than %d arguments",
                                CN_TEXT_MAX_ITEMS - 1);
        if (parser->token->kind != ',') break;
        parser->token++;
    }
    if (!cn_parser_take(parser, ')', "',' or ')'")) return false;
    *arguments = cn_text_alloc(parser->text, (size_t)*count, sizeof **arguments, parser->token->at);
    if (*arguments && *count) memcpy(*arguments, found, (size_t)*count * sizeof *found);
    return *arguments != NULL;
}
