/* Speed of training: whole steps beside the oneDNN primitives that they contain. */
#ifndef HARNESS_MEASURE_TRAINING_H
#define HARNESS_MEASURE_TRAINING_H

#include <stdint.h>

#include "condense/train.h"
#include "measure/stats.h"

typedef struct st_training {
    int32_t rounds;
    double *step_ms;  /* a whole step of cn_fit, a round each */
    double *alone_ms; /* the step's primitives by themselves (cn_trainer_primitives) */
    double *parts_ms; /* what the step's parts took: rounds x CN_STEP_PARTS */
    st_summary step, alone;
    double part_ms[CN_STEP_PARTS]; /* medians */
    double share;                  /* alone over the step of the same round: median */
    double mean_share, mean_share_low, mean_share_high; /* of the means, with its 95 % interval */
} st_training;

/* Trains with cn_fit for about `seconds`; after every step the primitives run alone once, in
 * interleaved rounds therefore. The first steps warm up. The least number of rounds is taken
 * whatever the time, unless the recipe ends before. `out` is for st_training_clear whatever the
 * status. */
cn_status st_training_measure(cn_trainer *trainer, const cn_examples *examples,
                              const cn_fit_options *fit, double seconds, st_training *out,
                              cn_error *error);

void st_training_clear(st_training *training);

/* "reorders" and so on. */
const char *st_step_part_name(cn_step_part part);

#endif
