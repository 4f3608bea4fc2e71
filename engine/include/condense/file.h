/* A file that appears whole or not at all. */
#ifndef CONDENSE_FILE_H
#define CONDENSE_FILE_H

#include <stdio.h>

#include "condense/status.h"

typedef struct cn_new_file {
    FILE *stream; /* to write to; errors may be left to cn_new_file_end */
    char *path, *temporary;
} cn_new_file;

/* Opens PATH.PID.tmp, beside `path` so that it can be renamed. CN_EIO where that cannot be written;
 * then there is nothing to end. */
cn_status cn_new_file_begin(cn_new_file *file, const char *path, cn_error *error);

/* With `status` CN_OK: the temporary file goes to the disk and takes the place of `path`. With any
 * other status, or when writing failed, it is deleted and `path` stays as it was. Returns `status`
 * or, with `error` filled, what went wrong here. */
cn_status cn_new_file_end(cn_new_file *file, cn_status status, cn_error *error);

/* Makes the folders above `path` where they are missing. */
cn_status cn_make_folders(const char *path, cn_error *error);

#endif
