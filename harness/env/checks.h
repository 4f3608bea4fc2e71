/* What this machine lacks for which feature, and the one command that helps. */
#ifndef HARNESS_ENV_CHECKS_H
#define HARNESS_ENV_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

#include "condense/status.h"

typedef enum st_health {
    ST_HEALTH_FINE,
    ST_HEALTH_LACKS, /* a feature is missing or results will be worse; the rest works */
    ST_HEALTH_BROKEN /* the core does not work */
} st_health;

typedef struct st_check {
    const char *feature; /* "core", "figures", "energy", ... */
    char name[64];       /* what was looked at */
    st_health health;
    char detail[320]; /* what was found */
    char fix[256];    /* one command or one sentence; empty where there is nothing to do */
} st_check;

typedef struct st_checks {
    st_check *items;
    size_t count;
    bool failed; /* out of memory: the list is not complete */
} st_checks;

/* Looks at everything; nothing is changed. Free with st_checks_clear, also after a failure. */
cn_status st_checks_run(st_checks *checks, cn_error *error);
void st_checks_clear(st_checks *checks);

/* "ok", "lacking", "broken". */
const char *st_health_name(st_health health);

#endif
