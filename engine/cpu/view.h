/* Activations: a batch of planes in memory that somebody else owns. */
#ifndef CN_CPU_VIEW_H
#define CN_CPU_VIEW_H

#include <stddef.h>
#include <stdint.h>

/* Pixel (y, x) of channel c of image i is data[i * image + c * plane + y * row + x]. Strides are in
 * floats; `plane` and `image` are multiples of 16. Around each plane lie halo_* rows and columns of
 * zeros that an operator may read and must never write: they are its zero padding. An operator
 * writes the interior of its output and nothing else. */
typedef struct cn_view {
    float *data;
    int32_t n, c, h, w;
    ptrdiff_t row, plane, image;
    int32_t halo_top, halo_bottom, halo_left, halo_right;
} cn_view;

#endif
