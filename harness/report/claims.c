#include "report/claims.h"

#include <stdbool.h>
#include <string.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "report/statements.h"

static const char claim_columns[] = "SELECT model FROM claim WHERE id = ?1";
static const char insert_result[] =
    "INSERT INTO claim_result (claim, measured, cell, note) VALUES (?1, ?2, ?3, ?4)";

static cn_status database_failed(sqlite3 *db, cn_error *error)
{
    return cn_fail(error, CN_EIO, "claims: %s", sqlite3_errmsg(db));
}

/* Copies columns 0 to 2 (measured, cell, note) of an answer into claim_result. */
static cn_status store_answer(sqlite3 *db, const char *claim, sqlite3_stmt *answer, cn_error *error)
{
    sqlite3_stmt *insert = NULL;
    if (sqlite3_prepare_v2(db, insert_result, -1, &insert, NULL) != SQLITE_OK)
        return database_failed(db, error);
    sqlite3_bind_text(insert, 1, claim, -1, SQLITE_STATIC);
    for (int i = 0; i < 3; i++)
        sqlite3_bind_text(insert, 2 + i, (const char *)sqlite3_column_text(answer, i), -1,
                          SQLITE_TRANSIENT);
    cn_status status = sqlite3_step(insert) == SQLITE_DONE ? CN_OK : database_failed(db, error);
    sqlite3_finalize(insert);
    return status;
}

/* Whether an answer says anything: "-/-" does not; NULL with a note says why. */
static bool says_something(sqlite3_stmt *answer)
{
    const char *measured = (const char *)sqlite3_column_text(answer, 0);
    return measured ? strpbrk(measured, "0123456789") != NULL
                    : sqlite3_column_text(answer, 2) != NULL;
}

/* Runs one query for one claim of the table; a claim that is not in the table is passed over. */
static cn_status answer_claim(sqlite3 *db, const st_statements *queries, const st_statement *query,
                              const char *claim, cn_error *error)
{
    sqlite3_stmt *about = NULL, *answer = NULL;
    if (sqlite3_prepare_v2(db, claim_columns, -1, &about, NULL) != SQLITE_OK)
        return database_failed(db, error);
    sqlite3_bind_text(about, 1, claim, -1, SQLITE_STATIC);
    cn_status status = CN_OK;
    if (sqlite3_step(about) == SQLITE_ROW) {
        int row = 0;
        status = st_statement_prepare(db, queries, query, &answer, error);
        if (status == CN_OK && sqlite3_column_count(answer) != 3)
            status = cn_fail(error, CN_EFORMAT, "%s:%d: %s: three columns are needed",
                             queries->path, (int)query->line, query->name);
        if (status == CN_OK) {
            st_statement_bind(answer, ":claim", claim);
            st_statement_bind(answer, ":model", (const char *)sqlite3_column_text(about, 0));
            status = st_statement_step(queries, query, answer, &row, error);
        }
        if (status == CN_OK && row && says_something(answer))
            status = store_answer(db, claim, answer, error);
    }
    sqlite3_finalize(answer);
    sqlite3_finalize(about);
    return status;
}

/* All claims of one query's header "claims", which are divided by spaces. */
static cn_status answer_claims(sqlite3 *db, const st_statements *queries, const st_statement *query,
                               cn_error *error)
{
    const char *header = st_statement_header(query, "claims");
    if (!header)
        return cn_fail(error, CN_EFORMAT, "%s:%d: %s: there is no header 'claims'", queries->path,
                       (int)query->line, query->name);
    char *list = cn_strdup(header), *rest = list;
    cn_status status = list ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory");
    for (char *claim; status == CN_OK && (claim = strsep(&rest, " "));)
        if (*claim) status = answer_claim(db, queries, query, claim, error);
    cn_free(list);
    return status;
}

static cn_status answer_all(sqlite3 *db, const st_statements *queries, cn_error *error)
{
    if (sqlite3_exec(db, "SAVEPOINT claims; DELETE FROM claim_result", NULL, NULL, NULL))
        return database_failed(db, error);
    cn_status status = CN_OK;
    for (int32_t i = 0; i < queries->count && status == CN_OK; i++)
        status = answer_claims(db, queries, &queries->items[i], error);
    if (status != CN_OK) sqlite3_exec(db, "ROLLBACK TO claims", NULL, NULL, NULL);
    if (sqlite3_exec(db, "RELEASE claims", NULL, NULL, NULL) && status == CN_OK)
        status = database_failed(db, error);
    return status;
}

cn_status st_claims_refresh(sqlite3 *db, cn_error *error)
{
    char *path = st_home_path("experiments/claims.sql");
    if (!path) return cn_fail(error, CN_ENOMEM, "out of memory");
    st_statements queries;
    cn_status status = st_statements_read(&queries, path, error);
    cn_free(path);
    if (status != CN_OK) return status;
    status = answer_all(db, &queries, error);
    st_statements_clear(&queries);
    return status;
}
