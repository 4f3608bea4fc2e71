/* NumPy's .npy files: one dense float32 array, little endian, row-major. */
#ifndef HARNESS_DATA_NPY_H
#define HARNESS_DATA_NPY_H

#include <stdint.h>

#include "condense/status.h"

enum { ST_NPY_RANK = 8 };

typedef struct st_npy {
    int32_t rank;
    int64_t dims[ST_NPY_RANK];
    int64_t count; /* product of dims */
    float *data;   /* free with cn_free */
} st_npy;

/* Reads formats 1.0 to 3.0. CN_EFORMAT, with the byte, for anything but a float32 row-major array
 * that fills the file exactly. */
cn_status st_npy_read(const char *path, st_npy *array, cn_error *error);

/* The same from memory; `name` stands for the file in messages. */
cn_status st_npy_parse(const void *bytes, int64_t size, const char *name, st_npy *array,
                       cn_error *error);

/* Writes format 1.0 to a temporary file beside `path`, then renames. */
cn_status st_npy_write(const char *path, int32_t rank, const int64_t *dims, const float *data,
                       cn_error *error);

#endif
