#include "condense/pool.h"

#include <pthreadpool.h>
#include <stdatomic.h>

#include "condense/memory.h"

struct cn_pool {
    pthreadpool_t threads;
};

typedef struct loop {
    cn_task task;
    void *context;
    size_t count;
    atomic_size_t next; /* the first task that nobody has taken */
} loop;

cn_status cn_pool_new(cn_pool **out, int threads, cn_error *error)
{
    if (threads < 0 || threads > 1024)
        return cn_fail(error, CN_EINVAL, "%d threads: give 1 to 1024, or 0 for all", threads);
    cn_pool *pool = cn_calloc(1, sizeof *pool);
    if (pool) pool->threads = pthreadpool_create((size_t)threads);
    if (!pool || !pool->threads) {
        cn_free(pool);
        return cn_fail(error, CN_ENOMEM, "cannot start %d threads", threads);
    }
    *out = pool;
    return CN_OK;
}

int cn_pool_threads(const cn_pool *pool)
{
    return (int)pthreadpool_get_threads_count(pool->threads);
}

/* One worker takes tasks until none is left. The pool hands out worker numbers, not tasks, because
 * a task must know which scratch memory is its own. */
static void work(void *argument, size_t worker)
{
    loop *l = argument;
    size_t index;
    while ((index = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed)) < l->count)
        l->task(l->context, index, worker);
}

void cn_pool_run(cn_pool *pool, cn_task task, void *context, size_t count)
{
    size_t threads = pthreadpool_get_threads_count(pool->threads);
    if (count == 1 || threads == 1) {
        for (size_t i = 0; i < count; i++)
            task(context, i, 0);
        return;
    }
    loop l = {.task = task, .context = context, .count = count};
    pthreadpool_parallelize_1d(pool->threads, work, &l, threads < count ? threads : count, 0);
}

void cn_pool_free(cn_pool *pool)
{
    if (!pool) return;
    pthreadpool_destroy(pool->threads);
    cn_free(pool);
}
