/* From sums to levels: what the kernels of integers share. See cn_requantize. */
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
    V x = FUSED(TO_FLOAT(sum), BCAST(to->factor[row]), BCAST(to->bias[row]));
    if (!residual) return x;
    return FUSED(TO_FLOAT(BYTE(*residual, k)), BCAST(to->residual_factor), x);
}

CN_INLINE V i8_activate(const cn_requantize *to, V x, cn_activation activation)
{
    switch (activation) {
    case CN_ACT_NONE:
        return x;
    case CN_ACT_RELU:
        return RELU(x);
    case CN_ACT_RELU6:
        return MIN(BCAST(to->six), RELU(x));
    default:
        return MUL(ACTIVATE(x, activation), BCAST(to->inverse));
    }
}

/* The slots of four channels. `bounded`: no x is more than TO_INT takes. */
CN_INLINE I i8_slots(const V x[4], I zeros, bool bounded)
{
    I level[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++)
        level[k] = TO_INT(bounded ? x[k] : MIN(BCAST(I8_BEYOND), x[k]));
    return QUADS(level[0], level[1], level[2], level[3], zeros);
}

#endif
