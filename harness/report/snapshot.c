#include "report/snapshot.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "report/claims.h"
#include "report/functions.h"
#include "report/text.h"
#include "store/store.h"

/* Whether the file begins as SQLite's files do. */
static cn_status is_database(const char *path, bool *yes, cn_error *error)
{
    static const char magic[16] = "SQLite format 3";
    char head[sizeof magic];
    struct stat about;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return cn_fail(error, CN_EIO, "%s is a folder; a database or its export is needed", path);
    FILE *file = fopen(path, "rb");
    if (!file)
        return cn_fail(
            error, CN_ENOTFOUND,
            "%s: there is no such database; 'condense run' makes one, --db names another", path);
    size_t read = fread(head, 1, sizeof head, file);
    fclose(file);
    *yes = read == sizeof head && !memcmp(head, magic, sizeof head);
    return CN_OK;
}

/* Opens what `path` names (NULL: the study's own results) for reading. */
static cn_status open_store(st_store *store, const char *path, cn_error *error)
{
    bool binary = true;
    *store = (st_store){.lock = -1};
    cn_status status = path ? is_database(path, &binary, error) : CN_OK;
    if (status != CN_OK) return status;
    if (!binary) return st_store_open_export(store, path, error);
    status = st_store_open_results(store, path, error);
    if (status == CN_ENOTFOUND && !path)
        return cn_fail(error, status,
                       "there is neither results/study.db nor results/reference/study.sql; "
                       "'condense run' makes the first, --db names another database");
    return status;
}

static cn_status copy(sqlite3 *into, const st_store *from, cn_error *error)
{
    sqlite3_busy_timeout(from->db, 10000);
    sqlite3_backup *backup = sqlite3_backup_init(into, "main", from->db, "main");
    int code = backup ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(into);
    if (backup) sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE) return CN_OK;
    return cn_fail(error, CN_EIO, "%s: %s", from->path, sqlite3_errstr(code));
}

static cn_status add_common(sqlite3 *db, cn_error *error)
{
    char *path = st_home_path("experiments/paper/common.sql"), *text = NULL;
    cn_status status =
        path ? st_text_read(path, &text, error) : cn_fail(error, CN_ENOMEM, "out of memory");
    if (status == CN_OK && sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        status = cn_fail(error, CN_EFORMAT, "%s: %s", path, sqlite3_errmsg(db));
    cn_free(text);
    cn_free(path);
    return status;
}

cn_status st_snapshot_open(sqlite3 **out, const char *path, cn_error *error)
{
    *out = NULL;
    st_store store;
    sqlite3 *db = NULL;
    cn_status status = open_store(&store, path, error);
    if (status != CN_OK) return status;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK || st_functions_add(db) != SQLITE_OK)
        status = cn_fail(error, CN_ENOMEM, "out of memory");
    if (status == CN_OK) status = copy(db, &store, error);
    if (status == CN_OK) status = st_claims_refresh(db, error);
    if (status == CN_OK) status = add_common(db, error);
    if (status == CN_OK)
        *out = db;
    else
        sqlite3_close(db);
    st_store_close(&store);
    return status;
}
