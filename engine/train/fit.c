#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "condense/clock.h"
#include "condense/memory.h"
#include "condense/train.h"
#include "train/checkpoint.h"
#include "train/loss.h"

#define TRY(call)                                                                                  \
    do {                                                                                           \
        cn_status try_status = (call);                                                             \
        if (try_status != CN_OK) return try_status;                                                \
    } while (0)

/* A run under way. */
typedef struct fit {
    cn_trainer *trainer;
    const cn_examples *train, *test;
    const cn_fit_options *options;
    cn_fit_hooks hooks; /* all NULL where there are none */
    cn_optimizer *optimizer;
    cn_weights average; /* moving average of the weights; empty where there is none */
    float *images;      /* one batch, augmented */
    int32_t *labels;
    uint32_t *order; /* of the epoch's examples */
    char *recipe;
    int64_t steps; /* of an epoch */
    int64_t epoch, step, correct;
    double loss; /* the epoch's sum so far */
    int64_t started_ns;
    cn_error *error;
} fit;

void cn_train_threads(int threads)
{
    omp_set_dynamic(0);
    omp_set_num_threads(threads < 1 ? 1 : threads);
}

cn_fit_options cn_fit_defaults(void)
{
    return (cn_fit_options){
        .epochs = 10,
        .seed = 1,
        .optimizer = cn_optimizer_defaults(),
        .schedule = {.kind = CN_SCHEDULE_ONE_CYCLE, .rate = 0.1, .warmup = 0.25},
    };
}

/* One line of everything that decides the result, apart from network and data. */
static char *recipe_text(const fit *f)
{
    const cn_fit_options *o = f->options;
    const cn_optimizer_options *p = &o->optimizer;
    return cn_sprintf("%s%sepochs %d steps %" PRId64 " batch %d examples %d seed %" PRIu64
                      " optimizer %d %g %d %g %g %g decay %g "
                      "schedule %d %.17g %g augment %d %d %g smoothing %g average %g",
                      f->hooks.recipe ? f->hooks.recipe : "", f->hooks.recipe ? " " : "", o->epochs,
                      f->steps, cn_trainer_batch(f->trainer), f->train->count, o->seed, p->kind,
                      (double)p->momentum, p->nesterov, (double)p->beta1, (double)p->beta2,
                      (double)p->epsilon, (double)p->weight_decay, o->schedule.kind,
                      o->schedule.rate, o->schedule.warmup, o->augment.crop, o->augment.flip,
                      (double)o->augment.erase, (double)o->label_smoothing, (double)o->average);
}

static checkpoint snapshot(fit *f)
{
    checkpoint c = {.recipe = f->recipe,
                    .epoch = f->epoch,
                    .batch = f->step,
                    .correct = f->correct,
                    .loss = f->loss,
                    .optimizer_steps = *cn_optimizer_steps(f->optimizer),
                    .sets = {{"weights.", cn_trainer_weights(f->trainer)},
                             {"optimizer.", cn_optimizer_state(f->optimizer)},
                             {"average.", &f->average}},
                    .set_count = 3};
    if (f->hooks.state) c.sets[c.set_count++] = (checkpoint_set){"state.", f->hooks.state};
    return c;
}

static cn_status save(fit *f)
{
    if (!f->options->checkpoint) return CN_OK;
    checkpoint c = snapshot(f);
    return checkpoint_write(f->options->checkpoint, &c, f->error);
}

static cn_status restore(fit *f)
{
    if (!f->options->checkpoint || !f->options->resume) return CN_OK;
    checkpoint c = snapshot(f);
    bool found;
    TRY(checkpoint_read(f->options->checkpoint, &c, &found, f->error));
    if (!found) return CN_OK;
    if (c.epoch > f->options->epochs || c.batch > f->steps)
        return cn_fail(f->error, CN_EFORMAT,
                       "%s: epoch %" PRId64 ", batch %" PRId64 " lie after the end of this run",
                       f->options->checkpoint, c.epoch, c.batch);
    f->epoch = c.epoch;
    f->step = c.batch;
    f->correct = c.correct;
    f->loss = c.loss;
    *cn_optimizer_steps(f->optimizer) = c.optimizer_steps;
    return CN_OK;
}

/* The seed of thing number `index` of the run. */
static uint64_t derive(uint64_t seed, int64_t index)
{
    return seed ^ ((uint64_t)index + 1) * 0x9e3779b97f4a7c15u;
}

static void shuffle_epoch(fit *f)
{
    cn_random random = cn_random_named(derive(f->options->seed, f->epoch), "order");
    for (int32_t i = 0; i < f->train->count; i++)
        f->order[i] = (uint32_t)i;
    cn_random_shuffle(&random, f->order, (uint32_t)f->train->count);
}

