/* Characters to tokens. Private to engine/lr. */
#ifndef ENGINE_LR_LEXER_H
#define ENGINE_LR_LEXER_H

#include "lr/text.h"

/* Punctuation of one character is its own kind. */
typedef enum cn_token_kind {
    CN_TOKEN_END = 0,
    CN_TOKEN_NEWLINE = '\n', /* also ';'; none within ( ) and [ ] */
    CN_TOKEN_NAME = 256,     /* letters, digits, _ and inner dots: conv1, downsample.0 */
    CN_TOKEN_NUMBER,
    CN_TOKEN_STRING, /* the span excludes the quotes */
    CN_TOKEN_RANGE,  /* .. */
    CN_TOKEN_EQUAL,
    CN_TOKEN_UNEQUAL,
    CN_TOKEN_AT_MOST,
    CN_TOKEN_AT_LEAST,
    CN_TOKEN_FLOOR_DIVIDE
} cn_token_kind;

typedef struct cn_token {
    int32_t kind;
    uint32_t start, length; /* of its bytes in the text */
    cn_place at;
} cn_token;

typedef struct cn_tokens {
    cn_token *items; /* the last one is CN_TOKEN_END */
    size_t count, capacity;
} cn_tokens;

/* The tokens of text->bytes[start, end), whose first byte stands at `at`. */
bool cn_lex(cn_text *text, size_t start, size_t end, cn_place at, cn_tokens *tokens);

#endif
