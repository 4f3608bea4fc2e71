/* The alternating direction method of multipliers, in scaled form (Boyd et al., 2011): the
 * optimizer minimizes loss + rho / 2 |W - Z + U|^2 over W for an iteration's steps, then Z is the
 * projection of W + U, and U += W - Z. Where rho grows, U shrinks with it: rho U is what stays the
 * same. */
#include <math.h>

#include "compress/run.h"
#include "condense/memory.h"

typedef struct admm {
    compress_run *run;
    cn_weights state; /* "<layer>.z", ".u" and ".mask" (1 where the start was not zero), "rho" */
    double *residuals;
} admm;

/* Part of the state, because a run may resume in any stage. */
static float *rho(const admm *a)
{
    return cn_weights_find(&a->state, "rho")->data;
}

static double rho_of(const cn_compress_options *o, int32_t iteration)
{
    int32_t stages = o->rho_stages, stage = iteration * stages / o->iterations;
    if (stages < 2) return o->rho_first;
    return o->rho_first * pow(o->rho_last / o->rho_first, (double)stage / (stages - 1));
}

static void pull_to_z(void *context, cn_weights *weights, cn_weights *gradients)
{
    (void)weights;
    (void)gradients;
    const admm *a = context;
    for (int32_t i = 0; i < a->run->compression->count; i++) {
        const cn_tensor *w = run_weights(a->run, i);
        const float *z = run_state(a->run, &a->state, i, "z")->data;
        const float *u = run_state(a->run, &a->state, i, "u")->data;
        float *g = run_gradient(a->run, i)->data, pull = *rho(a);
        int64_t count = cn_tensor_count(w);
#pragma omp simd
        for (int64_t k = 0; k < count; k++)
            g[k] += pull * (w->data[k] - z[k] + u[k]);
    }
}

static void keep_zeros(void *context, cn_weights *weights)
{
    (void)weights;
    const admm *a = context;
    for (int32_t i = 0; i < a->run->compression->count; i++) {
        cn_tensor *w = run_weights(a->run, i);
        const float *mask = run_state(a->run, &a->state, i, "mask")->data;
        int64_t count = cn_tensor_count(w);
#pragma omp simd
        for (int64_t k = 0; k < count; k++)
            w->data[k] = mask[k] != 0 ? w->data[k] : 0; /* a product would keep signs of zeros */
    }
}

/* The second subproblem and the dual update for target i. */
static cn_status update_target(admm *a, int32_t i, cn_error *error)
{
    const cn_tensor *w = run_weights(a->run, i);
    float *z = run_state(a->run, &a->state, i, "z")->data;
    float *u = run_state(a->run, &a->state, i, "u")->data;
    int64_t count = cn_tensor_count(w);
    double apart = 0, norm = 0;
    for (int64_t k = 0; k < count; k++)
        u[k] += w->data[k];
    TRY(cn_project(w, &a->run->compression->targets[i].constraint, u, z, error));
    for (int64_t k = 0; k < count; k++) {
        double d = (double)w->data[k] - (double)z[k];
        apart += d * d;
        norm += (double)w->data[k] * (double)w->data[k];
        u[k] -= z[k];
    }
    a->residuals[i] = norm > 0 ? sqrt(apart / norm) : 0;
    return CN_OK;
}

static cn_status projected_accuracy(admm *a, double *accuracy, cn_error *error)
{
    compress_run *run = a->run;
    cn_status status = CN_OK;
    run_save(run);
    for (int32_t i = 0; i < run->compression->count && status == CN_OK; i++) {
        cn_tensor *w = run_weights(run, i);
        status = cn_project(w, &run->compression->targets[i].constraint, w->data, w->data, error);
    }
    if (status == CN_OK) status = run_accuracy(run, accuracy, error);
    run_restore(run);
    return status;
}

static void change_rho(admm *a, float next)
{
    float shrink = *rho(a) / next;
    if (shrink == 1) return;
    for (int32_t i = 0; i < a->run->compression->count; i++) {
        cn_tensor *u = run_state(a->run, &a->state, i, "u");
        for (int64_t k = 0; k < cn_tensor_count(u); k++)
            u->data[k] *= shrink;
    }
    *rho(a) = next;
}

static cn_status end_iteration(void *context, int32_t iteration, cn_error *error)
{
    admm *a = context;
    const cn_compress_options *o = a->run->options;
    cn_compress_step step = {
        .number = iteration, .rho = (double)*rho(a), .residuals = a->residuals};
    TRY(run_accuracy(a->run, &step.before, error));
    TRY(projected_accuracy(a, &step.after, error));
    for (int32_t i = 0; i < a->run->compression->count; i++)
        TRY(update_target(a, i, error));
    if (o->on_step) o->on_step(o->context, &step);
    if (iteration < o->iterations) change_rho(a, (float)rho_of(o, iteration));
    return CN_OK;
}

/* Z starts as the projection of the network as it is, U as zero. */
static cn_status start(admm *a, cn_error *error)
{
    compress_run *run = a->run;
    for (int32_t i = 0; i < run->compression->count; i++) {
        cn_tensor *z, *u, *mask;
        TRY(run_add_state(run, &a->state, i, "z", &z, error));
        TRY(run_add_state(run, &a->state, i, "u", &u, error));
        TRY(run_add_state(run, &a->state, i, "mask", &mask, error));
        const cn_tensor *w = run_weights(run, i);
        mask = run_state(run, &a->state, i, "mask");
        for (int64_t k = 0; k < cn_tensor_count(w); k++)
            mask->data[k] = w->data[k] != 0;
        TRY(cn_project(w, &run->compression->targets[i].constraint, w->data,
                       run_state(run, &a->state, i, "z")->data, error));
    }
    cn_tensor *first;
    TRY(cn_weights_add(&a->state, "rho", 1, (const int32_t[]){1}, &first, error));
    first->data[0] = (float)rho_of(run->options, 0);
    a->residuals = cn_calloc((size_t)run->compression->count, sizeof *a->residuals);
    return a->residuals ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory for the compression");
}

cn_status run_admm(compress_run *run, cn_error *error)
{
    const cn_compress_options *o = run->options;
    admm a = {.run = run};
    char *recipe = run_recipe(run);
    cn_fit_hooks hooks = {.recipe = recipe,
                          .state = &a.state,
                          .after_pass = pull_to_z,
                          .after_step = keep_zeros,
                          .after_epoch = end_iteration,
                          .context = &a};
    cn_fit_options fit = o->admm;
    fit.epochs = o->iterations;
    fit.hooks = &hooks;
    fit.checkpoint = o->admm_checkpoint;
    fit.resume = o->resume;
    cn_status status =
        recipe ? start(&a, error) : cn_fail(error, CN_ENOMEM, "out of memory for the compression");
    if (status == CN_OK) status = cn_fit(run->trainer, run->train, &(cn_examples){0}, &fit, error);
    cn_weights_clear(&a.state);
    cn_free(a.residuals);
    cn_free(recipe);
    return status;
}
