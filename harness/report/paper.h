/* PAPER.md: a template of prose whose numbers, tables and figures are queries (docs/paper.md).
 *
 * experiments/paper/paper.md.in is Markdown with directives:
 *   {{value NAME}}          the one value of that statement of experiments/paper/values.sql
 *   {{table NAME}}          a statement of tables.sql as a table with number and caption
 *   {{figure NAME}}         the pictures of plots/NAME.sql with number and caption, or why there
 *                           are none
 *   {{number table NAME}}   "Table 3"; {{number figure NAME}} "Figure 2": to refer to it
 * An unknown directive or name, a value that is missing and a picture that is not there are errors:
 * a paper is whole or it is not written. */
#ifndef HARNESS_REPORT_PAPER_H
#define HARNESS_REPORT_PAPER_H

#include <sqlite3.h>

#include "condense/status.h"

typedef struct st_paper_options {
    const char *template_path; /* NULL: experiments/paper/paper.md.in */
    const char *figures;       /* folder that holds the pictures */
    const char *output;        /* the paper; links to pictures are relative to its folder */
} st_paper_options;

/* Writes the paper from a database opened with st_snapshot_open. The same database gives the same
 * bytes. */
cn_status st_paper_write(sqlite3 *db, const st_paper_options *options, cn_error *error);

#endif
