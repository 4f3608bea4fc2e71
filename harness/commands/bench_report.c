/* What `condense bench` prints. */
#include "commands/bench.h"

#include <stdio.h>

#include "measure/bounds.h"

/* In the order they run. A layer that does fewer products than its MACs may pass the peak. */
static void print_layers(const st_bench *b)
{
    double sum = 0;
    printf("%-28s %-12s %-26s %8s %9s %7s %8s  %s\n", "layer", "operator", "kernel", "ms",
           "GFLOP/s", "of peak", "limit ms", "bound by");
    for (int32_t i = 0; i < b->layers.count; i++) {
        const st_layer_time *l = &b->layers.layers[i];
        double limit, rate = l->ms > 0 ? 2e-6 * (double)l->macs / l->ms : 0;
        const char *bound = st_bound_name(st_bound_of(&b->layers, i, &b->peak, &limit));
        printf("%-28s %-12s %-26s %8.3f %9.1f %6.1f%% %8.3f  %s\n", l->name, cn_op_name(l->op),
               l->kernel, l->ms, rate, 100 * rate / b->peak.gflops, limit, bound);
        sum += l->ms;
    }
    printf("all layers %.3f ms; outside them %.3f ms, %.1f%%\n", sum, b->layers.outside_ms,
           100 * b->layers.outside_ms / (sum + b->layers.outside_ms));
}

static void print_contestant(const st_bench *b, int32_t index)
{
    const st_contestant *c = &b->duel.contestants[index];
    double rate = b->gflop / c->summary.median * 1e3;
    printf("  %-12s median %.3f ms, mean %.3f [%.3f, %.3f], fastest %.3f  %7.1f GFLOP/s  "
           "%5.1f%% of peak",
           c->name, c->summary.median, c->summary.mean, c->summary.ci_low, c->summary.ci_high,
           c->summary.min, rate, 100 * rate / b->peak.gflops);
    if (index)
        printf("  condense takes %.2f [%.2f, %.2f] of its time, outputs within %.1e", c->ratio,
               c->ratio_low, c->ratio_high, c->difference);
    printf("\n");
}

static double median_ratio(const st_bench *b, const st_contestant *reference)
{
    return b->duel.contestants[0].summary.median / reference->summary.median;
}

void st_bench_print(const st_bench *b)
{
    printf("%s %s, weights %s, %lld thread%s, batch %lld, %.2f GFLOP; peak %.0f GFLOP/s, cache "
           "%.0f GB/s, memory %.1f GB/s\n",
           b->model.name, b->model.scale, b->weights.label ? b->weights.label : "unknown",
           (long long)b->threads, b->threads == 1 ? "" : "s", (long long)b->batch, b->gflop,
           b->peak.gflops, b->peak.cache, b->peak.gbytes);
    for (int32_t i = 0; i < b->duel.count; i++)
        if (!b->duel.contestants[i].excluded) print_contestant(b, i);
    const st_contestant *best = st_duel_best(&b->duel);
    if (best)
        printf("  best reference: %s; condense's median is %.3f of its\n", best->name,
               median_ratio(b, best));
    if (b->layers.count) print_layers(b);
}

static cJSON *layers_json(const st_bench *b)
{
    cJSON *rows = cJSON_CreateArray();
    for (int32_t i = 0; i < b->layers.count; i++) {
        const st_layer_time *l = &b->layers.layers[i];
        double limit;
        st_bound bound = st_bound_of(&b->layers, i, &b->peak, &limit);
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "layer", l->name);
        cJSON_AddStringToObject(row, "op", cn_op_name(l->op));
        cJSON_AddStringToObject(row, "kernel", l->kernel);
        cJSON_AddNumberToObject(row, "ms", l->ms);
        cJSON_AddNumberToObject(row, "macs", (double)l->macs);
        cJSON_AddNumberToObject(row, "products", (double)l->products);
        cJSON_AddNumberToObject(row, "bytes", (double)l->bytes);
        cJSON_AddStringToObject(row, "bound", st_bound_name(bound));
        cJSON_AddNumberToObject(row, "limit_ms", limit);
        cJSON_AddItemToArray(rows, row);
    }
    return rows;
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
    cJSON_AddNumberToObject(row, "plan_ms", b->plan_ms);
    cJSON_AddNumberToObject(row, "peak_gflops", b->peak.gflops);
    cJSON_AddNumberToObject(row, "cache_gbytes", b->peak.cache);
    cJSON_AddNumberToObject(row, "memory_gbytes", b->peak.gbytes);
    for (int32_t i = 0; i < b->duel.count; i++)
        cJSON_AddItemToArray(engines, engine_json(b, i));
    cJSON_AddItemToObject(row, "engines", engines);
    const st_contestant *best = st_duel_best(&b->duel);
    if (best) {
        cJSON_AddStringToObject(row, "best_reference", best->name);
        cJSON_AddNumberToObject(row, "median_ratio", median_ratio(b, best));
    }
    if (b->layers.count) {
        cJSON_AddItemToObject(row, "layers", layers_json(b));
        cJSON_AddNumberToObject(row, "outside_layers_ms", b->layers.outside_ms);
    }
    return row;
}
