/* Worker threads (pthreadpool). Work is cut into tasks by index; which thread runs a task is not
 * fixed, so a task's result must depend on its index alone: then results do not depend on the
 * number of threads. */
#ifndef CONDENSE_POOL_H
#define CONDENSE_POOL_H

#include <stddef.h>

#include "condense/status.h"

typedef struct cn_pool cn_pool;

/* Task `index` of a parallel loop. `thread` is 0 .. threads-1 and is unique among the tasks that
 * run at the same time: it picks a thread's own scratch memory. */
typedef void (*cn_task)(void *context, size_t index, size_t thread);

/* `threads` >= 1; 0 means one per online processor. */
cn_status cn_pool_new(cn_pool **out, int threads, cn_error *error);
int cn_pool_threads(const cn_pool *pool);

/* Runs task(context, i, thread) for i in 0 .. count-1 and returns when all are done. A thread begins
 * with its share, neighbouring tasks in order, the first thread with the first: then layers of the
 * same picture find what the layer before wrote in the caches of the same processor. When it is
 * done it takes the last tasks of the others. `count` is below 2^32. */
void cn_pool_run(cn_pool *pool, cn_task task, void *context, size_t count);

/* Runs body(context) on the calling thread while the others stay awake for the loops that it runs:
 * each of these begins and ends in the time that a line of memory takes to another processor and
 * back, without a call of the system. For bodies that mostly run loops, one after the other; not
 * within one. */
void cn_pool_hold(cn_pool *pool, void (*body)(void *context), void *context);

void cn_pool_free(cn_pool *pool);

#endif
