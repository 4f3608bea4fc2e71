/* Memory: checked sizes, aligned blocks. Free everything from here with cn_free. */
#ifndef CONDENSE_MEMORY_H
#define CONDENSE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Cache line and widest vector, in bytes. Every tensor starts at a multiple of it. */
enum { CN_ALIGNMENT = 64 };

/* Zeroed array of `count` items, aligned to CN_ALIGNMENT; NULL when out of memory or when
 * count * size does not fit. A count of 0 gives a valid pointer. */
void *cn_calloc(size_t count, size_t size);

/* As realloc for a block of cn_calloc that held `old_count` items; new items are zero. On failure
 * returns NULL and the old block stays. */
void *cn_recalloc(void *block, size_t old_count, size_t count, size_t size);

/* Copies of a string: whole, or formatted. NULL when out of memory. */
char *cn_strdup(const char *text);
char *cn_sprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

void cn_free(void *block);

/* *out = a * b or a + b; false (and *out untouched) where the result does not fit. */
bool cn_mul_size(size_t a, size_t b, size_t *out);
bool cn_add_size(size_t a, size_t b, size_t *out);

#endif
