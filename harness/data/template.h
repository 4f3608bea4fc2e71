/* Names with holes: "layer{i}.conv", "{2*i-1:02}.depthwise", "inception_{n}_1x1". A hole holds the
 * variable, or for a number [FACTOR*]VARIABLE[+ADD|-SUBTRACT], and :0WIDTH pads it with zeros. */
#ifndef HARNESS_DATA_TEMPLATE_H
#define HARNESS_DATA_TEMPLATE_H

#include <stdint.h>

#include "condense/status.h"

/* The variable of a rule at one of its values: a text, or a number where `text` is NULL. */
typedef struct st_binding {
    const char *name; /* NULL: no variable; then no holes are allowed */
    const char *text;
    int64_t number;
} st_binding;

enum { ST_NAME_SIZE = 256 };

/* Fills the holes of `pattern` into `name`. CN_EFORMAT, the pattern in the message, where a hole is
 * malformed, names another variable or the name grows too long. */
cn_status st_template_fill(const char *pattern, const st_binding *binding, char name[ST_NAME_SIZE],
                           cn_error *error);

#endif
