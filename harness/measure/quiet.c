#include "measure/quiet.h"

#include <stdint.h>
#include <time.h>

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void st_wait_for_quiet(void)
{
    enum { MOST_MS = 100 };
    const struct timespec millisecond = {.tv_nsec = 1000000};
    for (int i = 0; i < MOST_MS; i++) {
        int64_t before = cpu_ns();
        nanosleep(&millisecond, NULL);
        if (cpu_ns() - before < 200000) return;
    }
}
