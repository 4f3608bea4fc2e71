/* What the papers claim, beside what was measured here. The claims themselves are
 * experiments/claims.csv; experiments/claims.sql says which query answers which claim. */
#ifndef HARNESS_REPORT_CLAIMS_H
#define HARNESS_REPORT_CLAIMS_H

#include <sqlite3.h>

#include "condense/status.h"

/* Fills the table claim_result anew from the cells, all or nothing (a savepoint): for each claim
 * that a query of experiments/claims.sql answers, the measured values in the shape of the claimed
 * ones
 * ("70.1/89.2/-/31"), the cells they come from and a note. */
cn_status st_claims_refresh(sqlite3 *db, cn_error *error);

#endif
