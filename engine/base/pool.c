#include "condense/pool.h"

#include <pthreadpool.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "condense/memory.h"

/* The tasks of a thread's share that nobody has taken: the first in the upper half, the end in the
 * lower, so that its owner can take from the front and others from the back without a lock. */
typedef struct share {
    _Alignas(CN_ALIGNMENT) atomic_uint_fast64_t left; /* on a cache line of its own */
} share;

typedef struct loop {
    cn_task task;
    void *context;
    share *shares;
    size_t threads;
} loop;

struct cn_pool {
    pthreadpool_t threads;
    share *shares; /* one a thread */
    /* While the threads are held: */
    bool held, over;                            /* over: the body has returned */
    loop now;                                   /* what round `round` is about */
    unsigned first;                             /* the round before the first */
    _Alignas(CN_ALIGNMENT) atomic_uint round;   /* how many loops there have been */
    _Alignas(CN_ALIGNMENT) atomic_size_t at_it; /* threads that are not done with this one */
};

cn_status cn_pool_new(cn_pool **out, int threads, cn_error *error)
{
    if (threads < 0 || threads > 1024)
        return cn_fail(error, CN_EINVAL, "%d threads: give 1 to 1024, or 0 for all", threads);
    cn_pool *pool = cn_calloc(1, sizeof *pool);
    if (pool) pool->threads = pthreadpool_create((size_t)threads);
    if (pool && pool->threads)
        pool->shares =
            cn_calloc(pthreadpool_get_threads_count(pool->threads), sizeof *pool->shares);
    if (!pool || !pool->shares) {
        cn_pool_free(pool);
        return cn_fail(error, CN_ENOMEM, "cannot start %d threads", threads);
    }
    *out = pool;
    return CN_OK;
}

int cn_pool_threads(const cn_pool *pool)
{
    return (int)pthreadpool_get_threads_count(pool->threads);
}

static uint64_t range(size_t first, size_t end)
{
    return (uint64_t)first << 32 | end;
}

/* Takes the first or the last task of a share; false where none is left. */
static bool take(share *s, bool last, size_t *index)
{
    uint64_t left = atomic_load_explicit(&s->left, memory_order_relaxed), next;
    do {
        size_t first = left >> 32, end = left & UINT32_MAX;
        if (first == end) return false;
        *index = last ? end - 1 : first;
        next = last ? range(first, end - 1) : range(first + 1, end);
    } while (!atomic_compare_exchange_weak_explicit(&s->left, &left, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

/* One worker takes tasks until none is left. The pool hands out worker numbers, not tasks, because
 * a task must know which scratch memory is its own. */
static void work(void *argument, size_t worker)
{
    loop *l = argument;
    size_t index;
    for (size_t i = 0; i < l->threads; i++)
        while (take(&l->shares[(worker + i) % l->threads], i > 0, &index))
            l->task(l->context, index, worker);
}

/* One turn of waiting for another thread. After very many, some ten milliseconds, other programs
 * may want the processor more. */
static void wait_a_little(unsigned *turn)
{
    if (++*turn > 1 << 20) {
        sched_yield();
        return;
    }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void begin_round(cn_pool *pool, size_t others)
{
    atomic_store_explicit(&pool->at_it, others, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->round, 1, memory_order_release);
}

static void run_held(cn_pool *pool, const loop *l)
{
    pool->now = *l;
    begin_round(pool, pthreadpool_get_threads_count(pool->threads) - 1);
    work(&pool->now, 0);
    unsigned turn = 0;
    while (atomic_load_explicit(&pool->at_it, memory_order_acquire))
        wait_a_little(&turn);
}

void cn_pool_run(cn_pool *pool, cn_task task, void *context, size_t count)
{
    size_t threads = pthreadpool_get_threads_count(pool->threads);
    if (count == 1 || threads == 1) {
        for (size_t i = 0; i < count; i++)
            task(context, i, 0);
        return;
    }
    if (threads > count) threads = count;
    loop l = {task, context, pool->shares, threads};
    for (size_t i = 0; i < threads; i++)
        atomic_store_explicit(&l.shares[i].left,
                              range(count * i / threads, count * (i + 1) / threads),
                              memory_order_relaxed);
    if (pool->held)
        run_held(pool, &l);
    else
        pthreadpool_parallelize_1d(pool->threads, work, &l, threads, 0);
}

typedef struct holding {
    cn_pool *pool;
    void (*body)(void *context);
    void *context;
} holding;

/* Takes part in one round after the other until the body is over. */
static void serve(cn_pool *pool, size_t worker)
{
    for (unsigned seen = pool->first;;) {
        unsigned turn = 0;
        while (atomic_load_explicit(&pool->round, memory_order_acquire) == seen)
            wait_a_little(&turn);
        seen++;
        if (pool->over) return;
        if (worker < pool->now.threads) work(&pool->now, worker);
        atomic_fetch_sub_explicit(&pool->at_it, 1, memory_order_release);
    }
}

/* The calling thread is worker 0, which has the body; none takes another's place before its own is
 * over. */
static void hold(void *argument, size_t worker)
{
    holding *h = argument;
    if (worker) {
        serve(h->pool, worker);
        return;
    }
    h->body(h->context);
    h->pool->over = true;
    begin_round(h->pool, 0);
}

void cn_pool_hold(cn_pool *pool, void (*body)(void *context), void *context)
{
    size_t threads = pthreadpool_get_threads_count(pool->threads);
    if (threads == 1) {
        body(context);
        return;
    }
    holding h = {pool, body, context};
    pool->first = atomic_load_explicit(&pool->round, memory_order_relaxed);
    pool->held = true;
    pool->over = false;
    pthreadpool_parallelize_1d(pool->threads, hold, &h, threads, 0);
    pool->held = false;
}

void cn_pool_free(cn_pool *pool)
{
    if (!pool) return;
    if (pool->threads) pthreadpool_destroy(pool->threads);
    cn_free(pool->shares);
    cn_free(pool);
}
