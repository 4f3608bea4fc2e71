/* The shared library of a reference engine, loaded at run time and kept until the program ends. */
#ifndef HARNESS_ADAPTERS_LIBRARY_H
#define HARNESS_ADAPTERS_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct st_symbol {
    void *target; /* address of a function pointer */
    const char *name;
} st_symbol;

/* Loads the file that the environment variable `variable` names or, where it is not set, the one in
 * the data folders that fits `pattern` ("baselines/x/libx.so*"), and fills `symbols`. NULL, or the
 * reason why not: static storage, one line. */
const char *st_library_load(const char *variable, const char *pattern, const st_symbol *symbols,
                            size_t count);

#endif
