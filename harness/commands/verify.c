/* condense verify: works the database's summaries out again from its details. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "commands/commands.h"
#include "condense/memory.h"
#include "measure/stats.h"
#include "store/store.h"

/* What must be empty: each row is a cell (an attempt, for people: its cell) that breaks a rule. */
static const struct rule {
    const char *name, *sql;
} rules[] = {
    {"rows point to rows that are there", "SELECT \"table\" FROM pragma_foreign_key_check"},
    {"a valid cell has at least ten samples and an interval",
     "SELECT cell FROM v_cell LEFT JOIN v_latency USING (cell) WHERE verdict = 'valid' AND "
     "(samples IS NULL OR samples < 10 OR ci95_rel IS NULL)"},
    {"samples are counted",
     "SELECT cell FROM latency JOIN attempt ON attempt.id = latency.attempt WHERE samples <> "
     "(SELECT count(*) FROM sample JOIN block ON block.attempt = sample.attempt AND "
     "block.number = sample.block WHERE sample.attempt = latency.attempt AND NOT warmup AND NOT "
     "slowed)"},
    {"accuracy is the confusion matrix's",
     "SELECT cell FROM accuracy JOIN attempt ON attempt.id = accuracy.attempt WHERE top1 IS NOT "
     "NULL AND abs(top1 - (SELECT 1.0 * sum(CASE WHEN truth = predicted THEN images ELSE 0 END) / "
     "sum(images) FROM confusion WHERE attempt = accuracy.attempt)) > 1e-12"},
    {"recall is the confusion matrix's",
     "SELECT cell FROM accuracy JOIN attempt ON attempt.id = accuracy.attempt WHERE top1 IS NOT "
     "NULL AND abs(recall_macro - (SELECT avg(r) FROM (SELECT 1.0 * sum(CASE WHEN truth = "
     "predicted THEN images ELSE 0 END) / sum(images) AS r FROM confusion WHERE attempt = "
     "accuracy.attempt GROUP BY truth))) > 1e-9"},
    {"layers' shares make one",
     "SELECT cell FROM v_layer_plan GROUP BY cell, fusion HAVING abs(sum(share) - 1) > 1e-9"},
    {"no emulated run is on a real device",
     "SELECT cell FROM v_cell WHERE emulated AND device NOT IN ('host') AND device NOT LIKE "
     "'generic%'"},
};

static int check_rules(sqlite3 *db)
{
    int broken = 0;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        sqlite3_stmt *row = NULL;
        bool good = sqlite3_prepare_v2(db, rules[i].sql, -1, &row, NULL) == SQLITE_OK;
        int rows = 0;
        while (good && sqlite3_step(row) == SQLITE_ROW && rows++ < 5)
            printf("  %.16s\n", (const char *)sqlite3_column_text(row, 0));
        sqlite3_finalize(row);
        printf("%s: %s\n", rows || !good ? "BROKEN" : "ok", rules[i].name);
        broken += rows > 0 || !good;
    }
    return broken;
}

static bool close_to(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

/* Whether the stored latency of `attempt` is that of its samples. */
static bool same_summary(sqlite3 *db, int64_t attempt, int64_t count, sqlite3_stmt *stored)
{
    sqlite3_stmt *row = NULL;
    double *values = cn_calloc((size_t)count, sizeof *values);
    size_t n = 0;
    sqlite3_prepare_v2(
        db,
        "SELECT duration_ns FROM sample JOIN block ON block.attempt = sample.attempt "
        "AND block.number = sample.block WHERE sample.attempt = ? AND NOT warmup AND "
        "NOT slowed ORDER BY sample.number",
        -1, &row, NULL);
    sqlite3_bind_int64(row, 1, attempt);
    while (values && n < (size_t)count && sqlite3_step(row) == SQLITE_ROW)
        values[n++] = (double)sqlite3_column_int64(row, 0) * 1e-6;
    sqlite3_finalize(row);
    st_summary s = st_summarize(values, n);
    cn_free(values);
    const double own[] = {s.mean, s.median, s.min, s.max, s.ci_low, s.ci_high};
    for (int i = 0; i < 6; i++)
        if (isfinite(own[i]) && !close_to(own[i], sqlite3_column_double(stored, 3 + i)))
            return false;
    return n == (size_t)count;
}

static int check_summaries(sqlite3 *db)
{
    sqlite3_stmt *row = NULL;
    int broken = 0;
    if (sqlite3_prepare_v2(db,
                           "SELECT attempt, cell, samples, mean_ms, median_ms, min_ms, max_ms, "
                           "ci95_low_ms, ci95_high_ms FROM latency JOIN attempt ON attempt.id = "
                           "latency.attempt ORDER BY attempt",
                           -1, &row, NULL) != SQLITE_OK)
        return 1;
    while (sqlite3_step(row) == SQLITE_ROW) {
        int64_t attempt = sqlite3_column_int64(row, 0), count = sqlite3_column_int64(row, 2);
        if (count > 0 && same_summary(db, attempt, count, row)) continue;
        printf("  %.16s\n", (const char *)sqlite3_column_text(row, 1));
        broken++;
    }
    sqlite3_finalize(row);
    printf("%s: latency is that of the samples\n", broken ? "BROKEN" : "ok");
    return broken;
}

int st_command_verify(int argc, char **argv)
{
    const char *db = NULL;
    const st_option options[] = {
        {"db", ST_TEXT, &db, "FILE", "database or export; default results/study.db"}, {0}};
    const st_usage usage = {
        "verify",
        "condense verify [--db FILE]",
        "Checks that summary and detail agree: works mean, median and interval of every attempt\n"
        "out again from its samples, accuracy from the confusion matrix, shares from the layers.\n"
        "Ends with 1 and names the cells where they do not.",
        options,
        0,
        0};
    int code = st_options_parse(&usage, argc, argv, NULL);
    if (code >= 0) return code;
    st_store store;
    cn_error error = {0};
    cn_status status = st_store_open_results(&store, db, &error);
    if (status) return st_complain("verify", st_exit_status(status), "%s", error.message);
    int broken = check_rules(store.db) + check_summaries(store.db);
    st_store_close(&store);
    return broken ? ST_EXIT_FAILED : ST_EXIT_OK;
}
