/* Softmax cross-entropy. */
#ifndef TRAIN_LOSS_H
#define TRAIN_LOSS_H

#include <stdint.h>

/* Mean over `batch` rows of `classes` logits of the cross-entropy to the labels, each smoothed: the
 * true class gets 1 - s + s / classes, the others s / classes. Writes its gradient by the logits
 * (may be NULL) and counts the rows whose largest logit is the label's (ties: the lower class). */
double cn_cross_entropy(const float *logits, const int32_t *labels, int32_t batch, int32_t classes,
                        float smoothing, float *gradient, int32_t *correct);

#endif
