/* Labelled pictures: IDX (MNIST, Fashion-MNIST), CIFAR-10 binary, a folder of JPEG and PNG files
 * with labels in CSV. experiments/datasets.json says where each is found. */
#ifndef HARNESS_DATA_DATASET_H
#define HARNESS_DATA_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/model.h"
#include "condense/status.h"

/* The splits are disjoint: calibration and training are cut from the training files by a seeded
 * draw, test is the published test set. */
typedef enum st_split {
    ST_SPLIT_TRAIN,
    ST_SPLIT_CALIBRATION,
    ST_SPLIT_TEST,
    ST_SPLIT_COUNT
} st_split;

typedef struct st_dataset st_dataset;

/* Opens one split of the data set called `name` in experiments/datasets.json, for a network that
 * takes `input` and wants `preprocess`. Files are looked for in $CONDENSE_DATA, the data folder and
 * the places the manifest names; where they are missing the message says how to get them
 * (CN_ENOTFOUND). Checksums are verified once and remembered by size and time of change. */
cn_status st_dataset_open(st_dataset **out, const char *name, st_split split,
                          const cn_preprocess *preprocess, cn_shape input, cn_error *error);

int32_t st_dataset_count(const st_dataset *dataset);
int32_t st_dataset_classes(const st_dataset *dataset);
const char *st_split_name(st_split split);

/* The data set that gave the pictures: `name` itself, or for a choice ("imagenet") the one of its
 * sets that was at hand ("imagenet-val-800"). */
const char *st_dataset_name(const st_dataset *dataset);

/* SHA-256 (hex) over the split's file digests and the chosen indices: goes into the record. */
const char *st_dataset_hash(const st_dataset *dataset);

/* Picture `index` as the network's input (C x H x W float32, dense) and its class. Thread safe. */
cn_status st_dataset_get(const st_dataset *dataset, int32_t index, float *image, int32_t *label,
                         cn_error *error);

void st_dataset_free(st_dataset *dataset);

#endif
