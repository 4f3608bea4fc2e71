/* What a measurement ran on: pairs of key and value. */
#ifndef HARNESS_ENV_ENVIRONMENT_H
#define HARNESS_ENV_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/status.h"

typedef struct st_fact {
    char *key, *value; /* value NULL: not known here; then `reason` says why */
    char *reason;
    bool varies; /* from minute to minute (load, frequency): not part of the hash */
} st_fact;

typedef struct st_environment {
    st_fact *facts;
    int32_t count, capacity;
    bool failed; /* a fact was lost for want of memory; st_environment_capture reports it */
} st_environment;

/* Captures everything: the processor (model, caches, governor, frequency, steal time), memory,
 * kernel, virtual machine or container, temperature, power, load, compiler and flags, commit and
 * dirty flag, library versions, environment variables that change timing. `sysfs` is "/" or a fake
 * tree for tests. Takes a fifth of a second, in which it watches who else is running. Free with
 * st_environment_clear, also after a failure. */
cn_status st_environment_capture(st_environment *environment, const char *sysfs, cn_error *error);

/* What the processor is called (the fact "cpu.model"), else the numbers of its maker and part, else
 * "unknown"; for cn_free, NULL when out of memory. */
char *st_processor_name(const char *sysfs);

/* Value by key; NULL where missing. */
const char *st_environment_get(const st_environment *environment, const char *key);

/* Facts that change from minute to minute (frequency, load, steal, temperature) are left out of
 * this SHA-256 (hex, 64 characters and a NUL): the same machine and build give the same hash. */
void st_environment_hash(const st_environment *environment, char hash[65]);

void st_environment_clear(st_environment *environment);

#endif
