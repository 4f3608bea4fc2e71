/* What skipping zeros is worth, layer by layer. */
#ifndef HARNESS_MEASURE_SPEEDUP_H
#define HARNESS_MEASURE_SPEEDUP_H

#include <stdint.h>

#include "measure/layers.h"

/* NAN where it is not known. */
typedef struct st_speedup {
    /* The dense kernel's products over the fewest that are needed: those with a weight that is not
     * zero, or its own, where these are fewer (Winograd). At least 1, whatever kernel is used. */
    double theoretical;
    double realized;      /* time of the dense kernel over the time taken, the fastest runs */
    double attained;      /* the second over the first */
    double product_ratio; /* the dense kernel's products over those done */
    double mac_ratio; /* MACs over those with a weight that is not zero: against the direct way */
    double direct;    /* time of the dense direct convolution over the time taken */
} st_speedup;

/* Of layer `index` of `planned`; `dense` and `direct` are plans of the same network. */
st_speedup st_speedup_of(const st_layer_plan *planned, int32_t index, const st_layer_plan *dense,
                         const st_layer_plan *direct);

/* The geometric means over the convolutions that have zeros; returns how many these are. All NAN
 * for none. */
int32_t st_speedup_means(const st_layer_plan *planned, const st_layer_plan *dense,
                         const st_layer_plan *direct, st_speedup *means);

#endif
