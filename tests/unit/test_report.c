/* Text, statements, tables, numbers and claims of the paper, each by itself. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "condense/memory.h"
#include "report/claims.h"
#include "report/figure.h"
#include "report/functions.h"
#include "report/statements.h"
#include "report/table.h"
#include "report/text.h"
#include "store/store.h"

static char path[] = "/tmp/condense-report-XXXXXX";

static void make_file(void)
{
    int file = mkstemp(path);
    cr_assert(file >= 0);
    close(file);
}

static void remove_file(void)
{
    unlink(path);
}

TestSuite(report, .init = make_file, .fini = remove_file);

static void put(const char *text)
{
    cr_assert_eq(st_bytes_write(path, text, strlen(text), NULL), CN_OK);
}

static sqlite3 *open_memory(void)
{
    sqlite3 *db = NULL;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_eq(st_functions_add(db), SQLITE_OK);
    return db;
}

/* What a writer of text makes of `text`. */
static void check_text(void (*write)(FILE *, const char *), const char *text, const char *want)
{
    char *got = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&got, &length);
    cr_assert(out);
    write(out, text);
    fclose(out);
    cr_assert_str_eq(got, want);
    free(got);
}

Test(report, markdown_shows_what_was_stored)
{
    check_text(st_text_markdown, "inception_v1", "inception_v1");
    check_text(st_text_markdown, "_a_ *b* `c` |d|", "\\_a\\_ \\*b\\* \\`c\\` \\|d\\|");
    check_text(st_text_markdown, "<i>&\n[x](y)", "&lt;i&gt;&amp; \\[x\\](y)");
    check_text(st_text_markdown, "\xc3\xa4 \xff \xc0\xaf \xed\xa0\x80",
               "\xc3\xa4 \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd "
               "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    check_text(st_text_markdown, "\xe2\x80", "\xef\xbf\xbd\xef\xbf\xbd"); /* cut short */
}

Test(report, fields_and_strings_for_gnuplot)
{
    check_text(st_text_field, "a\tb\nc \"d\" \\n", "a b c ''d'' \xe2\x88\x96n");
    check_text(st_text_quoted, "it's `x`\n", "'it''s `x` '");
}

Test(report, statements_are_read_with_headers)
{
    put("-- a comment\n\n-- name: one\n-- caption: A text\n--  that goes on.\n-- not a header\n"
        "SELECT 1;\n-- name: two.b\nSELECT 2 -- here\n;\n");
    st_statements s;
    cn_error error;
    cr_assert_eq(st_statements_read(&s, path, &error), CN_OK, "%s", error.message);
    cr_assert_eq(s.count, 2);
    const st_statement *one = st_statements_find(&s, "one");
    cr_assert(one && !st_statements_find(&s, "three"));
    cr_assert_str_eq(st_statement_header(one, "caption"), "A text that goes on.");
    cr_assert_null(st_statement_header(one, "empty"));
    sqlite3 *db = open_memory();
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *query = NULL;
        int row = 0;
        cr_assert_eq(st_statement_prepare(db, &s, &s.items[i], &query, &error), CN_OK);
        cr_assert_eq(st_statement_step(&s, &s.items[i], query, &row, &error), CN_OK);
        cr_assert(row && sqlite3_column_int(query, 0) == i + 1);
        sqlite3_finalize(query);
    }
    sqlite3_close(db);
    st_statements_clear(&s);
}

Test(report, malformed_statement_files_are_refused_with_the_line)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"SELECT 1;\n", ":1:"},
        {"-- name: \nSELECT 1;\n", ":1:"},
        {"-- name: 1x\n", ":1:"},
        {"-- name: a\nSELECT 1;\n-- name: a\n", ":3:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        st_statements s;
        cn_error error = {0};
        put(cases[i].text);
        cr_assert_eq(st_statements_read(&s, path, &error), CN_EFORMAT);
        cr_assert(strstr(error.message, cases[i].words), "%s", error.message);
    }
}

Test(report, statements_that_write_or_do_not_fit_are_refused)
{
    static const struct {
        const char *sql, *words;
    } cases[] = {
        {"DELETE FROM t;", "would write"},
        {"SELECT 1; SELECT 2;", "second statement"},
        {"SELECT * FROM nowhere;", "nowhere"},
        {"-- only a comment", "no SQL"},
    };
    sqlite3 *db = open_memory();
    cr_assert_eq(sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "-- name: q\n%s\n", cases[i].sql);
        put(text);
        st_statements s;
        cn_error error = {0};
        sqlite3_stmt *query = NULL;
        cr_assert_eq(st_statements_read(&s, path, &error), CN_OK);
        cr_assert_eq(st_statement_prepare(db, &s, &s.items[0], &query, &error), CN_EFORMAT);
        cr_assert(strstr(error.message, cases[i].words), "%s", error.message);
        cr_assert_null(query);
        st_statements_clear(&s);
    }
    sqlite3_close(db);
}

