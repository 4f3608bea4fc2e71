/* Levels to the floats that they stand for: see cn_i8_convert. */
#include "cpu/kernels/i8_requantize.h"

void CN_KERNEL_NAME(i8_expand)(const cn_i8_convert *c)
{
    V by = BCAST(c->by);
    I zero = IBCAST(c->zero);
    for (ptrdiff_t i = 0; i < c->count; i += VL) {
        I slots = AS_I(LDN(c->in + i, c->count - i));
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            if (k < c->channels)
                STN(c->out + k * c->plane + i, MUL(TO_FLOAT(ISUB(BYTE(slots, k), zero)), by),
                    c->count - i);
    }
}
