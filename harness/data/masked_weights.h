/* Weights pruned by their magnitude, without training: masks to time. Speed depends on where the
 * zeros are, not on what the rest was trained for. */
#ifndef HARNESS_DATA_MASKED_WEIGHTS_H
#define HARNESS_DATA_MASKED_WEIGHTS_H

#include <stdint.h>

#include "condense/graph.h"
#include "condense/scheme.h"
#include "condense/weights.h"

/* What was asked for and what came of it, over the weights of convolutions and fully connected
 * layers. */
typedef struct st_mask {
    cn_scheme scheme;
    double rate_asked, rate; /* weights before over after */
    int64_t weights, nonzero;
} st_mask;

/* Removes what `scheme` and `rate` (at least 1) ask for, where cn_post_plan says; patterns, eight
 * of them, are learned from the weights. What stays of a layer is scaled so that it keeps its norm:
 * activations stay in range, and outputs can be compared. The label goes on with ", block8 9.2x by
 * magnitude". CN_EINVAL where the rate is out of reach. */
cn_status st_weights_mask(const cn_graph *graph, cn_weights *weights, cn_scheme scheme, double rate,
                          st_mask *mask, cn_error *error);

#endif
