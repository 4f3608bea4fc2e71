/* Compressed pictures to bytes. All refuse what is cut off or beyond the limits of image.h
 * (CN_EFORMAT); the message does not name the file. */
#ifndef HARNESS_DATA_DECODE_H
#define HARNESS_DATA_DECODE_H

#include "data/image.h"

cn_status st_jpeg_decode(const uint8_t *bytes, size_t size, st_image *image, cn_error *error);
cn_status st_png_decode(const uint8_t *bytes, size_t size, st_image *image, cn_error *error);

/* Either, told apart by the first bytes: names lie (some of ImageNet's .JPEG are PNG). */
cn_status st_image_decode(const uint8_t *bytes, size_t size, st_image *image, cn_error *error);

/* The picture in a file of at most 256 MiB; the message names the file. */
cn_status st_image_read(const char *path, st_image *image, cn_error *error);

#endif
