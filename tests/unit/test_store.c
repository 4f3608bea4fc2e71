/* The database: what is refused, what survives a kill and a full disk, text and back. */
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "condense/memory.h"
#include "store/record.h"
#include "store/store.h"

enum { CELLS = 3 };

static char folder[64];
static char path[128];

static void set_up(void)
{
    strcpy(folder, "/tmp/condense-store-XXXXXX");
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/study.db", folder);
}

static void tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(store, .init = set_up, .fini = tear_down);

static st_fact facts[2] = {{"cpu.model", "made up", NULL}, {"temperature", NULL, "no sensor"}};
static const st_environment environment = {facts, 2, 2};

/* A made-up result: cell number `index` with `samples` samples. Owns nothing but the series. */
static void make_result(int index, int32_t samples, st_trial *trial, st_subject *subject)
{
    static char model[] = "made-up", scale[] = "none", text[] = "model made-up", config[] = "{}";
    *trial = (st_trial){.cell.findings.peak_memory = 4096};
    st_cell *cell = &trial->cell;
    cell->model = (cn_model){.name = model, .scale = scale, .dataset = scale, .classes = 10};
    strcpy(cell->request.variant, "dense");
    strcpy(cell->request.backend, "cpu");
    strcpy(cell->request.device, "host");
    cell->request.threads = cell->request.batch = 1;
    cell->request.rate = NAN;
    st_identity *identity = &cell->identity;
    snprintf(identity->id, sizeof identity->id, "%064d", index);
    strcpy(identity->model_hash, "hash");
    strcpy(identity->weights_digest, "digest");
    strcpy(identity->weights_label, "random");
    identity->canonical = text;
    identity->config = config;
    strcpy(cell->findings.accuracy_reason, "random weights");
    strcpy(cell->findings.energy.reason, "no sensor");
    *subject = (st_subject){.verdict = ST_VALID, .stop_reason = "converged", .settled = true};
    cr_assert_eq(st_series_add_block(&subject->series, (st_block){.end_ns = 1}, NULL), CN_OK);
    for (int32_t i = 0; i < samples; i++) {
        st_sample sample = {.begin_ns = i, .duration_ns = 1000000 + i, .warmup = i == 0};
        cr_assert_eq(st_series_add_sample(&subject->series, sample, NULL), CN_OK);
    }
}

/* What a run does: records each cell that is not there yet. */
static cn_status record_missing(int cells, int32_t samples, cn_error *error)
{
    st_store store;
    cn_status status = st_store_open(&store, path, error);
    if (status) return status;
    st_recorder recorder = {.store = &store,
                            .facts = &environment,
                            .environment_hash = "machine",
                            .command = "test",
                            .settings = "{}"};
    for (int i = 0; i < cells && !status; i++) {
        st_trial trial;
        st_subject subject;
        make_result(i, samples, &trial, &subject);
        bool done;
        status = st_recorded(&recorder, trial.cell.identity.id, &done, error);
        if (!status && !done) status = st_record(&recorder, &trial, &subject, error);
        st_series_clear(&subject.series);
    }
    st_store_close(&store);
    return status;
}

static int64_t ask(const char *sql)
{
    st_store store;
    cn_error error;
    cr_assert_eq(st_store_open_readonly(&store, path, &error), CN_OK, "%s", error.message);
    sqlite3_stmt *statement;
    cr_assert_eq(sqlite3_prepare_v2(store.db, sql, -1, &statement, NULL), SQLITE_OK, "%s",
                 sqlite3_errmsg(store.db));
    int64_t value = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_finalize(statement);
    st_store_close(&store);
    return value;
}

static const char contents[] =
    "SELECT (SELECT count(*) FROM v_cell WHERE verdict = 'valid') * 1000000 + "
    "(SELECT count(*) * 100 FROM sample) + (SELECT count(*) FROM v_latency) + "
    "(SELECT count(*) FROM v_accuracy WHERE reason = 'random weights')";

/* A run in a process of its own, killed at its n-th write (0: not at all). Returns whether it ended
 * by itself. */
static bool run_apart(int n)
{
    pid_t child = fork();
    if (child == 0) {
        char at[16];
        snprintf(at, sizeof at, "%d", n);
        setenv("CONDENSE_CRASH_AT", at, 1);
        _exit(record_missing(CELLS, 12, NULL) ? 1 : 0);
    }
    int state;
    cr_assert_eq(waitpid(child, &state, 0), child);
    if (WIFEXITED(state))
        cr_assert_eq(WEXITSTATUS(state), 0);
    else
        cr_assert_eq(WTERMSIG(state), SIGKILL);
    return WIFEXITED(state);
}

