/* Loads of pixels that lie apart. */
#ifndef CN_CPU_KERNELS_STRIDED_H
#define CN_CPU_KERNELS_STRIDED_H

#include "cpu/vector/vector.h"

/* n pixels, `stride` (1 or 2) floats apart, as a vector. */
CN_INLINE V load_strided(const float *p, ptrdiff_t n, int stride)
{
    ptrdiff_t span = (n - 1) * stride + 1;
    if (stride == 1) return n == VL ? LDU(p) : LDN(p, n);
    return EVEN(LDN(p, span), LDN(p + VL, span - VL));
}

#endif
