/* Statements and definitions: recursive descent. */
#include <stdio.h>
#include <string.h>

#include "lr/ast.h"

bool cn_parser_at_word(const cn_parser *parser, const char *word)
{
    const cn_token *token = parser->token;
    return token->kind == CN_TOKEN_NAME && token->length == strlen(word) &&
           !memcmp(parser->text->bytes + token->start, word, token->length);
}

const char *cn_parser_found(const cn_parser *parser, char buffer[64])
{
    const cn_token *token = parser->token;
    if (token->kind == CN_TOKEN_END) return "the end";
    if (token->kind == CN_TOKEN_NEWLINE) return "the end of the line";
    if (token->kind == CN_TOKEN_STRING) return "a string";
    snprintf(buffer, 64, "'%.*s'", (int)(token->length < 48 ? token->length : 48),
             parser->text->bytes + token->start);
    return buffer;
}

bool cn_parser_take(cn_parser *parser, int32_t kind, const char *what)
{
    char found[64];
    if (parser->token->kind != kind)
        return cn_text_fail(parser->text, CN_EFORMAT, parser->token->at, "%s expected and %s found",
                            what, cn_parser_found(parser, found));
    if (kind != CN_TOKEN_END) parser->token++;
    return true;
}

char *cn_parser_text(cn_parser *parser, const cn_token *token)
{
    return cn_text_copy(parser->text, parser->text->bytes + token->start, token->length, token->at);
}

bool cn_parser_deeper(cn_parser *parser)
{
    if (parser->depth == 4 * CN_TEXT_MAX_DEPTH)
        return cn_text_fail(parser->text, CN_EFORMAT, parser->token->at,
                            "nested too deeply; use blocks or 'let'");
    parser->depth++;
    return true;
}

static bool take_word(cn_parser *parser, const char *word)
{
    if (!cn_parser_at_word(parser, word)) return false;
    parser->token++;
    return true;
}

static void skip_newlines(cn_parser *parser)
{
    while (parser->token->kind == CN_TOKEN_NEWLINE)
        parser->token++;
}

static bool take_name(cn_parser *parser, const char *what, const char **name)
{
    const cn_token *token = parser->token;
    return cn_parser_take(parser, CN_TOKEN_NAME, what) && (*name = cn_parser_text(parser, token));
}

static bool parse_statements(cn_parser *parser, cn_statements *out);

/* "{" statements "}" */
static bool parse_body(cn_parser *parser, cn_statements *body)
{
    return cn_parser_deeper(parser) && cn_parser_take(parser, '{', "'{'") &&
           parse_statements(parser, body) && cn_parser_take(parser, '}', "a statement or '}'") &&
           parser->depth--;
}

/* Comma-separated layers after "from". */
static bool parse_inputs(cn_parser *parser, cn_statement *s)
{
    cn_expression *found[CN_TEXT_MAX_ITEMS];
    do {
        if (s->input_count == CN_TEXT_MAX_ITEMS)
            return cn_text_fail(parser->text, CN_EFORMAT, parser->token->at,
                                "more than %d layers in 'from'", CN_TEXT_MAX_ITEMS);
        if (!(found[s->input_count] = cn_parse_expression(parser))) return false;
        s->input_count++;
    } while (parser->token->kind == ',' && parser->token++);
    s->inputs = cn_text_alloc(parser->text, (size_t)s->input_count, sizeof *s->inputs, s->at);
    if (s->inputs) memcpy(s->inputs, found, (size_t)s->input_count * sizeof *found);
    return s->inputs != NULL;
}

/* let NAME = VALUE */
static bool parse_let(cn_parser *parser, cn_statement *s)
{
    s->kind = CN_STATEMENT_LET;
    return take_name(parser, "a name", &s->name) && cn_parser_take(parser, '=', "'='") &&
           (s->value = cn_parse_expression(parser));
}

/* for NAME, ... in VALUE [.. LAST] { } */
static bool parse_for(cn_parser *parser, cn_statement *s)
{
    enum { MOST = 16 };
    s->kind = CN_STATEMENT_FOR;
    s->names = cn_text_alloc(parser->text, MOST, sizeof *s->names, s->at);
    if (!s->names) return false;
    do {
        if (s->name_count == MOST)
            return cn_text_fail(parser->text, CN_EFORMAT, parser->token->at,
                                "more than %d names in 'for'", MOST);
        if (!take_name(parser, "a name", &s->names[s->name_count])) return false;
        s->name_count++;
    } while (parser->token->kind == ',' && parser->token++);
    char found[64];
    if (!take_word(parser, "in"))
        return cn_text_fail(parser->text, CN_EFORMAT, parser->token->at,
                            "'in' expected and %s found; write: for i in 1..3",
                            cn_parser_found(parser, found));
    if (!(s->value = cn_parse_expression(parser))) return false;
    if (parser->token->kind == CN_TOKEN_RANGE) {
        parser->token++;
        if (!(s->last = cn_parse_expression(parser))) return false;
    }
    return parse_body(parser, &s->body);
}

