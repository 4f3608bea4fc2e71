#include "data/train_log.h"

#include <stdio.h>

#include "condense/file.h"
#include "condense/memory.h"

static const char columns[] = "epoch,loss,train_accuracy,test_loss,test_accuracy,lr,seconds";

void st_train_log_head(st_train_log *log, const char *key, const char *value)
{
    if (log->head_count == ST_TRAIN_LOG_HEAD) return;
    log->keys[log->head_count] = key;
    log->values[log->head_count++] = value;
}

static cn_status append(st_train_log *log, const cn_epoch *epoch, cn_error *error)
{
    if (log->count == log->capacity) {
        int32_t more = log->capacity ? log->capacity * 2 : 16;
        cn_epoch *rows =
            cn_recalloc(log->epochs, (size_t)log->capacity, (size_t)more, sizeof *rows);
        if (!rows) return cn_fail(error, CN_ENOMEM, "out of memory for the training log");
        log->epochs = rows;
        log->capacity = more;
    }
    log->epochs[log->count++] = *epoch;
    return CN_OK;
}

cn_status st_train_log_read(st_train_log *log, cn_error *error)
{
    FILE *file = fopen(log->path, "r");
    if (!file) return CN_OK;
    char line[4096];
    cn_status status = CN_OK;
    while (status == CN_OK && fgets(line, sizeof line, file)) {
        cn_epoch e;
        if (sscanf(line, "%d,%lf,%lf,%lf,%lf,%lf,%lf", &e.epoch, &e.loss, &e.train_accuracy,
                   &e.test_loss, &e.test_accuracy, &e.rate, &e.seconds) == 7)
            status = append(log, &e, error);
    }
    fclose(file);
    return status;
}

cn_status st_train_log_write(const st_train_log *log, cn_error *error)
{
    cn_new_file new;
    cn_status status = cn_new_file_begin(&new, log->path, error);
    if (status) return status;
    FILE *file = new.stream;
    for (int i = 0; i < log->head_count; i++)
        fprintf(file, "# %s: %s\n", log->keys[i], log->values[i]);
    fprintf(file, "%s\n", columns);
    for (int32_t i = 0; i < log->count; i++) {
        const cn_epoch *e = &log->epochs[i];
        fprintf(file, "%d,%.6f,%.6f,%.6f,%.6f,%.6g,%.3f\n", e->epoch, e->loss, e->train_accuracy,
                e->test_loss, e->test_accuracy, e->rate, e->seconds);
    }
    return cn_new_file_end(&new, CN_OK, error);
}

cn_status st_train_log_add(st_train_log *log, const cn_epoch *epoch, cn_error *error)
{
    while (log->count && log->epochs[log->count - 1].epoch >= epoch->epoch)
        log->count--;
    cn_status status = append(log, epoch, error);
    return status == CN_OK ? st_train_log_write(log, error) : status;
}

double st_train_log_seconds(const st_train_log *log)
{
    double seconds = 0;
    for (int32_t i = 0; i < log->count; i++)
        seconds += log->epochs[i].seconds;
    return seconds;
}

void st_train_log_clear(st_train_log *log)
{
    cn_free(log->epochs);
    *log = (st_train_log){0};
}