/* Kills a run at its n-th write for every n: what was finished stays, what was in flight is gone
 * whole, and the next run completes the same contents. */
Test(store, a_kill_at_any_write_loses_only_the_cell_in_flight)
{
    cr_assert(run_apart(0));
    int64_t complete = ask(contents);
    cr_expect_eq(complete / 1000000, CELLS);
    unlink(path);
    int n = 1;
    for (; !run_apart(n); n++) {
        int64_t cells = ask("SELECT count(*) FROM cell");
        cr_assert_eq(ask("SELECT count(*) FROM sample"), 12 * cells, "write %d", n);
        cr_assert_eq(ask("SELECT count(*) FROM attempt"), cells);
        cr_assert_eq(ask("SELECT count(*) FROM pragma_foreign_key_check"), 0);
        cr_assert_eq(ask("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
        cr_assert(run_apart(0));
        cr_assert_eq(ask(contents), complete, "write %d", n);
        unlink(path);
    }
    cr_expect_gt(n, 60, "%d writes are too few to be a test", n);
}

Test(store, a_full_disk_is_said_and_what_was_stored_stays)
{
    cn_error error = {0};
    cr_assert_eq(record_missing(1, 12, &error), CN_OK, "%s", error.message);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {60000, 60000};
        setrlimit(RLIMIT_FSIZE, &limit);
        cn_status status = record_missing(2, 20000, &error);
        _exit(status == CN_EIO && strstr(error.message, "is the disk full?") ? 0 : 1);
    }
    int state;
    cr_assert_eq(waitpid(child, &state, 0), child);
    cr_expect(WIFEXITED(state) && WEXITSTATUS(state) == 0, "state %d", state);
    cr_expect_eq(ask("SELECT count(*) FROM cell"), 1);
    cr_expect_eq(ask("SELECT count(*) FROM sample"), 12);
    cr_expect_eq(record_missing(2, 12, &error), CN_OK, "%s", error.message);
    cr_expect_eq(ask("SELECT count(*) FROM cell"), 2);
}

Test(store, a_second_writer_is_told_who_writes)
{
    st_store first, second;
    cn_error error;
    cr_assert_eq(st_store_open(&first, path, &error), CN_OK, "%s", error.message);
    cr_assert_eq(st_store_open(&second, path, &error), CN_EIO);
    char holder[64];
    snprintf(holder, sizeof holder, "process %ld", (long)getpid());
    cr_expect(strstr(error.message, holder), "%s", error.message);
    st_store_close(&first);
    cr_assert_eq(st_store_open(&second, path, &error), CN_OK, "%s", error.message);
    st_store_close(&second);
}

static void execute(const char *sql)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void expect_refused(const char *words)
{
    st_store store;
    cn_error error;
    cr_assert_eq(st_store_open(&store, path, &error), CN_EFORMAT);
    cr_expect(strstr(error.message, words), "%s", error.message);
    cr_assert_eq(st_store_open_readonly(&store, path, &error), CN_EFORMAT);
}

Test(store, newer_foreign_and_broken_files_are_refused)
{
    cr_assert_eq(record_missing(1, 12, NULL), CN_OK);
    execute("PRAGMA user_version = 99");
    expect_refused("use a newer condense");
    execute("PRAGMA user_version = 1; PRAGMA application_id = 7");
    expect_refused("not a database of this program");
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("not a database\n", file);
    fclose(file);
    expect_refused("not a database");
}

Test(store, migration_is_one_transaction_with_a_backup)
{
    static const char first[] = "CREATE TABLE a (x)";
    static const char *const parts[] = {first, "CREATE TABLE b (x); INSERT INTO b SELECT x FROM a",
                                        "ALTER TABLE b ADD COLUMN y", NULL};
    static const char *const broken[] = {first, "DROP TABLE a", "NONSENSE", NULL};
    execute("CREATE TABLE a (x); INSERT INTO a VALUES (5); PRAGMA user_version = 1");
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_expect_neq(st_store_migrate(db, path, broken, NULL), CN_OK);
    cr_expect_eq(sqlite3_exec(db, "SELECT x FROM a", NULL, NULL, NULL), SQLITE_OK, "rolled back");
    cn_error error;
    cr_expect_eq(st_store_migrate(db, path, parts, &error), CN_OK, "%s", error.message);
    cr_expect_eq(sqlite3_exec(db, "SELECT x, y FROM b", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA user_version = 0", NULL, NULL, NULL);
    cr_expect_eq(st_store_migrate(db, path, parts, &error), CN_EFORMAT, "no way from 0");
    sqlite3_close(db);
    char backup[160];
    snprintf(backup, sizeof backup, "%s.v1.bak", path);
    cr_expect_eq(access(backup, R_OK), 0, "no backup");
}

/* A database as version 1 made it, with one cell. */
static void make_version_one(void)
{
    static const char rows[] =
        "PRAGMA application_id=%d;PRAGMA user_version=1;"
        "INSERT INTO environment VALUES (1, 'machine', '', '');"
        "INSERT INTO model VALUES ('hash', 'made-up', 'none', 10, '');"
        "INSERT INTO weight_set VALUES ('digest', 'random');"
        "INSERT INTO cell VALUES (printf('%%064d', 1), '{}', '', 'made-up', 'none', 'hash', "
        "'digest', "
        "'dense', NULL, NULL, 'cpu', 'scalar', 1, 'host', '', 0, 1, 1, 'none', NULL);"
        "INSERT INTO attempt VALUES (1, printf('%%064d', 1), 1, '', 0, '{}', 1, 'valid', NULL);"
        "INSERT INTO size VALUES (1, 2, 2, 2, 2, 8, 8, 16, 8, 8, 8, 8, 64, NULL)";
    char sql[1200];
    sqlite3 *db;
    unlink(path);
    snprintf(sql, sizeof sql, rows, ST_STORE_APPLICATION);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, st_schema_parts[0], NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

Test(store, version_one_gets_what_later_versions_added)
{
    static const char schema[] = "SELECT sum(length(type || name || sql)) FROM sqlite_schema";
    cr_assert_eq(record_missing(1, 12, NULL), CN_OK);
    int64_t all = ask(schema);
    make_version_one();
    st_store store;
    cn_error error;
    cr_expect_eq(st_store_open_readonly(&store, path, &error), CN_EFORMAT);
    cr_assert_eq(st_store_open(&store, path, &error), CN_OK, "%s", error.message);
    st_store_close(&store);
    cr_expect_eq(ask(schema), all);
    cr_expect_eq(ask("SELECT count(*) FROM v_size WHERE stored_bytes = 8 AND compact_bytes IS NULL "
                     "AND compact_reason IS NOT NULL"),
                 1);
}

static char *read_all(const char *name)
{
    FILE *file = fopen(name, "r");
    cr_assert(file);
    char *text = cn_calloc(1 << 20, 1);
    cr_assert_gt(fread(text, 1, (1 << 20) - 1, file), 0);
    fclose(file);
    return text;
}

Test(store, text_and_back_is_the_same)
{
    char first[160], second[160];
    snprintf(first, sizeof first, "%s/one.sql", folder);
    snprintf(second, sizeof second, "%s/two.sql", folder);
    cr_assert_eq(record_missing(CELLS, 900, NULL), CN_OK);
    st_store store;
    cn_error error;
    cr_assert_eq(st_store_open_readonly(&store, path, &error), CN_OK, "%s", error.message);
    cr_assert_eq(st_store_export_sql(&store, first, &error), CN_OK, "%s", error.message);
    st_store_close(&store);
    cr_assert_eq(st_store_open_export(&store, first, &error), CN_OK, "%s", error.message);
    cr_assert_eq(st_store_export_sql(&store, second, &error), CN_OK, "%s", error.message);
    st_store_close(&store);
    char *a = read_all(first), *b = read_all(second);
    cr_expect_str_eq(a, b);
    cr_expect(strstr(a, "1000899"), "the last sample is missing");
    cn_free(a);
    cn_free(b);
}

Test(store, text_may_only_insert)
{
    static const char *const texts[] = {"DROP TABLE cell;", "ATTACH 'x.db' AS y;",
                                        "INSERT INTO cell VALUES (1);", "DELETE FROM claim;",
                                        "INSERT INTO nothing VALUES (1);"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FILE *file = fopen(path, "w");
        fputs(texts[i], file);
        fclose(file);
        st_store store;
        cr_expect_eq(st_store_open_export(&store, path, NULL), CN_EFORMAT, "%s", texts[i]);
    }
}
