#include "report/paper.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "report/figure.h"
#include "report/statements.h"
#include "report/table.h"
#include "report/text.h"

enum { NUMBERED_MAX = 64, WORD_MAX = 64 };

/* A figure or table by its number, which is its place among its kind in the template. */
typedef struct numbered {
    char kind[WORD_MAX], name[WORD_MAX];
    int number;
} numbered;

typedef struct paper {
    sqlite3 *db;
    st_statements values, tables;
    const char *template_path, *figures;
    char *link; /* the folder of the pictures as the paper sees it: "" or "plots/" */
    numbered list[NUMBERED_MAX];
    int list_count;
    FILE *out;
    cn_error *error;
} paper;

/* A directive: {{kind name}} or {{number kind name}}. */
typedef struct directive {
    char verb[WORD_MAX], kind[WORD_MAX], name[WORD_MAX];
    int line;
} directive;

static cn_status wrong(const paper *p, const directive *d, const char *what)
{
    return cn_fail(p->error, CN_EFORMAT, "%s:%d: {{%s %s}}: %s", p->template_path, d->line, d->kind,
                   d->name, what);
}

/* Reads the directive at `at` ("{{"); returns where the text goes on, or NULL. */
static const char *read_directive(const paper *p, const char *at, int line, directive *d)
{
    char words[3][WORD_MAX];
    int used = 0;
    *d = (directive){.line = line};
    int found = sscanf(at, "{{%63[a-z] %63[a-zA-Z0-9_.-]%n", words[0], words[1], &used);
    if (found == 2 && !strcmp(words[0], "number")) {
        int more = 0;
        if (sscanf(at + used, " %63[a-zA-Z0-9_.-]%n", words[2], &more) == 1) {
            used += more;
            memcpy(d->verb, "number", sizeof "number");
            memcpy(d->kind, words[1], WORD_MAX);
            memcpy(d->name, words[2], WORD_MAX);
        }
    } else if (found == 2) {
        memcpy(d->verb, "write", sizeof "write");
        memcpy(d->kind, words[0], WORD_MAX);
        memcpy(d->name, words[1], WORD_MAX);
    }
    if (d->verb[0] && !strncmp(at + used, "}}", 2)) return at + used + 2;
    cn_fail(p->error, CN_EFORMAT,
            "%s:%d: not a directive: {{value NAME}}, {{table NAME}}, {{figure NAME}} or "
            "{{number table NAME}} is needed",
            p->template_path, line);
    return NULL;
}

static int find_number(const paper *p, const directive *d)
{
    for (int i = 0; i < p->list_count; i++)
        if (!strcmp(p->list[i].kind, d->kind) && !strcmp(p->list[i].name, d->name))
            return p->list[i].number;
    return 0;
}

/* First pass: gives a table or figure its number. */
static cn_status number_directive(paper *p, const directive *d)
{
    if (strcmp(d->verb, "write") != 0 || !strcmp(d->kind, "value")) return CN_OK;
    if (find_number(p, d)) return wrong(p, d, "this is already shown above");
    if (p->list_count == NUMBERED_MAX) return wrong(p, d, "too many figures and tables");
    numbered *next = &p->list[p->list_count];
    memcpy(next->kind, d->kind, WORD_MAX);
    memcpy(next->name, d->name, WORD_MAX);
    next->number = 1;
    for (int i = 0; i < p->list_count; i++)
        next->number += !strcmp(p->list[i].kind, d->kind);
    p->list_count++;
    return CN_OK;
}

static cn_status write_value(paper *p, const directive *d)
{
    const st_statement *statement = st_statements_find(&p->values, d->name);
    if (!statement) return wrong(p, d, "values.sql has no such statement");
    sqlite3_stmt *query = NULL;
    int row = 0;
    cn_status status = st_statement_prepare(p->db, &p->values, statement, &query, p->error);
    if (status == CN_OK) status = st_statement_step(&p->values, statement, query, &row, p->error);
    if (status == CN_OK) {
        const char *text = row ? (const char *)sqlite3_column_text(query, 0) : NULL;
        if (!text) text = st_statement_header(statement, "missing");
        if (text)
            st_text_markdown(p->out, text);
        else
            status = wrong(p, d, "the database has no such value");
    }
    sqlite3_finalize(query);
    return status;
}

static cn_status write_table(paper *p, const directive *d)
{
    const st_statement *statement = st_statements_find(&p->tables, d->name);
    if (!statement) return wrong(p, d, "tables.sql has no such statement");
    const char *caption = st_statement_header(statement, "caption");
    fprintf(p->out, "**Table %d.** %s\n\n", find_number(p, d), caption ? caption : "");
    return st_table_write(p->out, p->db, &p->tables, statement, p->error);
}

/* One picture: the SVG, which must be there. */
static cn_status write_picture(paper *p, const directive *d, const st_panel *panel)
{
    char *file = cn_sprintf("%s/%s.svg", p->figures, panel->file);
    if (!file) return cn_fail(p->error, CN_ENOMEM, "out of memory");
    bool there = access(file, R_OK) == 0;
    if (!there)
        cn_fail(p->error, CN_ENOTFOUND, "%s is not there; make it with 'condense plot %s'", file,
                d->name);
    cn_free(file);
    if (!there) return CN_ENOTFOUND;
    fprintf(p->out, "![Figure %d: ", find_number(p, d));
    st_text_markdown(p->out, panel->caption);
    fprintf(p->out, "](%s%s.svg)\n\n", p->link, panel->file);
    return CN_OK;
}

