/* The models of the study: experiments/models/NAME.lr. */
#ifndef HARNESS_DATA_CATALOG_H
#define HARNESS_DATA_CATALOG_H

#include "condense/model.h"

/* The models' names in the order of the study; ends with NULL. A text of another name in
 * experiments/models can be loaded too. */
extern const char *const st_catalog_models[];

/* The names in the comma list `models`, which may be "all": a comma list for cn_free, or NULL. */
char *st_catalog_list(const char *models);

/* Loads the model called `name` (or the text at a path that ends in ".lr") at `scale` (NULL: the
 * text's first). CN_EINVAL, with the nearest name, where there is no such model; else as
 * cn_model_load. */
cn_status st_catalog_load(const char *name, const char *scale, const cn_parameter *parameters,
                          int32_t parameter_count, cn_model *model, cn_error *error);

/* The scales that a model offers, as a comma list (free with cn_free). */
cn_status st_catalog_scales(const char *name, char **scales, cn_error *error);

#endif
