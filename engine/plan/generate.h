/* Kernels for one convolution: a source is named (generate_key.c), written (generate_source.c),
 * compiled and kept (generate_cache.c), loaded and checked (generate.c). */
#ifndef CONDENSE_PLAN_GENERATE_H
#define CONDENSE_PLAN_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Of the text that is written: another number whenever another is written for the same convolution,
 * lest kernels that are kept be taken for its own. */
extern const uint64_t cn_generate_edition;

/* The SHA-256 of all that the source is made from, in hexadecimal: the same for the same source,
 * and much sooner there. */
enum { CN_GENERATE_KEY = 65 };
void cn_generate_key(const cn_conv *conv, size_t blocks, char key[CN_GENERATE_KEY]);

/* Blocks of a group, and about how many bytes of code they are. */
size_t cn_generate_blocks(const cn_conv *conv);
size_t cn_generate_code_bytes(const cn_conv *conv, size_t blocks);

/* Compiler flags for a level. */
const char *const *cn_generate_flags(cn_isa isa);

/* A source to compile: what is the same for the same source, and what writes it, to be freed with
 * cn_free; NULL: out of memory. */
typedef struct cn_code {
    const char *key;
    const char *const *flags;
    char *(*write)(const void *context);
    const void *context;
} cn_code;

/* A place where compiled sources are kept: one file for each key, compiler and flags. */
typedef struct cn_code_cache {
    char *compiler, *folder;
    char *version; /* what the compiler says of itself; NULL: not asked yet */
} cn_code_cache;

/* The shared object of a source, opened with dlopen: from the folder, or written and compiled now,
 * which sets *compiled. */
cn_status cn_code_cache_open(cn_code_cache *cache, const cn_code *code, void **library,
                             bool *compiled, cn_error *error);

#endif
