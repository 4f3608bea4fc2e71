#include "data/template.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_MAX = 1000000 };

/* Reads a number of at most NUMBER_MAX; false where there is none. */
static bool read_number(const char **at, int64_t *number)
{
    const char *start = *at;
    for (*number = 0; isdigit((unsigned char)**at) && *number <= NUMBER_MAX; (*at)++)
        *number = *number * 10 + (**at - '0');
    return *at > start && *number <= NUMBER_MAX;
}

/* A hole, parsed; value = factor * variable + add. */
typedef struct slot {
    int64_t factor, add, width;
    bool plain; /* the variable alone: texts allow nothing else */
} slot;

/* Parses from after "{" to after "}". */
static bool read_hole(const char **at, const char *variable, slot *out)
{
    size_t length = strlen(variable);
    *out = (slot){.factor = 1, .plain = true};
    if (isdigit((unsigned char)**at)) {
        if (!read_number(at, &out->factor) || *(*at)++ != '*') return false;
        out->plain = false;
    }
    if (strncmp(*at, variable, length) != 0) return false;
    *at += length;
    if (**at == '+' || **at == '-') {
        int64_t sign = *(*at)++ == '-' ? -1 : 1;
        if (!read_number(at, &out->add)) return false;
        out->add *= sign;
        out->plain = false;
    }
    if (**at == ':') {
        ++*at;
        if (*(*at)++ != '0' || !read_number(at, &out->width) || out->width > 9) return false;
        out->plain = false;
    }
    return *(*at)++ == '}';
}

cn_status st_template_fill(const char *pattern, const st_binding *binding, char name[ST_NAME_SIZE],
                           cn_error *error)
{
    size_t used = 0;
    for (const char *at = pattern; *at;) {
        if (*at != '{') {
            name[used++] = *at++;
        } else {
            slot hole;
            at++;
            if (!binding->name || !read_hole(&at, binding->name, &hole) ||
                (binding->text && !hole.plain))
                return cn_fail(error, CN_EFORMAT, "'%s': a hole that does not fit the rule's 'for'",
                               pattern);
            size_t room = ST_NAME_SIZE - used;
            int written = binding->text
                              ? snprintf(name + used, room, "%s", binding->text)
                              : snprintf(name + used, room, "%0*lld", (int)hole.width,
                                         (long long)(hole.factor * binding->number + hole.add));
            used += written < 0 || (size_t)written > room ? room : (size_t)written;
        }
        if (used >= ST_NAME_SIZE)
            return cn_fail(error, CN_EFORMAT, "'%s': the name grows beyond %d bytes", pattern,
                           ST_NAME_SIZE - 1);
    }
    name[used] = '\0';
    return CN_OK;
}
