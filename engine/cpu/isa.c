#include "condense/isa.h"

#include <string.h>
#ifdef __x86_64__
#include <cpuinfo.h>
#endif

static const char *const names[] = {"scalar", "neon", "avx2", "avx512", "best"};

const char *cn_isa_name(cn_isa isa)
{
    return names[isa];
}

int cn_isa_parse(const char *name)
{
    for (int i = 0; i <= CN_ISA_BEST; i++)
        if (!strcmp(name, names[i])) return i;
    return -1;
}

/* Advanced SIMD is part of every aarch64 processor: only x86 needs to be asked. */
static int has(cn_isa isa)
{
    switch (isa) {
#ifdef __x86_64__
    case CN_ISA_AVX512:
        return cpuinfo_initialize() && cpuinfo_has_x86_avx512f() && cpuinfo_has_x86_avx512bw() &&
               cpuinfo_has_x86_avx512dq() && cpuinfo_has_x86_avx512vl();
    case CN_ISA_AVX2:
        return cpuinfo_initialize() && cpuinfo_has_x86_avx2() && cpuinfo_has_x86_fma3();
#endif
#ifdef __aarch64__
    case CN_ISA_NEON:
        return 1;
#endif
    default:
        return isa == CN_ISA_SCALAR;
    }
}

cn_isa cn_isa_available(cn_isa limit)
{
    for (int isa = limit == CN_ISA_BEST ? CN_ISA_AVX512 : (int)limit; isa > CN_ISA_SCALAR; isa--)
        if (has((cn_isa)isa)) return (cn_isa)isa;
    return CN_ISA_SCALAR;
}
