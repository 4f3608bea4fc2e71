/* condense compare: how many times as fast one cell is as another. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "commands/commands.h"
#include "condense/memory.h"
#include "measure/stats.h"
#include "store/store.h"

typedef struct side {
    char cell[65], name[256], verdict[32];
    double mean, low, high;
} side;

typedef struct comparison {
    double ratio, low, high;
    int32_t pairs; /* 0: not paired */
} comparison;

/* The one cell whose identifier or name begins with `text`; else a message that lists them. */
static cn_status find_cell(const st_store *store, const char *text, side *out, cn_error *error)
{
    sqlite3_stmt *row = NULL;
    if (sqlite3_prepare_v2(store->db,
                           "SELECT cell, name, verdict, mean_ms, ci95_low_ms, ci95_high_ms FROM "
                           "v_cell JOIN v_latency USING (cell) WHERE instr(cell, ?1) = 1 OR "
                           "instr(name, ?1) = 1 ORDER BY name LIMIT 6",
                           -1, &row, NULL) != SQLITE_OK)
        return st_store_fail(store, error);
    sqlite3_bind_text(row, 1, text, -1, SQLITE_STATIC);
    char list[768] = "";
    int found = 0;
    while (sqlite3_step(row) == SQLITE_ROW) {
        const char *cell = (const char *)sqlite3_column_text(row, 0);
        snprintf(out->cell, sizeof out->cell, "%s", cell);
        snprintf(out->name, sizeof out->name, "%s", (const char *)sqlite3_column_text(row, 1));
        snprintf(out->verdict, sizeof out->verdict, "%s",
                 (const char *)sqlite3_column_text(row, 2));
        out->mean = sqlite3_column_double(row, 3);
        out->low = sqlite3_column_double(row, 4);
        out->high = sqlite3_column_double(row, 5);
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%.12s (%.80s)", found ? ", " : "", cell,
                 out->name);
        found++;
    }
    sqlite3_finalize(row);
    if (found == 1) return CN_OK;
    if (!found)
        return cn_fail(error, CN_EINVAL,
                       "%s: no measured cell's identifier or name begins with "
                       "'%.80s'",
                       store->path, text);
    return cn_fail(error, CN_EINVAL, "'%.80s' may be: %s", text, list);
}

/* Blocks of one round pair up where both cells were measured in one group: in the same call, in
 * rounds that overlap in time. Each pair is two block means. */
static const char pairs_sql[] =
    "WITH mean AS (SELECT attempt.cell AS cell, environment, round, avg(duration_ns) * 1e-6 AS ms, "
    "  min(attempt.started_ns + block.begin_ns) AS at "
    "  FROM current_attempt JOIN attempt ON attempt.id = current_attempt.attempt "
    "  JOIN block ON block.attempt = attempt.id "
    "  JOIN sample ON sample.attempt = attempt.id AND sample.block = block.number "
    "  WHERE NOT slowed AND NOT warmup GROUP BY attempt.id, round), "
    "pair AS (SELECT a.round, a.ms AS x, b.ms AS y, max(a.at, b.at) AS last, min(a.at, b.at) AS "
    "  first FROM mean AS a JOIN mean AS b USING (environment, round) "
    "  WHERE a.cell = ?1 AND b.cell = ?2) "
    "SELECT x, y FROM pair WHERE last < (SELECT coalesce(min(p.first), pair.last + 1) FROM pair AS "
    "p "
    "  WHERE p.round > pair.round) ORDER BY round";

static cn_status paired(const st_store *store, const side sides[2], comparison *c, cn_error *error)
{
    enum { MOST = 100000 };
    double *a = cn_calloc(MOST, sizeof *a), *b = cn_calloc(MOST, sizeof *b);
    sqlite3_stmt *row = NULL;
    cn_status status = a && b ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory");
    if (!status && sqlite3_prepare_v2(store->db, pairs_sql, -1, &row, NULL) != SQLITE_OK)
        status = st_store_fail(store, error);
    if (!status) {
        sqlite3_bind_text(row, 1, sides[0].cell, -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 2, sides[1].cell, -1, SQLITE_STATIC);
        while (c->pairs < MOST && sqlite3_step(row) == SQLITE_ROW) {
            a[c->pairs] = sqlite3_column_double(row, 0);
            b[c->pairs++] = sqlite3_column_double(row, 1);
        }
        if (c->pairs >= 5)
            st_ratio_interval(a, b, (size_t)c->pairs, &c->ratio, &c->low, &c->high);
        else
            c->pairs = 0;
    }
    sqlite3_finalize(row);
    cn_free(a);
    cn_free(b);
    return status;
}

