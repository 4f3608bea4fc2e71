/* Eight-bit integers after training: scales from calibration, and the network that an integer
 * engine is to compute, emulated in float.
 *
 * THE CONTRACT between what is written here and what computes with integers. It is about the layers
 * of the network after cn_post_fold, where a layer is its operator, a fused residual addition and a
 * fused activation.
 *
 * Activations. Each layer's output, the input layer's among them, is a tensor of integers q in
 * 0 .. 255 with one scale s > 0 and one zero point z in 0 .. 255, and stands for (q - z) s. Zero is
 * exact, so padding is q = z. Quantizing is q = clamp(round(x (1 / s)) + z), in float, ties to
 * even, and happens once a layer: after addition and activation. What is not a number becomes 0.
 * From the last convolution or fully connected layer on outputs stay float and have no scale.
 *
 * One scale for several tensors: a concat and all it joins; a max pool, flatten, pad, pixel shuffle
 * and nearest resize and what they read. These only move integers.
 *
 * Average pools, the global one among them, are float(sum of (q - z)) * (s / count), with the sum
 * in integers.
 *
 * Weights of convolutions and fully connected layers are integers p in -127 .. 127 with a scale t
 * for each output channel. Their output is computed in units of 1/u: u is 1 where it stays float,
 * and before a sigmoid or tanh, after which it is quantized as above; else u = 1 / s of the output,
 * which is then clamp(round(x) + z). In float, per channel, x = fma(float(sum of p (q - z)), s t u,
 * b) with the sum in 32-bit integers; b = bias u, less zr f where there is a residual qr, for which
 * x becomes fma(float(qr), f, x): zr is its zero point, f = sr u. fma rounds once; other products
 * are rounded from left to right. Then comes the activation: ReLU6 ends at 6 u.
 *
 * All other operators (addition, LRN, softmax, bilinear resize, activations by themselves, batch
 * norm by itself) read the floats that their inputs stand for,
 * compute in float, and are quantized.
 *
 * The emulation computes the sums in float from p t and (q - z) s; where such a sum falls within
 * rounding of the middle between two levels it may take the other one. So may sigmoid and tanh from
 * one instruction set to another; all else is the same to the bit everywhere.
 *
 * In a set of weights p t is LAYER.weight, and beside it are, for the layers that have them,
 *     LAYER.weight_scale  t, one a output channel
 *     LAYER.output_scale  s, one number
 *     LAYER.output_zero   z, one number
 * where LAYER is the name after cn_post_fold: that of the first of a fused chain. */
#ifndef CONDENSE_QUANTIZE_H
#define CONDENSE_QUANTIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/post.h"
#include "condense/status.h"
#include "condense/walk.h"
#include "condense/weights.h"

/* Of one layer's output; scale 0: it stays float. */
typedef struct cn_scale {
    float scale;
    int32_t zero;
} cn_scale;

/* The scale for which 0 .. 255 covers low .. high and zero. */
cn_scale cn_scale_of(double low, double high);

/* x = the value of the nearest level. */
void cn_scale_round(cn_scale scale, float *x, int64_t count);

typedef enum cn_range {
    CN_RANGE_MINMAX,     /* every value that was seen */
    CN_RANGE_PERCENTILE, /* all but 1 in 20,000 at either end */
    CN_RANGE_KL,  /* the least divergence (Kullback-Leibler) of the levels' distribution from the
                   * values', those beyond moved to the ends */
    CN_RANGE_MSE, /* the least mean square error */
    CN_RANGES
} cn_range;

/* "minmax", "percentile", "kl", "mse"; NULL past the last. */
const char *cn_range_name(cn_range range);
bool cn_range_find(const char *name, cn_range *range);

/* How often values fell into equal parts of low .. high; zeros apart, which every range has. */
enum { CN_HISTOGRAM_BINS = 2048 };
typedef struct cn_histogram {
    double low, high;
    int64_t zeros, counts[CN_HISTOGRAM_BINS];
} cn_histogram;
void cn_histogram_add(cn_histogram *histogram, const float *x, int64_t count);