/* if VALUE { } [else if ... | else { }] */
static bool parse_if(cn_parser *parser, cn_statement *s)
{
    s->kind = CN_STATEMENT_IF;
    s->value = cn_parse_expression(parser);
    if (!s->value || !parse_body(parser, &s->body)) return false;
    const cn_token *after = parser->token;
    skip_newlines(parser); /* "else" may stand on the next line */
    if (!take_word(parser, "else")) {
        parser->token = after;
        return true;
    }
    cn_place at = parser->token->at;
    if (!take_word(parser, "if")) return parse_body(parser, &s->otherwise);
    cn_statement *chained = cn_text_alloc(parser->text, 1, sizeof *chained, at);
    if (!chained || !cn_parser_deeper(parser)) return false;
    chained->at = at;
    s->otherwise.first = chained;
    bool parsed = parse_if(parser, chained);
    parser->depth--;
    return parsed;
}

/* [LABEL ":"] NAME [(ARGUMENTS)] [from ...], or [LABEL ":"] [from ...] { } */
static bool parse_layer(cn_parser *parser, cn_statement *s)
{
    bool labelled =
        (parser->token->kind == CN_TOKEN_NAME || parser->token->kind == CN_TOKEN_STRING) &&
        parser->token[1].kind == ':';
    if (labelled) {
        if (!(s->label = cn_parse_expression(parser))) return false;
        parser->token++;
    }
    s->at = parser->token->at;
    bool from = take_word(parser, "from");
    if (from || parser->token->kind == '{') {
        s->kind = CN_STATEMENT_GROUP;
        return (!from || parse_inputs(parser, s)) && parse_body(parser, &s->body);
    }
    s->kind = CN_STATEMENT_LAYER;
    if (!take_name(parser, "an operator or block", &s->name)) return false;
    if (parser->token->kind == '(') {
        parser->token++;
        if (!cn_parse_arguments(parser, &s->arguments, &s->argument_count)) return false;
    }
    return !take_word(parser, "from") || parse_inputs(parser, s);
}

static bool parse_statement(cn_parser *parser, cn_statement *s)
{
    s->at = parser->token->at;
    bool label = parser->token->kind == CN_TOKEN_NAME && parser->token[1].kind == ':';
    if (!label && take_word(parser, "let")) return parse_let(parser, s);
    if (!label && take_word(parser, "for")) return parse_for(parser, s);
    if (!label && take_word(parser, "if")) return parse_if(parser, s);
    return parse_layer(parser, s);
}

/* A statement or definition ends with its line, or before the bracket around it. */
static bool end_of_statement(cn_parser *parser)
{
    char found[64];
    if (parser->token->kind == CN_TOKEN_NEWLINE || parser->token->kind == '}' ||
        parser->token->kind == CN_TOKEN_END)
        return true;
    return cn_text_fail(parser->text, CN_EFORMAT, parser->token->at,
                        "the end of the line expected and %s found; ';' separates two on one line",
                        cn_parser_found(parser, found));
}

static bool append_statement(cn_parser *parser, cn_statement ***tail)
{
    cn_statement *s = cn_text_alloc(parser->text, 1, sizeof *s, parser->token->at);
    if (!s || !parse_statement(parser, s) || !end_of_statement(parser)) return false;
    **tail = s;
    *tail = &s->next;
    return true;
}

static bool parse_statements(cn_parser *parser, cn_statements *out)
{
    cn_statement **tail = &out->first;
    for (;;) {
        skip_newlines(parser);
        if (parser->token->kind == '}' || parser->token->kind == CN_TOKEN_END) return true;
        if (!append_statement(parser, &tail)) return false;
    }
}

/* A new row of a table of definitions; a name may stand there once. */
static cn_definition *define(cn_parser *parser, cn_definitions *table, const char *what,
                             bool optional)
{
    cn_definition d = {.at = parser->token->at, .name = ""};
    if ((!optional || parser->token->kind == CN_TOKEN_NAME) &&
        !take_name(parser, "a name", &d.name))
        return NULL;
    for (int32_t i = 0; i < table->count; i++)
        if (!strcmp(table->items[i].name, d.name)) {
            cn_text_fail(parser->text, CN_EFORMAT, d.at,
                         "%s %s is there already, in line %d; remove one", what, d.name,
                         table->items[i].at.line);
            return NULL;
        }
    if (table->count == CN_TEXT_MAX_ITEMS) {
        cn_text_fail(parser->text, CN_EFORMAT, d.at, "more than %d of %s", CN_TEXT_MAX_ITEMS, what);
        return NULL;
    }
    table->items[table->count] = d;
    return &table->items[table->count++];
}

