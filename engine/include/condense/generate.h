/* Generated kernels: for a layer and the places of its zeros a C source is written, compiled by the
 * machine's compiler and loaded (docs/generated.md). A session that is given a generator has the
 * layers whose way in wisdom says so run on such kernels; where one cannot be made the layer runs
 * on the program's own, and the generator knows why. */
#ifndef CONDENSE_GENERATE_H
#define CONDENSE_GENERATE_H

#include <stdint.h>

#include "condense/status.h"

/* For one thread at a time. */
typedef struct cn_generator cn_generator;

/* `compiler`: a command as cc, looked for in PATH; no shell reads it. `folder`: where compiled
 * kernels are kept, made where it is missing; files of other users are not loaded. Several
 * processes may share it. Neither needs to be there: what is missing is a reason in
 * cn_generator_problem. CN_ENOMEM. */
cn_status cn_generator_new(cn_generator **out, const char *compiler, const char *folder,
                           cn_error *error);

/* What became of the layers so far. */
typedef struct cn_generator_counts {
    int32_t compiled; /* now */
    int32_t found;    /* in the folder, compiled before */
    int32_t failed;   /* no compiler, no place, an error: see cn_generator_problem */
    int32_t unfit;    /* layers for which nothing is generated: docs/generated.md */
} cn_generator_counts;
cn_generator_counts cn_generator_report(const cn_generator *generator);

/* Why the first of the failed failed; NULL where none did. The generator's. */
const char *cn_generator_problem(const cn_generator *generator);

/* Sessions that were made with it may still run. */
void cn_generator_free(cn_generator *generator);

#endif
