/* condense bench --choices: what the planner chose beside the other ways that it had. */
#include <stdio.h>
#include <string.h>

#include "cli/json.h"
#include "cli/progress.h"
#include "commands/bench.h"
#include "measure/tuner.h"

/* A choice is good where it takes at most this share more than the fastest way. */
static const double tolerance = 0.03;

typedef struct choices {
    cn_model model;
    cn_weights weights;
    st_mask mask;
    cn_wisdom *found; /* the tuner wants a place for what it finds; nobody reads it */
    st_tuning tuning;
    st_progress progress;
} choices;

/* Over the layers that had a choice. */
typedef struct summary {
    int32_t layers, good;
    double worst;         /* largest time over the fastest way's */
    double planned, best; /* ms of all these layers */
    const st_tuned_layer *worst_layer;
} summary;

static void show(void *context, double fraction)
{
    choices *c = context;
    st_progress_update(&c->progress, fraction, 1, c->model.name);
}

static cn_status measure(const st_bench_request *r, const char *name, choices *c, cn_error *error)
{
    cn_status status = st_bench_load(r, name, &c->model, &c->weights, &c->mask, error);
    if (!status) status = cn_wisdom_new(&c->found, "this", error);
    if (status) return status;
    st_tuner tuner = {.session = st_bench_options(r),
                      .found = c->found,
                      .seconds = r->seconds,
                      .seed = (uint64_t)r->seed,
                      .progress = show,
                      .context = c};
    c->progress = st_progress_start("timing");
    status = st_tune(&tuner, &c->model.graph, &c->weights, &c->tuning, error);
    st_progress_end(&c->progress);
    return status;
}

/* The fastest way; 0, the planner's choice, where that is the only one. */
static int32_t fastest(const st_tuned_layer *t)
{
    int32_t best = 0;
    for (int32_t i = 1; i < t->ways; i++)
        if (t->ms[i] < t->ms[best]) best = i;
    return best;
}

static summary summarize(const st_tuning *tuning)
{
    summary s = {.worst = 1};
    for (int32_t i = 0; i < tuning->count; i++) {
        const st_tuned_layer *t = &tuning->layers[i];
        if (t->ways < 2) continue;
        double best = t->ms[fastest(t)], excess = t->ms[0] / best;
        s.layers += t->layers;
        s.good += excess <= 1 + tolerance ? t->layers : 0;
        s.planned += t->layers * t->ms[0];
        s.best += t->layers * best;
        if (s.worst_layer && excess <= s.worst) continue;
        s.worst = excess;
        s.worst_layer = t;
    }
    return s;
}

static void print_layer(const st_tuned_layer *t)
{
    if (t->ways < 2) return;
    int32_t best = fastest(t);
    printf("%6d  %-52s %-26s %9.4f  %-26s %9.4f %7.3f\n", t->layers, t->signature, t->names[0],
           t->ms[0], t->names[best], t->ms[best], t->ms[0] / t->ms[best]);
}

static void print(const st_bench_request *r, const choices *c)
{
    printf("%s %s, weights %s, %lld thread%s, batch %lld\n", c->model.name, c->model.scale,
           c->weights.label ? c->weights.label : "unknown", (long long)r->threads,
           r->threads == 1 ? "" : "s", (long long)r->batch);
    printf("%6s  %-52s %-26s %9s  %-26s %9s %7s\n", "layers", "signature", "chosen", "ms",
           "fastest", "ms", "ratio");
    for (int32_t i = 0; i < c->tuning.count; i++)
        print_layer(&c->tuning.layers[i]);
    summary s = summarize(&c->tuning);
    if (!s.layers)
        printf("  no layer had a choice\n");
    else
        printf("  %d of %d layers within %.0f %% of their fastest way, the worst at %.3f (%s); "
               "together %.3f of the fastest ways' time\n",
               s.good, s.layers, 100 * tolerance, s.worst, s.worst_layer->signature,
               s.planned / s.best);
}

static cJSON *layer_json(const st_tuned_layer *t)
{
    cJSON *row = cJSON_CreateObject(), *ways = cJSON_CreateArray();
    cJSON_AddStringToObject(row, "signature", t->signature);
    cJSON_AddNumberToObject(row, "layers", t->layers);
    cJSON_AddStringToObject(row, "chosen", t->names[0]);
    cJSON_AddStringToObject(row, "fastest", t->names[fastest(t)]);
    st_json_number(row, "ratio", t->ms[0] / t->ms[fastest(t)]);
    for (int32_t i = 0; i < t->ways; i++) {
        cJSON *way = cJSON_CreateObject();
        cJSON_AddStringToObject(way, "way", t->names[i]);
        st_json_number(way, "ms", t->ms[i]);
        cJSON_AddItemToArray(ways, way);
    }
    cJSON_AddItemToObject(row, "ways", ways);
    return row;
}

static cJSON *to_json(const st_bench_request *r, const choices *c)
{
    summary s = summarize(&c->tuning);
    cJSON *row = cJSON_CreateObject(), *layers = cJSON_CreateArray();
    cJSON_AddStringToObject(row, "model", c->model.name);
    cJSON_AddStringToObject(row, "scale", c->model.scale);
    cJSON_AddStringToObject(row, "weights", c->weights.label ? c->weights.label : "unknown");
    cJSON_AddStringToObject(row, "scheme", cn_scheme_name(c->mask.scheme));
    cJSON_AddNumberToObject(row, "rate_asked", c->mask.rate_asked);
    cJSON_AddNumberToObject(row, "rate", c->mask.rate);
    cJSON_AddNumberToObject(row, "threads", (double)r->threads);
    cJSON_AddNumberToObject(row, "batch", (double)r->batch);
    cJSON_AddNumberToObject(row, "layers_with_a_choice", s.layers);
    cJSON_AddNumberToObject(row, "layers_within_3_percent", s.good);
    cJSON_AddNumberToObject(row, "worst", s.worst);
    st_json_number(row, "planned_over_fastest", s.planned / s.best);
    for (int32_t i = 0; i < c->tuning.count; i++)
        cJSON_AddItemToArray(layers, layer_json(&c->tuning.layers[i]));
    cJSON_AddItemToObject(row, "layers", layers);
    return row;
}

static cn_status record(const st_bench_request *r, const choices *c, cn_error *error)
{
    const st_choice_facts facts = {.model = &c->model,
                                   .weights = c->weights.label ? c->weights.label : "unknown",
                                   .isa = cn_isa_name(cn_isa_available(r->isa)),
                                   .mask = c->mask,
                                   .threads = r->threads,
                                   .batch = r->batch};
    return st_record_choices(r->recorder, &facts, &c->tuning, error);
}

cn_status st_bench_choices(const st_bench_request *r, const char *name, cn_error *error)
{
    choices c = {0};
    cn_status status = measure(r, name, &c, error);
    if (!status && r->rows) cJSON_AddItemToArray(r->rows, to_json(r, &c));
    if (!status && !r->rows) print(r, &c);
    fflush(stdout);
    if (!status && r->recorder) status = record(r, &c, error);
    st_tuning_clear(&c.tuning);
    cn_wisdom_free(c.found);
    cn_weights_clear(&c.weights);
    cn_model_clear(&c.model);
    return status;
}
