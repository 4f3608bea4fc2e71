/* What `condense bench` prints. */
#include "commands/bench.h"

#include <math.h>
#include <stdio.h>

#include "cli/json.h"
#include "measure/bounds.h"
#include "measure/speedup.h"

/* The times of a plan, and what of the network's time is in no layer. */
static void print_sum(const st_layer_plan *plan)
{
    double sum = 0;
    for (int32_t i = 0; i < plan->count; i++)
        sum += plan->layers[i].ms;
    printf("all layers %.3f ms; outside them %.3f ms, %.1f%%\n", sum, plan->outside_ms,
           100 * plan->outside_ms / (sum + plan->outside_ms));
}

/* In the order they run. A layer that does fewer products than its MACs may pass the peak. */
static void print_layers(const st_bench *b)
{
    const st_layer_plan *plan = &b->execution.layers[ST_OWN_PLANNED];
    printf("%-28s %-12s %-26s %8s %9s %7s %8s  %s\n", "layer", "operator", "kernel", "ms",
           "GFLOP/s", "of peak", "limit ms", "bound by");
    for (int32_t i = 0; i < plan->count; i++) {
        const st_layer_time *l = &plan->layers[i];
        double limit, rate = l->ms > 0 ? 2e-6 * (double)l->macs / l->ms : 0;
        const char *bound = st_bound_name(st_bound_of(plan, i, &b->peak, &limit));
        printf("%-28s %-12s %-26s %8.3f %9.1f %6.1f%% %8.3f  %s\n", l->name, cn_op_name(l->op),
               l->kernel, l->ms, rate, 100 * rate / st_peak_of(l, &b->peak), limit, bound);
    }
    print_sum(plan);
}

/* The convolutions and fully connected layers of a network with zeros, beside our dense kernels:
 * the fastest runs. */
static void print_speedups(const st_bench *b)
{
    const st_layer_plan *plans = b->execution.layers, *plan = &plans[ST_OWN_PLANNED];
    printf("%-28s %-30s %8s %8s %7s %7s %7s %6s %7s %8s  %s\n", "layer", "kernel", "ms", "dense ms",
           "theory", "real", "of it", "loads", "balance", "limit ms", "bound by");
    for (int32_t i = 0; i < plan->count; i++) {
        const st_layer_time *l = &plan->layers[i];
        if (!cn_op_is_tensor(l->op)) continue;
        st_speedup s = st_speedup_of(plan, i, &plans[ST_OWN_DENSE], &plans[ST_OWN_DIRECT]);
        double limit;
        const char *bound = st_bound_name(st_bound_of(plan, i, &b->peak, &limit));
        printf("%-28s %-30s %8.3f %8.3f %7.2f %7.2f %7.2f %6.2f %7.2f %8.3f  %s\n", l->name,
               l->kernel, l->least_ms, l->least_ms * s.realized, s.theoretical, s.realized,
               s.attained, l->loads, l->imbalance, limit, bound);
    }
    print_sum(plan);
}

static void print_means(const st_bench *b)
{
    const st_layer_plan *plans = b->execution.layers;
    st_speedup s;
    int32_t count =
        st_speedup_means(&plans[ST_OWN_PLANNED], &plans[ST_OWN_DENSE], &plans[ST_OWN_DIRECT], &s);
    if (count)
        printf(
            "  %d convolutions with zeros, geometric means: %.2f times as fast as our dense "
            "kernels, %.2f of the %.2f times that theory allows; %.2f times as fast as the direct "
            "ones, of %.2f times fewer MACs\n",
            count, s.realized, s.attained, s.theoretical, s.direct, s.mac_ratio);
}

static void print_share_of_peak(const st_bench *b, const st_contestant *c)
{
    double rate = b->gflop / c->summary.median * 1e3;
    printf("  %7.1f GFLOP/s  %5.1f%% of peak", rate, 100 * rate / b->peak.gflops);
}

static void print_contestant(const st_bench *b, int32_t index)
{
    const st_contestant *c = &b->duel.contestants[index];
    bool masked = st_bench_masked(b);
    printf("  %-*s median %.3f ms, mean %.3f [%.3f, %.3f], fastest %.3f", masked ? 18 : 12, c->name,
           c->summary.median, c->summary.mean, c->summary.ci_low, c->summary.ci_high,
           c->summary.min);
    if (!masked) print_share_of_peak(b, c);
    if (index && masked)
        printf("  condense is %.2f [%.2f, %.2f] times as fast, outputs within %.1e", 1 / c->ratio,
               1 / c->ratio_high, c->ratio_low > 0 ? 1 / c->ratio_low : INFINITY, c->difference);
    else if (index)
        printf("  condense takes %.2f [%.2f, %.2f] of its time, outputs within %.1e", c->ratio,
               c->ratio_low, c->ratio_high, c->difference);
    printf("\n");
}

