/* The generator of kernels (docs/generated.md) as the environment sets it up: the compiler is
 * $CONDENSE_CC, else $CC, else cc; the folder $CONDENSE_CACHE, else
 * $XDG_CACHE_HOME/condense/kernels, else ~/.cache/condense/kernels. */
#ifndef HARNESS_ENV_GENERATOR_H
#define HARNESS_ENV_GENERATOR_H

#include "condense/generate.h"

/* *generator becomes NULL where there is no folder for it. */
cn_status st_generator_new(cn_generator **generator, cn_error *error);

/* Says on stderr how many layers run on other kernels than generated ones that wisdom or the tuner
 * asked for, and why, if there are any; then frees it. `generator` may be NULL. */
void st_generator_close(cn_generator *generator);

#endif
