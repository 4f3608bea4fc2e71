/* A split of a data set as arrays, for training. */
#ifndef HARNESS_DATA_EXAMPLES_H
#define HARNESS_DATA_EXAMPLES_H

#include "condense/train.h"
#include "data/dataset.h"

/* Reads every picture of the split into new arrays; st_examples_clear frees them. `hash` (may be
 * NULL, else 65 bytes) receives st_dataset_hash. */
cn_status st_examples_load(const cn_model *model, const char *dataset, st_split split,
                           cn_examples *examples, char *hash, cn_error *error);
void st_examples_clear(cn_examples *examples);

#endif