static double median_ratio(const st_bench *b, const st_contestant *reference)
{
    return b->duel.contestants[0].summary.median / reference->summary.median;
}

/* Pruned: how far, and what it took to plan and to hold. */
static void print_mask(const st_bench *b)
{
    const st_mask *m = &b->execution.mask;
    const st_own_facts *own = &b->execution.plans[ST_OWN_PLANNED],
                       *dense = &b->execution.plans[ST_OWN_DENSE];
    printf(
        "  %.2fx fewer weights, %.2fx fewer MACs; planned in %.0f ms (dense %.0f), packed weights "
        "%.1f MB (%.1f), peak memory %.1f MB (%.1f)\n",
        m->rate, 0.5e9 * b->gflop / (double)b->execution.nonzero_macs, own->plan_ms, dense->plan_ms,
        1e-6 * (double)own->memory.weights, 1e-6 * (double)dense->memory.weights,
        1e-6 * (double)own->peak_memory, 1e-6 * (double)dense->peak_memory);
}

void st_bench_print(const st_bench *b)
{
    bool masked = st_bench_masked(b);
    printf("%s %s, weights %s, %lld thread%s, batch %lld, %.2f GFLOP; peak %.0f GFLOP/s, of "
           "bytes %.0f GOP/s, cache %.0f GB/s, memory %.1f GB/s",
           b->model.name, b->model.scale, b->weights.label ? b->weights.label : "unknown",
           (long long)b->threads, b->threads == 1 ? "" : "s", (long long)b->batch, b->gflop,
           b->peak.gflops, b->peak.gops, b->peak.cache, b->peak.gbytes);
    if (isfinite(b->peak.far)) printf(", threads %.0f to %.0f ns apart", b->peak.near, b->peak.far);
    puts("");
    if (masked) print_mask(b);
    for (int32_t i = 0; i < b->duel.count; i++)
        if (!b->duel.contestants[i].excluded) print_contestant(b, i);
    const st_contestant *best = st_duel_best(&b->duel);
    if (best)
        printf("  best reference: %s; condense's median is %.3f of its\n", best->name,
               median_ratio(b, best));
    if (masked) print_means(b);
    if (b->asked_for_layers && masked) print_speedups(b);
    if (b->asked_for_layers && !masked) print_layers(b);
}

static void add_speedup(cJSON *row, const st_speedup *s)
{
    st_json_number(row, "theoretical", s->theoretical);
    st_json_number(row, "realized", s->realized);
    st_json_number(row, "attained", s->attained);
    st_json_number(row, "product_ratio", s->product_ratio);
    st_json_number(row, "mac_ratio", s->mac_ratio);
    st_json_number(row, "over_direct", s->direct);
}

static cJSON *layer_json(const st_bench *b, int32_t index)
{
    const st_layer_plan *plans = b->execution.layers, *plan = &plans[ST_OWN_PLANNED];
    const st_layer_time *l = &plan->layers[index];
    double limit;
    st_bound bound = st_bound_of(plan, index, &b->peak, &limit);
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "layer", l->name);
    cJSON_AddStringToObject(row, "op", cn_op_name(l->op));
    cJSON_AddStringToObject(row, "kernel", l->kernel);
    cJSON_AddNumberToObject(row, "ms", l->ms);
    cJSON_AddNumberToObject(row, "macs", (double)l->macs);
    cJSON_AddNumberToObject(row, "nonzero_macs", (double)l->nonzero_macs);
    cJSON_AddNumberToObject(row, "products", (double)l->products);
    cJSON_AddNumberToObject(row, "bytes", (double)l->bytes);
    cJSON_AddNumberToObject(row, "loads", l->loads);
    cJSON_AddNumberToObject(row, "imbalance", l->imbalance);
    cJSON_AddStringToObject(row, "bound", st_bound_name(bound));
    cJSON_AddNumberToObject(row, "limit_ms", limit);
    st_speedup s = st_speedup_of(plan, index, &plans[ST_OWN_DENSE], &plans[ST_OWN_DIRECT]);
    if (st_bench_masked(b) && cn_op_is_tensor(l->op)) add_speedup(row, &s);
    return row;
}

static cJSON *layers_json(const st_bench *b)
{
    cJSON *rows = cJSON_CreateArray();
    for (int32_t i = 0; i < b->execution.layers[ST_OWN_PLANNED].count; i++)
        cJSON_AddItemToArray(rows, layer_json(b, i));
    return rows;
}

