#include <stdio.h>

#include "cli/home.h"
#include "cli/options.h"
#include "commands/commands.h"
#include "condense/memory.h"
#include "report/paper.h"
#include "report/snapshot.h"

int st_command_report(int argc, char **argv)
{
    const char *db_path = NULL;
    st_paper_options options = {0};
    const st_option table[] = {
        {"db", ST_TEXT, &db_path, "FILE",
         "database or its export; default: results/study.db, else results/reference/study.sql"},
        {"output", ST_TEXT, &options.output, "FILE", "the paper; default: PAPER.md of the project"},
        {"figures", ST_TEXT, &options.figures, "DIR", "folder of the pictures; default: plots"},
        {"template", ST_TEXT, &options.template_path, "FILE",
         "another template than experiments/paper/paper.md.in"},
        {0}};
    const st_usage usage = {
        "report",
        "condense report [--db FILE] [--output FILE] [--figures DIR]",
        "Writes PAPER.md: a template of prose whose numbers, tables and figures are queries over\n"
        "the database. Draw the figures first. The same database gives the same bytes; where the\n"
        "database or a picture is missing, nothing is written.\n\n"
        "  condense plot && condense report",
        table,
        0,
        0};
    int code = st_options_parse(&usage, argc, argv, NULL);
    if (code >= 0) return code;
    char *paper = options.output ? cn_strdup(options.output) : st_home_path("PAPER.md");
    char *figures = options.figures ? cn_strdup(options.figures) : st_home_path("plots");
    options.output = paper;
    options.figures = figures;
    cn_error error = {0};
    sqlite3 *db = NULL;
    cn_status status = paper && figures ? st_snapshot_open(&db, db_path, &error)
                                        : cn_fail(&error, CN_ENOMEM, "out of memory");
    if (status == CN_OK) status = st_paper_write(db, &options, &error);
    if (status == CN_OK) printf("%s\n", paper);
    sqlite3_close(db);
    cn_free(paper);
    cn_free(figures);
    if (status == CN_OK) return ST_EXIT_OK;
    return st_complain("report", st_exit_status(status), "%s", error.message);
}