static cn_status write_figure(paper *p, const directive *d)
{
    st_figure figure;
    cn_status status = st_figure_open(&figure, p->db, d->name, p->error);
    if (status != CN_OK) return status;
    for (int32_t i = 0; i < figure.panel_count && status == CN_OK; i++)
        status = write_picture(p, d, &figure.panels[i]);
    fprintf(p->out, "**Figure %d.** %s", find_number(p, d), figure.caption ? figure.caption : "");
    for (int32_t i = 0; i < figure.panel_count; i++) {
        fputs(i == 0 ? figure.panel_count > 1 ? " From top to bottom: " : " " : "; ", p->out);
        st_text_markdown(p->out, figure.panels[i].caption);
    }
    if (figure.absent) {
        fputs(" *Not drawn: ", p->out);
        st_text_markdown(p->out, figure.absent);
        fputc('*', p->out);
    }
    fputs(".\n", p->out);
    st_figure_close(&figure);
    return status;
}

static cn_status write_directive(paper *p, const directive *d)
{
    static const struct {
        const char *kind;
        cn_status (*write)(paper *, const directive *);
    } kinds[] = {{"value", write_value}, {"table", write_table}, {"figure", write_figure}};
    if (!strcmp(d->verb, "number")) {
        int number = find_number(p, d);
        if (!number) return wrong(p, d, "it is referred to and not shown");
        fprintf(p->out, "%s %d", !strcmp(d->kind, "table") ? "Table" : "Figure", number);
        return CN_OK;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].kind, d->kind)) return kinds[i].write(p, d);
    return wrong(p, d, "only value, table, figure and number are known");
}

/* Goes through the template and calls `act` for each directive; text between goes to p->out. */
static cn_status walk(paper *p, const char *text, cn_status (*act)(paper *, const directive *))
{
    int line = 1;
    while (*text) {
        if (strncmp(text, "{{", 2) != 0) {
            line += *text == '\n';
            if (p->out) fputc(*text, p->out);
            text++;
            continue;
        }
        directive d;
        text = read_directive(p, text, line, &d);
        if (!text) return CN_EFORMAT;
        cn_status status = act(p, &d);
        if (status != CN_OK) return status;
        bool block = !strcmp(d.verb, "write") && strcmp(d.kind, "value") != 0;
        if (block && *text == '\n') { /* a table or figure ends its own line */
            text++;
            line++;
        }
    }
    return CN_OK;
}

/* The folder of the pictures relative to the folder of the paper, ending in '/', or "" where they
 * are the same; an absolute path where neither holds the other. */
static char *relative_link(const char *figures, const char *output)
{
    char to[PATH_MAX], from[PATH_MAX];
    char *folder = cn_strdup(output);
    if (!folder) return NULL;
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = '\0';
    bool known = realpath(figures, to) && realpath(slash ? folder : ".", from);
    cn_free(folder);
    size_t length = known ? strlen(from) : 0;
    if (known && length == 1) length = 0; /* the root folder */
    if (known && !strncmp(to, from, length) && !to[length]) return cn_strdup("");
    if (known && !strncmp(to, from, length) && to[length] == '/')
        return cn_sprintf("%s/", to + length + 1);
    return cn_sprintf("%s/", known ? to : figures);
}

static cn_status read_queries(paper *p)
{
    static const char *const names[] = {"values", "tables"};
    st_statements *targets[] = {&p->values, &p->tables};
    cn_status status = CN_OK;
    for (int i = 0; i < 2 && status == CN_OK; i++) {
        char *relative = cn_sprintf("experiments/paper/%s.sql", names[i]);
        char *path = relative ? st_home_path(relative) : NULL;
        status = path ? st_statements_read(targets[i], path, p->error)
                      : cn_fail(p->error, CN_ENOMEM, "out of memory");
        cn_free(path);
        cn_free(relative);
    }
    return status;
}

static cn_status expand(paper *p, const char *output)
{
    char *text = NULL, *bytes = NULL;
    size_t length = 0;
    cn_status status = st_text_read(p->template_path, &text, p->error);
    if (status == CN_OK) status = walk(p, text, number_directive);
    if (status == CN_OK && !(p->out = open_memstream(&bytes, &length)))
        status = cn_fail(p->error, CN_ENOMEM, "out of memory");
    if (status == CN_OK) status = walk(p, text, write_directive);
    if (p->out && fclose(p->out) != 0 && status == CN_OK)
        status = cn_fail(p->error, CN_ENOMEM, "out of memory");
    if (status == CN_OK) status = st_bytes_write(output, bytes, length, p->error);
    free(bytes);
    cn_free(text);
    return status;
}

cn_status st_paper_write(sqlite3 *db, const st_paper_options *options, cn_error *error)
{
    paper p = {.db = db, .figures = options->figures, .error = error};
    char *path = options->template_path ? cn_strdup(options->template_path)
                                        : st_home_path("experiments/paper/paper.md.in");
    p.template_path = path;
    p.link = relative_link(options->figures, options->output);
    cn_status status =
        path && p.link ? read_queries(&p) : cn_fail(error, CN_ENOMEM, "out of memory");
    if (status == CN_OK) status = expand(&p, options->output);
    st_statements_clear(&p.values);
    st_statements_clear(&p.tables);
    cn_free(p.link);
    cn_free(path);
    return status;
}
