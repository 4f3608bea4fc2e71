/* The database as text: a deterministic list of INSERT statements, and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/home.h"
#include "condense/file.h"
#include "condense/memory.h"
#include "store/store.h"

/* "a, b, c" of the table's columns, and the columns' rows as text by quote(). */
static cn_status table_query(const st_store *store, const char *table, char **columns, char **query,
                             cn_error *error)
{
    static const char sql[] =
        "SELECT group_concat(name, ', '), group_concat('quote(' || name || ')', ' || '', '' || '), "
        "(SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_info(?1) WHERE pk "
        "ORDER BY pk)) FROM pragma_table_info(?1)";
    sqlite3_stmt *statement = NULL;
    cn_status status = CN_OK;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        status = st_store_fail(store, error);
    } else {
        *columns = cn_strdup((const char *)sqlite3_column_text(statement, 0));
        *query = cn_sprintf("SELECT %s FROM %s ORDER BY %s",
                            (const char *)sqlite3_column_text(statement, 1), table,
                            (const char *)sqlite3_column_text(statement, 2));
        if (!*columns || !*query) status = cn_fail(error, CN_ENOMEM, "out of memory");
    }
    sqlite3_finalize(statement);
    return status;
}

/* Rows in statements of at most 400, to stay far below SQLite's limit on a statement's length. */
static cn_status write_table(const st_store *store, const char *table, FILE *file, cn_error *error)
{
    enum { ROWS = 400 };
    char *columns = NULL, *query = NULL;
    sqlite3_stmt *statement = NULL;
    cn_status status = table_query(store, table, &columns, &query, error);
    if (!status && sqlite3_prepare_v2(store->db, query, -1, &statement, NULL) != SQLITE_OK)
        status = st_store_fail(store, error);
    int64_t row = 0;
    int code = SQLITE_DONE;
    while (!status && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (row % ROWS == 0)
            fprintf(file, "%sINSERT INTO %s (%s) VALUES\n", row ? ";\n" : "", table, columns);
        else
            fputs(",\n", file);
        fprintf(file, "(%s)", (const char *)sqlite3_column_text(statement, 0));
        row++;
    }
    if (row) fputs(";\n", file);
    if (!status && code != SQLITE_DONE) status = st_store_fail(store, error);
    sqlite3_finalize(statement);
    cn_free(columns);
    cn_free(query);
    return status;
}

static cn_status write_tables(const st_store *store, FILE *file, cn_error *error)
{
    sqlite3_stmt *tables = NULL;
    if (sqlite3_prepare_v2(store->db,
                           "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid", -1,
                           &tables, NULL) != SQLITE_OK)
        return st_store_fail(store, error);
    fprintf(file,
            "-- A study's database as text, schema version %d; read back by 'condense report'.\n",
            st_store_version());
    cn_status status = CN_OK;
    while (!status && sqlite3_step(tables) == SQLITE_ROW)
        status = write_table(store, (const char *)sqlite3_column_text(tables, 0), file, error);
    sqlite3_finalize(tables);
    return status;
}

cn_status st_store_export_sql(const st_store *store, const char *path, cn_error *error)
{
    cn_new_file file;
    cn_status status = cn_new_file_begin(&file, path, error);
    return status ? status : cn_new_file_end(&file, write_tables(store, file.stream, error), error);
}

/* The text may only insert rows into the schema's tables. */
static int only_inserts(void *context, int action, const char *first, const char *second,
                        const char *third, const char *fourth)
{
    (void)context, (void)second, (void)third, (void)fourth;
    if (action == SQLITE_INSERT && first && strncmp(first, "sqlite_", 7) != 0) return SQLITE_OK;
    return action == SQLITE_READ || action == SQLITE_SELECT ? SQLITE_OK : SQLITE_DENY;
}

static cn_status read_text(const char *path, char **text, cn_error *error)
{
    FILE *file = fopen(path, "rb");
    if (!file) return cn_fail(error, CN_ENOTFOUND, "%s: %s", path, strerror(errno));
    cn_status status = CN_OK;
    char *buffer = NULL;
    long size = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET))
        status = cn_fail(error, CN_EIO, "%s: %s", path, strerror(errno));
    else if (!(buffer = cn_calloc((size_t)size + 1, 1)))
        status = cn_fail(error, CN_ENOMEM, "%s: %ld bytes do not fit in memory", path, size);
    else if (fread(buffer, 1, (size_t)size, file) != (size_t)size)
        status = cn_fail(error, CN_EIO, "%s: cannot read", path);
    fclose(file);
    if (status)
        cn_free(buffer);
    else
        *text = buffer;
    return status;
}

cn_status st_store_open_export(st_store *store, const char *sql_path, cn_error *error)
{
    *store = (st_store){.lock = -1, .path = cn_strdup(sql_path)};
    char *text = NULL;
    cn_status status = store->path ? read_text(sql_path, &text, error)
                                   : cn_fail(error, CN_ENOMEM, "out of memory");
    if (!status && sqlite3_open(":memory:", &store->db) != SQLITE_OK)
        status = st_store_fail(store, error);
    for (int i = 0; !status && st_schema_parts[i]; i++)
        if (sqlite3_exec(store->db, st_schema_parts[i], NULL, NULL, NULL) != SQLITE_OK)
            status = st_store_fail(store, error);
    if (!status) {
        sqlite3_exec(store->db, "PRAGMA foreign_keys=ON;BEGIN", NULL, NULL, NULL);
        sqlite3_set_authorizer(store->db, only_inserts, NULL);
        if (sqlite3_exec(store->db, text, NULL, NULL, NULL) != SQLITE_OK)
            status = cn_fail(error, CN_EFORMAT, "%s: %s", sql_path, sqlite3_errmsg(store->db));
        sqlite3_set_authorizer(store->db, NULL, NULL);
        if (!status && sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
            status = cn_fail(error, CN_EFORMAT, "%s: %s", sql_path, sqlite3_errmsg(store->db));
    }
    cn_free(text);
    if (status) st_store_close(store);
    return status;
}

cn_status st_store_open_results(st_store *store, const char *path, cn_error *error)
{
    size_t length = path ? strlen(path) : 0;
    bool text = length > 4 && !strcmp(path + length - 4, ".sql");
    if (path) return (text ? st_store_open_export : st_store_open_readonly)(store, path, error);
    char *own = st_home_path("results/study.db");
    char *reference = st_home_path("results/reference/study.sql");
    cn_status status;
    if (!own || !reference)
        status = cn_fail(error, CN_ENOMEM, "out of memory");
    else if (access(own, F_OK) == 0)
        status = st_store_open_readonly(store, own, error);
    else
        status = st_store_open_export(store, reference, error);
    cn_free(own);
    cn_free(reference);
    return status;
}
