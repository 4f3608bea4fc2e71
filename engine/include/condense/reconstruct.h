/* Layer-wise reconstruction: a layer's weights under a constraint, chosen so that on calibration
 * inputs the layer gives what it gave before.
 *
 * With the inputs of a layer as columns x (im2col: the weights of one output meet one column), the
 * error sum ||W x - V x||^2 = tr (W - V) H (W - V)^T needs their second moments H = E[x x^T] only.
 * It is minimized over V under the constraint by ADMM (after ALPS: Meng, Behdin, Wang and Mazumder,
 * "ALPS: Improved Optimization for Highly Sparse One-Shot Pruning for Large Language Models",
 * 2024): H is damped and scaled to a unit diagonal, which makes a weight's magnitude what its input
 * carries; the W-step has a closed form with (H + rho)^-1, the Z-step is cn_project_scheme, and rho
 * grows. Then the support is fixed and the weights on it are solved for by conjugate gradients. */
#ifndef CONDENSE_RECONSTRUCT_H
#define CONDENSE_RECONSTRUCT_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/scheme.h"
#include "condense/status.h"

/* Second moments of a layer's inputs, one symmetric matrix for each group of a convolution. The
 * order of a column's values is that of an output's weights: channel, row, column. */
typedef struct cn_moments {
    int64_t groups, inputs; /* matrices; rows and columns of each: the weights of one output */
    int64_t columns;        /* of inputs that went in */
    double *values;         /* groups x inputs x inputs: means of x x^T */
} cn_moments;

/* From `images` inputs (dense) of the convolution or fully connected layer `index` of `graph`.
 * Where they have more columns than `most`, one is drawn from each of `most` equal stretches. Sums
 * are in double precision. */
cn_status cn_moments_take(cn_moments *moments, const cn_graph *graph, int32_t index, int64_t images,
                          const float *inputs, int64_t most, cn_error *error);
void cn_moments_clear(cn_moments *moments);

/* As many columns as are worth taking: the error of an estimated moment falls with their root. */
int64_t cn_moments_enough(const cn_graph *graph, int32_t index);

/* The mean of ||W x - V x||^2 over the columns, in double precision; `to` NULL counts as zeros:
 * then it is the power of the output. `weight` gives the shape and W. */
cn_status cn_moments_error(const cn_moments *moments, const cn_tensor *weight, const float *to,
                           double *mean, cn_error *error);

typedef struct cn_reconstruction {
    double power;     /* mean of ||W x||^2 */
    double error;     /* of the result: mean of ||W x - V x||^2 */
    double magnitude; /* of magnitude pruning to the same constraint, without any update */
    bool fell_back;   /* the result is magnitude pruning's: nothing better was found */
} cn_reconstruction;

/* to = the reconstruction of `weight` under the constraint's scheme (levels are not applied). Its
 * error is never above magnitude pruning's. Where all units may stay, to = W. Damping is 1 % of the
 * mean of H's diagonal; inputs that are always zero count as that much. */
cn_status cn_reconstruct(const cn_tensor *weight, const cn_constraint *constraint,
                         const cn_moments *moments, float *to, cn_reconstruction *result,
                         cn_error *error);

/* to = magnitude pruning's result, with no update; the errors are measured all the same. */
cn_status cn_reconstruct_none(const cn_tensor *weight, const cn_constraint *constraint,
                              const cn_moments *moments, float *to, cn_reconstruction *result,
                              cn_error *error);

#endif
