/* Engines against each other on one network: same input, interleaved samples, paired ratios. */
#ifndef HARNESS_MEASURE_DUEL_H
#define HARNESS_MEASURE_DUEL_H

#include <stdint.h>

#include "adapters/engine.h"
#include "condense/session.h"
#include "measure/stats.h"

enum { ST_DUEL_ENGINES = 16 };

/* One contestant: our session or another engine. */
typedef struct st_contestant {
    const char *name;
    cn_session *session;        /* or */
    const st_engine_kind *kind; /* with */
    st_engine *engine;
    double *ms; /* samples */
    st_summary summary;
    double ratio, ratio_low, ratio_high; /* the first's mean time over this one's, 95 % interval */
    bool compared;
    double difference; /* largest difference of an output over the first's largest output */
    double tolerance;  /* the most that it may be */
    char *excluded;    /* why it was not timed; NULL: it was */
} st_contestant;

typedef struct st_duel {
    st_contestant contestants[ST_DUEL_ENGINES]; /* the first is the one that others are held to */
    int32_t count, rounds;
    int64_t inputs, outputs; /* values of a whole batch */
} st_duel;

/* Takes the contestant out, for a reason that is printed with the others' results. */
__attribute__((format(printf, 2, 3))) void st_duel_exclude(st_contestant *contestant,
                                                           const char *reason, ...);

/* Runs all that are not excluded on one random input and compares: where an output differs from the
 * first's by more than its tolerance, or where running fails, that contestant is excluded.
 * Then samples for about `seconds`: each round visits all in seeded random order. Each sample
 * waits for the threads of the engine before to sleep and follows untimed runs of the same engine,
 * which then finds its weights in the caches and its threads awake, each on a processor of its own;
 * it is the median of the runs of 20 ms, or one run. */
cn_status st_duel_run(st_duel *duel, double seconds, uint64_t seed, cn_error *error);

/* The other engine with the smallest median, or NULL; our own do not count, floats among them. */
const st_contestant *st_duel_best(const st_duel *duel);

/* Closes sessions and engines and frees the samples. */
void st_duel_clear(st_duel *duel);

#endif
