/* Instruction-set levels: what the processor has, and a mask for tests. */
#ifndef CONDENSE_ISA_H
#define CONDENSE_ISA_H

typedef enum cn_isa {
    CN_ISA_SCALAR,
    CN_ISA_NEON,        /* aarch64 */
    CN_ISA_NEON_DOT,    /* and dot products of bytes (ARMv8.2) */
    CN_ISA_AVX2,        /* with FMA */
    CN_ISA_AVX512,      /* F, BW, DQ, VL */
    CN_ISA_AVX512_VNNI, /* and dot products of bytes */
    CN_ISA_BEST         /* not a level: the highest one available */
} cn_isa;

/* "scalar", "neon", "neon_dot", "avx2", "avx512", "avx512_vnni". */
const char *cn_isa_name(cn_isa isa);

/* Level by name; CN_ISA_BEST for "best"; -1 for no such name. */
int cn_isa_parse(const char *name);

/* The highest level that this processor has and that is not above `limit`. */
cn_isa cn_isa_available(cn_isa limit);

/* The level without what only integers use: neon_dot is neon to a float network. */
cn_isa cn_isa_of_floats(cn_isa isa);

#endif
