#include "study/rates.h"

#include <math.h>
#include <stdlib.h>

cn_status st_rates_parse(const char *text, double rates[ST_MOST_RATES], int32_t *count,
                         cn_error *error)
{
    const char *at = text;
    for (*count = 0; *count < ST_MOST_RATES; at++) {
        char *end;
        double rate = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !(rate >= 1) || !isfinite(rate))
            return cn_fail(error, CN_EINVAL,
                           "--rate '%s': give numbers of at least 1, divided by commas", text);
        rates[(*count)++] = rate;
        at = end;
        if (!*end) return CN_OK;
    }
    return cn_fail(error, CN_EINVAL, "--rate '%s': at most %d rates", text, ST_MOST_RATES);
}
