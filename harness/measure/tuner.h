/* Times the ways that a network's layers can go, in the network, and chooses (docs/tuning.md). */
#ifndef HARNESS_MEASURE_TUNER_H
#define HARNESS_MEASURE_TUNER_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/session.h"
#include "measure/stats.h"

/* Layers of one signature: they go the same way. */
typedef struct st_tuned_layer {
    char *signature;
    int32_t layers;                        /* how many of the network's have it */
    char names[CN_MOST_WAYS][CN_WAY_SIZE]; /* of the ways; the first is the static choice */
    double ms[CN_MOST_WAYS];               /* of one layer; NAN: not timed */
    int32_t ways, best;
    bool known; /* before: not timed */
} st_tuned_layer;

typedef struct st_tuning {
    st_tuned_layer *layers;
    int32_t count;
    int32_t changed; /* layers that go another way than the static one in the tuned plan */
    /* Whole runs, interleaved: the static plan's and the tuned one's. The ratio is tuned over
     * static, means, with its 95 % interval. */
    st_summary usual, tuned;
    double ratio, ratio_low, ratio_high;
    bool kept; /* false: the tuned plan was slower as a whole, so that the static choices stay */
} st_tuning;

typedef struct st_tuner {
    cn_session_options session; /* threads not 0; its wisdom does not matter */
    const cn_wisdom *known;     /* its choices are not timed again; NULL: all are timed */
    cn_wisdom *found;           /* the new choices are added to it */
    double seconds;             /* for about how long; at least three rounds are made */
    uint64_t seed;              /* of the input */
    void (*progress)(void *context, double fraction); /* may be NULL */
    void *context;
} st_tuner;

/* Each round opens the network once for each rank of candidates, all layers going their way of that
 * rank, and runs it a few times: so weights and activations are found where they are in the
 * network, in the caches or in memory. The fastest time of each layer counts, because others on the
 * machine only ever lengthen it. A way is chosen over the static one where it is at least 3 %
 * faster. */
cn_status st_tune(const st_tuner *tuner, const cn_graph *graph, const cn_weights *weights,
                  st_tuning *tuning, cn_error *error);

void st_tuning_clear(st_tuning *tuning);

#endif
