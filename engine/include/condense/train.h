/* Training on oneDNN, from the same representation that inference uses (docs/training.md).
 *
 * A trainer gives gradients, an optimizer turns them into new weights, and cn_fit runs both over a
 * set of examples with a schedule, augmentation and checkpoints. Everything random follows from a
 * seed, the epoch, the step and a name, never from what was drawn before: a run that resumes goes
 * on exactly as if it had not stopped. The same seed and number of threads give the same bits. */
#ifndef CONDENSE_TRAIN_H
#define CONDENSE_TRAIN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/random.h"
#include "condense/status.h"
#include "condense/weights.h"

/* Threads for all trainers of this process; at least 1. */
void cn_train_threads(int threads);

/* A network set up for training at one batch size: graph, weights, gradients, activations. */
typedef struct cn_trainer cn_trainer;

/* `weights` are copied in (those the graph names); the graph is copied. It must be as written,
 * before any pass. The graph's last layer gives logits, classes x 1 x 1: a trailing softmax is
 * taken off, since cross-entropy contains it. `seed` decides dropout. */
cn_status cn_trainer_new(cn_trainer **out, const cn_graph *graph, const cn_weights *weights,
                         int32_t batch, uint64_t seed, cn_error *error);

/* Forward in training mode (batch statistics, dropout) and backward. images: batch x C x H x W;
 * labels: batch classes; label_smoothing in [0, 1). Gives the mean cross-entropy and the number of
 * right answers; gradients replace the old ones, running statistics move on. */
cn_status cn_trainer_backward(cn_trainer *trainer, const float *images, const int32_t *labels,
                              float label_smoothing, double *loss, int32_t *correct,
                              cn_error *error);

/* Forward in inference mode: logits, batch x classes. */
cn_status cn_trainer_forward(cn_trainer *trainer, const float *images, float *logits,
                             cn_error *error);

/* The current weights (batch norm statistics included), and the gradients of the trainable ones
 * under the same names. Plain layout; owned by the trainer. Values may be changed between steps;
 * tensors may not be added. */
cn_weights *cn_trainer_weights(cn_trainer *trainer);
cn_weights *cn_trainer_gradients(cn_trainer *trainer);

int32_t cn_trainer_batch(const cn_trainer *trainer);
int32_t cn_trainer_classes(const cn_trainer *trainer);
cn_shape cn_trainer_input(const cn_trainer *trainer);

/* Which step of training comes next: with the seed it decides what dropout drops. */
void cn_trainer_set_step(cn_trainer *trainer, uint64_t step);

/* The first layer whose output, or the first tensor whose gradient, in the last cn_trainer_backward
 * is not finite; NULL where all are. */
const char *cn_trainer_nonfinite(const cn_trainer *trainer);

/* The parts of a step of training, by what they cost. */
typedef enum cn_step_part {
    CN_STEP_PRIMITIVES, /* oneDNN's, but for the next two kinds */
    CN_STEP_REORDERS,   /* copies between layouts */
    CN_STEP_JOINS,      /* oneDNN's concatenations, and its sums of gradients */
    CN_STEP_FUNCTIONS,  /* our own within the network: dropout, running statistics and so on */
    CN_STEP_BATCH,      /* pictures gathered, augmented and handed over */
    CN_STEP_LOSS,
    CN_STEP_CHECK,     /* whether the gradients are finite */
    CN_STEP_OPTIMIZER, /* moving average and the hook before it included */
    CN_STEP_OTHER,     /* what lies between the steps, and hooks and callbacks */
    CN_STEP_PARTS
} cn_step_part;

/* From now on adds the nanoseconds of every part to ns[CN_STEP_PARTS], which must outlive this;
 * NULL: no longer. */
void cn_trainer_clock(cn_trainer *trainer, int64_t *ns);

/* Charges the time since the last call, or since cn_trainer_clock, to `part`. For who drives the
 * trainer; nothing where no clock runs. */
void cn_trainer_lap(cn_trainer *trainer, cn_step_part part);

/* Runs what counts as CN_STEP_PRIMITIVES in a step of cn_trainer_backward, in its order, and
 * nothing else. For timing, after a step: the primitives find that step's activations in place.
 * Gradients hold anything afterwards, weights and running statistics are untouched. */
cn_status cn_trainer_primitives(cn_trainer *trainer, cn_error *error);

void cn_trainer_free(cn_trainer *trainer);

typedef enum cn_optimizer_kind {
    CN_OPTIMIZER_SGD,  /* with momentum, Nesterov's where asked */
    CN_OPTIMIZER_ADAM, /* weight decay as part of the gradient */
    CN_OPTIMIZER_ADAMW /* weight decay apart from the gradient */
} cn_optimizer_kind;

typedef struct cn_optimizer_options {
    cn_optimizer_kind kind;
    float momentum;     /* sgd */
    bool nesterov;      /* sgd */
    float beta1, beta2; /* adam */
    float epsilon;      /* adam */
    float weight_decay; /* of convolution and fc weights; not of biases and batch norm */
} cn_optimizer_options;

/* SGD, momentum 0.9 (Nesterov), betas 0.9 and 0.999, epsilon 1e-8, no decay. */
cn_optimizer_options cn_optimizer_defaults(void);

