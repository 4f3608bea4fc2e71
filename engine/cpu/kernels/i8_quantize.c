/* Floats to levels: see cn_i8_convert. */
#include "cpu/kernels/i8_requantize.h"

void CN_KERNEL_NAME(i8_quantize)(const cn_i8_convert *c)
{
    V by = BCAST(c->by);
    I zeros = ZEROS(c->zero);
    for (ptrdiff_t i = 0; i < c->count; i += VL) {
        V x[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            x[k] = k < c->channels ? MUL(LDN(c->in + k * c->plane + i, c->count - i), by) : ZERO();
        STN(c->out + i, AS_V(i8_slots(x, zeros, false)), c->count - i);
    }
}
