/* What this machine can do at most, now: the rulers of `condense bench`. */
#ifndef HARNESS_MEASURE_PEAK_H
#define HARNESS_MEASURE_PEAK_H

#include "condense/isa.h"
#include "condense/status.h"

typedef struct st_peak {
    double gflops;    /* fused multiply-adds in registers, two operations each, on all threads */
    double gops;      /* products of bytes, added up, likewise */
    double cache;     /* GB/s read from the second-level cache, on all threads */
    double gbytes;    /* GB/s read from memory, on all threads */
    double cached;    /* bytes of the largest cache, 0 where the system does not say */
    double near, far; /* ns from thread to thread (exchange.h), the least and the most measured; NAN
                         with one thread */
} st_peak;

/* Takes about a third of a second. */
cn_status st_peak_measure(int threads, cn_isa isa, st_peak *peak, cn_error *error);

#endif
