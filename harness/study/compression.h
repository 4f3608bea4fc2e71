/* Compression jobs: a network, a scheme and rates that go on from one another, from the weights to
 * files and records. */
#ifndef HARNESS_STUDY_COMPRESSION_H
#define HARNESS_STUDY_COMPRESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "data/recipe.h"
#include "store/record_compression.h"
#include "study/rates.h"

typedef struct st_compression_job {
    const char *model, *scale;
    const char *dataset;     /* NULL: the scale's own */
    const char *start;       /* weight file; NULL: the network's usual one */
    const char *reference;   /* weights whose accuracy losses count from; NULL: the start */
    const char *folder;      /* for the results; NULL: results/compressed under the root */
    const char *output;      /* file of the last rate's result; NULL: a name in the folder */
    const char *recipe_name; /* NULL: none */
    const char *pattern_set; /* hexadecimal masks ("01b,036"); NULL: learned */
    const char *layer_rates; /* "conv1=5,fc1=100": of every tensor layer, in place of a rate; NULL:
                                by sensitivity */
    st_recipe recipe;
    cn_method method;
    cn_scheme scheme;
    double rates[ST_MOST_RATES]; /* in the order they are worked on */
    int32_t rate_count;
    cn_levels levels;
    int64_t bits, patterns, threads, images; /* images: watched during training */
    bool per_channel, resume;
} st_compression_job;

/* One finished rate. */
typedef struct st_compression_report {
    const st_compression_job *job;
    double rate;
    const char *output; /* path */
    double top1_dense;
    bool recorded; /* it was there already; `result` is empty */
    st_compression_result result;
} st_compression_report;

typedef struct st_compression_context {
    const char *db; /* path of the database */
    st_recorder *recorder;
    const volatile sig_atomic_t *stop;
    void (*on_rate)(void *context, const st_compression_report *report);
    void *context;
} st_compression_context;

/* Works on the job's rates one after the other, each from the result of the one before. The
 * database is open only while something is written: several programs may compress into one. Files
 * are named MODEL-SCALE-SCHEME-METHOD-RATE and so on; checkpoints stand beside them until a rate is
 * finished. With `resume`, finished rates are taken from there and one that was broken off goes on.
 * All methods retrain for as many epochs; ADMM trains before that, too. */
cn_status st_compression_run(const st_compression_job *job, const st_compression_context *context,
                             cn_error *error);

#endif
