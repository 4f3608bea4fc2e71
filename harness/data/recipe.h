/* Training recipes: how a model at a scale is trained and compressed, as data
 * (experiments/recipes.json).
 *
 * The file is an object of recipes. A run takes "default", what "SCALE" and "MODEL-SCALE" say
 * otherwise, for compression also what "compress", "compress-SCALE" and "compress-MODEL-SCALE" say,
 * what the recipe named on the command line says, and last the command line itself. */
#ifndef HARNESS_DATA_RECIPE_H
#define HARNESS_DATA_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"
#include "condense/status.h"
#include "condense/train.h"

typedef struct st_recipe {
    int64_t epochs, epoch_steps, batch, seed, crop;
    double lr, momentum, weight_decay, warmup, label_smoothing, erase, average;
    bool nesterov, flip;
    /* Words of st_recipe_fit's tables, from static storage. */
    const char *optimizer, *schedule, *admm_schedule;

    /* ADMM, for compression: so many iterations of epoch_steps batches each, before `epochs` of
     * retraining. */
    int64_t iterations, rho_stages;
    double rho, rho_last, admm_lr;
} st_recipe;

/* One entry of a recipe: a key of the file and an option of the command line. The option's target
 * is the field. Training has the first of them, compression all. */
enum { ST_RECIPE_TRAIN_FIELDS = 16, ST_RECIPE_FIELDS = 22 };

/* Fills options[0..count) with rows that set the first `count` fields of `recipe`. */
void st_recipe_options(st_recipe *recipe, st_option *options, int count);

/* The recipe for `model` at `scale`, for compression or plain training; `name` (may be NULL) names
 * one that must exist. Messages name the file, the recipe and the key. */
cn_status st_recipe_load(const char *model, const char *scale, bool compression, const char *name,
                         st_recipe *recipe, cn_error *error);

/* The recipe as what cn_fit takes; with `admm`, for the iterations of ADMM: its own learning rate, by
 * its own schedule. */
cn_status st_recipe_fit(const st_recipe *recipe, bool admm, cn_fit_options *fit, cn_error *error);

/* The recipe's first `count` fields as one line of JSON (cn_free). */
char *st_recipe_text(const st_recipe *recipe, int count);

#endif
