/* Storing sums that have output channels in the lanes: activations have four channels in the bytes
 * of a slot, pixels side by side. */
#ifndef CN_CPU_KERNELS_I8_LANES_H
#define CN_CPU_KERNELS_I8_LANES_H

#include "cpu/kernels/i8_requantize.h"

/* Where the outputs of channels go, quad by quad, and what is added to them. */
typedef struct i8_place {
    float *out;            /* the first pixel, in the first quad */
    const float *residual; /* or NULL */
    ptrdiff_t out_plane, residual_plane;
    int32_t quads; /* that there are */
} i8_place;

/* `slots` has pixel k of channel row + l as byte k of lane l; in the planes a pixel's slot has four
 * channels. */
CN_INLINE void i8_put(const i8_place *place, int row, ptrdiff_t pixel, int count, I slots)
{
    int32_t quads = place->quads - row / 4;
    float *out = place->out + row / 4 * place->out_plane + pixel;
#ifdef CN_TURNED
    PUT_TURNED(out, place->out_plane, quads, count, slots);
#else
    for (int k = 0; k < count && quads > 0; k++) /* one lane */
        ((uint8_t *)(out + k))[row % 4] = (uint8_t)BYTE(slots, k);
#endif
}

/* The residual's, the same way. */
CN_INLINE I i8_get(const i8_place *place, int row, ptrdiff_t pixel, int count)
{
    int32_t quads = place->quads - row / 4;
    const float *in = place->residual + row / 4 * place->residual_plane + pixel;
#ifdef CN_TURNED
    return GET_TURNED(in, place->residual_plane, quads, count);
#else
    uint8_t bytes[4] = {0};
    for (int k = 0; k < count && quads > 0; k++)
        bytes[k] = ((const uint8_t *)(in + k))[row % 4];
    return ILDU(bytes);
#endif
}

/* The levels of VL channels from `row` on, of `count` pixels (1 .. 4) from `pixel` on in the output
 * and `other` on in the residual; saturation is all of the activation. */
CN_INLINE void i8_store(const i8_place *place, const cn_requantize *to, int row, ptrdiff_t pixel,
                        ptrdiff_t other, int count, const I sum[4])
{
    V factor = LDU(to->factor + row), bias = LDU(to->bias + row), x[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++)
        x[k] = FUSED(TO_FLOAT(sum[k]), factor, bias);
    if (place->residual) {
        I also = i8_get(place, row, other, count);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            x[k] = FUSED(TO_FLOAT(BYTE(also, k)), BCAST(to->residual_factor), x[k]);
    }
    i8_put(place, row, pixel, count, i8_slots(x, ZEROS(to->zero), true));
}

#endif
