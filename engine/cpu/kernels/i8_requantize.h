/* From sums to levels: what the kernels of integers share. See cn_requantize. Products and sums of
 * floats are rounded one by one, so that all levels of instruction sets give the same bits. */
#ifndef CN_CPU_KERNELS_I8_REQUANTIZE_H
#define CN_CPU_KERNELS_I8_REQUANTIZE_H

#include "cpu/vector/integer.h"
#include "cpu/vector/math.h"

#include "cpu/kernels/kernels.h"

/* No level is further from zero than 255; what is more may overflow as an integer. */
enum { I8_BEYOND = 512 };

/* The output of one channel before its activation; `k` is its place in the slots of `residual`. */
CN_INLINE V i8_linear(const cn_requantize *to, int row, I sum, const I *residual, int k)
{
    V x = ADD(MUL(TO_FLOAT(sum), BCAST(to->factor[row])), BCAST(to->bias[row]));
    if (!residual) return x;
    I level = ISUB(BYTE(*residual, k), IBCAST(to->residual_zero));
    return ADD(x, MUL(TO_FLOAT(level), BCAST(to->residual_scale)));
}

/* The slots of four channels. `bounded`: no x is more than TO_INT takes. */
CN_INLINE I i8_slots(const V x[4], V inverse, I zeros, bool bounded)
{
    I level[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        V steps = MUL(x[k], inverse);
        level[k] = TO_INT(bounded ? steps : MIN(BCAST(I8_BEYOND), steps));
    }
    return QUADS(level[0], level[1], level[2], level[3], zeros);
}

#endif
