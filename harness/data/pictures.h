/* Labelled pictures as a file format gives them, before any split or preprocessing. */
#ifndef HARNESS_DATA_PICTURES_H
#define HARNESS_DATA_PICTURES_H

#include <stddef.h>
#include <stdint.h>

#include "condense/status.h"

/* Pictures in memory (pixels) or on disk (files). Pixels are bytes, count x height x width x
 * channels, channels 1 (grey) or 3 (red, green, blue). */
typedef struct st_pictures {
    int32_t count, channels, height, width;
    uint8_t *pixels; /* NULL where the pictures are files */
    char **files;    /* paths; NULL where the pictures are in memory */
    int32_t *labels;
} st_pictures;

void st_pictures_clear(st_pictures *pictures);

/* IDX (the format of MNIST): two zero bytes, a type (8: unsigned bytes), the number of dimensions,
 * each dimension as four bytes, most significant first, then the values, last dimension fastest.
 * `images` has three dimensions, `labels` one; labels are below `classes`. The names stand for the
 * files in messages. */
cn_status st_idx_parse(st_pictures *pictures, const uint8_t *images, size_t images_size,
                       const char *images_name, const uint8_t *labels, size_t labels_size,
                       const char *labels_name, int32_t classes, cn_error *error);

/* CIFAR-10 binary: appends the pictures of one batch file. */
cn_status st_cifar_append(st_pictures *pictures, const uint8_t *bytes, size_t size,
                          const char *name, int32_t classes, cn_error *error);

/* A table of labels in CSV: a header row that has the columns "file" and "class" (others are left
 * alone), then a row for each picture: its file, relative to `folder`, and its class, 0 ..
 * classes-1. Files do not leave the folder ("/" in front and ".." are refused). Messages name row
 * and column, both from 1. */
cn_status st_labels_parse(st_pictures *pictures, const uint8_t *bytes, size_t size,
                          const char *name, const char *folder, int32_t classes, cn_error *error);

/* One digest for all the files of `pictures`, of their contents in order; remembered as long as no
 * name, size or time of change differs. */
cn_status st_pictures_digest(const st_pictures *pictures, char digest[65], cn_error *error);

#endif