/* The table of one SELECT; headers may be given before it. For free. */
static char *table_of(const char *statement, cn_status want)
{
    char text[1024], *got = NULL;
    size_t length = 0;
    snprintf(text, sizeof text, "-- name: q\n%s\n", statement);
    put(text);
    st_statements s;
    cn_error error = {0};
    cr_assert_eq(st_statements_read(&s, path, &error), CN_OK);
    sqlite3 *db = open_memory();
    FILE *out = open_memstream(&got, &length);
    cr_assert_eq(st_table_write(out, db, &s, &s.items[0], &error), want, "%s", error.message);
    fclose(out);
    sqlite3_close(db);
    st_statements_clear(&s);
    return got;
}

Test(report, missing_values_carry_their_reasons)
{
    char *got =
        table_of("SELECT 'x' AS name, 1.5 AS a, 'why' AS \"a?\", NULL AS b, 'other' AS \"?\""
                 " UNION ALL SELECT 'y', NULL, 'why', 2, NULL"
                 " UNION ALL SELECT 'z', NULL, 'why', NULL, NULL",
                 CN_OK);
    cr_assert_str_eq(got, "| name | a | b |\n| --- | ---: | ---: |\n"
                          "| x | 1.5 | –<sup>a</sup> |\n"
                          "| y | –<sup>b</sup> | 2 |\n"
                          "| z | –<sup>b</sup> | –<sup>c</sup> |\n"
                          "\n<sup>a</sup> other; <sup>b</sup> why; <sup>c</sup> not recorded.\n");
    free(got);
}

Test(report, an_empty_table_says_so_or_is_refused)
{
    char *got = table_of("-- empty: Nothing here.\nSELECT 1 AS a WHERE 0", CN_OK);
    cr_assert_str_eq(got, "*Nothing here.*\n");
    free(got);
    free(table_of("SELECT 1 AS a WHERE 0", CN_ENOTFOUND));
}

Test(report, numbers_keep_null_and_have_no_exponent)
{
    static const struct {
        const char *expression, *want;
    } cases[] = {
        {"fixed(2, 3)", "2.000"},
        {"fixed(NULL, 1)", NULL},
        {"fixed(-1.25, 1)", "-1.2"},
        {"brief(1234.5, 3)", "1234"},
        {"brief(0.0468, 3)", "0.0468"},
        {"brief(9.999, 2)", "10.0"},
        {"brief(0, 2)", "0.0"},
        {"brief(NULL, 3)", NULL},
        {"brief(1e-30, 3)", "0.000000000000"},
        {"fixed(1, 1000)", "1.000000000000"},
        {"brief(9e999, 3)", NULL},
        {"fixed(-9e999, 3)", NULL},
    };
    sqlite3 *db = open_memory();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        sqlite3_stmt *query = NULL;
        snprintf(sql, sizeof sql, "SELECT %s", cases[i].expression);
        cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &query, NULL), SQLITE_OK);
        cr_assert_eq(sqlite3_step(query), SQLITE_ROW);
        const char *got = (const char *)sqlite3_column_text(query, 0);
        if (cases[i].want)
            cr_assert(got && !strcmp(got, cases[i].want), "%s: %s", sql, got ? got : "NULL");
        else
            cr_assert_null(got);
        sqlite3_finalize(query);
    }
    sqlite3_close(db);
}

/* The fixture's study with one claim a question, in the real schema. */
static sqlite3 *open_study(void)
{
    sqlite3 *db = open_memory();
    char *text = NULL, *message = NULL;
    for (int i = 0; st_schema_parts[i]; i++)
        cr_assert_eq(sqlite3_exec(db, st_schema_parts[i], NULL, NULL, &message), SQLITE_OK, "%s",
                     message);
    cr_assert_eq(st_text_read("tests/fixtures/study.sql", &text, NULL), CN_OK);
    cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, &message), SQLITE_OK, "%s", message);
    cn_free(text);
    static const char claims[] =
        "INSERT INTO claim VALUES"
        "('cadnn-acc-resnet50', 1, 's', 'p', 'resnet50', 'dense', '-', 'm', '1/2/3/4', 'u', ''),"
        "('rebirth-nontensor-alexnet', 2, 's', 'p', 'alexnet', 'dense', '-', 'm', '1/2/3', 'u', "
        "''),"
        "('rebirth-energy', 3, 's', 'p', 'inception_v1', 'dense', '-', 'm', '1/2', 'u', ''),"
        "('cadnn-prune-lenet5', 4, 's', 'p', 'lenet5', 'pruned', '-', 'm', '348', 'u', '')";
    cr_assert_eq(sqlite3_exec(db, claims, NULL, NULL, &message), SQLITE_OK, "%s", message);
    return db;
}

