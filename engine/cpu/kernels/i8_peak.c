/* The peak of products of bytes: enough independent chains to hide the latency, and no memory but a
 * slot a step, which keeps the compiler from working out the sum beforehand. It copies all chains
 * once a round: a round has so many steps that this does not matter. */
#include "cpu/vector/integer.h"

#include "cpu/kernels/kernels.h"

enum { CHAINS = i8_peak_ROWS };

int32_t CN_KERNEL_NAME(i8_peak)(size_t rounds, const int32_t *weight, const int32_t slot[2])
{
    I x[CHAINS];
    Q w[CHAINS]; /* alike, the compiler would multiply once */
#pragma GCC unroll 16
    for (int i = 0; i < CHAINS; i++) {
        x[i] = IBCAST(i);
        w[i] = SQ(IBCAST(weight[i]));
    }
    for (; rounds; rounds--)
#pragma GCC unroll 16
        for (int step = 0; step < CN_I8_PEAK_STEPS; step++) {
            U u = UQ(IBCAST(slot[(rounds + (size_t)step) % 2]));
#pragma GCC unroll 16
            for (int i = 0; i < CHAINS; i++)
                x[i] = DOT(w[i], u, x[i]);
        }
    I sum = IBCAST(0);
#pragma GCC unroll 16
    for (int i = 0; i < CHAINS; i++)
        sum = IADD(sum, x[i]);
    return IHSUM(sum);
}
