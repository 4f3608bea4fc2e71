#include "condense/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cn_mul_size(size_t a, size_t b, size_t *out)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product)) return false;
    *out = product;
    return true;
}

bool cn_add_size(size_t a, size_t b, size_t *out)
{
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum)) return false;
    *out = sum;
    return true;
}

void *cn_calloc(size_t count, size_t size)
{
    size_t bytes, rounded;
    if (!cn_mul_size(count, size, &bytes)) return NULL;
    if (!cn_add_size(bytes, CN_ALIGNMENT, &rounded) || rounded > PTRDIFF_MAX) return NULL;
    rounded -= rounded % CN_ALIGNMENT; /* aligned_alloc wants a multiple; never 0 */
    void *block = aligned_alloc(CN_ALIGNMENT, rounded);
    if (block) memset(block, 0, rounded);
    return block;
}

void *cn_recalloc(void *block, size_t old_count, size_t count, size_t size)
{
    void *larger = cn_calloc(count, size);
    if (!larger) return NULL;
    if (block) memcpy(larger, block, (old_count < count ? old_count : count) * size);
    free(block);
    return larger;
}

char *cn_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = malloc(bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

char *cn_sprintf(const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void cn_free(void *block)
{
    free(block);
}
