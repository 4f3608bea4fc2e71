/* The FMA peak: enough independent chains to hide the latency, no memory. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

enum { CHAINS = f32_peak_ROWS };

float CN_KERNEL_NAME(f32_peak)(size_t rounds, float factor, float addend)
{
    V f = BCAST(factor), a = BCAST(addend), x[CHAINS];
#pragma GCC unroll 16
    for (int i = 0; i < CHAINS; i++)
        x[i] = BCAST((float)i); /* alike, the compiler would do them once */
    for (; rounds; rounds--)
#pragma GCC unroll 16
        for (int i = 0; i < CHAINS; i++)
            x[i] = FMA(f, x[i], a);
    V sum = ZERO();
#pragma GCC unroll 16
    for (int i = 0; i < CHAINS; i++)
        sum = ADD(sum, x[i]);
    return HSUM(sum);
}
