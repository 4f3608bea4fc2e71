/* Compression with training: ADMM, then masked mapping and masked retraining (CADNN, section 3).
 *
 * A compression holds the constraint of every tensor layer. ADMM trains with rho / 2 |W - Z + U|^2
 * added to the loss; after each iteration Z becomes the projection of W + U and U += W - Z, with a
 * rho that grows in stages. Then W is projected, what is zero stays zero, and the rest is trained
 * on; levels are held by training the weights behind them (each pass sees the nearest levels). The
 * result always satisfies its constraints. Zeros of the network that it starts from stay zero, so
 * that rounds at growing rates go on from one another. */
#ifndef CONDENSE_COMPRESS_H
#define CONDENSE_COMPRESS_H

#include "condense/scheme.h"
#include "condense/train.h"

typedef enum cn_method {
    CN_METHOD_ADMM,
    CN_METHOD_MAGNITUDE, /* projects the weights as they are and retrains */
    CN_METHOD_RANDOM,    /* keeps random units and retrains */
    CN_METHOD_COUNT
} cn_method;

const char *cn_method_name(cn_method method);
bool cn_method_find(const char *name, cn_method *method);

/* One tensor layer. */
typedef struct cn_target {
    int32_t layer; /* index in the graph */
    cn_constraint constraint;
    const char *rule;      /* why the scheme is another than asked for (static text), or NULL */
    int64_t weights, kept; /* of the tensor; kept as the constraint plans */
    double sensitivity;    /* mean squared gradient of a weight */
} cn_target;

typedef struct cn_compression {
    cn_target *targets; /* every layer of cn_op_is_tensor, in the graph's order */
    int32_t count;
} cn_compression;

typedef struct cn_compression_request {
    cn_scheme scheme;
    double rate;              /* weights of all tensor layers over those that stay; at least 1 */
    const double *layer_keep; /* share that stays of each target; NULL: found by sensitivity */
    int32_t patterns;         /* size of the learned set, 1 to CN_MOST_PATTERNS */
    const cn_patterns *given; /* this set instead; NULL: learn one */
    cn_levels levels;
    int32_t bits;
    bool per_channel;
    uint64_t seed;
} cn_compression_request;

/* Fills `compression` for the trainer's current weights. Per-layer shares, unless given: a layer's
 * sensitivity is its squared norm times the mean squared gradient of its weights, over `examples`
 * (some batches of training pictures): how fast the loss rises with what the layer loses. Removing
 * a unit costs its share of what is left of the layer when all its smaller units are gone, times
 * the root of the sensitivity. The units that cost least a weight go, over all layers, until the
 * rate is reached; no layer loses more than ten times what the rate asks of the whole. The
 * trainer's weights and running statistics are as before. Refused (CN_EINVAL): rates below 1 and
 * rates that the schemes cannot reach (the message names the layers that stop it), bits outside 1
 * to 8. */
cn_status cn_compression_plan(cn_compression *compression, cn_trainer *trainer,
                              const cn_graph *graph, const cn_compression_request *request,
                              const cn_examples *examples, cn_error *error);
void cn_compression_clear(cn_compression *compression);

/* One iteration of ADMM, or one epoch of retraining. */
typedef struct cn_compress_step {
    bool retraining;
    int32_t number;          /* from 1, of its phase */
    double rho;              /* 0 in retraining */
    const double *residuals; /* |W - Z| / |W| of each target, before U moves; NULL in retraining */
    double before, after;    /* accuracy of W, and of W projected; equal in retraining */
} cn_compress_step;

typedef struct cn_compress_options {
    cn_method method;
    int32_t iterations; /* of ADMM */
    double rho_first, rho_last;
    int32_t rho_stages;       /* values of rho from first to last, in a geometric series */
    cn_fit_options admm;      /* rate, schedule, epoch_steps of one iteration, augmentation ... */
    cn_fit_options retrain;   /* epochs, epoch_steps ... */
    const cn_examples *watch; /* pictures that the accuracies of cn_compress_step are of; they
                                 decide nothing */
    const char *admm_checkpoint, *retrain_checkpoint; /* files; NULL: none */
    bool resume;
    void (*on_step)(void *context, const cn_compress_step *step);
    void *context;
} cn_compress_options;

/* Compresses the trainer's network. At the end the trainer holds weights that satisfy every
 * constraint. Errors as cn_fit's. A run that was interrupted and resumes gives the same bits as one
 * that was not; the checkpoints are left for the caller to remove. */
cn_status cn_compress(cn_trainer *trainer, const cn_graph *graph, const cn_compression *compression,
                      const cn_examples *train, const cn_compress_options *options,
                      cn_error *error);

#endif
