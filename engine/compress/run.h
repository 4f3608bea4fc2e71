/* A compression under way: what its two phases share. */
#ifndef COMPRESS_RUN_H
#define COMPRESS_RUN_H

#include "condense/compress.h"

#define TRY(call)                                                                                  \
    do {                                                                                           \
        cn_status try_status = (call);                                                             \
        if (try_status != CN_OK) return try_status;                                                \
    } while (0)

typedef struct compress_run {
    cn_trainer *trainer;
    const cn_graph *graph;
    const cn_compression *compression;
    const cn_examples *train;
    const cn_compress_options *options;
    cn_weights saved; /* copies of the targets' weights while others stand in for them */
} compress_run;

/* The weights, or their gradients, of target i. */
cn_tensor *run_weights(const compress_run *run, int32_t i);
cn_tensor *run_gradient(const compress_run *run, int32_t i);

/* Adds to `set` a tensor like target i's weights called "<layer>.<suffix>". */
cn_status run_add_state(const compress_run *run, cn_weights *set, int32_t i, const char *suffix,
                        cn_tensor **out, cn_error *error);
/* The same tensor, found. */
cn_tensor *run_state(const compress_run *run, const cn_weights *set, int32_t i, const char *suffix);

/* Keeps copies of the targets' weights, and puts them back. */
void run_save(compress_run *run);
void run_restore(compress_run *run);

/* Share of right answers on the pictures watched; NAN where there are none. */
cn_status run_accuracy(const compress_run *run, double *accuracy, cn_error *error);

/* Everything of the compression that decides a result, as a line of text (cn_free). */
char *run_recipe(const compress_run *run);

/* The two phases. Each leaves its result in the trainer. */
cn_status run_admm(compress_run *run, cn_error *error);
cn_status run_retraining(compress_run *run, cn_error *error);

#endif
