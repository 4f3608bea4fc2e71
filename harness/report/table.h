/* A query's rows as a Markdown table. */
#ifndef HARNESS_REPORT_TABLE_H
#define HARNESS_REPORT_TABLE_H

#include <stdio.h>

#include <sqlite3.h>

#include "condense/status.h"
#include "report/statements.h"

/* Writes the statement's rows. A column called "X?" is not shown: it holds the reason why column X
 * is NULL in that row, and "?" the reason for every other column. NULL is shown as a dash with a
 * letter, and the reasons stand below the table. Columns of numbers are aligned at the right.
 * Without rows the header "empty" is written instead; without that header no rows are an error
 * (CN_ENOTFOUND), because the paper would say nothing where it promises a table. */
cn_status st_table_write(FILE *out, sqlite3 *db, const st_statements *statements,
                         const st_statement *statement, cn_error *error);

/* Prints tables of experiments/paper/tables.sql, by name (NULL at the end), from the database at
 * `path`, with an empty line before each. */
cn_status st_tables_print(const char *path, const char *const *names, cn_error *error);

#endif