/* Without pairs: both intervals are of independent means, so their relative widths add in squares.
 */
static void unpaired(const side sides[2], comparison *c)
{
    double a = (sides[0].high - sides[0].low) / 2 / sides[0].mean;
    double b = (sides[1].high - sides[1].low) / 2 / sides[1].mean;
    double width = hypot(a, b);
    c->ratio = sides[0].mean / sides[1].mean;
    c->low = c->ratio * (1 - width);
    c->high = c->ratio * (1 + width);
}

static void print_json(const side sides[2], const comparison *c)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "a", sides[0].cell);
    cJSON_AddStringToObject(json, "b", sides[1].cell);
    cJSON_AddNumberToObject(json, "a_mean_ms", sides[0].mean);
    cJSON_AddNumberToObject(json, "b_mean_ms", sides[1].mean);
    cJSON_AddNumberToObject(json, "ratio", c->ratio);
    cJSON_AddNumberToObject(json, "ci95_low", c->low);
    cJSON_AddNumberToObject(json, "ci95_high", c->high);
    cJSON_AddNumberToObject(json, "pairs", c->pairs);
    char *text = cJSON_Print(json);
    puts(text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(json);
}

static void print_text(const side sides[2], const comparison *c)
{
    for (int i = 0; i < 2; i++)
        printf("%c  %.12s  %s: %.4g ms (%.4g to %.4g), %s\n", "AB"[i], sides[i].cell, sides[i].name,
               sides[i].mean, sides[i].low, sides[i].high, sides[i].verdict);
    printf("A / B = %.4g, 95 %% interval %.4g to %.4g, ", c->ratio, c->low, c->high);
    if (c->pairs)
        printf("from %d paired blocks\n", c->pairs);
    else
        puts("not paired: measured at different times");
    const char *words = c->low > 1.02    ? "B is faster"
                        : c->high < 0.98 ? "A is faster"
                        : c->low > 0.98 && c->high < 1.02
                            ? "equal within 2 %"
                            : "too close to tell; measure both in one run for paired blocks";
    puts(words);
}

int st_command_compare(int argc, char **argv)
{
    const char *db = NULL;
    bool json = false;
    const st_option options[] = {
        {"db", ST_TEXT, &db, "FILE", "database or export; default results/study.db"},
        {"json", ST_FLAG, &json, NULL, "print JSON"},
        {0}};
    const st_usage usage = {
        "compare",
        "condense compare A B [--db FILE]",
        "Compares the latency of two cells. A and B are the beginnings of identifiers or names.\n"
        "Cells that were measured interleaved in one run are compared block by block, so that "
        "what\n"
        "slowed both does not count; the interval is of the ratio (docs/statistics.md). Ends with "
        "3\n"
        "where a cell is not valid.\n\n"
        "  condense compare 'resnet50 imagenet dense cpu, 1' 'resnet50 imagenet dense cpu, 2'",
        options,
        2,
        2};
    int code = st_options_parse(&usage, argc, argv, NULL);
    if (code >= 0) return code;
    st_store store = {.lock = -1};
    cn_error error = {0};
    side sides[2];
    comparison c = {0};
    cn_status status = st_store_open_results(&store, db, &error);
    for (int i = 0; i < 2 && !status; i++)
        status = find_cell(&store, argv[i], &sides[i], &error);
    if (!status) status = paired(&store, sides, &c, &error);
    if (store.path) st_store_close(&store);
    if (status) return st_complain("compare", st_exit_status(status), "%s", error.message);
    if (!c.pairs) unpaired(sides, &c);
    (json ? print_json : print_text)(sides, &c);
    bool valid = !strcmp(sides[0].verdict, "valid") && !strcmp(sides[1].verdict, "valid");
    return valid ? ST_EXIT_OK : ST_EXIT_INCONCLUSIVE;
}
