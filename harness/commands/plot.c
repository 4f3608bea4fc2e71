#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/home.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "commands/commands.h"
#include "condense/memory.h"
#include "report/figure.h"
#include "report/snapshot.h"

typedef struct plot_options {
    const char *db, *output;
} plot_options;

/* Draws all panels of one figure and prints their paths; says why where there is nothing to draw.
 * `part` of `parts` is for the progress line. */
static cn_status draw_figure(sqlite3 *db, const char *name, const char *folder, double part,
                             double parts, st_progress *progress, cn_error *error)
{
    st_figure figure;
    cn_status status = st_figure_open(&figure, db, name, error);
    if (status != CN_OK) return status;
    if (figure.absent) fprintf(stderr, "%s: not drawn: %s\n", name, figure.absent);
    for (int32_t i = 0; i < figure.panel_count && status == CN_OK; i++) {
        const st_panel *panel = &figure.panels[i];
        st_progress_update(progress, part + i / (double)figure.panel_count, parts, panel->file);
        status = st_figure_draw(&figure, panel, db, folder, error);
        if (status != CN_OK) break;
        st_progress_end(progress);
        printf("%s/%s.svg\n%s/%s.png\n", folder, panel->file, folder, panel->file);
    }
    st_figure_close(&figure);
    return status;
}

static cn_status plot(const plot_options *options, char **wanted, int32_t count, cn_error *error)
{
    sqlite3 *db = NULL;
    char **all = NULL,
         *folder = options->output ? cn_strdup(options->output) : st_home_path("plots");
    int32_t all_count = 0;
    cn_status status = folder ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory");
    if (status == CN_OK && count == 0) {
        status = st_figure_names(&all, &all_count, error);
        wanted = all;
        count = all_count;
    }
    if (status == CN_OK) status = st_snapshot_open(&db, options->db, error);
    if (status == CN_OK && mkdir(folder, 0777) != 0 && errno != EEXIST)
        status = cn_fail(error, CN_EIO, "%s: %s", folder, strerror(errno));
    st_progress progress = st_progress_start("drawing");
    for (int32_t i = 0; i < count && status == CN_OK; i++)
        status = draw_figure(db, wanted[i], folder, i, count, &progress, error);
    st_progress_end(&progress);
    sqlite3_close(db);
    for (int32_t i = 0; i < all_count; i++)
        cn_free(all[i]);
    cn_free(all);
    cn_free(folder);
    return status;
}

int st_command_plot(int argc, char **argv)
{
    plot_options options = {0};
    const st_option table[] = {
        {"db", ST_TEXT, &options.db, "FILE",
         "database or its export; default: results/study.db, else results/reference/study.sql"},
        {"output", ST_TEXT, &options.output, "DIR", "folder for the pictures; default: plots"},
        {0}};
    const st_usage usage = {
        "plot",
        "condense plot [FIGURE...] [--db FILE] [--output DIR]",
        "Draws figures from the database with gnuplot: all of them, or those named. A figure is\n"
        "plots/NAME.sql (what is drawn) and plots/NAME.gp (how); each picture is made as SVG and\n"
        "PNG, and the same data gives the same bytes. The paths go to stdout.\n\n"
        "  condense plot\n  condense plot latency accuracy --output /tmp/figures",
        table,
        0,
        64};
    int count = 0, code = st_options_parse(&usage, argc, argv, &count);
    if (code >= 0) return code;
    cn_error error = {0};
    cn_status status = plot(&options, argv, count, &error);
    if (status == CN_OK) return ST_EXIT_OK;
    return st_complain("plot", st_exit_status(status), "%s", error.message);
}
