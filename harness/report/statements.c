#include "report/statements.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "condense/memory.h"
#include "report/text.h"

/* Reading goes line by line over a copy of the file in which line ends become NULs. */
typedef struct reader {
    st_statements *into;
    st_statement *current;
    bool in_headers;
    int32_t line;
    cn_error *error;
} reader;

static cn_status malformed(const reader *r, const char *what)
{
    return cn_fail(r->error, CN_EFORMAT, "%s:%d: %s", r->into->path, (int)r->line, what);
}

static cn_status out_of_memory(const reader *r)
{
    return cn_fail(r->error, CN_ENOMEM, "%s: out of memory", r->into->path);
}

static bool is_name(const char *text)
{
    if (!isalpha((unsigned char)*text)) return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("-_.", *text)) return false;
    return true;
}

static cn_status begin_statement(reader *r, const char *name)
{
    if (!is_name(name)) return malformed(r, "a name is a letter, then letters, digits, -, _ or .");
    if (st_statements_find(r->into, name)) return malformed(r, "this name is already taken");
    st_statements *s = r->into;
    st_statement *items =
        cn_recalloc(s->items, (size_t)s->count, (size_t)s->count + 1, sizeof *items);
    if (!items) return out_of_memory(r);
    s->items = items;
    r->current = &items[s->count++];
    r->current->line = r->line;
    r->current->name = cn_strdup(name);
    r->current->sql = cn_strdup("");
    r->in_headers = true;
    return r->current->name && r->current->sql ? CN_OK : out_of_memory(r);
}

static cn_status add_header(reader *r, const char *key, size_t key_length, const char *text)
{
    st_statement *s = r->current;
    st_header *headers = cn_recalloc(s->headers, (size_t)s->header_count,
                                     (size_t)s->header_count + 1, sizeof *headers);
    if (!headers) return out_of_memory(r);
    s->headers = headers;
    st_header *header = &headers[s->header_count++];
    header->key = cn_sprintf("%.*s", (int)key_length, key);
    header->text = cn_strdup(text);
    return header->key && header->text ? CN_OK : out_of_memory(r);
}

/* Appends "between" and `more` to *text. */
static cn_status append(reader *r, char **text, const char *between, const char *more)
{
    char *joined = cn_sprintf("%s%s%s", *text, between, more);
    if (!joined) return out_of_memory(r);
    cn_free(*text);
    *text = joined;
    return CN_OK;
}

/* Length of KEY where the line is "-- KEY: ...", else 0. */
static size_t key_length(const char *line)
{
    if (strncmp(line, "-- ", 3) != 0) return 0;
    size_t length = strspn(line + 3, "abcdefghijklmnopqrstuvwxyz");
    return length && line[3 + length] == ':' ? length : 0;
}

static cn_status read_line(reader *r, char *line)
{
    size_t end = strlen(line);
    while (end && isspace((unsigned char)line[end - 1]))
        line[--end] = '\0';
    size_t key = key_length(line);
    const char *text = key ? line + 3 + key + 1 : "";
    text += strspn(text, " ");
    if (key == 4 && !strncmp(line + 3, "name", 4)) return begin_statement(r, text);
    if (!r->current) {
        if (*line && strncmp(line, "--", 2) != 0)
            return malformed(r, "a statement must begin with a line '-- name: NAME'");
        return CN_OK;
    }
    if (r->in_headers && key) return add_header(r, line + 3, key, text);
    if (r->in_headers && !strncmp(line, "--  ", 4) && r->current->header_count) {
        st_header *last = &r->current->headers[r->current->header_count - 1];
        return append(r, &last->text, " ", line + 3 + strspn(line + 3, " "));
    }
    r->in_headers = false;
    return append(r, &r->current->sql, line, "\n");
}

cn_status st_statements_read(st_statements *statements, const char *path, cn_error *error)
{
    *statements = (st_statements){.path = cn_strdup(path)};
    char *text = NULL;
    cn_status status = statements->path ? st_text_read(path, &text, error)
                                        : cn_fail(error, CN_ENOMEM, "out of memory");
    reader r = {.into = statements, .error = error};
    char *rest = text;
    while (status == CN_OK && rest) {
        char *line = strsep(&rest, "\n");
        r.line++;
        status = read_line(&r, line);
    }
    cn_free(text);
    if (status != CN_OK) st_statements_clear(statements);
    return status;
}

void st_statements_clear(st_statements *statements)
{
    for (int32_t i = 0; i < statements->count; i++) {
        st_statement *s = &statements->items[i];
        for (int32_t k = 0; k < s->header_count; k++) {
            cn_free(s->headers[k].key);
            cn_free(s->headers[k].text);
        }
        cn_free(s->headers);
        cn_free(s->name);
        cn_free(s->sql);
    }
    cn_free(statements->items);
    cn_free(statements->path);
    *statements = (st_statements){0};
}

const st_statement *st_statements_find(const st_statements *statements, const char *name)
{
    for (int32_t i = 0; i < statements->count; i++)
        if (!strcmp(statements->items[i].name, name)) return &statements->items[i];
    return NULL;
}

const char *st_statement_header(const st_statement *statement, const char *key)
{
    for (int32_t i = 0; i < statement->header_count; i++)
        if (!strcmp(statement->headers[i].key, key)) return statement->headers[i].text;
    return NULL;
}

/* Whether there is SQL in `tail`, which may hold comments. */
static bool has_more(sqlite3 *db, const char *tail)
{
    sqlite3_stmt *next = NULL;
    bool more = sqlite3_prepare_v2(db, tail, -1, &next, NULL) != SQLITE_OK || next;
    sqlite3_finalize(next);
    return more;
}

cn_status st_statement_prepare(sqlite3 *db, const st_statements *statements,
                               const st_statement *statement, sqlite3_stmt **out, cn_error *error)
{
    const char *tail = NULL, *wrong = NULL;
    *out = NULL;
    if (sqlite3_prepare_v2(db, statement->sql, -1, out, &tail) != SQLITE_OK)
        wrong = sqlite3_errmsg(db);
    else if (!*out)
        wrong = "there is no SQL after the name";
    else if (!sqlite3_stmt_readonly(*out))
        wrong = "the statement would write to the database";
    else if (has_more(db, tail))
        wrong = "there is a second statement without a name";
    if (!wrong) return CN_OK;
    cn_fail(error, CN_EFORMAT, "%s:%d: %s: %s", statements->path, (int)statement->line,
            statement->name, wrong);
    sqlite3_finalize(*out);
    *out = NULL;
    return CN_EFORMAT;
}

cn_status st_statement_step(const st_statements *statements, const st_statement *statement,
                            sqlite3_stmt *query, int *row, cn_error *error)
{
    int code = sqlite3_step(query);
    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE) return CN_OK;
    return cn_fail(error, CN_EFORMAT, "%s:%d: %s: %s", statements->path, (int)statement->line,
                   statement->name, sqlite3_errmsg(sqlite3_db_handle(query)));
}

void st_statement_bind(sqlite3_stmt *query, const char *parameter, const char *text)
{
    int index = sqlite3_bind_parameter_index(query, parameter);
    if (index) sqlite3_bind_text(query, index, text, -1, SQLITE_STATIC);
}
