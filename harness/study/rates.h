/* A list of rates of pruning, as an option gives them. */
#ifndef HARNESS_STUDY_RATES_H
#define HARNESS_STUDY_RATES_H

#include <stdint.h>

#include "condense/status.h"

enum { ST_MOST_RATES = 16 };

/* "2,4,9.2" as numbers; CN_EINVAL, naming --rate, where one is no number of at least 1 or where
 * there are more than ST_MOST_RATES. */
cn_status st_rates_parse(const char *text, double rates[ST_MOST_RATES], int32_t *count,
                         cn_error *error);

#endif