static cJSON *mask_json(const st_bench *b)
{
    const st_mask *m = &b->execution.mask;
    const st_layer_plan *plans = b->execution.layers;
    cJSON *row = cJSON_CreateObject();
    st_speedup s;
    cJSON_AddStringToObject(row, "scheme", cn_scheme_name(m->scheme));
    cJSON_AddNumberToObject(row, "rate_asked", m->rate_asked);
    cJSON_AddNumberToObject(row, "rate", m->rate);
    cJSON_AddNumberToObject(row, "nonzero_macs", (double)b->execution.nonzero_macs);
    int32_t count =
        st_speedup_means(&plans[ST_OWN_PLANNED], &plans[ST_OWN_DENSE], &plans[ST_OWN_DIRECT], &s);
    cJSON_AddNumberToObject(row, "convolutions", count);
    add_speedup(row, &s);
    return row;
}

/* Of our own contestants. */
static void add_plan(cJSON *row, const st_own_facts *f)
{
    cJSON_AddNumberToObject(row, "plan_ms", f->plan_ms);
    cJSON_AddNumberToObject(row, "packed_bytes", (double)f->memory.weights);
    st_json_number(row, "peak_memory_bytes", f->peak_memory < 0 ? NAN : (double)f->peak_memory);
}

static cJSON *engine_json(const st_bench *b, int32_t index)
{
    const st_contestant *c = &b->duel.contestants[index];
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "engine", c->name);
    if (c->excluded) {
        cJSON_AddStringToObject(row, "skipped", c->excluded);
        return row;
    }
    if (c->kind) cJSON_AddStringToObject(row, "version", c->kind->version());
    cJSON_AddNumberToObject(row, "samples", (double)c->summary.count);
    cJSON_AddNumberToObject(row, "median_ms", c->summary.median);
    cJSON_AddNumberToObject(row, "mean_ms", c->summary.mean);
    cJSON_AddNumberToObject(row, "min_ms", c->summary.min);
    cJSON_AddNumberToObject(row, "ci95_low_ms", c->summary.ci_low);
    cJSON_AddNumberToObject(row, "ci95_high_ms", c->summary.ci_high);
    cJSON_AddNumberToObject(row, "share_of_peak",
                            b->gflop / c->summary.median * 1e3 / b->peak.gflops);
    if (index) {
        cJSON_AddNumberToObject(row, "median_ratio", median_ratio(b, c));
        cJSON_AddNumberToObject(row, "condense_over_this", c->ratio);
        cJSON_AddNumberToObject(row, "ci95_low", c->ratio_low);
        cJSON_AddNumberToObject(row, "ci95_high", c->ratio_high);
        cJSON_AddNumberToObject(row, "difference", c->difference);
    }
    if (c->session && st_bench_masked(b)) add_plan(row, &b->execution.plans[index]);
    return row;
}

cJSON *st_bench_json(const st_bench *b)
{
    cJSON *row = cJSON_CreateObject(), *engines = cJSON_CreateArray();
    cJSON_AddStringToObject(row, "model", b->model.name);
    cJSON_AddStringToObject(row, "scale", b->model.scale);
    cJSON_AddStringToObject(row, "weights", b->weights.label ? b->weights.label : "unknown");
    cJSON_AddNumberToObject(row, "threads", (double)b->threads);
    cJSON_AddNumberToObject(row, "batch", (double)b->batch);
    cJSON_AddNumberToObject(row, "gflop", b->gflop);
    cJSON_AddNumberToObject(row, "plan_ms", b->execution.plans[ST_OWN_PLANNED].plan_ms);
    cJSON_AddNumberToObject(row, "peak_gflops", b->peak.gflops);
    cJSON_AddNumberToObject(row, "peak_byte_gops", b->peak.gops);
    cJSON_AddNumberToObject(row, "cache_gbytes", b->peak.cache);
    cJSON_AddNumberToObject(row, "memory_gbytes", b->peak.gbytes);
    cJSON_AddNumberToObject(row, "exchange_ns_least", b->peak.near);
    cJSON_AddNumberToObject(row, "exchange_ns_most", b->peak.far);
    for (int32_t i = 0; i < b->duel.count; i++)
        cJSON_AddItemToArray(engines, engine_json(b, i));
    cJSON_AddItemToObject(row, "engines", engines);
    const st_contestant *best = st_duel_best(&b->duel);
    if (best) {
        cJSON_AddStringToObject(row, "best_reference", best->name);
        cJSON_AddNumberToObject(row, "median_ratio", median_ratio(b, best));
    }
    if (st_bench_masked(b)) cJSON_AddItemToObject(row, "mask", mask_json(b));
    if (b->asked_for_layers) {
        cJSON_AddItemToObject(row, "layers", layers_json(b));
        cJSON_AddNumberToObject(row, "outside_layers_ms",
                                b->execution.layers[ST_OWN_PLANNED].outside_ms);
    }
    return row;
}
