/* Which weights a model at a scale gets. */
#ifndef HARNESS_DATA_STORE_WEIGHTS_H
#define HARNESS_DATA_STORE_WEIGHTS_H

#include "condense/model.h"
#include "condense/weights.h"

/* Loads, in this order: `path` where given; experiments/weights/MODEL-SCALE.safetensors (trained
 * here, committed); weights/MODEL-SCALE.safetensors under $CONDENSE_DATA or the project's data
 * folder (imported or downloaded); else seeded random weights, labelled "random". The label is the
 * file's name without folder. `path` "random" asks for random weights. Checks them against the
 * graph. */
cn_status st_weights_load(const cn_model *model, const char *path, cn_weights *weights,
                          cn_error *error);

/* SHA-256 of names, shapes and values, in the set's order, as hexadecimal text. */
void st_weights_digest(const cn_weights *weights, char digest[65]);

#endif
