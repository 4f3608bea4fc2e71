#include "cpu/denormals.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

enum { FLUSH_RESULTS = 1 << 15, DENORMALS_ARE_ZERO = 1 << 6 }; /* of MXCSR */

uint64_t cn_denormals_off(void)
{
    unsigned state = _mm_getcsr();
    _mm_setcsr(state | FLUSH_RESULTS | DENORMALS_ARE_ZERO);
    return state;
}

void cn_denormals_restore(uint64_t state)
{
    _mm_setcsr((unsigned)state);
}

#elif defined(__aarch64__)

uint64_t cn_denormals_off(void)
{
    const uint64_t flush_to_zero = UINT64_C(1) << 24; /* of FPCR */
    uint64_t state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    __asm__ volatile("msr fpcr, %0" : : "r"(state | flush_to_zero));
    return state;
}

void cn_denormals_restore(uint64_t state)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(state));
}

#else

uint64_t cn_denormals_off(void)
{
    return 0;
}

void cn_denormals_restore(uint64_t state)
{
    (void)state;
}

#endif
