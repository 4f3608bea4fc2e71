/* Results into the database. */
#ifndef HARNESS_STORE_RECORD_H
#define HARNESS_STORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "env/environment.h"
#include "store/store.h"
#include "study/trial.h"

/* What the attempts of one call have in common. */
typedef struct st_recorder {
    st_store *store;
    int64_t environment; /* row of the environment; 0 before the first record */
    const st_environment *facts;
    char environment_hash[65];
    const char *command;  /* the command line */
    const char *settings; /* canonical JSON */
    int64_t seed;
} st_recorder;

/* "2026-01-31T12:00:00Z" */
void st_utc_now(char text[32]);

/* Writes a finished cell in one transaction; the environment with the first. */
cn_status st_record(st_recorder *recorder, st_trial *trial, const st_subject *subject,
                    cn_error *error);

/* Whether the cell's last attempt is valid and was measured with the same settings by the same
 * build on the same machine: then --resume leaves it. */
cn_status st_recorded(const st_recorder *recorder, const char *cell, bool *done, cn_error *error);

/* Replaces the table of claims by experiments/claims.csv. */
cn_status st_record_claims(st_store *store, cn_error *error);

#endif
