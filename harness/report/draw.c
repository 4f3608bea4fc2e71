/* Drawing a panel: its tables and the script go to a temporary folder, gnuplot makes the picture
 * there, and the complete picture replaces the old one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "report/figure.h"
#include "report/text.h"

extern char **environ;

static const char *const formats[] = {"svg", "png"};

static cn_status out_of_memory(cn_error *error)
{
    return cn_fail(error, CN_ENOMEM, "out of memory");
}

/* Writes the rows of a query: a line of column names, then tab-separated fields, NaN for NULL. */
static cn_status write_rows(FILE *out, const st_figure *figure, const st_statement *statement,
                            sqlite3_stmt *query, int64_t *rows, cn_error *error)
{
    int columns = sqlite3_column_count(query), row = 0;
    for (int i = 0; i < columns; i++)
        fprintf(out, "%s%s", i ? "\t" : "", sqlite3_column_name(query, i));
    fputc('\n', out);
    for (*rows = 0;; ++*rows) {
        cn_status status = st_statement_step(&figure->statements, statement, query, &row, error);
        if (status != CN_OK || !row) return status;
        for (int i = 0; i < columns; i++) {
            const char *text = (const char *)sqlite3_column_text(query, i);
            if (i) fputc('\t', out);
            if (!text)
                fputs("NaN", out);
            else if (sqlite3_column_type(query, i) == SQLITE_TEXT)
                st_text_field(out, *text ? text : " ");
            else
                fprintf(out, "%.10g", sqlite3_column_double(query, i));
        }
        fputc('\n', out);
    }
}

/* Runs one statement for the panel into FOLDER/NAME.dat and tells the script about it: NAME is the
 * path, NAME_rows how many rows. */
static cn_status write_table(const char *folder, const st_figure *figure, const st_panel *panel,
                             const st_statement *statement, sqlite3 *db, FILE *script,
                             cn_error *error)
{
    sqlite3_stmt *query = NULL;
    cn_status status = st_statement_prepare(db, &figure->statements, statement, &query, error);
    if (status != CN_OK) return status;
    st_statement_bind(query, ":panel", panel->key);
    char *path = cn_sprintf("%s/%s.dat", folder, statement->name);
    FILE *out = path ? fopen(path, "w") : NULL;
    int64_t rows = 0;
    if (!out)
        status = cn_fail(error, CN_EIO, "%s: %s", path ? path : "table", strerror(errno));
    else
        status = write_rows(out, figure, statement, query, &rows, error);
    if (out && fclose(out) != 0 && status == CN_OK)
        status = cn_fail(error, CN_EIO, "%s: %s", path, strerror(errno));
    if (status == CN_OK) {
        fprintf(script, "%s = ", statement->name);
        st_text_quoted(script, path);
        fprintf(script, "\n%s_rows = %lld\n", statement->name, (long long)rows);
    }
    cn_free(path);
    sqlite3_finalize(query);
    return status;
}

/* The script that gnuplot gets: what the panel is, then the figure's own script. */
static cn_status write_script(FILE *script, const char *folder, const st_figure *figure,
                              const st_panel *panel, sqlite3 *db, const char *format,
                              cn_error *error)
{
    char *style = st_home_path("plots/style.gp");
    if (!style) return out_of_memory(error);
    cn_status status = CN_OK;
    for (int32_t i = 0; i < figure->statements.count && status == CN_OK; i++) {
        const st_statement *s = &figure->statements.items[i];
        if (strcmp(s->name, "panels") != 0 && strcmp(s->name, "absent") != 0)
            status = write_table(folder, figure, panel, s, db, script, error);
    }
    fputs(panel->variables, script);
    fprintf(script, "format = '%s'\noutput = ", format);
    char *picture = cn_sprintf("%s/picture", folder);
    if (picture)
        st_text_quoted(script, picture);
    else
        status = out_of_memory(error);
    fputs("\nstyle = ", script);
    st_text_quoted(script, style);
    fputs("\nload ", script);
    st_text_quoted(script, figure->script);
    fputc('\n', script);
    cn_free(picture);
    cn_free(style);
    return status;
}

