/* One network's measurement by `condense bench`. */
#ifndef HARNESS_COMMANDS_BENCH_H
#define HARNESS_COMMANDS_BENCH_H

#include <cjson/cJSON.h>

#include "condense/model.h"
#include "condense/weights.h"
#include "measure/duel.h"
#include "measure/layers.h"
#include "measure/peak.h"
#include "store/record.h"

typedef struct st_bench {
    cn_model model;
    cn_weights weights;
    int64_t threads, batch;
    st_duel duel;
    st_peak peak;
    double gflop;         /* of one run */
    double plan_ms;       /* planning and packing took so long */
    st_layer_plan layers; /* empty unless they were asked for */
} st_bench;

/* To stdout: a line for each engine that was timed, and the layers. */
void st_bench_print(const st_bench *bench);

/* The same and more as an object, which is the caller's. */
cJSON *st_bench_json(const st_bench *bench);

/* What `condense bench --training` is asked for one network. */
typedef struct st_training_request {
    const char *scale;
    int64_t threads, batch, seed; /* batch 0: the recipe's */
    double seconds;
    st_recorder *recorder; /* NULL: nothing is recorded */
    cJSON *rows;           /* takes an object; NULL: a line of a table to stdout instead */
} st_training_request;

/* The head of that table. */
void st_bench_training_head(void);

/* Times steps of training of the network `name` by its recipe, on its data set. */
cn_status st_bench_training(const st_training_request *request, const char *name, cn_error *error);

#endif
