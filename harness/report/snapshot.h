/* The database as figures, tables and the paper read it: a copy in memory, taken at one moment, so
 * that a study may go on writing meanwhile and nothing here can change what was measured. */
#ifndef HARNESS_REPORT_SNAPSHOT_H
#define HARNESS_REPORT_SNAPSHOT_H

#include <sqlite3.h>

#include "condense/status.h"

/* Copies `path`: a database, or the text that 'condense export --format sql' writes. NULL takes
 * results/study.db where it exists, else the committed results/reference/study.sql. Then runs
 * experiments/paper/common.sql, which adds the temporary views that all queries share, and fills
 * the claims. Close with sqlite3_close. */
cn_status st_snapshot_open(sqlite3 **out, const char *path, cn_error *error);

#endif
