/* Checkpoints: everything a run needs to go on as if it had not stopped.
 *
 * A checkpoint is a safetensors file. Its tensors are the sets of the run, each name behind its
 * set's prefix ("weights.", "optimizer.", "average.", "state."). Its metadata holds "recipe", the text of
 * all options, which must be the same when the run goes on; the counters "epoch" (finished ones),
 * "batch" (of the epoch under way), "correct" and "optimizer_steps"; and "loss", the epoch's sum so
 * far, as a hexadecimal floating-point number. Random numbers need no state: they follow from the
 * seed and these counters. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/status.h"
#include "condense/weights.h"

typedef struct checkpoint_set {
    const char *prefix;
    cn_weights *weights;
} checkpoint_set;

typedef struct checkpoint {
    const char *recipe;
    int64_t epoch, batch, correct, optimizer_steps;
    double loss;
    checkpoint_set sets[4];
    int set_count;
} checkpoint;

/* Writes beside `path` and renames: the old checkpoint stays until the new one is whole. */
cn_status checkpoint_write(const char *path, const checkpoint *c, cn_error *error);

/* Fills the counters and the sets' tensors. *found is false (and CN_OK) where there is no file.
 * Refuses another recipe (CN_EINVAL) and tensors that do not fit (CN_EFORMAT); the sets are then
 * as they were. */
cn_status checkpoint_read(const char *path, checkpoint *c, bool *found, cn_error *error);

#endif
