/* Which weights a model at a scale gets. */
#ifndef HARNESS_DATA_STORE_WEIGHTS_H
#define HARNESS_DATA_STORE_WEIGHTS_H

#include <stdbool.h>

#include "condense/model.h"
#include "condense/weights.h"

/* Loads, in this order: `path` where given; experiments/weights/MODEL-SCALE.safetensors (trained
 * here, committed); weights/MODEL-SCALE.safetensors under $CONDENSE_DATA or the project's data
 * folder (imported or downloaded); else seeded random weights, labelled "random". The label is the
 * file's name without folder. `path` "random" asks for random weights. Checks them against the
 * graph. */
cn_status st_weights_load(const cn_model *model, const char *path, cn_weights *weights,
                          cn_error *error);

/* The same; *metadata, for cn_free, receives what the file says of itself as a JSON object, NULL
 * where it says nothing. */
cn_status st_weights_load_described(const cn_model *model, const char *path, cn_weights *weights,
                                    char **metadata, cn_error *error);

/* Whether weights with this label are random ones, or made of such: "random, block8 8x by
 * magnitude". */
bool st_weights_are_random(const char *label);

/* The compressed variants: "pruned", "quantized" and "pruned+quantized"; whether `variant` is one.
 */
bool st_variant_is_compressed(const char *variant);

/* How weights were compressed, as their file says. */
typedef struct st_compressed {
    char scheme[32]; /* empty: nothing was removed */
    double rate;     /* NAN where nothing was removed */
} st_compressed;

/* Loads compressed weights: `path` where given; experiments/weights/MODEL-SCALE-VARIANT.cnz
 * (committed) where that is what is asked for; for "pruned" what 'condense compress' left in
 * results/compressed. `scheme` may be empty and `rate` NAN: whatever the file has. Weights that are
 * missing, or of another variant, scheme, rate or network than asked for, are refused with what to
 * do. */
cn_status st_weights_load_compressed(const cn_model *model, const char *variant, const char *scheme,
                                     double rate, const char *path, cn_weights *weights,
                                     st_compressed *found, cn_error *error);

/* SHA-256 of names, shapes and values, in the set's order, as hexadecimal text. */
void st_weights_digest(const cn_weights *weights, char digest[65]);

#endif
