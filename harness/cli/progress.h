/* One line of progress with time left, on stderr, only where that is a terminal. */
#ifndef HARNESS_CLI_PROGRESS_H
#define HARNESS_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct st_progress {
    const char *what;
    int64_t started_ns, drawn_ns;
    bool shown;
} st_progress;

st_progress st_progress_start(const char *what);

/* `done` of `total` (any unit); `detail` may be NULL. Draws at most ten times a second and nothing
 * in the first two seconds. */
void st_progress_update(st_progress *progress, double done, double total, const char *detail);

/* Erases the line. */
void st_progress_end(st_progress *progress);

#endif
