/* Training recipes: how a model at a scale is trained, as data (experiments/recipes.json).
 *
 * The file is an object of recipes. A run takes "default", what "SCALE" and "MODEL-SCALE" say
 * otherwise, what the recipe named on the command line says, and last the command line itself. */
#ifndef HARNESS_DATA_RECIPE_H
#define HARNESS_DATA_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"
#include "condense/status.h"
#include "condense/train.h"

typedef struct st_recipe {
    int64_t epochs, batch, seed, crop;
    double lr, momentum, weight_decay, warmup, label_smoothing, erase, average;
    bool nesterov, flip;
    const char *optimizer, *schedule; /* words of st_recipe_fit's tables; from static storage */
} st_recipe;

/* One entry of a recipe: a key of the file and an option of the command line. The option's target
 * is the field. */
enum { ST_RECIPE_FIELDS = 15 };

/* Fills options[0..ST_RECIPE_FIELDS) with rows that set the fields of `recipe`. */
void st_recipe_options(st_recipe *recipe, st_option *options);

/* The recipe for `model` at `scale`; `name` (may be NULL) names one that must exist. Messages name
 * the file, the recipe and the key. */
cn_status st_recipe_load(const char *model, const char *scale, const char *name, st_recipe *recipe,
                         cn_error *error);

/* The recipe as what cn_fit takes. */
cn_status st_recipe_fit(const st_recipe *recipe, cn_fit_options *fit, cn_error *error);

/* The recipe as one line of JSON (cn_free). */
char *st_recipe_text(const st_recipe *recipe);

#endif
