/* Loads of pixels that lie apart. */
#ifndef CN_CPU_KERNELS_STRIDED_H
#define CN_CPU_KERNELS_STRIDED_H

#include "cpu/vector/vector.h"

/* n pixels, `stride` floats apart, as a vector. */
CN_INLINE V load_strided(const float *p, ptrdiff_t n, int stride)
{
    ptrdiff_t span = (n - 1) * stride + 1;
    if (stride == 1) return n == VL ? LDU(p) : LDN(p, n);
    V a = LDN(p, span), b = LDN(p + VL, span - VL);
    if (stride == 2) return EVEN(a, b);
    V c = LDN(p + 2 * VL, span - 2 * VL), d = LDN(p + 3 * VL, span - 3 * VL);
    return EVEN(EVEN(a, b), EVEN(c, d));
}

#endif
