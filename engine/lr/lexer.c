#include "lr/lexer.h"

#include <string.h>

typedef struct lexer {
    cn_text *text;
    size_t position, end;
    cn_place at;
    char brackets[CN_TEXT_MAX_DEPTH]; /* those open now */
    int depth;
    cn_tokens *tokens;
} lexer;

/* Byte at `ahead` from here; 0 past the end. */
static unsigned char peek(const lexer *lex, size_t ahead)
{
    return lex->position + ahead < lex->end ? (unsigned char)lex->text->bytes[lex->position + ahead]
                                            : 0;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(unsigned char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool push(lexer *lex, int32_t kind, size_t start, size_t length, cn_place at)
{
    cn_tokens *tokens = lex->tokens;
    if (tokens->count == tokens->capacity) {
        size_t capacity = tokens->capacity ? tokens->capacity * 2 : 32;
        cn_token *items = cn_text_alloc(lex->text, capacity, sizeof *items, at);
        if (!items) return false;
        if (tokens->count) memcpy(items, tokens->items, tokens->count * sizeof *items);
        tokens->items = items;
        tokens->capacity = capacity;
    }
    tokens->items[tokens->count++] =
        (cn_token){.kind = kind, .start = (uint32_t)start, .length = (uint32_t)length, .at = at};
    return true;
}

/* A token of the next `length` bytes. */
static bool take(lexer *lex, int32_t kind, size_t length)
{
    bool pushed = push(lex, kind, lex->position, length, lex->at);
    lex->position += length;
    lex->at.column += (int32_t)length;
    return pushed;
}

static void skip_line_end(lexer *lex)
{
    lex->position++;
    lex->at.line++;
    lex->at.column = 1;
}

static bool lex_newline(lexer *lex)
{
    bool inside = lex->depth && lex->brackets[lex->depth - 1] != '{';
    bool pushed = inside || push(lex, CN_TOKEN_NEWLINE, lex->position, 1, lex->at);
    skip_line_end(lex);
    return pushed;
}

static bool lex_name(lexer *lex)
{
    size_t length = 1;
    while (is_word(peek(lex, length)) ||
           (peek(lex, length) == '.' && is_word(peek(lex, length + 1))))
        length++;
    if (length > CN_TEXT_MAX_STRING)
        return cn_text_fail(lex->text, CN_EFORMAT, lex->at,
                            "a name of %zu characters; at most %d are allowed", length,
                            CN_TEXT_MAX_STRING);
    return take(lex, CN_TOKEN_NAME, length);
}

/* 12, 0.5, 1e-4: a dot belongs to the number only before a digit, so that 1..3 is a range. */
static bool lex_number(lexer *lex)
{
    size_t length = 0;
    while (is_digit(peek(lex, length)))
        length++;
    if (peek(lex, length) == '.' && is_digit(peek(lex, length + 1))) {
        length++;
        while (is_digit(peek(lex, length)))
            length++;
    }
    if (peek(lex, length) == 'e' || peek(lex, length) == 'E') {
        size_t digits = length + 1;
        if (peek(lex, digits) == '-' || peek(lex, digits) == '+') digits++;
        if (!is_digit(peek(lex, digits)))
            return cn_text_fail(lex->text, CN_EFORMAT, lex->at,
                                "the number's exponent has no digits; write it like 1e-4");
        while (is_digit(peek(lex, digits)))
            digits++;
        length = digits;
    }
    if (is_word(peek(lex, length)))
        return cn_text_fail(lex->text, CN_EFORMAT, lex->at,
                            "a number runs into a name; names begin with a letter");
    if (length > 40)
        return cn_text_fail(lex->text, CN_EFORMAT, lex->at, "a number of %zu digits; shorten it",
                            length);
    return take(lex, CN_TOKEN_NUMBER, length);
}

static bool lex_string(lexer *lex)
{
    cn_place at = lex->at;
    size_t length = 0;
    for (unsigned char c; (c = peek(lex, length + 1)) != '"'; length++)
        if (c < ' ' || c > '~')
            return cn_text_fail(lex->text, CN_EFORMAT, at,
                                c == '\n' || !c ? "the string has no end; close it with \" in the "
                                                  "same line"
                                                : "a string holds printable ASCII only");
    lex->position++;
    lex->at.column++;
    if (!take(lex, CN_TOKEN_STRING, length)) return false;
    lex->tokens->items[lex->tokens->count - 1].at = at;
    lex->position++;
    lex->at.column++;
    return true;
}

static bool open_bracket(lexer *lex, char c)
{
    if (lex->depth == CN_TEXT_MAX_DEPTH)
        return cn_text_fail(lex->text, CN_EFORMAT, lex->at, "more than %d brackets are open",
                            CN_TEXT_MAX_DEPTH);
    lex->brackets[lex->depth++] = c;
    return take(lex, c, 1);
}

static bool close_bracket(lexer *lex, char c)
{
    char open = c == ')' ? '(' : c == ']' ? '[' : '{';
    if (!lex->depth)
        return cn_text_fail(lex->text, CN_EFORMAT, lex->at, "'%c' closes nothing; remove it", c);
    if (lex->brackets[lex->depth - 1] != open)
        return cn_text_fail(lex->text, CN_EFORMAT, lex->at, "'%c' where '%c' is still open", c,
                            lex->brackets[lex->depth - 1]);
    lex->depth--;
    return take(lex, c, 1);
}

static bool lex_punctuation(lexer *lex, unsigned char c)
{
    static const struct {
        char text[3];
        int32_t kind;
    } pairs[] = {{"..", CN_TOKEN_RANGE},    {"==", CN_TOKEN_EQUAL},
                 {"!=", CN_TOKEN_UNEQUAL},  {"<=", CN_TOKEN_AT_MOST},
                 {">=", CN_TOKEN_AT_LEAST}, {"//", CN_TOKEN_FLOOR_DIVIDE}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (c == pairs[i].text[0] && peek(lex, 1) == pairs[i].text[1])
            return take(lex, pairs[i].kind, 2);
    if (c == '(' || c == '[' || c == '{') return open_bracket(lex, (char)c);
    if (c == ')' || c == ']' || c == '}') return close_bracket(lex, (char)c);
    if (c == ';') return take(lex, CN_TOKEN_NEWLINE, 1);
    if (c && strchr(",:=+-*/%^<>", c)) return take(lex, c, 1);
    if (c > ' ' && c <= '~')
        return cn_text_fail(lex->text, CN_EFORMAT, lex->at, "'%c' means nothing here", c);
    return cn_text_fail(lex->text, CN_EFORMAT, lex->at,
                        "byte 0x%02x is not text; outside comments only ASCII is", c);
}

static bool lex_one(lexer *lex)
{
    unsigned char c = peek(lex, 0);
    if (c == ' ' || c == '\t' || c == '\r') {
        lex->position++;
        lex->at.column++;
        return true;
    }
    if (c == '#') {
        while (lex->position < lex->end && peek(lex, 0) != '\n')
            lex->position++;
        return true;
    }
    if (c == '\n') return lex_newline(lex);
    if (is_digit(c)) return lex_number(lex);
    if (is_word(c)) return lex_name(lex);
    if (c == '"') return lex_string(lex);
    return lex_punctuation(lex, c);
}

bool cn_lex(cn_text *text, size_t start, size_t end, cn_place at, cn_tokens *tokens)
{
    *tokens = (cn_tokens){0};
    lexer lex = {.text = text, .position = start, .end = end, .at = at, .tokens = tokens};
    while (lex.position < end)
        if (!lex_one(&lex)) return false;
    return push(&lex, CN_TOKEN_END, end, 0, lex.at);
}
