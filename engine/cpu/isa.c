#include "condense/isa.h"

#include <string.h>
#ifdef __x86_64__
#include <cpuinfo.h>
#endif
#ifdef __aarch64__
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

static const char *const names[] = {"scalar", "neon",        "neon_dot", "avx2",
                                    "avx512", "avx512_vnni", "best"};

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
    case CN_ISA_AVX512_VNNI:
        return has(CN_ISA_AVX512) && cpuinfo_has_x86_avx512vnni();
    case CN_ISA_AVX512:
        return cpuinfo_initialize() && cpuinfo_has_x86_avx512f() && cpuinfo_has_x86_avx512bw() &&
               cpuinfo_has_x86_avx512dq() && cpuinfo_has_x86_avx512vl();
    case CN_ISA_AVX2:
        return cpuinfo_initialize() && cpuinfo_has_x86_avx2() && cpuinfo_has_x86_fma3();
#endif
#ifdef __aarch64__
    case CN_ISA_NEON:
        return 1;
    case CN_ISA_NEON_DOT:
        return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#endif
    default:
        return isa == CN_ISA_SCALAR;
    }
}

cn_isa cn_isa_available(cn_isa limit)
{
    for (int isa = limit == CN_ISA_BEST ? CN_ISA_BEST - 1 : (int)limit; isa > CN_ISA_SCALAR; isa--)
        if (has((cn_isa)isa)) return (cn_isa)isa;
    return CN_ISA_SCALAR;
}

cn_isa cn_isa_of_floats(cn_isa isa)
{
    return isa == CN_ISA_AVX512_VNNI ? CN_ISA_AVX512 : isa == CN_ISA_NEON_DOT ? CN_ISA_NEON : isa;
}