typedef struct cn_optimizer cn_optimizer;

/* An optimizer for tensors like `gradients`. */
cn_status cn_optimizer_new(cn_optimizer **out, const cn_optimizer_options *options,
                           const cn_weights *gradients, cn_error *error);

/* One step: moves the tensors of `weights` that have a gradient. Every gradient has its tensor
 * there, in the same order, as in a trainer. */
void cn_optimizer_step(cn_optimizer *optimizer, cn_weights *weights, const cn_weights *gradients,
                       double rate);

/* The moments, as tensors "<name>.first" and "<name>.second", and the steps taken: all there is to
 * save and restore. Owned by the optimizer. */
cn_weights *cn_optimizer_state(cn_optimizer *optimizer);
int64_t *cn_optimizer_steps(cn_optimizer *optimizer);
void cn_optimizer_free(cn_optimizer *optimizer);

typedef enum cn_schedule_kind {
    CN_SCHEDULE_CONSTANT,
    CN_SCHEDULE_STEP,     /* a tenth at a half and again at three quarters of the way */
    CN_SCHEDULE_COSINE,   /* half a cosine down to 0 */
    CN_SCHEDULE_ONE_CYCLE /* from 1/25 up to the rate, then half a cosine to 1/10000 of it */
} cn_schedule_kind;

typedef struct cn_schedule {
    cn_schedule_kind kind;
    double rate;   /* the highest learning rate */
    double warmup; /* share of all steps in which the rate rises linearly, in [0, 1) */
} cn_schedule;

/* The learning rate of step `step` (from 0) of `total`. */
double cn_schedule_rate(const cn_schedule *schedule, int64_t step, int64_t total);

/* What happens to a training picture. */
typedef struct cn_augment {
    int32_t crop; /* shifts by up to this many pixels each way, zeros coming in */
    bool flip;    /* mirrors left and right, every second picture */
    float erase;  /* probability that a rectangle of 2 to 20 % of the area becomes 0 */
} cn_augment;

/* Writes the augmented picture (C x H x W); `from` and `to` may not overlap. */
void cn_augment_image(const cn_augment *augment, cn_random *random, cn_shape shape,
                      const float *from, float *to);

typedef struct cn_examples {
    const float *images; /* count x C x H x W, as the network wants them */
    const int32_t *labels;
    int32_t count;
} cn_examples;

/* What one epoch came to; test figures are NAN where there is no test set. */
typedef struct cn_epoch {
    int32_t epoch; /* from 1 */
    double loss, train_accuracy, test_loss, test_accuracy;
    double rate; /* of the epoch's last step */
    double seconds;
} cn_epoch;

/* What else happens in a run: how training is held to constraints (compress.h). Each function may
 * be NULL. */
typedef struct cn_fit_hooks {
    const char *recipe; /* what else decides the result, in words: a checkpoint of other words is
                           refused; NULL: nothing */
    cn_weights *state;  /* saved and restored with every checkpoint; may be NULL */
    void (*before_pass)(void *context, cn_weights *weights);
    void (*after_pass)(void *context, cn_weights *weights, cn_weights *gradients);
    void (*after_step)(void *context, cn_weights *weights);
    /* Before the epoch's checkpoint; epochs from 1. */
    cn_status (*after_epoch)(void *context, int32_t epoch, cn_error *error);
    void *context;
} cn_fit_hooks;

typedef struct cn_fit_options {
    int32_t epochs;
    int64_t epoch_steps; /* batches of an epoch, each epoch's first of its own order; 0: all */
    uint64_t seed;
    cn_optimizer_options optimizer;
    cn_schedule schedule;
    cn_augment augment;
    float label_smoothing;
    float average;          /* in [0, 1): the weights that are tested and kept are a moving average
                               with this decay a step; 0: the weights themselves */
    const char *checkpoint; /* file written after every epoch and on a stop; NULL: none */
    bool resume;            /* goes on from the checkpoint where there is one */
    const volatile sig_atomic_t *stop; /* not 0: write the checkpoint and leave; may be NULL */
    const cn_fit_hooks *hooks;         /* NULL: none */

    /* Told after every epoch and after every step; either may be NULL. */
    void (*on_epoch)(void *context, const cn_epoch *epoch);
    void (*on_step)(void *context, int64_t step, int64_t total, double loss);
    void *context;
} cn_fit_options;

cn_fit_options cn_fit_defaults(void);

/* Trains over `train`, dropping the last partial batch of each epoch's order, and tests on `test`
 * (count 0: no test) after every epoch. At the end the trainer holds the trained weights. Loss that
 * is not finite: CN_EDIVERGED naming step and layer, the last checkpoint stays. Stopped on request:
 * CN_EINTERRUPTED. A checkpoint of another recipe is refused (CN_EINVAL). */
cn_status cn_fit(cn_trainer *trainer, const cn_examples *train, const cn_examples *test,
                 const cn_fit_options *options, cn_error *error);

/* Mean cross-entropy and share of right answers in inference mode. */
cn_status cn_evaluate(cn_trainer *trainer, const cn_examples *examples, double *loss,
                      double *accuracy, cn_error *error);

#endif
