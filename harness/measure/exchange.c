#include "measure/exchange.h"

#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#include "condense/clock.h"

/* The first rounds wait for threads to wake up and are not counted. There may be more threads than
 * processors: one that waits long lets others have its own. */
enum { ROUNDS_BEFORE = 200, TURNS_OF_WAITING = 1 << 14 };
static const int64_t enough_ns = 5000000;

typedef struct ring {
    size_t threads;
    atomic_size_t token; /* whose turn it is, counted on; OVER: nobody's any more */
    int64_t begin_ns, end_ns;
    size_t begin, end; /* tokens */
} ring;
enum { OVER = 0 };

static size_t wait_for(ring *r, size_t turn)
{
    size_t now;
    for (unsigned i = 0; (now = atomic_load(&r->token)) != turn && now != OVER; i++)
        if (i > TURNS_OF_WAITING) sched_yield();
    return now;
}

/* The first thread tells when to begin and to end. */
static void pass_on(void *context, size_t index, size_t thread)
{
    ring *r = context;
    (void)thread;
    for (size_t turn = index + 1, round = 0;; turn += r->threads, round++) {
        if (wait_for(r, turn) == OVER) return;
        if (index == 0) {
            int64_t now = cn_clock_ns();
            if (round <= ROUNDS_BEFORE) {
                r->begin_ns = now;
                r->begin = turn;
            } else if (now - r->begin_ns > enough_ns) {
                r->end_ns = now;
                r->end = turn;
                atomic_store(&r->token, OVER);
                return;
            }
        }
        atomic_store(&r->token, turn + 1);
    }
}

double st_exchange_measure(cn_pool *pool)
{
    ring r = {.threads = (size_t)cn_pool_threads(pool)};
    if (r.threads < 2) return NAN;
    atomic_init(&r.token, 1);
    cn_pool_run(pool, pass_on, &r, r.threads);
    return (double)(r.end_ns - r.begin_ns) / (double)(r.end - r.begin);
}
