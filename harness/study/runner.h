/* Runs a plan: groups of cells, one transaction for each that is finished. */
#ifndef HARNESS_STUDY_RUNNER_H
#define HARNESS_STUDY_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "env/environment.h"
#include "store/record.h"
#include "study/request.h"

typedef struct st_runner {
    const st_plan *plan;
    st_recorder recorder;
    const st_environment *environment;
    const cn_wisdom *wisdom; /* NULL: none */
    cn_generator *generator; /* likewise */
    st_energy *energy;
    bool resume;
    const volatile int *stop;

    char (*ids)[ST_HASH_SIZE]; /* of the plan's cells, as far as they were reached */
    int32_t reached, skipped;  /* skipped: recorded already */
    int32_t broken;            /* could not be opened; said on stderr */
} st_runner;

/* Checks without measuring that every request can be run: model, scale, device. Fills seconds[i]
 * (may be NULL) with a rough guess of how long the cell takes: its multiply-accumulates at ten
 * thousand million a second and thread. */
cn_status st_plan_check(const st_plan *plan, double *seconds, cn_error *error);

/* Opens cells, leaves those that are recorded already (resume), measures the others in groups of at
 * most four that fit in a third of the memory. What goes wrong with a cell is its verdict; the call
 * fails for the database, for memory and (CN_EINTERRUPTED) on request. */
cn_status st_runner_run(st_runner *runner, cn_error *error);

void st_runner_clear(st_runner *runner);

#endif
