/* What a scheme keeps or removes whole. A weight tensor is outputs x inputs x places (kernel
 * places; 1 for fully connected); a unit covers `share_outputs` successive outputs and
 * `share_inputs` successive inputs (fewer at the end), one place or all. */
#ifndef COMPRESS_UNITS_H
#define COMPRESS_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/scheme.h"

typedef struct sharing {
    int32_t outputs, inputs; /* 0: all */
    bool all_places, pattern;
} sharing;

typedef struct units {
    int64_t outputs, inputs, places;
    int64_t share_outputs, share_inputs, share_places;
    int64_t rows, columns, depth, count; /* of units */
    bool pattern;                        /* kernels are 3 x 3 and get a pattern first */
} units;

units units_of(const cn_tensor *tensor, cn_scheme scheme);

/* The unit of the weight at (output, input, place). The divisions do not depend on the place, so
 * that loops over places do them once. */
static inline int64_t unit_of(const units *u, int64_t output, int64_t input, int64_t place)
{
    int64_t column = u->share_inputs == 1 ? input : input / u->share_inputs;
    int64_t depth = u->share_places == 1 ? place : 0;
    return (output / u->share_outputs * u->columns + column) * u->depth + depth;
}

#endif