static void load_batch(fit *f)
{
    cn_shape shape = cn_trainer_input(f->trainer);
    int64_t size = cn_shape_count(shape), global = f->epoch * f->steps + f->step;
    int32_t batch = cn_trainer_batch(f->trainer);
    cn_random random = cn_random_named(derive(f->options->seed, global), "augment");
    for (int32_t i = 0; i < batch; i++) {
        uint32_t example = f->order[f->step * batch + i];
        f->labels[i] = f->train->labels[example];
        cn_augment_image(&f->options->augment, &random, shape, f->train->images + example * size,
                         f->images + i * size);
    }
}

/* average = d average + (1 - d) weights, with a smaller d while it is young. */
static void update_average(fit *f, int64_t global)
{
    float decay = f->options->average, young = (float)(1 + global) / (float)(10 + global);
    if (young < decay) decay = young;
    const cn_weights *weights = cn_trainer_weights(f->trainer);
    for (int32_t i = 0; i < f->average.count; i++) {
        float *to = f->average.tensors[i].data;
        const float *from = weights->tensors[i].data;
        for (int64_t k = 0; k < cn_tensor_count(&f->average.tensors[i]); k++)
            to[k] = decay * to[k] + (1 - decay) * from[k];
    }
}

/* A not-a-number can hide from the loss behind a relu; it cannot hide from the gradients. */
static bool gradients_are_finite(cn_trainer *trainer)
{
    const cn_weights *gradients = cn_trainer_gradients(trainer);
    float sum = 0; /* of zeros, unless something is not finite */
    for (int32_t i = 0; i < gradients->count; i++) {
        const float *g = gradients->tensors[i].data;
        int64_t count = cn_tensor_count(&gradients->tensors[i]);
#pragma omp simd reduction(+ : sum)
        for (int64_t k = 0; k < count; k++)
            sum += 0.0f * g[k];
    }
    return sum == 0;
}

static cn_status diverged(const fit *f, int64_t global, double loss)
{
    const char *where = cn_trainer_nonfinite(f->trainer);
    return cn_fail(f->error, CN_EDIVERGED,
                   "step %" PRId64 " (epoch %" PRId64
                   "): the loss is %g and %s is not finite; a lower "
                   "learning rate may help%s",
                   global, f->epoch + 1, loss, where ? where : "the loss",
                   f->options->checkpoint ? "; the last checkpoint was kept" : "");
}

static cn_status one_step(fit *f)
{
    const cn_fit_options *o = f->options;
    const cn_fit_hooks *h = &f->hooks;
    cn_weights *weights = cn_trainer_weights(f->trainer);
    cn_weights *gradients = cn_trainer_gradients(f->trainer);
    int64_t global = f->epoch * f->steps + f->step;
    double loss;
    int32_t correct;
    cn_trainer_lap(f->trainer, CN_STEP_OTHER);
    load_batch(f);
    cn_trainer_lap(f->trainer, CN_STEP_BATCH);
    if (h->before_pass) h->before_pass(h->context, weights);
    cn_trainer_lap(f->trainer, CN_STEP_OTHER);
    cn_trainer_set_step(f->trainer, (uint64_t)global);
    TRY(cn_trainer_backward(f->trainer, f->images, f->labels, o->label_smoothing, &loss, &correct,
                            f->error));
    if (!isfinite(loss) || !gradients_are_finite(f->trainer)) return diverged(f, global, loss);
    cn_trainer_lap(f->trainer, CN_STEP_CHECK);
    if (h->after_pass) h->after_pass(h->context, weights, gradients);
    cn_trainer_lap(f->trainer, CN_STEP_OTHER);
    cn_optimizer_step(f->optimizer, weights, gradients,
                      cn_schedule_rate(&o->schedule, global, f->steps * o->epochs));
    if (h->after_step) h->after_step(h->context, weights);
    if (f->average.count) update_average(f, global);
    cn_trainer_lap(f->trainer, CN_STEP_OPTIMIZER);
    f->loss += loss;
    f->correct += correct;
    f->step++;
    if (o->on_step) o->on_step(o->context, global + 1, f->steps * o->epochs, loss);
    return CN_OK;
}

/* Exchanges the trainer's weights and their average. */
static void swap_average(fit *f)
{
    cn_weights *weights = cn_trainer_weights(f->trainer);
    for (int32_t i = 0; i < f->average.count; i++) {
        float *a = f->average.tensors[i].data, *b = weights->tensors[i].data;
        for (int64_t k = 0; k < cn_tensor_count(&f->average.tensors[i]); k++) {
            float old = a[k];
            a[k] = b[k];
            b[k] = old;
        }
    }
}

