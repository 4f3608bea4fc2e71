/* Suggestions for mistyped names. */
#ifndef CONDENSE_NEAREST_H
#define CONDENSE_NEAREST_H

#include <stddef.h>

/* The candidate that fewest edits (insert, remove, replace a character) turn into `word`; NULL
 * where none is within a third of its length, at least 1 and at most 3. */
const char *cn_nearest(const char *word, const char *const *candidates, size_t count);

#endif
