/* The micro-probe: a fixed piece of arithmetic timed around every block of samples. It needs no
 * sensor: where the same work suddenly takes longer, the machine was slowed (heat, frequency, a
 * neighbour), and the block is suspect. */
#ifndef HARNESS_MEASURE_PROBE_H
#define HARNESS_MEASURE_PROBE_H

#include <stdint.h>

/* Nanoseconds that the fixed work took now (about 1 ms): the smallest of three tries. */
int64_t st_probe_ns(void);

#endif
