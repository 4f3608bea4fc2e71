/* The log of a training run: a CSV table under a head of "# key: value" lines.
 *
 * The columns are epoch, loss (mean over the epoch's training pictures, label smoothing included),
 * train_accuracy (in training mode, augmented), test_loss, test_accuracy (fractions), lr (of the
 * epoch's last step) and seconds. The file is written anew after every epoch (temporary file and
 * rename). A run that resumes keeps the rows of the epochs it does not train again. */
#ifndef HARNESS_DATA_TRAIN_LOG_H
#define HARNESS_DATA_TRAIN_LOG_H

#include <stdbool.h>

#include "condense/train.h"

enum { ST_TRAIN_LOG_HEAD = 16 };

typedef struct st_train_log {
    const char *path;
    const char *keys[ST_TRAIN_LOG_HEAD]; /* owned by the caller, like the values */
    const char *values[ST_TRAIN_LOG_HEAD];
    int head_count;
    cn_epoch *epochs;
    int32_t count, capacity;
} st_train_log;

/* One more line of the head. */
void st_train_log_head(st_train_log *log, const char *key, const char *value);

/* Reads the rows of the file at log->path, if there is one. */
cn_status st_train_log_read(st_train_log *log, cn_error *error);

/* Drops the rows from epoch->epoch on, appends it and writes the file. */
cn_status st_train_log_add(st_train_log *log, const cn_epoch *epoch, cn_error *error);

/* Writes the file as it is. */
cn_status st_train_log_write(const st_train_log *log, cn_error *error);

/* Seconds of all epochs together. */
double st_train_log_seconds(const st_train_log *log);

void st_train_log_clear(st_train_log *log);

#endif
