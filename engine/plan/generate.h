/* Kernels for one convolution: a source is written (generate_source.c), compiled and kept
 * (generate_cache.c), loaded and checked (generate.c). */
#ifndef CONDENSE_PLAN_GENERATE_H
#define CONDENSE_PLAN_GENERATE_H

#include <stdbool.h>
#include <stddef.h>

#include "condense/generate.h"
#include "cpu/conv.h"
#include "cpu/generated.h"
#include "cpu/view.h"

/* Lets `conv`, which is bound to `in`, run on generated kernels; false where it stays as it was.
 * The kernels are tried first: on random numbers they must give what the others give, to the bit.
 */
bool cn_generate(cn_generator *generator, cn_conv *conv, const cn_view *in);

/* The source of the kernels for a convolution that cn_generated_can be made for, in `blocks` blocks
 * a group; free it with cn_free. It defines the table `condense_blocks` of cn_generated_block.
 * NULL: out of memory. */
char *cn_generate_source(const cn_conv *conv, size_t blocks);

/* Blocks of a group, and about how many bytes of code they are. */
size_t cn_generate_blocks(const cn_conv *conv);
size_t cn_generate_code_bytes(const cn_conv *conv, size_t blocks);

/* Compiler flags for a level. */
const char *const *cn_generate_flags(cn_isa isa);

/* A place where compiled sources are kept: one file for each source, compiler and flags. */
typedef struct cn_code_cache {
    char *compiler, *folder;
    char *version; /* what the compiler says of itself; NULL: not asked yet */
} cn_code_cache;

/* The shared object of a source, opened with dlopen: from the folder, or compiled now, which sets
 * *compiled. */
cn_status cn_code_cache_open(cn_code_cache *cache, const char *source, const char *const *flags,
                             void **library, bool *compiled, cn_error *error);

#endif
