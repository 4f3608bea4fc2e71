/* Activations of 8-bit integers, as operators see them: condense/quantize.h has the arithmetic,
 * cpu/kernels/integer.h the layout, in which a view's channels are quads of channels. */
#ifndef CN_CPU_INT8_H
#define CN_CPU_INT8_H

#include <stdint.h>

#include "condense/graph.h"

/* A level q stands for (q - zero) * scale. Scale 0: the tensor is of floats. */
typedef struct cn_int8_scale {
    float scale;
    int32_t zero;
} cn_int8_scale;

static inline int32_t cn_quads(int32_t channels)
{
    return (channels + 3) / 4;
}

/* The shape of a tensor in memory. */
static inline cn_shape cn_int8_stored(cn_shape shape, cn_int8_scale levels)
{
    if (levels.scale > 0) shape.c = cn_quads(shape.c);
    return shape;
}

#endif
