/* The cells of a run, for people and for scripts. */
#ifndef HARNESS_REPORT_CELLS_TABLE_H
#define HARNESS_REPORT_CELLS_TABLE_H

#include <sqlite3.h>
#include <stdint.h>

#include "condense/status.h"

/* Prints one line a cell to stdout: verdict, latency, accuracy, size. `ids`: count identifiers. */
cn_status st_cells_print(sqlite3 *db, const char (*ids)[65], int32_t count, cn_error *error);

/* The same and more as a JSON array of objects; what was not measured is null. */
cn_status st_cells_print_json(sqlite3 *db, const char (*ids)[65], int32_t count, cn_error *error);

#endif
