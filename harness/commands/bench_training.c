/* condense bench --training: steps of training beside the oneDNN primitives in them. */
#include <stdio.h>

#include "commands/bench.h"
#include "condense/memory.h"
#include "data/catalog.h"
#include "data/examples.h"
#include "data/recipe.h"
#include "measure/training.h"

/* One network being timed. */
typedef struct bench_training {
    cn_model model;
    st_recipe recipe;
    cn_weights weights;
    cn_examples examples;
    cn_trainer *trainer;
    st_training times;
} bench_training;

static cn_status measure(const st_training_request *r, const char *name, bench_training *b,
                         cn_error *error)
{
    cn_fit_options fit;
    cn_status status = st_catalog_load(name, r->scale, NULL, 0, &b->model, error);
    if (!status)
        status = st_recipe_load(b->model.name, b->model.scale, false, NULL, &b->recipe, error);
    if (status) return status;
    b->recipe.seed = r->seed;
    if (r->batch) b->recipe.batch = r->batch;
    cn_train_threads((int)r->threads);
    status = st_recipe_fit(&b->recipe, false, &fit, error);
    if (!status) status = cn_weights_random(&b->weights, &b->model.graph, (uint64_t)r->seed, error);
    if (!status)
        status = st_examples_load(&b->model, b->model.dataset, ST_SPLIT_TRAIN, &b->examples, NULL,
                                  error);
    if (!status)
        status = cn_trainer_new(&b->trainer, &b->model.graph, &b->weights, (int32_t)b->recipe.batch,
                                (uint64_t)r->seed, error);
    if (!status)
        status = st_training_measure(b->trainer, &b->examples, &fit, r->seconds, &b->times, error);
    return status;
}

void st_bench_training_head(void)
{
    printf("%-16s %-8s %7s %5s %6s %9s %9s %6s  %s", "network", "scale", "threads", "batch",
           "rounds", "step ms", "alone ms", "share", "% of the step:");
    for (int i = 0; i < CN_STEP_PARTS; i++)
        printf(" %10s", st_step_part_name((cn_step_part)i));
    printf("\n");
}

static void print(const st_training_request *r, const bench_training *b)
{
    const st_training *t = &b->times;
    printf("%-16s %-8s %7lld %5lld %6d %9.2f %9.2f %6.3f  %14s", b->model.name, b->model.scale,
           (long long)r->threads, (long long)b->recipe.batch, t->rounds, t->step.median,
           t->alone.median, t->share, "");
    for (int i = 0; i < CN_STEP_PARTS; i++)
        printf(" %10.1f", 100 * t->part_ms[i] / t->step.median);
    printf("\n");
}

static cJSON *to_json(const st_training_request *r, const bench_training *b)
{
    const st_training *t = &b->times;
    cJSON *row = cJSON_CreateObject(), *parts = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "model", b->model.name);
    cJSON_AddStringToObject(row, "scale", b->model.scale);
    cJSON_AddStringToObject(row, "dataset", b->model.dataset);
    cJSON_AddNumberToObject(row, "threads", (double)r->threads);
    cJSON_AddNumberToObject(row, "batch", (double)b->recipe.batch);
    cJSON_AddNumberToObject(row, "rounds", t->rounds);
    cJSON_AddNumberToObject(row, "step_ms", t->step.median);
    cJSON_AddNumberToObject(row, "alone_ms", t->alone.median);
    cJSON_AddNumberToObject(row, "share", t->share);
    cJSON_AddNumberToObject(row, "mean_share", t->mean_share);
    cJSON_AddNumberToObject(row, "ci95_low", t->mean_share_low);
    cJSON_AddNumberToObject(row, "ci95_high", t->mean_share_high);
    for (int i = 0; i < CN_STEP_PARTS; i++)
        cJSON_AddNumberToObject(parts, st_step_part_name((cn_step_part)i), t->part_ms[i]);
    cJSON_AddItemToObject(row, "step_parts_ms", parts);
    return row;
}

static void clear(bench_training *b)
{
    st_training_clear(&b->times);
    cn_trainer_free(b->trainer);
    st_examples_clear(&b->examples);
    cn_weights_clear(&b->weights);
    cn_model_clear(&b->model);
}

static cn_status record(const st_training_request *r, const bench_training *b, cn_error *error)
{
    char *recipe = st_recipe_text(&b->recipe, ST_RECIPE_TRAIN_FIELDS);
    if (!recipe) return cn_fail(error, CN_ENOMEM, "out of memory");
    const st_training_facts facts = {&b->model, recipe, r->threads, b->recipe.batch};
    cn_status status = st_record_training(r->recorder, &facts, &b->times, error);
    cn_free(recipe);
    return status;
}

cn_status st_bench_training(const st_training_request *r, const char *name, cn_error *error)
{
    bench_training b = {0};
    cn_status status = measure(r, name, &b, error);
    if (!status && r->rows) cJSON_AddItemToArray(r->rows, to_json(r, &b));
    if (!status && !r->rows) print(r, &b);
    fflush(stdout);
    if (!status && r->recorder) status = record(r, &b, error);
    clear(&b);
    return status;
}
