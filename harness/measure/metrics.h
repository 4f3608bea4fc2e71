/* Classification metrics from a confusion matrix, as the TX2 study defines them. */
#ifndef HARNESS_MEASURE_METRICS_H
#define HARNESS_MEASURE_METRICS_H

#include <stdint.h>

#include "condense/status.h"

typedef struct st_confusion {
    int32_t classes;
    int64_t *counts; /* counts[truth * classes + predicted] */
    int64_t images, top1_hits, top5_hits;
} st_confusion;

/* All counts 0; owned until st_confusion_clear. CN_EINVAL below one class. */
cn_status st_confusion_new(st_confusion *confusion, int32_t classes, cn_error *error);

/* Adds one image. `scores`: one per class; ties go to the lower class; not a number ranks last.
 * `truth` is in [0, classes). */
void st_confusion_add(st_confusion *confusion, const float *scores, int32_t truth);
void st_confusion_clear(st_confusion *confusion);

/* Fractions. Macro averages run over the classes that occur as truth; a class never predicted has
 * precision 0; F1 is the mean of the classes' F1. top5 is NAN below six classes, where it says
 * nothing; everything is NAN without images. */
typedef struct st_metrics {
    double top1, top5, precision_macro, recall_macro, f1_macro;
} st_metrics;
st_metrics st_metrics_of(const st_confusion *confusion);

#endif
