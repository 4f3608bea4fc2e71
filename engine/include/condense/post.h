/* Compression after training, by calibration: a network that cannot be trained here is looked at on
 * some hundred images without labels and compressed layer by layer, each layer on what the layers
 * before it, already compressed, give.
 *
 * All work is on the network as the engine plans it, batch norm folded and additions and
 * activations fused (cn_post_fold); the result is written back into weights for the network as it
 * is written (cn_post_unfold). condense/quantize.h has quantization. */
#ifndef CONDENSE_POST_H
#define CONDENSE_POST_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/reconstruct.h"
#include "condense/scheme.h"
#include "condense/status.h"
#include "condense/weights.h"

/* All passes but CN_PASS_FC_AS_CONV, so that tensors keep their shapes and names. */
cn_status cn_post_fold(const cn_graph *graph, const cn_weights *weights, cn_graph *folded,
                       cn_weights *folded_weights, cn_error *error);

/* Writes the folded network's weights back: a tensor layer gets them as they are, a batch norm that
 * was folded into it gets its bias as the shift and otherwise passes on what it reads. `weights`
 * are those that were folded, and change. Folding them again gives the same bits. */
cn_status cn_post_unfold(const cn_graph *graph, cn_weights *weights, const cn_graph *folded,
                         const cn_weights *folded_weights, cn_error *error);

/* What is repaired after a layer was changed, by the mean and the deviation that each output
 * channel has over all pixels and images, before and after: */
typedef enum cn_correction {
    CN_CORRECT_NONE,
    CN_CORRECT_BIAS, /* the bias: the channel's mean is what it was */
    CN_CORRECT_NORM, /* and the weights' scale: its deviation is, too. This is what re-estimating
                      * the statistics of a batch norm does; the layer that gives the network's
                      * output is corrected by its bias only */
    CN_CORRECTIONS
} cn_correction;

/* "none", "bias", "norm"; NULL past the last. */
const char *cn_correction_name(cn_correction correction);
bool cn_correction_find(const char *name, cn_correction *correction);

/* Images to calibrate with, dense, images x C x H x W; and how the work is watched. */
typedef struct cn_calibration {
    int64_t images;
    const float *input;
    int32_t threads;
    void (*progress)(void *context, double done, const char *layer); /* a share of 1; may be NULL */
    void *context;
    const volatile int *stop; /* not 0: CN_EINTERRUPTED; may be NULL */
} cn_calibration;

typedef struct cn_post_prune_options {
    cn_scheme scheme;
    double rate; /* weights of convolutions and fully connected layers over those that stay; > 1 */
    cn_patterns patterns; /* for pattern schemes */
    bool reconstruct;     /* else magnitude pruning without update, errors measured all the same */
    cn_correction correction;
} cn_post_prune_options;

/* What became of a layer; layers without weights have weights 0. */
typedef struct cn_post_layer {
    cn_scheme scheme;
    const char *rule; /* why it is not the scheme that was asked for; static; or NULL */
    double keep;      /* share of the weights that may stay */
    int64_t weights, nonzero;
    cn_reconstruction fit; /* by the moments of the calibration inputs */
} cn_post_layer;

/* How `weights` of `graph` (folded or not) reach `rate` without training: all layers keep the same
 * share, but for those that stay whole, each a small part of the weights that many results hang on:
 * depthwise ones and those that read the network's input; and those that cn_scheme_for leaves
 * alone. The share makes up for them. `layers` receives graph->count rows, of which scheme, rule,
 * keep and weights are set. CN_EINVAL where the rate is out of reach. */
cn_status cn_post_plan(const cn_graph *graph, const cn_weights *weights, cn_scheme scheme,
                       double rate, cn_post_layer *layers, cn_error *error);

/* Prunes `weights` of the folded `graph` as cn_post_plan says. */
cn_status cn_post_prune(const cn_graph *graph, cn_weights *weights,
                        const cn_calibration *calibration, const cn_post_prune_options *options,
                        cn_post_layer *layers, cn_error *error);

#endif
