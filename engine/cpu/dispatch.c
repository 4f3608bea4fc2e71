/* The tables of kernels, one for each level this build has. Kernels have one source for all levels,
 * so a table is always full; the level decides which one an operator is given. */
#include "cpu/kernels/kernels.h"

#define ENTRY(type, op, rows, pixels, isa)                                                         \
    .type##_##op = {cn_##type##_##op##_##isa, #type "_" #op "_" #rows "x" #pixels "_" #isa, rows,  \
                    pixels},

/* Each level's column of the registries. */
#define FLOATS_scalar(type, op, rs, ps, ...) ENTRY(type, op, rs, ps, scalar)
#define FLOATS_neon(type, op, rs, ps, rn, pn, ...) ENTRY(type, op, rn, pn, neon)
#define FLOATS_avx2(type, op, rs, ps, rn, pn, r2, p2, ...) ENTRY(type, op, r2, p2, avx2)
#define FLOATS_avx512(type, op, rs, ps, rn, pn, r2, p2, r5, p5) ENTRY(type, op, r5, p5, avx512)
#define INTEGERS_scalar(op, rs, ps, ...) ENTRY(i8, op, rs, ps, scalar)
#define INTEGERS_neon(op, rs, ps, rn, pn, ...) ENTRY(i8, op, rn, pn, neon)
#define INTEGERS_neon_dot(op, rs, ps, rn, pn, rd, pd, ...) ENTRY(i8, op, rd, pd, neon_dot)
#define INTEGERS_avx2(op, rs, ps, rn, pn, rd, pd, r2, p2, ...) ENTRY(i8, op, r2, p2, avx2)
#define INTEGERS_avx512(op, rs, ps, rn, pn, rd, pd, r2, p2, r5, p5, ...)                           \
    ENTRY(i8, op, r5, p5, avx512)
#define INTEGERS_avx512_vnni(op, rs, ps, rn, pn, rd, pd, r2, p2, r5, p5, rv, pv)                   \
    ENTRY(i8, op, rv, pv, avx512_vnni)

static const cn_kernels scalar = {
    .isa = CN_ISA_SCALAR,
    .lanes = 1,
#define CN_KERNEL FLOATS_scalar
#define CN_INTEGER_KERNEL INTEGERS_scalar
#include "cpu/kernels/integer.inc"
#include "cpu/kernels/registry.inc"
#undef CN_KERNEL
#undef CN_INTEGER_KERNEL
};

#ifdef __aarch64__
static const cn_kernels neon = {
    .isa = CN_ISA_NEON,
    .lanes = 4,
    .i8_offset = 128,
#define CN_KERNEL FLOATS_neon
#define CN_INTEGER_KERNEL INTEGERS_neon
#include "cpu/kernels/integer.inc"
#include "cpu/kernels/registry.inc"
#undef CN_INTEGER_KERNEL
};
static const cn_kernels neon_dot = {
    .isa = CN_ISA_NEON_DOT,
    .lanes = 4,
    .i8_offset = 128,
#define CN_INTEGER_KERNEL INTEGERS_neon_dot
#include "cpu/kernels/integer.inc"
#include "cpu/kernels/registry.inc"
#undef CN_KERNEL
#undef CN_INTEGER_KERNEL
};
#endif

#ifdef __x86_64__
static const cn_kernels avx2 = {
    .isa = CN_ISA_AVX2,
    .lanes = 8,
#define CN_KERNEL FLOATS_avx2
#define CN_INTEGER_KERNEL INTEGERS_avx2
#include "cpu/kernels/integer.inc"
#include "cpu/kernels/registry.inc"
#undef CN_KERNEL
#undef CN_INTEGER_KERNEL
};
static const cn_kernels avx512 = {
    .isa = CN_ISA_AVX512,
    .lanes = 16,
#define CN_KERNEL FLOATS_avx512
#define CN_INTEGER_KERNEL INTEGERS_avx512
#include "cpu/kernels/integer.inc"
#include "cpu/kernels/registry.inc"
#undef CN_INTEGER_KERNEL
};
static const cn_kernels avx512_vnni = {
    .isa = CN_ISA_AVX512_VNNI,
    .lanes = 16,
#define CN_INTEGER_KERNEL INTEGERS_avx512_vnni
#include "cpu/kernels/integer.inc"
#include "cpu/kernels/registry.inc"
#undef CN_KERNEL
#undef CN_INTEGER_KERNEL
};
#endif

const cn_kernels *cn_kernels_for(cn_isa limit)
{
    switch (cn_isa_available(limit)) {
#ifdef __aarch64__
    case CN_ISA_NEON:
        return &neon;
    case CN_ISA_NEON_DOT:
        return &neon_dot;
#endif
#ifdef __x86_64__
    case CN_ISA_AVX2:
        return &avx2;
    case CN_ISA_AVX512:
        return &avx512;
    case CN_ISA_AVX512_VNNI:
        return &avx512_vnni;
#endif
    default:
        return &scalar;
    }
}
