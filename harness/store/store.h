/* The study's database: one SQLite file (docs/schema.md). */
#ifndef HARNESS_STORE_STORE_H
#define HARNESS_STORE_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/status.h"

enum { ST_STORE_APPLICATION = 0x434e5354 }; /* "CNST" in the file's header */

/* The schema: what version 1 had, and what each version after it added. The Makefile makes them
 * from the files schema.sql and schema_NAME.sql; the list ends with NULL. */
extern const char st_schema_sql[], st_schema_bench_sql[], st_schema_tuning_sql[],
    st_schema_compression_sql[], st_schema_training_sql[], st_schema_storage_sql[],
    st_schema_calibration_sql[], st_schema_execution_sql[], st_schema_integers_sql[];
extern const char *const st_schema_parts[];

/* The schema's version: how many parts it has. */
int st_store_version(void);

typedef struct st_store {
    sqlite3 *db;
    char *path;
    int lock; /* descriptor that holds the advisory lock; -1 where only reading */
} st_store;

/* Opens the database at `path` for writing: makes it (and its folder) where there is none, migrates
 * an older one after copying it to "<path>.v<N>.bak", refuses a newer one and files that are
 * something else. One program at a time writes: a second is told who holds "<path>.lock". */
cn_status st_store_open(st_store *store, const char *path, cn_error *error);

/* The same, waiting up to `seconds` for another program to end its writing: for commands that open
 * the database only for the moment of a write. */
cn_status st_store_open_within(st_store *store, const char *path, double seconds, cn_error *error);

/* Opens an existing database for reading. */
cn_status st_store_open_readonly(st_store *store, const char *path, cn_error *error);

/* Loads a text export (see st_store_export_sql) into a database in memory: how a fresh clone reads
 * results/reference/study.sql. The text may hold INSERT statements only. */
cn_status st_store_open_export(st_store *store, const char *sql_path, cn_error *error);

/* What figures and the paper read: the database at `path` where there is one (NULL:
 * results/study.db under the project's root), else results/reference/study.sql. */
cn_status st_store_open_results(st_store *store, const char *path, cn_error *error);

void st_store_close(st_store *store);

/* Writes every table in the order of the schema, rows by primary key, one INSERT a row, to a
 * temporary file and renames it: the same contents give the same bytes. */
cn_status st_store_export_sql(const st_store *store, const char *path, cn_error *error);

/* Transactions. A failed commit rolls back and the message says what happened (for example a full
 * disk) and that what was stored before is safe. */
cn_status st_store_begin(st_store *store, cn_error *error);
cn_status st_store_commit(st_store *store, cn_error *error);
void st_store_rollback(st_store *store);

/* Runs one writing statement with bound values, given by a format of one letter a value:
 * i int64_t, r double (not finite: NULL), t const char * (NULL: NULL). Counts as a database write
 * for the test hook CONDENSE_CRASH_AT. */
cn_status st_store_write(st_store *store, cn_error *error, const char *sql, const char *format,
                         ...);

/* A failed SQLite call in words, as CN_EIO. */
cn_status st_store_fail(const st_store *store, cn_error *error);

/* Brings `db` from its version to that of the list `parts` (as st_schema_parts) in one transaction,
 * after a backup beside it. */
cn_status st_store_migrate(sqlite3 *db, const char *path, const char *const *parts,
                           cn_error *error);

#endif
