#include "report/table.h"

#include <stdbool.h>
#include <string.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "report/snapshot.h"
#include "report/text.h"

/* The whole result, because alignment and footnotes are known only at its end. */
typedef struct grid {
    int columns;
    char **names; /* of the columns */
    char **cells; /* row after row; NULL for NULL */
    size_t rows;
    char **reasons; /* the footnotes, in order of appearance */
    size_t reason_count;
} grid;

static const char unexplained[] = "not recorded";

static void clear(grid *g)
{
    for (int i = 0; g->names && i < g->columns; i++)
        cn_free(g->names[i]);
    for (size_t i = 0; i < g->rows * (size_t)g->columns; i++)
        cn_free(g->cells[i]);
    for (size_t i = 0; i < g->reason_count; i++)
        cn_free(g->reasons[i]);
    cn_free(g->names);
    cn_free(g->cells);
    cn_free(g->reasons);
}

static bool add_row(grid *g, sqlite3_stmt *query)
{
    size_t width = (size_t)g->columns, old = g->rows * width;
    char **cells = cn_recalloc(g->cells, old, old + width, sizeof *cells);
    if (!cells) return false;
    g->cells = cells;
    g->rows++;
    for (int i = 0; i < g->columns; i++) {
        const char *text = (const char *)sqlite3_column_text(query, i);
        if (text && !(cells[old + (size_t)i] = cn_strdup(text))) return false;
    }
    return true;
}

static cn_status fetch(grid *g, sqlite3 *db, const st_statements *statements,
                       const st_statement *statement, cn_error *error)
{
    sqlite3_stmt *query = NULL;
    cn_status status = st_statement_prepare(db, statements, statement, &query, error);
    if (status != CN_OK) return status;
    g->columns = sqlite3_column_count(query);
    g->names = cn_calloc((size_t)g->columns, sizeof *g->names);
    bool room = g->names != NULL;
    for (int i = 0; room && i < g->columns; i++)
        room = (g->names[i] = cn_strdup(sqlite3_column_name(query, i))) != NULL;
    for (int row = 1; room && status == CN_OK && row;) {
        status = st_statement_step(statements, statement, query, &row, error);
        if (status == CN_OK && row) room = add_row(g, query);
    }
    sqlite3_finalize(query);
    return room ? status : cn_fail(error, CN_ENOMEM, "out of memory");
}

static bool is_reason(const char *name)
{
    return name[strlen(name) - 1] == '?';
}

/* Column of the reason for `name`: "name?", else "?", else -1. */
static int reason_column(const grid *g, const char *name)
{
    size_t length = strlen(name);
    int general = -1;
    for (int i = 0; i < g->columns; i++) {
        if (!strcmp(g->names[i], "?")) general = i;
        if (!strncmp(g->names[i], name, length) && !strcmp(g->names[i] + length, "?")) return i;
    }
    return general;
}

/* Number of the footnote with this text, which is added where it is new; -1 without memory. */
static int footnote(grid *g, const char *text)
{
    for (size_t i = 0; i < g->reason_count; i++)
        if (!strcmp(g->reasons[i], text)) return (int)i;
    char **reasons = cn_recalloc(g->reasons, g->reason_count, g->reason_count + 1, sizeof *reasons);
    if (!reasons) return -1;
    g->reasons = reasons;
    if (!(reasons[g->reason_count] = cn_strdup(text))) return -1;
    return (int)g->reason_count++;
}

/* a to z, then aa, ab and so on. */
static void write_letter(FILE *out, int number)
{
    fputs("<sup>", out);
    if (number >= 26) fputc('a' + number / 26 % 26 - 1, out);
    fprintf(out, "%c</sup>", 'a' + number % 26);
}

/* Whether every value of the column begins like a number. */
static bool is_numeric(const grid *g, int column)
{
    bool any = false;
    for (size_t row = 0; row < g->rows; row++) {
        const char *cell = g->cells[row * (size_t)g->columns + (size_t)column];
        if (!cell) continue;
        if (!strchr("-+0123456789", *cell) || !*cell) return false;
        any = true;
    }
    return any;
}

static void write_head(FILE *out, const grid *g)
{
    for (int line = 0; line < 2; line++) {
        fputc('|', out);
        for (int i = 0; i < g->columns; i++) {
            if (is_reason(g->names[i])) continue;
            fputc(' ', out);
            if (line == 0)
                st_text_markdown(out, g->names[i]);
            else
                fputs(is_numeric(g, i) ? "---:" : "---", out);
            fputs(" |", out);
        }
        fputc('\n', out);
    }
}

static bool write_row(FILE *out, grid *g, size_t row)
{
    char **cells = g->cells + row * (size_t)g->columns;
    fputc('|', out);
    for (int i = 0; i < g->columns; i++) {
        if (is_reason(g->names[i])) continue;
        fputc(' ', out);
        if (cells[i]) {
            st_text_markdown(out, cells[i]);
        } else {
            int why = reason_column(g, g->names[i]);
            int number = footnote(g, why >= 0 && cells[why] ? cells[why] : unexplained);
            if (number < 0) return false;
            fputs("–", out);
            write_letter(out, number);
        }
        fputs(" |", out);
    }
    fputc('\n', out);
    return true;
}

static cn_status write_grid(FILE *out, grid *g, cn_error *error)
{
    write_head(out, g);
    for (size_t row = 0; row < g->rows; row++)
        if (!write_row(out, g, row)) return cn_fail(error, CN_ENOMEM, "out of memory");
    for (size_t i = 0; i < g->reason_count; i++) {
        fputs(i ? "; " : "\n", out);
        write_letter(out, (int)i);
        fputc(' ', out);
        st_text_markdown(out, g->reasons[i]);
    }
    if (g->reason_count) fputs(".\n", out);
    return CN_OK;
}

cn_status st_table_write(FILE *out, sqlite3 *db, const st_statements *statements,
                         const st_statement *statement, cn_error *error)
{
    grid g = {0};
    const char *empty = st_statement_header(statement, "empty");
    cn_status status = fetch(&g, db, statements, statement, error);
    if (status == CN_OK && g.rows)
        status = write_grid(out, &g, error);
    else if (status == CN_OK && empty)
        fprintf(out, "*%s*\n", empty);
    else if (status == CN_OK)
        status = cn_fail(error, CN_ENOTFOUND,
                         "%s:%d: table '%s' has no rows; the database lacks what it shows",
                         statements->path, (int)statement->line, statement->name);
    clear(&g);
    return status;
}

cn_status st_tables_print(const char *path, const char *const *names, cn_error *error)
{
    sqlite3 *db = NULL;
    st_statements tables = {0};
    char *file = st_home_path("experiments/paper/tables.sql");
    cn_status status = file ? st_statements_read(&tables, file, error)
                            : cn_fail(error, CN_ENOMEM, "out of memory");
    if (!status) status = st_snapshot_open(&db, path, error);
    for (int i = 0; names[i] && !status; i++) {
        const st_statement *table = st_statements_find(&tables, names[i]);
        puts("");
        status = table ? st_table_write(stdout, db, &tables, table, error)
                       : cn_fail(error, CN_ENOTFOUND, "%s: no table '%s'", file, names[i]);
    }
    sqlite3_close(db);
    st_statements_clear(&tables);
    cn_free(file);
    return status;
}
