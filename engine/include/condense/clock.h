/* Durations come from the monotonic clock only; wall-clock time is a label. */
#ifndef CONDENSE_CLOCK_H
#define CONDENSE_CLOCK_H

#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC_RAW. */
int64_t cn_clock_ns(void);

#endif
