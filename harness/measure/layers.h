/* Time of each layer of a planned network. */
#ifndef HARNESS_MEASURE_LAYERS_H
#define HARNESS_MEASURE_LAYERS_H

#include <stdint.h>

#include "condense/session.h"

typedef struct st_layer_time {
    char *name, *kernel;
    cn_op op;
    double ms; /* median over the runs */
    int64_t macs, nonzero, bytes, activation_bytes, packed_bytes, products; /* session.h */
} st_layer_time;

typedef struct st_layer_plan {
    st_layer_time *layers;
    int32_t count;
    double outside_ms; /* of a run, in no layer; median */
} st_layer_plan;

/* Plans the network with `options` (profiling is switched on) and runs it after a warm-up run
 * until 10 runs or `seconds` are over, at least 3. `input`: options->batch pictures. */
cn_status st_layers_measure(const cn_graph *graph, const cn_weights *weights,
                            const cn_session_options *options, const float *input, double seconds,
                            st_layer_plan *plan, cn_error *error);
void st_layer_plan_clear(st_layer_plan *plan);

#endif
