/* Planes of slots for the tests of 8-bit integers: see cpu/kernels/integer.h. */
#ifndef TESTS_KERNELS_SLOTS_H
#define TESTS_KERNELS_SLOTS_H

#include "check.h"
#include "cpu/int8.h"

/* Planes of slots for tensor `shape`; all bytes are poison but, of an input, random levels inside
 * and the zero point in the halo. Other arguments as for planes_new. */
planes slots_new(int32_t n, cn_shape shape, const int32_t halo[4], int32_t extra, guard side,
                 planes_kind kind, int32_t zero, cn_random *random);

/* The byte of channel c; only inside the planes. */
uint8_t *slots_byte(const planes *p, int32_t n, int32_t c, int32_t y, int32_t x);

/* A scale of levels drawn at random, zero point included. */
cn_int8_scale slots_scale(cn_random *random);

/* The level of `x`, in the words of condense/quantize.h. */
int32_t slots_level(float x, cn_int8_scale scale);

#endif
