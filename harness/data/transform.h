/* What a foreign tensor goes through on its way into ours. */
#ifndef HARNESS_DATA_TRANSFORM_H
#define HARNESS_DATA_TRANSFORM_H

#include <stdbool.h>

#include "condense/weights.h"

struct cJSON;

typedef struct st_transform {
    int32_t axis[4];    /* where output, input, height and width stand in a foreign filter */
    int32_t drop_class; /* of the first dimension (a background class); -1: none */
    bool swap_channels; /* red, green, blue and blue, green, red as inputs of a filter */
} st_transform;

/* Reads "layout" ("OIHW" where missing; any order of these letters), "drop_class" and
 * "swap_channels" of a rule. */
cn_status st_transform_read(st_transform *transform, const struct cJSON *rule, cn_error *error);

/* Fills `to`, whose shape is wanted, from `from`. Filters of 1 x 1 fill matrices and the other way
 * round. CN_EFORMAT, with both shapes, where they do not fit. */
cn_status st_transform_apply(const st_transform *transform, const cn_tensor *from, cn_tensor *to,
                             cn_error *error);

#endif
