/* How often a network is right on the pictures of a split. */
#ifndef HARNESS_MEASURE_ACCURACY_H
#define HARNESS_MEASURE_ACCURACY_H

#include <stdint.h>

#include "condense/quantize.h"
#include "condense/session.h"
#include "condense/walk.h"
#include "data/dataset.h"
#include "measure/metrics.h"

typedef struct st_accuracy_options {
    int64_t images; /* at most; 0: all. A seeded draw where fewer than there are */
    uint64_t seed;
    const volatile int *stop; /* not 0: CN_EINTERRUPTED; may be NULL */
    const char *name;         /* for the progress line */
} st_accuracy_options;

/* Classifies pictures with `session`, which runs `batch` of them at a time. The confusion matrix is
 * the caller's to clear. CN_EINVAL where the network's classes are not the data set's. */
cn_status st_accuracy_measure(cn_session *session, int32_t batch, const st_dataset *dataset,
                              const st_accuracy_options *options, st_confusion *confusion,
                              cn_error *error);

/* The same with the emulation of a quantized network on a walk over its folded graph and weights.
 */
cn_status st_accuracy_measure_quantized(const cn_quantization *quantization, cn_walk *walk,
                                        int32_t batch, const st_dataset *dataset,
                                        const st_accuracy_options *options, st_confusion *confusion,
                                        cn_error *error);

#endif
