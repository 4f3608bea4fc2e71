/* Functions on vectors, in the vocabulary of vector.h. NaN stays NaN. */
#ifndef CN_CPU_VECTOR_MATH_H
#define CN_CPU_VECTOR_MATH_H

#include "condense/graph.h"
#include "cpu/vector/vector.h"

/* e^x to about 2 units in the last place: 2^n times a polynomial on |r| <= ln(2)/2. The power of
 * two is applied in two halves so that the results reach infinity and the denormals. */
static inline V EXP(V x)
{
    x = MAX(BCAST(-104), MIN(BCAST(89), x));
    V n = ROUND(MUL(x, BCAST(0x1.715476p+0f)));
    V r = FMA(n, BCAST(-0x1.62e4p-1f), x);
    r = FMA(n, BCAST(-0x1.7f7d1cp-20f), r);
    V p = BCAST(1.0f / 5040);
    p = FMA(p, r, BCAST(1.0f / 720));
    p = FMA(p, r, BCAST(1.0f / 120));
    p = FMA(p, r, BCAST(1.0f / 24));
    p = FMA(p, r, BCAST(1.0f / 6));
    p = FMA(p, r, BCAST(0.5f));
    p = FMA(p, r, BCAST(1));
    p = FMA(p, r, BCAST(1));
    V half = ROUND(MUL(n, BCAST(0.5f)));
    return MUL(MUL(p, POW2(half)), POW2(SUB(n, half)));
}

static inline V SIGMOID(V x)
{
    return DIV(BCAST(1), ADD(BCAST(1), EXP(NEG(x))));
}

/* An odd polynomial (Cephes) near zero, where 1 - 2 / (e^2x + 1) would cancel. */
static inline V TANH(V x)
{
    V z = MUL(x, x);
    V p = BCAST(-5.70498872745e-3f);
    p = FMA(p, z, BCAST(2.06390887954e-2f));
    p = FMA(p, z, BCAST(-5.37397155531e-2f));
    p = FMA(p, z, BCAST(1.33314422036e-1f));
    p = FMA(p, z, BCAST(-3.33332819422e-1f));
    V small = FMA(MUL(p, z), x, x);
    V large = SUB(BCAST(1), DIV(BCAST(2), ADD(EXP(ADD(x, x)), BCAST(1))));
    return SELECT_LT(ABS(x), BCAST(0.625f), small, large);
}

/* max(0, x) and min(6, max(0, x)) with NaN kept. */
static inline V RELU(V x)
{
    return MAX(ZERO(), x);
}
static inline V RELU6(V x)
{
    return MIN(BCAST(6), MAX(ZERO(), x));
}

static inline V ACTIVATE(V x, cn_activation activation)
{
    switch (activation) {
    case CN_ACT_RELU:
        return RELU(x);
    case CN_ACT_RELU6:
        return RELU6(x);
    case CN_ACT_SIGMOID:
        return SIGMOID(x);
    case CN_ACT_TANH:
        return TANH(x);
    case CN_ACT_NONE:
        break;
    }
    return x;
}

#endif
