/* One network's measurement by `condense bench`. */
#ifndef HARNESS_COMMANDS_BENCH_H
#define HARNESS_COMMANDS_BENCH_H

#include <cjson/cJSON.h>

#include "condense/model.h"
#include "condense/weights.h"
#include "data/masked_weights.h"
#include "measure/duel.h"
#include "measure/layers.h"
#include "measure/own.h"
#include "measure/peak.h"
#include "store/record.h"

/* What is asked for a network, one mask, one number of threads. */
typedef struct st_bench_request {
    const char *scale, *weights, *against;
    int64_t threads, batch, seed;
    double seconds;
    cn_scheme scheme; /* CN_SCHEME_NONE: weights as they are */
    double rate;
    bool quantize; /* weights become 8-bit integers, where they have no scales */
    bool fuse, shrink, per_layer;
    cn_isa isa;
    const cn_wisdom *wisdom; /* NULL: none */
    cn_generator *generator; /* NULL: nothing is generated */
    st_recorder *recorder;   /* NULL: nothing is recorded */
    cJSON *rows;             /* takes an object; NULL: text to stdout instead */
} st_bench_request;

/* The options of our engine, as it is. */
cn_session_options st_bench_options(const st_bench_request *request);

/* Network and weights, pruned where a scheme is asked for; `mask` says how, with scheme
 * CN_SCHEME_NONE and rate 1 where they are not. */
cn_status st_bench_load(const st_bench_request *request, const char *name, cn_model *model,
                        cn_weights *weights, st_mask *mask, cn_error *error);

typedef struct st_bench {
    cn_model model;
    cn_weights weights;
    int64_t threads, batch;
    st_duel duel; /* our own first: ST_OWN_COUNT of them where weights are pruned, else one */
    st_peak peak;
    double gflop;                 /* of one run, no weight counted as zero */
    st_execution_facts execution; /* has layers where they were asked for, or weights pruned */
    bool asked_for_layers;
} st_bench;

/* Whether the weights were pruned for this. */
bool st_bench_masked(const st_bench *bench);

/* Times the network `name` and reports and records it; the exit status. */
int st_bench_network(const st_bench_request *request, const char *name);

/* To stdout: a line for each engine that was timed, and the layers. */
void st_bench_print(const st_bench *bench);

/* The same and more as an object, which is the caller's. */
cJSON *st_bench_json(const st_bench *bench);

/* Times every way of every layer beside the planner's choice, and reports and records it. */
cn_status st_bench_choices(const st_bench_request *request, const char *name, cn_error *error);

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