/* param NAME = DEFAULT */
static bool parse_parameter(cn_parser *parser, cn_program *program)
{
    cn_definition *d = define(parser, &program->parameters, "parameter", false);
    if (!d || !cn_parser_take(parser, '=', "'=' and the default")) return false;
    d->arguments = cn_text_alloc(parser->text, 1, sizeof *d->arguments, d->at);
    d->argument_count = 1;
    return d->arguments && (d->arguments->value = cn_parse_expression(parser));
}

/* scale NAME(...), preprocess [NAME](...) */
static bool parse_settings(cn_parser *parser, cn_definitions *table, const char *what,
                           bool optional)
{
    cn_definition *d = define(parser, table, what, optional);
    return d && cn_parser_take(parser, '(', "'('") &&
           cn_parse_arguments(parser, &d->arguments, &d->argument_count);
}

/* block NAME(ARGUMENT [= DEFAULT], ...) { } */
static bool parse_block(cn_parser *parser, cn_program *program)
{
    cn_definition *d = define(parser, &program->blocks, "block", false);
    if (!d || !cn_parser_take(parser, '(', "'(' and the block's arguments")) return false;
    d->arguments =
        cn_text_alloc(parser->text, CN_TEXT_MAX_ITEMS, sizeof *d->arguments, parser->token->at);
    if (!d->arguments) return false;
    while (parser->token->kind != ')') {
        cn_argument *a = &d->arguments[d->argument_count];
        a->at = parser->token->at;
        if (d->argument_count == CN_TEXT_MAX_ITEMS - 1)
            return cn_text_fail(parser->text, CN_EFORMAT, a->at, "more than %d arguments",
                                CN_TEXT_MAX_ITEMS - 1);
        if (!take_name(parser, "an argument's name", &a->name)) return false;
        for (int32_t i = 0; i < d->argument_count; i++)
            if (!strcmp(d->arguments[i].name, a->name))
                return cn_text_fail(parser->text, CN_EFORMAT, a->at,
                                    "argument %s is there twice; rename one", a->name);
        if (parser->token->kind == '=') {
            parser->token++;
            if (!(a->value = cn_parse_expression(parser))) return false;
        }
        d->argument_count++;
        if (parser->token->kind != ',') break;
        parser->token++;
    }
    return cn_parser_take(parser, ')', "',' or ')'") && parse_body(parser, &d->body);
}

/* Whether the next line is a definition's; a label or a layer of that name is not. */
static bool take_keyword(cn_parser *parser, const char *word)
{
    return parser->token[0].kind != CN_TOKEN_END && parser->token[1].kind != ':' &&
           take_word(parser, word);
}

static bool parse_item(cn_parser *parser, cn_program *program, cn_statement ***tail)
{
    if (take_keyword(parser, "param")) return parse_parameter(parser, program);
    if (take_keyword(parser, "scale"))
        return parse_settings(parser, &program->scales, "scale", false);
    if (take_keyword(parser, "preprocess"))
        return parse_settings(parser, &program->preprocess, "preprocess", true);
    if (take_keyword(parser, "block")) return parse_block(parser, program);
    return append_statement(parser, tail);
}

bool cn_parse_program(cn_text *text, cn_program *program)
{
    if (text->size > CN_TEXT_MAX_BYTES)
        return cn_text_fail(text, CN_EFORMAT, (cn_place){1, 1},
                            "%zu bytes; a model text has at most %d", text->size,
                            CN_TEXT_MAX_BYTES);
    cn_tokens tokens;
    if (!cn_lex(text, 0, text->size, (cn_place){1, 1}, &tokens)) return false;
    cn_parser parser = {.text = text, .token = tokens.items};
    cn_statement **tail = &program->body.first;
    skip_newlines(&parser);
    if (!take_word(&parser, "model"))
        return cn_text_fail(text, CN_EFORMAT, parser.token->at,
                            "a model text begins with: model NAME");
    program->at = parser.token->at;
    if (!take_name(&parser, "the model's name", &program->model) || !end_of_statement(&parser))
        return false;
    for (;;) {
        skip_newlines(&parser);
        program->end = parser.token->at;
        if (parser.token->kind == CN_TOKEN_END) return true;
        if (!parse_item(&parser, program, &tail) || !end_of_statement(&parser)) return false;
    }
}
