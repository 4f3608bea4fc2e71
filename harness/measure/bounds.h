/* Which limit of the machine a layer meets: the roofline model (Williams, Waterman, Patterson,
 * "Roofline: an insightful visual performance model", 2009) with a roof for each of arithmetic, the
 * second-level cache and memory. */
#ifndef HARNESS_MEASURE_BOUNDS_H
#define HARNESS_MEASURE_BOUNDS_H

#include "measure/layers.h"
#include "measure/peak.h"

typedef enum st_bound {
    ST_BOUND_COMPUTE, /* products at the peak for what they are of */
    ST_BOUND_CACHE,   /* weights as packed, input and output, from and to the second-level cache */
    ST_BOUND_MEMORY,  /* of these what does not fit in the largest cache, from memory */
    /* None of the three: the layer takes more than twice what they ask for at its fastest. Starting
     * and waiting for threads, packing and transforms, or a cache that its rows do not fit in. */
    ST_BOUND_OVERHEAD
} st_bound;

/* The peak for the layer's products, in operations (two each) a nanosecond: of bytes where its
 * kernel is one of 8-bit integers, else of floats. */
double st_peak_of(const st_layer_time *layer, const st_peak *peak);

/* "compute", "cache", "memory", "overhead" */
const char *st_bound_name(st_bound bound);

/* The bound of layer `layer` of the plan; *ms is the least time that the first three allow. Weights
 * come from memory when those of the whole network are more than the largest cache holds, inputs
 * and outputs when they alone are more. */
st_bound st_bound_of(const st_layer_plan *plan, int32_t layer, const st_peak *peak, double *ms);

#endif
