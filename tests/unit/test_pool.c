/* The thread pool: each task once, however uneven, in loops by themselves and in held ones. */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <string.h>

#include "condense/clock.h"
#include "condense/pool.h"

enum { MOST_TASKS = 40, THREADS = 5 };

typedef struct seen {
    atomic_int times[MOST_TASKS], clashes, busy[THREADS];
    int64_t slow_ns; /* the first task takes so long */
} seen;

static void task(void *context, size_t index, size_t thread)
{
    seen *s = context;
    if (thread >= THREADS || atomic_fetch_add(&s->busy[thread], 1)) s->clashes++;
    s->times[index]++;
    int64_t start = cn_clock_ns();
    while (!index && cn_clock_ns() - start < s->slow_ns)
        continue;
    if (thread < THREADS) s->busy[thread]--;
}

/* Loops of no task to MOST_TASKS. */
static void run_loops(void *context)
{
    cn_pool *pool = context;
    for (size_t count = 0; count <= MOST_TASKS; count++) {
        seen s;
        memset(&s, 0, sizeof s);
        s.slow_ns = count % 8 ? 0 : 1000000; /* the others take its share */
        cn_pool_run(pool, task, &s, count);
        for (size_t i = 0; i < MOST_TASKS; i++)
            cr_assert_eq(s.times[i], i < count, "%d threads, task %zu of %zu ran %d times",
                         cn_pool_threads(pool), i, count, s.times[i]);
        cr_assert_eq(s.clashes, 0, "two tasks at a time had one thread's number");
    }
}

static void run_nothing(void *context)
{
    int *times = context;
    ++*times;
}

Test(pool, every_task_runs_once_whoever_takes_it)
{
    for (int threads = 1; threads <= THREADS; threads++) {
        cn_pool *pool;
        cr_assert_eq(cn_pool_new(&pool, threads, NULL), CN_OK);
        run_loops(pool);
        cn_pool_free(pool);
    }
}

Test(pool, held_threads_do_the_same)
{
    for (int threads = 1; threads <= THREADS; threads++) {
        cn_pool *pool;
        int bodies = 0;
        cr_assert_eq(cn_pool_new(&pool, threads, NULL), CN_OK);
        for (int i = 0; i < 100; i++)
            cn_pool_hold(pool, run_nothing, &bodies);
        cr_assert_eq(bodies, 100, "100 bodies ran %d times", bodies);
        cn_pool_hold(pool, run_loops, pool);
        run_loops(pool);
        cn_pool_hold(pool, run_loops, pool);
        cn_pool_free(pool);
    }
}
