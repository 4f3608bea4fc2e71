/* Takes samples of a group of cells in seeded, interleaved rounds (docs/measuring.md). */
#ifndef HARNESS_MEASURE_SAMPLER_H
#define HARNESS_MEASURE_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/status.h"
#include "measure/series.h"
#include "measure/stopping.h"

/* Where time and probes come from: the machine, or a simulation in tests. */
typedef struct st_timekeeper {
    int64_t (*now_ns)(void *context);
    int64_t (*probe_ns)(void *context); /* how long the fixed work takes now */
    void *context;
} st_timekeeper;

st_timekeeper st_timekeeper_real(void);

/* What is sampled, and what came of it. */
typedef struct st_subject {
    const char *name;
    void *context;
    /* One inference; `index` counts from 0. */
    cn_status (*run)(void *context, int64_t index, cn_error *error);
    /* After a run, untimed: whether the output is right. CN_EDIVERGED: it is not. May be NULL. */
    cn_status (*check)(void *context, int64_t index, cn_error *error);
    /* After a block of counted samples that was not slowed. May be NULL. */
    void (*block_done)(void *context, const st_block *block, int32_t inferences);

    st_series series;
    st_verdict verdict;
    char reason[256];        /* of the verdict; empty where valid */
    const char *stop_reason; /* "converged", "time limit", "sample limit", "slowed",
                                        "failed"; NULL before the end */

    bool settled; /* the warm-up's medians agreed */
    int32_t slowed_in_a_row;
    int64_t runs;
    int32_t counted;  /* samples that count so far */
    int32_t judge_at; /* how many make the next look worth its sorting */
    int64_t own_ns;   /* spent in own blocks */
    int64_t first_ns; /* when the first counted sample began */
} st_subject;

typedef struct st_sampling {
    st_timekeeper time;
    st_rule rule;
    uint64_t seed;            /* of the order within each round */
    const volatile int *stop; /* not 0: leave after the block; may be NULL */
    /* Told of each subject when it is finished. A failure ends the sampling. May be NULL. */
    cn_status (*finished)(void *context, int32_t subject, cn_error *error);
    /* Told between blocks, with the summary of st_summarize_mean. May be NULL. */
    void (*progress)(void *context, int32_t subject, const st_summary *summary);
    void *context;
} st_sampling;

/* Samples until each subject has a verdict. A subject that fails gets the verdict failed or
 * invalid-output and the others go on. CN_EINTERRUPTED: *stop was set; unfinished subjects have no
 * stop_reason. */
cn_status st_sample_group(const st_sampling *sampling, st_subject *subjects, int32_t count,
                          cn_error *error);

#endif
