#include "measure/probe.h"

#include "condense/clock.h"

/* A chain in which every step waits for the one before it: its time is steps x latency / clock
 * frequency and depends on nothing else, so no vectorizing and no cache can change it. */
enum { STEPS = 500000, TRIES = 3 };

static int64_t chain_ns(void)
{
    static volatile double sink; /* the compiler must not drop the work */
    double x = sink;
    int64_t start = cn_clock_ns();
    for (int i = 0; i < STEPS; i++)
        x = x * 0.5 + 1;
    sink = x;
    return cn_clock_ns() - start;
}

int64_t st_probe_ns(void)
{
    int64_t least = chain_ns();
    for (int i = 1; i < TRIES; i++) {
        int64_t ns = chain_ns();
        if (ns < least) least = ns;
    }
    return least;
}
