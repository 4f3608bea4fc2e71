/* Results into the database. */
#ifndef HARNESS_STORE_RECORD_H
#define HARNESS_STORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/model.h"
#include "data/masked_weights.h"
#include "env/environment.h"
#include "measure/duel.h"
#include "measure/layers.h"
#include "measure/own.h"
#include "measure/peak.h"
#include "measure/storage.h"
#include "measure/training.h"
#include "measure/tuner.h"
#include "store/store.h"
#include "study/trial.h"

/* What the attempts of one call have in common. */
typedef struct st_recorder {
    st_store *store;
    int64_t environment; /* row of the environment; 0 before the first record */
    int64_t before;      /* the same before the transaction under way */
    const st_environment *facts;
    char environment_hash[65];
    const char *command;  /* the command line */
    const char *settings; /* canonical JSON */
    int64_t seed;
} st_recorder;

/* "2026-01-31T12:00:00Z" */
void st_utc_now(char text[32]);

/* What is recorded together: begins a transaction, in which the environment is written where it is
 * not on record yet. */
cn_status st_record_begin(st_recorder *recorder, cn_error *error);

/* Ends it: commits where `status`, of what was written since, is CN_OK, else undoes all of it;
 * returns `status`, or why it could not be committed. Also after a failed st_record_begin. */
cn_status st_record_end(st_recorder *recorder, cn_status status, cn_error *error);

/* Writes a finished cell in one transaction; the environment with the first. */
cn_status st_record(st_recorder *recorder, st_trial *trial, const st_subject *subject,
                    cn_error *error);

/* What is more where weights were pruned and our engine runs in several ways: of each of st_own. */
typedef struct st_execution_facts {
    st_mask mask;
    int64_t nonzero_macs; /* of the whole batch */
    st_own_facts plans[ST_OWN_COUNT];
    st_layer_plan layers[ST_OWN_COUNT];
} st_execution_facts;

/* A network that engines were timed on, and the machine's limits at that time. */
typedef struct st_bench_facts {
    const cn_model *model;
    const char *weights; /* label */
    const char *isa;     /* of our kernels */
    int64_t threads, batch;
    int64_t bits; /* 8 or 32: of the numbers that our engine computes with */
    int64_t macs; /* of the whole batch */
    st_peak peak;
    const st_execution_facts *execution; /* NULL: weights as they are, and our engine once */
} st_bench_facts;

/* Writes a finished duel in one transaction; the environment with the first. */
cn_status st_record_bench(st_recorder *recorder, const st_bench_facts *facts, const st_duel *duel,
                          cn_error *error);

/* A network whose planner's choices were timed beside the others. */
typedef struct st_choice_facts {
    const cn_model *model;
    const char *weights; /* label */
    const char *isa;
    st_mask mask; /* of scheme CN_SCHEME_NONE and rate 1 where weights are as they are */
    int64_t threads, batch;
} st_choice_facts;

/* Writes all ways of all layers in one transaction; the environment with the first. */
cn_status st_record_choices(st_recorder *recorder, const st_choice_facts *facts,
                            const st_tuning *tuning, cn_error *error);

/* A network that was tuned. */
typedef struct st_tuning_facts {
    const cn_model *model;
    const char *weights; /* label */
    const char *isa;
    int64_t threads, batch;
} st_tuning_facts;

/* Writes a finished tuning in one transaction; the environment with the first. */
cn_status st_record_tuning(st_recorder *recorder, const st_tuning_facts *facts,
                           const st_tuning *tuning, cn_error *error);

/* A network whose steps of training were timed. */
typedef struct st_training_facts {
    const cn_model *model;
    const char *recipe; /* JSON */
    int64_t threads, batch;
} st_training_facts;

/* Writes a finished timing in one transaction; the environment with the first. */
cn_status st_record_training(st_recorder *recorder, const st_training_facts *facts,
                             const st_training *training, cn_error *error);

/* Writes what a network's weights take, pruned in `count` ways, in one transaction; the environment
 * with the first. */
cn_status st_record_storage(st_recorder *recorder, const cn_model *model, const char *weights,
                            const st_storage *points, int32_t count, cn_error *error);

/* Whether the cell's last attempt is valid and was measured with the same settings by the same
 * build on the same machine: then --resume leaves it. */
cn_status st_recorded(const st_recorder *recorder, const char *cell, bool *done, cn_error *error);

/* Replaces the table of claims by experiments/claims.csv. */
cn_status st_record_claims(st_store *store, cn_error *error);

#endif
