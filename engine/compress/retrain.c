/* Masked mapping and masked retraining: the weights are projected, what became zero stays zero.
 * Levels are kept by training the weights behind them: every forward and backward pass sees the
 * nearest codes, the step moves what they were rounded from, and the codes are fitted again after
 * each epoch. */
#include <string.h>

#include "compress/run.h"
#include "condense/memory.h"
#include "condense/random.h"

typedef struct retraining {
    compress_run *run;
    cn_weights state; /* "<layer>.mask" and, with levels, "<layer>.codes" */
} retraining;

static const cn_constraint *constraint_of(const retraining *r, int32_t i)
{
    return &r->run->compression->targets[i].constraint;
}

static void round_to_codes(void *context, cn_weights *weights)
{
    (void)weights;
    const retraining *r = context;
    run_save(r->run);
    for (int32_t i = 0; i < r->run->compression->count; i++) {
        cn_tensor *w = run_weights(r->run, i);
        const cn_tensor *codes = run_state(r->run, &r->state, i, "codes");
        if (codes) cn_levels_apply(w, constraint_of(r, i), codes->data, w->data, w->data);
    }
}

static void unround(void *context, cn_weights *weights, cn_weights *gradients)
{
    (void)weights;
    (void)gradients;
    const retraining *r = context;
    run_restore(r->run);
}

static void keep_mask(void *context, cn_weights *weights)
{
    (void)weights;
    const retraining *r = context;
    for (int32_t i = 0; i < r->run->compression->count; i++) {
        cn_tensor *w = run_weights(r->run, i);
        const float *mask = run_state(r->run, &r->state, i, "mask")->data;
        int64_t count = cn_tensor_count(w);
#pragma omp simd
        for (int64_t k = 0; k < count; k++)
            w->data[k] = mask[k] != 0 ? w->data[k] : 0; /* a product would keep signs of zeros */
    }
}

static cn_status fit_codes(retraining *r, cn_error *error)
{
    for (int32_t i = 0; i < r->run->compression->count; i++) {
        const cn_tensor *w = run_weights(r->run, i);
        cn_tensor *codes = run_state(r->run, &r->state, i, "codes");
        if (codes) TRY(cn_levels_fit(w, constraint_of(r, i), w->data, codes->data, error));
    }
    return CN_OK;
}

static cn_status end_epoch(void *context, int32_t epoch, cn_error *error)
{
    retraining *r = context;
    const cn_compress_options *o = r->run->options;
    cn_compress_step step = {.retraining = true, .number = epoch};
    TRY(fit_codes(r, error));
    round_to_codes(r, NULL);
    cn_status status = run_accuracy(r->run, &step.before, error);
    run_restore(r->run);
    TRY(status);
    step.after = step.before;
    if (o->on_step) o->on_step(o->context, &step);
    return CN_OK;
}

/* The weights that stay are those of the projection; with the random method, of the projection of
 * noise. */
static cn_status map_target(retraining *r, int32_t i, cn_error *error)
{
    cn_tensor *w = run_weights(r->run, i), *mask;
    TRY(run_add_state(r->run, &r->state, i, "mask", &mask, error));
    int64_t count = cn_tensor_count(w);
    memcpy(mask->data, w->data, (size_t)count * sizeof *w->data);
    if (r->run->options->method == CN_METHOD_RANDOM) {
        cn_random random = cn_random_named(r->run->options->retrain.seed, mask->name);
        for (int64_t k = 0; k < count; k++)
            mask->data[k] = w->data[k] != 0 ? (float)cn_random_normal(&random) : 0;
    }
    TRY(cn_project_scheme(w, constraint_of(r, i), mask->data, mask->data, error));
    for (int64_t k = 0; k < count; k++) {
        mask->data[k] = mask->data[k] != 0;
        if (mask->data[k] == 0) w->data[k] = 0;
    }
    return CN_OK;
}

static cn_status add_codes(retraining *r, int32_t i, cn_error *error)
{
    int64_t groups = cn_levels_groups(run_weights(r->run, i), constraint_of(r, i));
    if (!groups) return CN_OK;
    const char *layer = r->run->graph->layers[r->run->compression->targets[i].layer].name;
    char *name = cn_sprintf("%s.codes", layer);
    if (!name) return cn_fail(error, CN_ENOMEM, "out of memory for the compression");
    cn_tensor *codes;
    const int32_t dims[] = {(int32_t)groups, 1 << constraint_of(r, i)->bits};
    cn_status status = cn_weights_add(&r->state, name, 2, dims, &codes, error);
    cn_free(name);
    return status;
}

static cn_status start(retraining *r, cn_error *error)
{
    for (int32_t i = 0; i < r->run->compression->count; i++) {
        TRY(map_target(r, i, error));
        TRY(add_codes(r, i, error));
    }
    return fit_codes(r, error);
}

cn_status run_retraining(compress_run *run, cn_error *error)
{
    const cn_compress_options *o = run->options;
    retraining r = {.run = run};
    char *recipe = run_recipe(run);
    bool levels = run->compression->count && run->compression->targets[0].constraint.levels;
    cn_fit_hooks hooks = {.recipe = recipe,
                          .state = &r.state,
                          .before_pass = levels ? round_to_codes : NULL,
                          .after_pass = levels ? unround : NULL,
                          .after_step = keep_mask,
                          .after_epoch = end_epoch,
                          .context = &r};
    cn_fit_options fit = o->retrain;
    fit.hooks = &hooks;
    fit.checkpoint = o->retrain_checkpoint;
    fit.resume = o->resume;
    cn_status status =
        recipe ? start(&r, error) : cn_fail(error, CN_ENOMEM, "out of memory for the compression");
    if (status == CN_OK) status = cn_fit(run->trainer, run->train, &(cn_examples){0}, &fit, error);
    if (status == CN_OK) round_to_codes(&r, NULL);
    cn_weights_clear(&r.state);
    cn_free(recipe);
    return status;
}
