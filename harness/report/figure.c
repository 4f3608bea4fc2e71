#include "report/figure.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "report/text.h"

static cn_status out_of_memory(cn_error *error)
{
    return cn_fail(error, CN_ENOMEM, "out of memory");
}

/* "NAME-KEY" with everything that is no part of a plain file name made a dash. */
static char *file_name(const char *name, const char *key)
{
    char *file = *key ? cn_sprintf("%s-%s", name, key) : cn_strdup(name);
    for (char *c = file; c && *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c)) *c = '-';
    return file;
}

/* The columns of a row as gnuplot assignments. */
static char *assignments(sqlite3_stmt *query)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out) return NULL;
    for (int i = 0; i < sqlite3_column_count(query); i++) {
        fprintf(out, "%s = ", sqlite3_column_name(query, i));
        switch (sqlite3_column_type(query, i)) {
        case SQLITE_NULL:
            fputs("NaN", out);
            break;
        case SQLITE_INTEGER:
        case SQLITE_FLOAT:
            fprintf(out, "%.10g", sqlite3_column_double(query, i));
            break;
        default:
            st_text_quoted(out, (const char *)sqlite3_column_text(query, i));
        }
        fputc('\n', out);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    char *copy = cn_strdup(text);
    free(text);
    return copy;
}

/* Index of the column called `name`, or -1. */
static int column(sqlite3_stmt *query, const char *name)
{
    for (int i = 0; i < sqlite3_column_count(query); i++)
        if (!strcmp(sqlite3_column_name(query, i), name)) return i;
    return -1;
}

static cn_status add_panel(st_figure *figure, sqlite3_stmt *query, int key, int caption,
                           cn_error *error)
{
    st_panel *panels = cn_recalloc(figure->panels, (size_t)figure->panel_count,
                                   (size_t)figure->panel_count + 1, sizeof *panels);
    if (!panels) return out_of_memory(error);
    figure->panels = panels;
    st_panel *panel = &panels[figure->panel_count++];
    const char *texts[] = {(const char *)sqlite3_column_text(query, key),
                           (const char *)sqlite3_column_text(query, caption)};
    panel->key = cn_strdup(texts[0] ? texts[0] : "");
    panel->caption = cn_strdup(texts[1] ? texts[1] : "");
    panel->file = panel->key ? file_name(figure->name, panel->key) : NULL;
    panel->variables = assignments(query);
    if (!panel->key || !panel->caption || !panel->file || !panel->variables)
        return out_of_memory(error);
    for (int32_t i = 0; i + 1 < figure->panel_count; i++)
        if (!strcmp(panels[i].file, panel->file))
            return cn_fail(error, CN_EFORMAT, "%s: two panels would both be drawn as %s",
                           figure->statements.path, panel->file);
    return CN_OK;
}

static cn_status read_panels(st_figure *figure, sqlite3 *db, const st_statement *statement,
                             cn_error *error)
{
    sqlite3_stmt *query = NULL;
    cn_status status = st_statement_prepare(db, &figure->statements, statement, &query, error);
    if (status != CN_OK) return status;
    int key = column(query, "panel"), caption = column(query, "caption"), row = 0;
    if (key < 0 || caption < 0)
        status = cn_fail(error, CN_EFORMAT, "%s:%d: the columns 'panel' and 'caption' are needed",
                         figure->statements.path, (int)statement->line);
    while (status == CN_OK) {
        status = st_statement_step(&figure->statements, statement, query, &row, error);
        if (status != CN_OK || !row) break;
        status = add_panel(figure, query, key, caption, error);
    }
    sqlite3_finalize(query);
    return status;
}

/* Why there is no panel: the statement "absent", else the header, else a plain sentence. */
static cn_status explain_absence(st_figure *figure, sqlite3 *db, const st_statement *panels,
                                 cn_error *error)
{
    const st_statement *statement = st_statements_find(&figure->statements, "absent");
    const char *text = st_statement_header(panels, "absent");
    sqlite3_stmt *query = NULL;
    cn_status status = CN_OK;
    if (statement) {
        int row = 0;
        status = st_statement_prepare(db, &figure->statements, statement, &query, error);
        if (status == CN_OK)
            status = st_statement_step(&figure->statements, statement, query, &row, error);
        if (status == CN_OK && row && sqlite3_column_text(query, 0))
            text = (const char *)sqlite3_column_text(query, 0);
    }
    if (status == CN_OK) {
        figure->absent = cn_strdup(text ? text : "the database has nothing to draw here");
        if (!figure->absent) status = out_of_memory(error);
    }
    sqlite3_finalize(query);
    return status;
}

cn_status st_figure_open(st_figure *figure, sqlite3 *db, const char *name, cn_error *error)
{
    *figure = (st_figure){.name = cn_strdup(name)};
    char *relative = cn_sprintf("plots/%s.sql", name);
    char *path = relative ? st_home_path(relative) : NULL;
    cn_status status = CN_OK;
    if (!figure->name || !path)
        status = out_of_memory(error);
    else if (strchr(name, '/'))
        status = cn_fail(error, CN_EINVAL, "there is no figure '%s'", name);
    else
        status = st_statements_read(&figure->statements, path, error);
    if (status == CN_ENOTFOUND)
        status =
            cn_fail(error, CN_EINVAL, "there is no figure '%s': no such file as %s", name, path);
    if (status == CN_OK && !(figure->script = cn_sprintf("%.*s.gp", (int)strlen(path) - 4, path)))
        status = out_of_memory(error);
    if (status == CN_OK) {
        const st_statement *panels = st_statements_find(&figure->statements, "panels");
        if (!panels) {
            status = cn_fail(error, CN_EFORMAT, "%s: there is no statement 'panels'", path);
        } else {
            figure->caption = st_statement_header(panels, "caption");
            status = read_panels(figure, db, panels, error);
            if (status == CN_OK && figure->panel_count == 0)
                status = explain_absence(figure, db, panels, error);
        }
    }
    cn_free(relative);
    cn_free(path);
    if (status != CN_OK) st_figure_close(figure);
    return status;
}

void st_figure_close(st_figure *figure)
{
    for (int32_t i = 0; i < figure->panel_count; i++) {
        cn_free(figure->panels[i].key);
        cn_free(figure->panels[i].file);
        cn_free(figure->panels[i].caption);
        cn_free(figure->panels[i].variables);
    }
    cn_free(figure->panels);
    cn_free(figure->name);
    cn_free(figure->script);
    cn_free(figure->absent);
    st_statements_clear(&figure->statements);
    *figure = (st_figure){0};
}

static int is_query(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 4 && !strcmp(entry->d_name + length - 4, ".sql");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

cn_status st_figure_names(char ***names, int32_t *count, cn_error *error)
{
    *names = NULL;
    *count = 0;
    char *folder = st_home_path("plots");
    if (!folder) return out_of_memory(error);
    struct dirent **entries = NULL;
    int found = scandir(folder, &entries, is_query, by_bytes);
    cn_status status = CN_OK;
    if (found <= 0)
        status = cn_fail(error, CN_ENOTFOUND, "%s: no figures (*.sql) here", folder);
    else if (!(*names = cn_calloc((size_t)found, sizeof **names)))
        status = out_of_memory(error);
    for (int i = 0; i < found; i++) {
        if (status == CN_OK) {
            char *name = entries[i]->d_name;
            (*names)[*count] = cn_sprintf("%.*s", (int)strlen(name) - 4, name);
            if ((*names)[(*count)++] == NULL) status = out_of_memory(error);
        }
        free(entries[i]);
    }
    free(entries);
    cn_free(folder);
    return status;
}
