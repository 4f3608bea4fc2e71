/* Rates of single layers, as the command line gives them: "conv1=5,conv2=12.5,...". */
#ifndef HARNESS_STUDY_LAYER_RATES_H
#define HARNESS_STUDY_LAYER_RATES_H

#include "condense/model.h"

/* Fills keep[i] with the share of its weights that the model's i-th tensor layer keeps, and *rate
 * with the rate that this makes of the whole. `keep` has room for every layer of the graph. Each
 * tensor layer has to be named once, with a rate of at least 1 (CN_EINVAL). */
cn_status st_layer_rates_parse(const cn_model *model, const char *list, double *keep, double *rate,
                               cn_error *error);

#endif
