#include "lr/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"

typedef struct cn_text_chunk {
    struct cn_text_chunk *next;
    size_t used, size;
    char *bytes;
} chunk;

bool cn_text_fail(cn_text *text, cn_status status, cn_place at, const char *format, ...)
{
    if (text->status) return false;
    text->status = status;
    char what[900];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    cn_fail(text->error, status, "%s:%d:%d: %s", text->name, at.line, at.column, what);
    return false;
}

static bool add_chunk(cn_text *text, size_t bytes)
{
    size_t size = bytes > 64 << 10 ? bytes : 64 << 10;
    chunk *c = cn_calloc(1, sizeof *c);
    char *block = cn_calloc(size, 1);
    if (!c || !block) {
        cn_free(c);
        cn_free(block);
        return false;
    }
    *c = (chunk){.next = text->chunks, .size = size, .bytes = block};
    text->chunks = c;
    text->allocated += size;
    return true;
}

void *cn_text_alloc(cn_text *text, size_t count, size_t size, cn_place at)
{
    size_t bytes;
    if (!cn_mul_size(count, size, &bytes) || bytes > CN_TEXT_MAX_MEMORY - 16 ||
        text->allocated + bytes > CN_TEXT_MAX_MEMORY) {
        cn_text_fail(text, CN_EFORMAT, at, "the text asks for too much; shorten it");
        return NULL;
    }
    bytes = (bytes + 15) / 16 * 16;
    if ((!text->chunks || text->chunks->size - text->chunks->used < bytes) &&
        !add_chunk(text, bytes)) {
        cn_text_fail(text, CN_ENOMEM, at, "out of memory");
        return NULL;
    }
    void *block = text->chunks->bytes + text->chunks->used;
    text->chunks->used += bytes;
    return block;
}

char *cn_text_copy(cn_text *text, const char *start, size_t length, cn_place at)
{
    char *copy = cn_text_alloc(text, length + 1, 1, at);
    if (copy) memcpy(copy, start, length);
    return copy;
}

void cn_text_clear(cn_text *text)
{
    while (text->chunks) {
        chunk *next = text->chunks->next;
        cn_free(text->chunks->bytes);
        cn_free(text->chunks);
        text->chunks = next;
    }
    text->allocated = 0;
}
