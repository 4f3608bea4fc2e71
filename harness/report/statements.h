/* Queries kept as data: plots/NAME.sql, experiments/paper/tables.sql and values.sql,
 * experiments/claims.sql.
 *
 * A file is a list of statements. Each begins with a line "-- name: NAME" (a letter, then letters,
 * digits, '-', '_'), may go on with lines "-- KEY: TEXT" (a line "--  TEXT" with two spaces goes on
 * with the text before it), and then holds one SELECT. Lines before the first name are comments. */
#ifndef HARNESS_REPORT_STATEMENTS_H
#define HARNESS_REPORT_STATEMENTS_H

#include <stdint.h>

#include <sqlite3.h>

#include "condense/status.h"

typedef struct st_header {
    char *key, *text;
} st_header;

typedef struct st_statement {
    char *name, *sql;
    int32_t line; /* of its name, for messages */
    st_header *headers;
    int32_t header_count;
} st_statement;

typedef struct st_statements {
    char *path;
    st_statement *items;
    int32_t count;
} st_statements;

/* CN_EFORMAT with file and line where the text is not as above or a name comes twice. */
cn_status st_statements_read(st_statements *statements, const char *path, cn_error *error);
void st_statements_clear(st_statements *statements);

/* By name; NULL where there is none. */
const st_statement *st_statements_find(const st_statements *statements, const char *name);

/* A header's text by key; NULL where it is not there. */
const char *st_statement_header(const st_statement *statement, const char *key);

/* Prepares a statement; refuses what writes and what is more than one statement. The message names
 * file, line and statement. `statement` belongs to `statements`. */
cn_status st_statement_prepare(sqlite3 *db, const st_statements *statements,
                               const st_statement *statement, sqlite3_stmt **out, cn_error *error);

/* Steps: CN_OK with *row telling whether there is one. */
cn_status st_statement_step(const st_statements *statements, const st_statement *statement,
                            sqlite3_stmt *query, int *row, cn_error *error);

/* Binds text to a parameter (":panel") where the statement has it; NULL text binds NULL. The text
 * must live as long as the query. */
void st_statement_bind(sqlite3_stmt *query, const char *parameter, const char *text);

#endif