static cn_status end_epoch(fit *f)
{
    int64_t images = f->steps * cn_trainer_batch(f->trainer);
    int64_t last = (f->epoch + 1) * f->steps - 1;
    cn_epoch report = {
        .epoch = (int32_t)f->epoch + 1,
        .loss = f->loss / (double)f->steps,
        .train_accuracy = (double)f->correct / (double)images,
        .test_loss = NAN,
        .test_accuracy = NAN,
        .rate = cn_schedule_rate(&f->options->schedule, last, f->steps * f->options->epochs)};
    if (f->test->count) {
        swap_average(f);
        cn_status status =
            cn_evaluate(f->trainer, f->test, &report.test_loss, &report.test_accuracy, f->error);
        swap_average(f);
        TRY(status);
    }
    f->epoch++;
    f->step = f->correct = 0;
    f->loss = 0;
    if (f->hooks.after_epoch)
        TRY(f->hooks.after_epoch(f->hooks.context, (int32_t)f->epoch, f->error));
    TRY(save(f));
    int64_t now = cn_clock_ns();
    report.seconds = (double)(now - f->started_ns) * 1e-9;
    f->started_ns = now;
    if (f->options->on_epoch) f->options->on_epoch(f->options->context, &report);
    return CN_OK;
}

static bool asked_to_stop(const fit *f)
{
    return f->options->stop && *f->options->stop;
}

static cn_status run(fit *f)
{
    TRY(restore(f));
    f->started_ns = cn_clock_ns();
    while (f->epoch < f->options->epochs) {
        shuffle_epoch(f);
        while (f->step < f->steps) {
            if (asked_to_stop(f)) {
                TRY(save(f));
                return cn_fail(f->error, CN_EINTERRUPTED,
                               "stopped in epoch %" PRId64 " at batch %" PRId64
                               "; --resume goes on",
                               f->epoch + 1, f->step);
            }
            TRY(one_step(f));
        }
        TRY(end_epoch(f));
    }
    swap_average(f);
    return CN_OK;
}

static cn_status prepare(fit *f)
{
    int32_t batch = cn_trainer_batch(f->trainer);
    size_t size = (size_t)cn_shape_count(cn_trainer_input(f->trainer));
    f->steps = f->train->count / batch;
    if (f->options->epoch_steps > 0 && f->options->epoch_steps < f->steps)
        f->steps = f->options->epoch_steps;
    if (f->options->hooks) f->hooks = *f->options->hooks;
    if (f->options->epochs < 1 || f->steps < 1)
        return cn_fail(f->error, CN_EINVAL,
                       "%d epochs of %d examples in batches of %d leave nothing to do",
                       f->options->epochs, f->train->count, batch);
    TRY(cn_optimizer_new(&f->optimizer, &f->options->optimizer, cn_trainer_gradients(f->trainer),
                         f->error));
    if (f->options->average > 0)
        TRY(cn_weights_copy(cn_trainer_weights(f->trainer), &f->average, f->error));
    f->images = cn_calloc((size_t)batch * size, sizeof *f->images);
    f->labels = cn_calloc((size_t)batch, sizeof *f->labels);
    f->order = cn_calloc((size_t)f->train->count, sizeof *f->order);
    f->recipe = recipe_text(f);
    if (!f->images || !f->labels || !f->order || !f->recipe)
        return cn_fail(f->error, CN_ENOMEM, "out of memory for training");
    return CN_OK;
}

cn_status cn_fit(cn_trainer *trainer, const cn_examples *train, const cn_examples *test,
                 const cn_fit_options *options, cn_error *error)
{
    fit f = {.trainer = trainer, .train = train, .test = test, .options = options, .error = error};
    cn_status status = prepare(&f);
    if (status == CN_OK) status = run(&f);
    cn_optimizer_free(f.optimizer);
    cn_weights_clear(&f.average);
    cn_free(f.images);
    cn_free(f.labels);
    cn_free(f.order);
    cn_free(f.recipe);
    return status;
}

cn_status cn_evaluate(cn_trainer *trainer, const cn_examples *examples, double *loss,
                      double *accuracy, cn_error *error)
{
    int32_t batch = cn_trainer_batch(trainer), classes = cn_trainer_classes(trainer);
    size_t size = (size_t)cn_shape_count(cn_trainer_input(trainer));
    float *images = cn_calloc((size_t)batch * size, sizeof *images);
    float *logits = cn_calloc((size_t)batch * (size_t)classes, sizeof *logits);
    cn_status status = CN_OK;
    int64_t right = 0;
    double sum = 0;
    if (!images || !logits) status = cn_fail(error, CN_ENOMEM, "out of memory for testing");
    for (int32_t at = 0; at < examples->count && status == CN_OK; at += batch) {
        int32_t left = examples->count - at, count = left < batch ? left : batch, hits;
        memcpy(images, examples->images + (size_t)at * size, (size_t)count * size * sizeof *images);
        status = cn_trainer_forward(trainer, images, logits, error);
        if (status != CN_OK) break;
        sum +=
            count * cn_cross_entropy(logits, examples->labels + at, count, classes, 0, NULL, &hits);
        right += hits;
    }
    *loss = sum / examples->count;
    *accuracy = (double)right / examples->count;
    cn_free(images);
    cn_free(logits);
    return status;
}