/* The last line but blank ones of what gnuplot said. */
static void last_words(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "r");
    char next[512];
    snprintf(line, size, "it gave no reason");
    while (file && fgets(next, sizeof next, file)) {
        next[strcspn(next, "\n")] = '\0';
        if (next[strspn(next, " \t^")]) snprintf(line, size, "%s", next);
    }
    if (file) fclose(file);
}

/* Runs `gnuplot -d SCRIPT` (no user's settings) with its talk going to a file. */
static cn_status run_gnuplot(const char *script, const char *log, const char *what, cn_error *error)
{
    char *arguments[] = {"gnuplot", "-d", (char *)script, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int wait_status = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    int code = posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code == ENOENT)
        return cn_fail(error, CN_ENOTFOUND,
                       "gnuplot is not installed; on Debian: apt-get install "
                       "--no-install-recommends gnuplot-nox fonts-dejavu-core");
    if (code) return cn_fail(error, CN_EIO, "gnuplot could not be started: %s", strerror(code));
    while (waitpid(child, &wait_status, 0) < 0)
        if (errno != EINTR) return cn_fail(error, CN_EIO, "gnuplot was lost: %s", strerror(errno));
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return CN_OK;
    char line[512];
    last_words(log, line, sizeof line);
    return cn_fail(error, CN_EIO, "%s: gnuplot failed: %s", what, line);
}

/* Makes one picture in `folder` (the temporary one) and moves it to `target`. */
static cn_status make_picture(const char *folder, const st_figure *figure, const st_panel *panel,
                              sqlite3 *db, const char *format, const char *target, cn_error *error)
{
    char *script = cn_sprintf("%s/script.gp", folder), *log = cn_sprintf("%s/log", folder);
    char *picture = cn_sprintf("%s/picture", folder), *bytes = NULL;
    size_t length = 0;
    cn_status status = CN_OK;
    FILE *out = script && log && picture ? fopen(script, "w") : NULL;
    if (!out) {
        status = cn_fail(error, CN_EIO, "%s: %s", folder, strerror(errno));
    } else {
        status = write_script(out, folder, figure, panel, db, format, error);
        if (fclose(out) != 0 && status == CN_OK)
            status = cn_fail(error, CN_EIO, "%s: %s", script, strerror(errno));
    }
    if (status == CN_OK) status = run_gnuplot(script, log, figure->script, error);
    if (status == CN_OK) status = st_bytes_read(picture, &bytes, &length, error);
    if (status == CN_OK && length == 0)
        status = cn_fail(error, CN_EIO, "%s: gnuplot drew nothing", figure->script);
    if (status == CN_OK) status = st_bytes_write(target, bytes, length, error);
    cn_free(bytes);
    cn_free(script);
    cn_free(log);
    cn_free(picture);
    return status;
}

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.') unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder) closedir(folder);
    rmdir(path);
}

cn_status st_figure_draw(const st_figure *figure, const st_panel *panel, sqlite3 *db,
                         const char *folder, cn_error *error)
{
    const char *place = getenv("TMPDIR");
    char *temporary = cn_sprintf("%s/condense-XXXXXX", place && *place ? place : "/tmp");
    if (!temporary) return out_of_memory(error);
    cn_status status = CN_OK;
    if (!mkdtemp(temporary)) {
        status = cn_fail(error, CN_EIO, "%s: %s", temporary, strerror(errno));
        cn_free(temporary);
        return status;
    }
    for (size_t i = 0; i < sizeof formats / sizeof *formats && status == CN_OK; i++) {
        char *target = cn_sprintf("%s/%s.%s", folder, panel->file, formats[i]);
        status = target ? make_picture(temporary, figure, panel, db, formats[i], target, error)
                        : out_of_memory(error);
        cn_free(target);
    }
    remove_folder(temporary);
    cn_free(temporary);
    return status;
}