/* The scale that the estimator chooses. */
cn_scale cn_range_estimate(cn_range range, const cn_histogram *histogram);

/* Cross-layer equalization (Nagel, van Baalen, Blankevoort and Welling, "Data-Free Quantization
 * through Weight Equalization and Bias Correction", 2019): where a convolution or fully connected
 * layer with ReLU or no activation is read by another alone, each channel between them is scaled so
 * that the largest weights that write and that read it are alike. The network computes the same.
 * Returns how many pairs there were. */
int32_t cn_equalize(const cn_graph *graph, cn_weights *weights);

/* Rounds each weight of `weight`, in place, to one of the two levels next to it, per output channel
 * with scales[c] = largest magnitude / 127. `moments` NULL: to the nearest. Else learned: of the
 * error with these moments (damped by 1 % of the mean of their diagonal) nearest rounding is
 * improved by coordinate descent, weight by weight, until no single change helps. This is the
 * problem that AdaRound relaxes (Nagel, Amjad, van Baalen, Louizos and Blankevoort, "Up or Down?
 * Adaptive Rounding for Post-Training Quantization", 2020). The error is never above nearest
 * rounding's.
 *
 * A channel whose weights are levels already - whole multiples, at most 127, of one step, but for
 * what floats round - keeps them: the largest such step is its scale, and zeros stay zeros. */
cn_status cn_round_weights(cn_tensor *weight, const cn_moments *moments, float *scales,
                           cn_error *error);

typedef struct cn_quantize_options {
    cn_range range;
    bool learned; /* rounding */
    cn_correction correction;
} cn_quantize_options;

/* A quantized network: graph->count outputs, and for tensor layers their weights' scales. */
typedef struct cn_quantization {
    int32_t count;
    cn_scale *outputs;
    float **weight_scales; /* each units numbers, or NULL */
} cn_quantization;

/* What became of a layer; layers without weights have weights 0. By the moments of its quantized
 * calibration inputs: */
typedef struct cn_quantize_layer {
    int64_t weights;
    double power, error, nearest; /* of the output; mean square error; with nearest rounding */
} cn_quantize_layer;

/* Quantizes `weights` of the folded `graph`: they become values of levels, with biases corrected.
 * `layers` receives graph->count rows. It may be NULL where weights are rounded to the nearest:
 * without errors to work out most of the work falls away, and without a correction all but finding
 * ranges. */
cn_status cn_quantize(const cn_graph *graph, cn_weights *weights, const cn_calibration *calibration,
                      const cn_quantize_options *options, cn_quantization *quantization,
                      cn_quantize_layer *layers, cn_error *error);

/* Runs the quantized network over `images` images on a walk over its graph and weights. */
cn_status cn_quantization_run(const cn_quantization *quantization, cn_walk *walk, int64_t images,
                              const float *input, float *output, cn_error *error);

/* Adds the scales to `weights`, or takes them from there (CN_ENOTFOUND where they are not whole,
 * CN_EFORMAT where they are no scales). */
cn_status cn_quantization_store(const cn_quantization *quantization, const cn_graph *graph,
                                cn_weights *weights, cn_error *error);
cn_status cn_quantization_load(cn_quantization *quantization, const cn_graph *graph,
                               const cn_weights *weights, cn_error *error);
void cn_quantization_clear(cn_quantization *quantization);

/* The quantized network that `weights` of `graph`, with scales, stand for: folded by cn_post_fold.
 * Errors as those of cn_quantization_load. All three results are the caller's to clear. */
cn_status cn_quantization_fold(const cn_graph *graph, const cn_weights *weights, cn_graph *folded,
                               cn_weights *folded_weights, cn_quantization *quantization,
                               cn_error *error);

/* Whether there are any such scales: a session of these weights is one of integers then, where its
 * options allow it. */
bool cn_quantization_there(const cn_weights *weights);

/* Takes them out: the weights are to change, or to be what they are in float. */
void cn_quantization_drop(cn_weights *weights);

#endif
