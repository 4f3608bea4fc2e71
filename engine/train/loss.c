#include "train/loss.h"

#include <math.h>
#include <stddef.h>

double cn_cross_entropy(const float *logits, const int32_t *labels, int32_t batch, int32_t classes,
                        float smoothing, float *gradient, int32_t *correct)
{
    double total = 0;
    *correct = 0;
    for (int32_t row = 0; row < batch; row++, logits += classes) {
        int32_t best = 0;
        for (int32_t c = 1; c < classes; c++)
            if (logits[c] > logits[best]) best = c;
        *correct += best == labels[row];
        double sum = 0;
        for (int32_t c = 0; c < classes; c++)
            sum += exp((double)logits[c] - logits[best]);
        double log_sum = log(sum) + logits[best];
        for (int32_t c = 0; c < classes; c++) {
            double wanted = (double)smoothing / classes + (c == labels[row] ? 1 - smoothing : 0);
            double score = logits[c] - log_sum;
            total -= wanted * score;
            if (gradient)
                gradient[(ptrdiff_t)row * classes + c] = (float)((exp(score) - wanted) / batch);
        }
    }
    return total / batch;
}
