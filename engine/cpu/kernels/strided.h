/* Loads of pixels that lie apart. */
#ifndef CN_CPU_KERNELS_STRIDED_H
#define CN_CPU_KERNELS_STRIDED_H

#include "cpu/vector/vector.h"

/* n pixels, `stride` (1, 2 or 4) floats apart, as a vector; zeros after them. Any n, as LDN. */
CN_INLINE V load_strided(const float *p, ptrdiff_t n, int stride)
{
    ptrdiff_t span = (n - 1) * stride + 1;
    if (stride == 1) return n == VL ? LDU(p) : LDN(p, n);
    V x = EVEN(LDN(p, span), LDN(p + VL, span - VL));
    if (stride == 2) return x;
    return EVEN(x, EVEN(LDN(p + 2 * VL, span - 2 * VL), LDN(p + 3 * VL, span - 3 * VL)));
}

#endif
