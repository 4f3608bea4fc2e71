#include "measure/peak.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "condense/clock.h"
#include "condense/memory.h"
#include "condense/pool.h"
#include "cpu/kernels/kernels.h"
#include "env/sysfs.h"
#include "measure/exchange.h"

enum {
    TRIES = 5,
    FMA_ROUNDS = 1000000,
    BYTE_ROUNDS = FMA_ROUNDS / CN_I8_PEAK_STEPS,
    STEP = 512,            /* floats, of which every level's reading kernel takes a whole number */
    FLOATS = 48 << 20,     /* 192 MiB: past the caches */
    NEAR_FLOATS = 48 << 10 /* 192 KiB a thread: past the first cache, within the second */
};

/* One measured loop: every thread does the same, or its share. */
typedef struct load {
    const cn_kernels *kernels;
    const float *memory;
    size_t threads;
    float *sink; /* one a thread, so that nothing is optimized away */
} load;

static void multiply(void *context, size_t index, size_t thread)
{
    load *l = context;
    (void)thread;
    l->sink[index * 16] = l->kernels->f32_peak.run(FMA_ROUNDS, 0.999f, 0.001f);
}

static void multiply_bytes(void *context, size_t index, size_t thread)
{
    /* What one slot adds, the other takes off. */
    static const int32_t slot[] = {0x01000100, 0x00010001};
    int32_t weight[64];
    load *l = context;
    (void)thread;
    for (int32_t i = 0; i < l->kernels->i8_peak.rows; i++) {
        uint32_t pair = 0xff01 - 0xff * (uint32_t)i; /* bytes i + 1 and -i - 1 */
        weight[i] = (int32_t)(pair * 0x10001);
    }
    l->sink[index * 16] = (float)l->kernels->i8_peak.run(BYTE_ROUNDS, weight, slot);
}

static void read_memory(void *context, size_t index, size_t thread)
{
    load *l = context;
    (void)thread;
    size_t part = FLOATS / l->threads / STEP * STEP;
    l->sink[index * 16] = l->kernels->f32_read.run(part, l->memory + part * index);
}

/* As many floats as read_memory, but the same few again and again. */
static void read_cache(void *context, size_t index, size_t thread)
{
    load *l = context;
    (void)thread;
    float sum = 0.0f;
    for (size_t done = 0; done < FLOATS / l->threads; done += NEAR_FLOATS)
        sum += l->kernels->f32_read.run(NEAR_FLOATS, l->memory + NEAR_FLOATS * index);
    l->sink[index * 16] = sum;
}

/* Bytes of the largest cache that the system tells of, 0 where it tells of none. */
static double largest_cache(void)
{
    double most = 0;
    for (int i = 0; i < 8; i++) {
        char path[80];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        char *text = st_sysfs_read("/", path);
        double bytes = text ? strtod(text, NULL) * 1024 : 0; /* "32768K" */
        if (bytes > most) most = bytes;
        cn_free(text);
    }
    return most;
}

/* The fastest of a few runs, in nanoseconds. */
static double fastest(cn_pool *pool, cn_task task, load *l)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        int64_t start = cn_clock_ns();
        cn_pool_run(pool, task, l, l->threads);
        int64_t ns = cn_clock_ns() - start;
        if (ns < best) best = ns;
    }
    return (double)best;
}

cn_status st_peak_measure(int threads, cn_isa isa, st_peak *peak, cn_error *error)
{
    cn_pool *pool;
    cn_status status = cn_pool_new(&pool, threads, error);
    if (status) return status;
    load l = {.kernels = cn_kernels_for(isa), .threads = (size_t)cn_pool_threads(pool)};
    float *memory = cn_calloc(FLOATS, sizeof *memory);
    l.memory = memory;
    l.sink = cn_calloc(l.threads * 16, sizeof *l.sink);
    if (memory && l.sink) {
        double per_round = 2.0 * l.kernels->f32_peak.rows * l.kernels->f32_peak.pixels;
        double ns = fastest(pool, multiply, &l);
        peak->gflops = per_round * FMA_ROUNDS * (double)l.threads / ns;
        per_round = 8.0 * CN_I8_PEAK_STEPS * l.kernels->i8_peak.rows * l.kernels->i8_peak.pixels;
        ns = fastest(pool, multiply_bytes, &l);
        peak->gops = per_round * BYTE_ROUNDS * (double)l.threads / ns;
        peak->gbytes = (double)FLOATS * sizeof(float) / fastest(pool, read_memory, &l);
        peak->cache = (double)FLOATS * sizeof(float) / fastest(pool, read_cache, &l);
        peak->cached = largest_cache();
        peak->near = peak->far = st_exchange_measure(pool);
    } else {
        status = cn_fail(error, CN_ENOMEM, "no memory to measure the bandwidth with");
    }
    cn_free(memory);
    cn_free(l.sink);
    cn_pool_free(pool);
    return status;
}
