/* Time of each layer of a planned network. */
#ifndef HARNESS_MEASURE_LAYERS_H
#define HARNESS_MEASURE_LAYERS_H

#include <stdint.h>

#include "condense/session.h"

/* What session.h says of a layer, but for: */
typedef struct st_layer_time {
    char *name, *kernel;
    char *way; /* the choice; NULL where there is none */
    cn_op op;
    cn_shape shape;
    double ms;       /* median over the runs */
    double least_ms; /* of the fastest run: others on the machine only ever lengthen it */
    int64_t macs, nonzero, bytes, activation_bytes, packed_bytes, products, dense_products;
    int64_t nonzero_macs; /* MACs with a weight that is not zero */
    double loads, imbalance;
} st_layer_time;

typedef struct st_layer_plan {
    st_layer_time *layers;
    int32_t count;
    double outside_ms; /* of a run, in no layer; median */
} st_layer_plan;

/* Plans the network in `count` ways (profiling is switched on) and times the layers of each, in
 * turn: a turn is runs of 20 ms that do not count, which fill the caches and wake the threads, and
 * then up to ten runs, of 20 ms together, that do. Ends after 30 runs of each, or when `seconds`
 * are over, with at least three turns. `input`: options[0].batch pictures, as many for all.
 * `plans`: one for each; clear them whatever the status. */
cn_status st_layers_measure(const cn_graph *graph, const cn_weights *weights,
                            const cn_session_options *options, int32_t count, const float *input,
                            double seconds, st_layer_plan *plans, cn_error *error);

/* The layer called `name`; NULL where the plan has none. */
const st_layer_time *st_layers_find(const st_layer_plan *plan, const char *name);

void st_layer_plan_clear(st_layer_plan *plan);

#endif
