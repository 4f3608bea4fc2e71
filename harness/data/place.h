/* Where data may be put, and the programs that fetch and unpack it. */
#ifndef HARNESS_DATA_PLACE_H
#define HARNESS_DATA_PLACE_H

#include <stdint.h>

#include "condense/status.h"

/* The path of `relative` ("mnist/x.gz") in the first data folder that can be written:
 * $CONDENSE_DATA, else the project's own; folders on the way are made. *path for cn_free. */
cn_status st_place_new(const char *relative, char **path, cn_error *error);

/* Runs a program found in PATH, its output on stderr, and waits. `arguments` ends with NULL and
 * begins with the program's name. `output` (may be NULL) is a file to take its standard output. */
cn_status st_run_program(const char *const *arguments, const char *output, cn_error *error);

/* Fetches `url` to `path` by curl, through a temporary file that becomes `path` only where `verify`
 * says CN_OK to it. */
typedef cn_status (*st_verify)(const char *path, const void *context, cn_error *error);
cn_status st_fetch(const char *url, const char *path, st_verify verify, const void *context,
                   cn_error *error);

#endif
