#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/home.h"
#include "condense/clock.h"
#include "condense/file.h"
#include "condense/memory.h"

/* Test hook: CONDENSE_CRASH_AT=n kills the program at its n-th database write, so that the tests
 * can show that only the cell in flight is lost. */
static void count_write(void)
{
    static int64_t writes, crash_at = -1;
    if (crash_at < 0) {
        const char *text = getenv("CONDENSE_CRASH_AT");
        crash_at = text ? strtoll(text, NULL, 10) : 0;
    }
    if (++writes == crash_at) raise(SIGKILL);
}

cn_status st_store_fail(const st_store *store, cn_error *error)
{
    switch (sqlite3_errcode(store->db)) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
        return cn_fail(error, CN_EIO,
                       "%s: cannot write (%s: %s); is the disk full? What was finished before is "
                       "safe: free some space and go on with --resume",
                       store->path, sqlite3_errmsg(store->db),
                       strerror(sqlite3_system_errno(store->db)));
    case SQLITE_READONLY:
        return cn_fail(error, CN_EIO, "%s: is not writable; check its permissions or give --db",
                       store->path);
    case SQLITE_NOTADB:
        return cn_fail(error, CN_EFORMAT, "%s: is not a database; give another --db", store->path);
    case SQLITE_CORRUPT:
        return cn_fail(error, CN_EFORMAT,
                       "%s: is damaged (%s); restore a copy or give another --db", store->path,
                       sqlite3_errmsg(store->db));
    default:
        return cn_fail(error, CN_EIO, "%s: %s", store->path, sqlite3_errmsg(store->db));
    }
}

static cn_status execute(const st_store *store, const char *sql, cn_error *error)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK) return CN_OK;
    return st_store_fail(store, error);
}

