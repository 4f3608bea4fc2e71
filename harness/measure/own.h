/* Ways that our own engine runs a network with zeros, to be timed beside each other. */
#ifndef HARNESS_MEASURE_OWN_H
#define HARNESS_MEASURE_OWN_H

#include "condense/session.h"

typedef enum st_own {
    ST_OWN_PLANNED,   /* "condense": as it is */
    ST_OWN_UNORDERED, /* "condense-unordered": zeros are skipped, channels stay in their order */
    ST_OWN_DENSE,     /* "condense-dense": no zero is skipped */
    ST_OWN_DIRECT,    /* "condense-direct": nor is there a Winograd convolution */
    ST_OWN_COUNT
} st_own;

const char *st_own_name(st_own own);

/* What one of them took. */
typedef struct st_own_facts {
    double plan_ms; /* planning and packing */
    cn_session_memory memory;
    int64_t peak_memory; /* bytes, -1: not measured, for a reason */
    char peak_memory_reason[256];
} st_own_facts;

/* The options of `own`, from those of ST_OWN_PLANNED. `direct`: wisdom of st_own_direct. */
cn_session_options st_own_options(st_own own, const cn_session_options *planned,
                                  const cn_wisdom *direct);

/* Wisdom that sends every convolution of the network down the direct way but depthwise ones, for
 * which that is the only one anyway. Free it with cn_wisdom_free. */
cn_status st_own_direct(const cn_graph *graph, const cn_weights *weights,
                        const cn_session_options *planned, cn_wisdom **direct, cn_error *error);

#endif
