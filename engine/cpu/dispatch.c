/* The tables of kernels, one for each level this build has. Kernels have one source for all levels,
 * so a table is always full; the level decides which one an operator is given. */
#include "cpu/kernels/kernels.h"

#define ENTRY(type, op, rows, pixels, isa)                                                         \
    .type##_##op = {cn_##type##_##op##_##isa, #type "_" #op "_" #rows "x" #pixels "_" #isa, rows,  \
                    pixels},

static const cn_kernels scalar = {
    .isa = CN_ISA_SCALAR,
    .lanes = 1,
#define CN_KERNEL(type, op, rs, ps, rn, pn, r2, p2, r5, p5) ENTRY(type, op, rs, ps, scalar)
#include "cpu/kernels/registry.inc"
#undef CN_KERNEL
};

#ifdef __aarch64__
static const cn_kernels neon = {
    .isa = CN_ISA_NEON,
    .lanes = 4,
#define CN_KERNEL(type, op, rs, ps, rn, pn, r2, p2, r5, p5) ENTRY(type, op, rn, pn, neon)
#include "cpu/kernels/registry.inc"
#undef CN_KERNEL
};
#endif

#ifdef __x86_64__
static const cn_kernels avx2 = {
    .isa = CN_ISA_AVX2,
    .lanes = 8,
#define CN_KERNEL(type, op, rs, ps, rn, pn, r2, p2, r5, p5) ENTRY(type, op, r2, p2, avx2)
#include "cpu/kernels/registry.inc"
#undef CN_KERNEL
};
static const cn_kernels avx512 = {
    .isa = CN_ISA_AVX512,
    .lanes = 16,
#define CN_KERNEL(type, op, rs, ps, rn, pn, r2, p2, r5, p5) ENTRY(type, op, r5, p5, avx512)
#include "cpu/kernels/registry.inc"
#undef CN_KERNEL
};
#endif

const cn_kernels *cn_kernels_for(cn_isa limit)
{
    switch (cn_isa_available(limit)) {
#ifdef __aarch64__
    case CN_ISA_NEON:
        return &neon;
#endif
#ifdef __x86_64__
    case CN_ISA_AVX2:
        return &avx2;
    case CN_ISA_AVX512:
        return &avx512;
#endif
    default:
        return &scalar;
    }
}
