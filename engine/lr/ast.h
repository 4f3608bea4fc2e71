/* A model text as a tree. Everything lives in the cn_text. Private to engine/lr. */
#ifndef ENGINE_LR_AST_H
#define ENGINE_LR_AST_H

#include "lr/lexer.h"

typedef enum cn_expression_kind {
    CN_EXPR_NUMBER, /* number */
    CN_EXPR_STRING, /* items: pieces to put one after the other; or, without items, name */
    CN_EXPR_NAME,   /* name: a parameter, value, or layer */
    CN_EXPR_LIST,   /* items */
    CN_EXPR_UNARY,  /* op ('-' or 'n'ot), items[0] */
    CN_EXPR_BINARY, /* op (a token kind, 'a'nd, 'o'r), items[0], items[1] */
    CN_EXPR_IF,     /* if items[0] then items[1] else items[2] */
    CN_EXPR_CALL,   /* name(items...) */
    CN_EXPR_INDEX   /* items[0][items[1]] */
} cn_expression_kind;

typedef struct cn_expression {
    cn_expression_kind kind;
    cn_place at;
    int32_t op;
    int32_t depth; /* of the tree, bounded */
    double number;
    const char *name;
    struct cn_expression **items;
    int32_t count;
} cn_expression;

/* name = value, or a value by its position (name NULL). */
typedef struct cn_argument {
    cn_place at;
    const char *name;
    cn_expression *value;
} cn_argument;

typedef enum cn_statement_kind {
    CN_STATEMENT_LAYER, /* label: name(arguments) from inputs */
    CN_STATEMENT_GROUP, /* label: from inputs { body } */
    CN_STATEMENT_LET,   /* let names[0] = value */
    CN_STATEMENT_FOR,   /* for names in value { body }, or value .. last */
    CN_STATEMENT_IF     /* if value { body } else { otherwise } */
} cn_statement_kind;

typedef struct cn_statements {
    struct cn_statement *first;
} cn_statements;

typedef struct cn_statement {
    struct cn_statement *next;
    cn_statement_kind kind;
    cn_place at;
    cn_expression *label; /* NULL: none */
    const char *name;
    cn_argument *arguments;
    int32_t argument_count;
    cn_expression **inputs;
    int32_t input_count;
    const char **names;
    int32_t name_count;
    cn_expression *value, *last;
    cn_statements body, otherwise;
} cn_statement;

/* A block, a parameter (a block without body, whose default is in arguments[0]), a scale or a
 * preprocess line (name "" for every scale). */
typedef struct cn_definition {
    cn_place at;
    const char *name;
    cn_argument *arguments; /* of a block: names and defaults (value NULL: none) */
    int32_t argument_count;
    cn_statements body;
} cn_definition;

typedef struct cn_definitions {
    cn_definition items[CN_TEXT_MAX_ITEMS];
    int32_t count;
} cn_definitions;

typedef struct cn_program {
    const char *model;
    cn_place at; /* of the model's name */
    cn_place end;
    cn_definitions parameters, scales, preprocess, blocks;
    cn_statements body;
} cn_program;

/* Text to tree; false with a message in text->error. */
bool cn_parse_program(cn_text *text, cn_program *program);

/* The parser's state, shared by its two files. */
typedef struct cn_parser {
    cn_text *text;
    const cn_token *token; /* the next one */
    int depth;
} cn_parser;

cn_expression *cn_parse_expression(cn_parser *parser);

/* "(" [name "="] value, ... ")" after the opening bracket was seen. */
bool cn_parse_arguments(cn_parser *parser, cn_argument **arguments, int32_t *count);

/* Shared helpers: is the next token this word; take a token of a kind or fail with "`what`
 * expected"; a token's text; how the next token is called in messages. */
bool cn_parser_at_word(const cn_parser *parser, const char *word);
bool cn_parser_take(cn_parser *parser, int32_t kind, const char *what);
char *cn_parser_text(cn_parser *parser, const cn_token *token);
const char *cn_parser_found(const cn_parser *parser, char buffer[64]);

/* One level deeper; false (with a message) beyond the limit. Undo with parser->depth--. */
bool cn_parser_deeper(cn_parser *parser);

#endif