/* Takes the lock, waiting up to `seconds` for it. */
static bool lock_within(int descriptor, double seconds)
{
    int64_t end = cn_clock_ns() + (int64_t)(seconds * 1e9);
    while (flock(descriptor, LOCK_EX | LOCK_NB)) {
        if (cn_clock_ns() >= end) return false;
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    return true;
}

/* Takes the advisory lock "<path>.lock"; the file says who holds it. */
static cn_status take_lock(st_store *store, double seconds, cn_error *error)
{
    char *name = cn_sprintf("%s.lock", store->path);
    if (!name) return cn_fail(error, CN_ENOMEM, "out of memory");
    store->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    cn_status status = CN_OK;
    if (store->lock < 0) {
        status = cn_fail(error, CN_EIO, "%s: cannot write: %s; give another --db", name,
                         strerror(errno));
    } else if (!lock_within(store->lock, seconds)) {
        char holder[128] = "";
        ssize_t length = pread(store->lock, holder, sizeof holder - 1, 0);
        status = cn_fail(error, CN_EIO,
                         "%s: another run is writing to it (%.*s); wait for it or give "
                         "another --db",
                         store->path, (int)(length > 0 ? length : 0), holder);
        close(store->lock);
        store->lock = -1;
    } else {
        char host[64] = "", holder[128];
        gethostname(host, sizeof host - 1);
        int length = snprintf(holder, sizeof holder, "process %ld on %s", (long)getpid(), host);
        if (ftruncate(store->lock, 0) || pwrite(store->lock, holder, (size_t)length, 0) != length)
            status = cn_fail(error, CN_EIO, "%s: cannot write: %s", name, strerror(errno));
    }
    cn_free(name);
    return status;
}

static int64_t pragma(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

const char *const st_schema_parts[] = {st_schema_sql,
                                       st_schema_bench_sql,
                                       st_schema_tuning_sql,
                                       st_schema_compression_sql,
                                       st_schema_training_sql,
                                       st_schema_storage_sql,
                                       st_schema_calibration_sql,
                                       st_schema_execution_sql,
                                       st_schema_integers_sql,
                                       NULL};

static int count_parts(const char *const *parts)
{
    int count = 0;
    while (parts[count])
        count++;
    return count;
}

int st_store_version(void)
{
    return count_parts(st_schema_parts);
}

/* Executes the parts from version `from` on, and marks the database with the last one's. */
static cn_status apply_parts(const st_store *store, const char *const *parts, int from,
                             cn_error *error)
{
    char mark[96];
    snprintf(mark, sizeof mark, "PRAGMA application_id=%d;PRAGMA user_version=%d",
             ST_STORE_APPLICATION, count_parts(parts));
    cn_status status = execute(store, "BEGIN IMMEDIATE", error);
    for (int i = from; parts[i] && !status; i++)
        status = execute(store, parts[i], error);
    if (!status) status = execute(store, mark, error);
    if (!status) status = execute(store, "COMMIT", error);
    if (status) sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static cn_status check_version(const st_store *store, bool writable, cn_error *error)
{
    int64_t objects = pragma(store->db, "SELECT count(*) FROM sqlite_schema");
    if (objects < 0) return st_store_fail(store, error);
    if (objects == 0 && writable) return apply_parts(store, st_schema_parts, 0, error);
    if (pragma(store->db, "PRAGMA application_id") != ST_STORE_APPLICATION)
        return cn_fail(error, CN_EFORMAT,
                       "%s: is not a database of this program; give another --db", store->path);
    int64_t version = pragma(store->db, "PRAGMA user_version");
    if (version > st_store_version())
        return cn_fail(
            error, CN_EFORMAT,
            "%s: has schema version %d, this program knows up to %d; use a newer condense",
            store->path, (int)version, st_store_version());
    if (version == st_store_version()) return CN_OK;
    if (!writable)
        return cn_fail(error, CN_EFORMAT,
                       "%s: has the old schema version %d; 'condense run' with it "
                       "brings it up to date",
                       store->path, (int)version);
    return st_store_migrate(store->db, store->path, st_schema_parts, error);
}

static cn_status open_file(st_store *store, const char *path, int flags, double patience,
                           cn_error *error)
{
    *store = (st_store){.lock = -1, .path = cn_strdup(path)};
    if (!store->path) return cn_fail(error, CN_ENOMEM, "out of memory");
    if (flags & SQLITE_OPEN_READWRITE) {
        cn_status status = cn_make_folders(path, error);
        if (!status) status = take_lock(store, patience, error);
        if (status) return status;
        signal(SIGXFSZ, SIG_IGN); /* a file-size limit then reads as a full disk */
    }
    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK)
        return st_store_fail(store, error);
    sqlite3_busy_timeout(store->db, 5000);
    return CN_OK;
}

cn_status st_store_open(st_store *store, const char *path, cn_error *error)
{
    return st_store_open_within(store, path, 0, error);
}

cn_status st_store_open_within(st_store *store, const char *path, double seconds, cn_error *error)
{
    cn_status status =
        open_file(store, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, seconds, error);
    if (!status) status = check_version(store, true, error);
    if (!status)
        status = execute(store,
                         "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
                         error);
    if (status) st_store_close(store);
    return status;
}

cn_status st_store_open_readonly(st_store *store, const char *path, cn_error *error)
{
    if (access(path, R_OK)) {
        *store = (st_store){.lock = -1};
        return cn_fail(error, CN_ENOTFOUND, "%s: %s; make it with 'condense run'", path,
                       strerror(errno));
    }
    cn_status status = open_file(store, path, SQLITE_OPEN_READONLY, 0, error);
    if (!status) status = check_version(store, false, error);
    if (status) st_store_close(store);
    return status;
}

void st_store_close(st_store *store)
{
    sqlite3_close(store->db);
    if (store->lock >= 0) close(store->lock);
    cn_free(store->path);
    *store = (st_store){.lock = -1};
}

cn_status st_store_migrate(sqlite3 *db, const char *path, const char *const *parts, cn_error *error)
{
    st_store store = {.db = db, .path = (char *)path, .lock = -1};
    int version = (int)pragma(db, "PRAGMA user_version");
    char *backup = cn_sprintf("%s.v%d.bak", path, version);
    if (!backup) return cn_fail(error, CN_ENOMEM, "out of memory");
    unlink(backup); /* VACUUM INTO wants a new file */
    char *copy = sqlite3_mprintf("VACUUM INTO %Q", backup);
    cn_status status = execute(&store, copy, error);
    sqlite3_free(copy);
    cn_free(backup);
    if (!status && version < 1)
        status = cn_fail(error, CN_EFORMAT, "%s: there is no way from schema version %d to %d",
                         path, version, count_parts(parts));
    return status ? status : apply_parts(&store, parts, version, error);
}

cn_status st_store_begin(st_store *store, cn_error *error)
{
    return execute(store, "BEGIN IMMEDIATE", error);
}

cn_status st_store_commit(st_store *store, cn_error *error)
{
    count_write();
    cn_status status = execute(store, "COMMIT", error);
    if (status) st_store_rollback(store);
    return status;
}

void st_store_rollback(st_store *store)
{
    if (!sqlite3_get_autocommit(store->db)) sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

static void bind(sqlite3_stmt *statement, int at, char kind, va_list *values)
{
    if (kind == 'i') {
        sqlite3_bind_int64(statement, at, va_arg(*values, int64_t));
    } else if (kind == 'r') {
        double value = va_arg(*values, double);
        if (isfinite(value)) sqlite3_bind_double(statement, at, value);
    } else {
        sqlite3_bind_text(statement, at, va_arg(*values, const char *), -1, SQLITE_TRANSIENT);
    }
}

cn_status st_store_write(st_store *store, cn_error *error, const char *sql, const char *format, ...)
{
    count_write();
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return st_store_fail(store, error);
    va_list values;
    va_start(values, format);
    for (int i = 0; format[i]; i++)
        bind(statement, i + 1, format[i], &values);
    va_end(values);
    int code = sqlite3_step(statement);
    cn_status status =
        code == SQLITE_DONE || code == SQLITE_ROW ? CN_OK : st_store_fail(store, error);
    sqlite3_finalize(statement);
    return status;
}
