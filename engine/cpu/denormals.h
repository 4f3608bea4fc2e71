/* Numbers below 2^-126 are slow on most processors and mean nothing in a network: while it runs,
 * they are read and written as zero. */
#ifndef CN_CPU_DENORMALS_H
#define CN_CPU_DENORMALS_H

#include <stdint.h>

/* Switches denormal numbers off for the calling thread; returns what to restore. On processors
 * where this is not known how to do it does nothing. */
uint64_t cn_denormals_off(void);
void cn_denormals_restore(uint64_t state);

#endif
