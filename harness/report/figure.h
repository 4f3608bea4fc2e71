/* Figures: plots/NAME.sql says what is drawn, plots/NAME.gp how (docs/paper.md).
 *
 * The statement "panels" of NAME.sql gives one row for each picture: "panel", the end of its file
 * name, "caption", a sentence for below it, and any other columns the script wants. Every other
 * statement is run for each panel with :panel bound and becomes a table for the script. A figure
 * without panels is not drawn; the statement or header "absent" says why. */
#ifndef HARNESS_REPORT_FIGURE_H
#define HARNESS_REPORT_FIGURE_H

#include <stdint.h>

#include <sqlite3.h>

#include "condense/status.h"
#include "report/statements.h"

typedef struct st_panel {
    char *key;  /* as the queries know it */
    char *file; /* "latency-imagenet-1t": the picture's name without ending */
    char *caption;
    char *variables; /* gnuplot assignments, one a line */
} st_panel;

typedef struct st_figure {
    char *name, *script; /* script: path of NAME.gp */
    st_statements statements;
    const char *caption; /* header of "panels"; lives in statements */
    st_panel *panels;
    int32_t panel_count;
    char *absent; /* why there are no panels; NULL where there are */
} st_figure;

/* Reads the figure's query and asks the database for its panels. */
cn_status st_figure_open(st_figure *figure, sqlite3 *db, const char *name, cn_error *error);
void st_figure_close(st_figure *figure);

/* Draws one panel as FOLDER/FILE.svg and FOLDER/FILE.png with gnuplot; each replaces the old one
 * only when complete. The same data gives the same bytes. */
cn_status st_figure_draw(const st_figure *figure, const st_panel *panel, sqlite3 *db,
                         const char *folder, cn_error *error);

/* Names of all figures, in the order of the alphabet, for cn_free each and the array itself. */
cn_status st_figure_names(char ***names, int32_t *count, cn_error *error);

#endif