static void check_claim(sqlite3 *db, const char *claim, const char *want)
{
    sqlite3_stmt *query = NULL;
    cr_assert_eq(
        sqlite3_prepare_v2(db, "SELECT measured FROM v_claim WHERE claim = ?1", -1, &query, NULL),
        SQLITE_OK);
    sqlite3_bind_text(query, 1, claim, -1, SQLITE_STATIC);
    cr_assert_eq(sqlite3_step(query), SQLITE_ROW);
    const char *got = (const char *)sqlite3_column_text(query, 0);
    if (want)
        cr_assert(got && !strcmp(got, want), "%s: %s", claim, got ? got : "NULL");
    else
        cr_assert_null(got, "%s", claim);
    sqlite3_finalize(query);
}

Test(report, claims_are_answered_by_valid_cells_only)
{
    sqlite3 *db = open_study();
    cn_error error = {0};
    cr_assert_eq(st_claims_refresh(db, &error), CN_OK, "%s", error.message);
    check_claim(db, "cadnn-acc-resnet50", "69.3/90.3/102.2/2");
    check_claim(db, "rebirth-nontensor-alexnet", "26.78/-/-");
    check_claim(db, "rebirth-energy", NULL);
    check_claim(db, "cadnn-prune-lenet5", "246.0"); /* the fixture loses 0.16 points there */

    /* Without a valid cell an old answer goes; in an open transaction all can be taken back. */
    cr_assert_eq(sqlite3_exec(db, "BEGIN; UPDATE attempt SET verdict = 'noisy', reason = 'r'", NULL,
                              NULL, NULL),
                 SQLITE_OK);
    cr_assert_eq(st_claims_refresh(db, &error), CN_OK, "%s", error.message);
    check_claim(db, "cadnn-acc-resnet50", NULL);
    cr_assert_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    check_claim(db, "cadnn-acc-resnet50", "69.3/90.3/102.2/2");
    sqlite3_close(db);
}

/* Compressions have no cells: the highest rate within the bar, else why there is none. */
Test(report, claims_of_rates_follow_the_bar)
{
    static const struct {
        const char *change, *measured, *note;
    } steps[] = {{"UPDATE compression SET top1 = top1_dense - 0.002 WHERE rate_asked = 348",
                  "348.0", "lost; at 348.0x"},
                 {"UPDATE compression SET top1 = top1_dense - 0.0021 WHERE scale = 'mnist'", NULL,
                  "loses at most 0.2 points"},
                 {"DELETE FROM compression_residual; DELETE FROM compression_step; DELETE FROM "
                  "compression_layer; DELETE FROM compression",
                  NULL, "no compression of it is on record"}};
    sqlite3 *db = open_study();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char *message = NULL;
        sqlite3_stmt *query = NULL;
        cr_assert_eq(sqlite3_exec(db, steps[i].change, NULL, NULL, &message), SQLITE_OK, "%s",
                     message);
        cr_assert_eq(st_claims_refresh(db, NULL), CN_OK);
        check_claim(db, "cadnn-prune-lenet5", steps[i].measured);
        sqlite3_prepare_v2(db, "SELECT note FROM v_claim WHERE claim = 'cadnn-prune-lenet5'", -1,
                           &query, NULL);
        cr_assert_eq(sqlite3_step(query), SQLITE_ROW);
        const char *note = (const char *)sqlite3_column_text(query, 0);
        cr_expect(note && strstr(note, steps[i].note), "%s", note ? note : "NULL");
        sqlite3_finalize(query);
    }
    sqlite3_close(db);
}

Test(report, every_figure_has_its_script)
{
    char **names = NULL;
    int32_t count = 0;
    cr_assert_eq(st_figure_names(&names, &count, NULL), CN_OK);
    cr_assert_geq(count, 7);
    for (int32_t i = 0; i < count; i++) {
        char script[256];
        snprintf(script, sizeof script, "plots/%s.gp", names[i]);
        cr_assert_eq(access(script, R_OK), 0, "%s is missing", script);
        cn_free(names[i]);
    }
    cn_free(names);
}
