/* The input of a convolution with a stride as planes of its phases: phase (y, x) of a channel has
 * every stride_h-th row from y on, of that every stride_w-th pixel from x on. In these planes the
 * windows of neighbouring outputs begin side by side, as without a stride: tap (ky, kx) is tap
 * (ky / stride_h, kx / stride_w) of phase (ky % stride_h, kx % stride_w). */
#ifndef CN_CPU_PHASES_H
#define CN_CPU_PHASES_H

#include "cpu/conv_methods.h"

/* A panel: for each channel of a group its phases that windows touch, row by row of phases; of each
 * a plane of some rows. */
typedef struct cn_phases {
    int32_t rows, columns; /* phases of a channel */
    size_t row;            /* floats from row to row of a plane */
    size_t plane;          /* and from phase to phase */
} cn_phases;

/* For runs of up to `pixels` outputs, with what lies between the rows: `row` pixels a row. The
 * dilation is 1. */
cn_phases cn_phases_of(const cn_conv_problem *problem, size_t pixels);

/* Floats of the panel of `channels` channels. */
size_t cn_phases_floats(cn_phases phases, int32_t channels);

/* Whether cn_phases_split can fill it. */
bool cn_phases_can(const cn_conv *conv, cn_phases phases);

/* Where a tap lies in the panel, seen from the first output. */
int32_t cn_phases_offset(const cn_conv_problem *problem, cn_phases phases, int32_t channel,
                         int32_t kernel_y, int32_t kernel_x);

/* Fills the panel with what outputs begin .. end - 1 of an image's run read; returns where output
 * `begin` is seen from. `data`: tap (0, 0) of the first channel for output 0; `channels` are the
 * group's, as floats from there. */
const float *cn_phases_split(const cn_conv *conv, cn_phases phases, const float *data,
                             ptrdiff_t row, const int32_t *channels, size_t begin, size_t end,
                             float *panel);

#endif
