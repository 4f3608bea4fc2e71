/* A model text while it is read: where messages come from, and the memory that everything read from
 * it lives in until the end. Private to engine/lr. */
#ifndef ENGINE_LR_TEXT_H
#define ENGINE_LR_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/status.h"

/* Limits on what a text may ask for, so that none can hang the program or exhaust the machine. */
enum {
    CN_TEXT_MAX_BYTES = 1 << 20,
    CN_TEXT_MAX_MEMORY = 64 << 20, /* tokens, tree and values together */
    CN_TEXT_MAX_DEPTH = 64,        /* brackets, blocks, operands within operands */
    CN_TEXT_MAX_ITEMS = 128,       /* parameters, scales, blocks, names in a block, list items */
    CN_TEXT_MAX_CALLS = 32,        /* blocks that are inside one another */
    CN_TEXT_MAX_STEPS = 200000,    /* statements and operands evaluated */
    CN_TEXT_MAX_STRING = 128       /* longest string and layer name */
};

/* Where something stands; both from 1, columns in bytes. */
typedef struct cn_place {
    int32_t line, column;
} cn_place;

struct cn_text_chunk;

typedef struct cn_text {
    const char *name; /* the file's, for messages */
    const char *bytes;
    size_t size;
    cn_error *error;
    cn_status status; /* of the first failure */
    struct cn_text_chunk *chunks;
    size_t allocated;
} cn_text;

/* Records the first failure as "name:line:column: message"; always returns false. */
bool cn_text_fail(cn_text *text, cn_status status, cn_place at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Zeroed memory that lives until cn_text_clear; NULL (and a failure at `at`) beyond the limit. */
void *cn_text_alloc(cn_text *text, size_t count, size_t size, cn_place at);

/* A copy of the `length` bytes at `start`, with a final zero. */
char *cn_text_copy(cn_text *text, const char *start, size_t length, cn_place at);

void cn_text_clear(cn_text *text);

#endif
