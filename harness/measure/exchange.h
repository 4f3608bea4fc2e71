/* How far the processors that a pool's threads run on are apart. */
#ifndef HARNESS_MEASURE_EXCHANGE_H
#define HARNESS_MEASURE_EXCHANGE_H

#include "condense/pool.h"

/* Nanoseconds that a line of memory takes from one thread to the next, when it goes round all
 * threads of the pool: the mean over some milliseconds. NAN with one thread. */
double st_exchange_measure(cn_pool *pool);

#endif
