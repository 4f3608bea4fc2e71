/* One decoded picture, and what becomes of it before the network sees it. */
#ifndef HARNESS_DATA_IMAGE_H
#define HARNESS_DATA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/model.h"
#include "condense/status.h"

/* Bytes, height x width x channels; channels 1 (grey) or 3 (red, green, blue). */
typedef struct st_image {
    int32_t width, height, channels;
    uint8_t *pixels;
} st_image;

/* Limits of a picture: a side, and pixels altogether. */
enum { ST_IMAGE_SIDE_MAX = 1 << 15, ST_IMAGE_PIXELS_MAX = 100 << 20 };

void st_image_clear(st_image *image);

/* A picture of zeros; refuses sizes beyond the limits (CN_EFORMAT). */
cn_status st_image_new(st_image *image, int32_t width, int32_t height, int32_t channels,
                       cn_error *error);

/* Resizes to width x height: bilinear with the filter widened where the picture shrinks, so that no
 * pixel is skipped; first along rows, then columns, rounded to bytes between. */
cn_status st_image_resize(const st_image *image, int32_t width, int32_t height, st_image *resized,
                          cn_error *error);

/* How the pictures of one data set become the input of one network. */
typedef struct st_prepare {
    cn_preprocess how;
    cn_shape input;
    bool prepared;       /* the pictures were resized when the set was made: only crop or fit */
    float value[3][256]; /* what a byte becomes, by channel of the input */
} st_prepare;

/* Checks that the preprocessing can give the input's shape; `channels` are the pictures'. */
cn_status st_prepare_init(st_prepare *prepare, const cn_preprocess *how, cn_shape input,
                          bool prepared, cn_error *error);

/* Resize, crop, channel order, mean and deviation: `input` receives C x H x W values. */
cn_status st_prepare_run(const st_prepare *prepare, const st_image *image, float *input,
                         cn_error *error);

#endif
