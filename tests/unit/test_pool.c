/* The thread pool: each task once, however uneven. */
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

Test(pool, every_task_runs_once_whoever_takes_it)
{
    for (int threads = 1; threads <= THREADS; threads++) {
        cn_pool *pool;
        cr_assert_eq(cn_pool_new(&pool, threads, NULL), CN_OK);
        for (size_t count = 0; count <= MOST_TASKS; count++) {
            seen s;
            memset(&s, 0, sizeof s);
            s.slow_ns = count % 8 ? 0 : 1000000; /* the others take its share */
            cn_pool_run(pool, task, &s, count);
            for (size_t i = 0; i < MOST_TASKS; i++)
                cr_assert_eq(s.times[i], i < count, "%d threads, task %zu of %zu ran %d times",
                             threads, i, count, s.times[i]);
            cr_assert_eq(s.clashes, 0, "two tasks at a time had one thread's number");
        }
        cn_pool_free(pool);
    }
}
