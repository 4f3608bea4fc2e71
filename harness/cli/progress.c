#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "condense/clock.h"

st_progress st_progress_start(const char *what)
{
    int64_t now = cn_clock_ns();
    return (st_progress){.what = what, .started_ns = now, .drawn_ns = now};
}

void st_progress_update(st_progress *progress, double done, double total, const char *detail)
{
    int64_t now = cn_clock_ns();
    double elapsed = (double)(now - progress->started_ns) * 1e-9;
    if (elapsed < 2 || now - progress->drawn_ns < 100000000 || !isatty(STDERR_FILENO)) return;
    progress->drawn_ns = now;
    progress->shown = true;
    fprintf(stderr, "\r\033[K%s: %.0f %%", progress->what, total > 0 ? 100 * done / total : 0);
    if (done > 0 && total > done) {
        double left = elapsed * (total - done) / done;
        if (left >= 60)
            fprintf(stderr, ", %.0f min left", left / 60);
        else
            fprintf(stderr, ", %.0f s left", left);
    }
    if (detail) fprintf(stderr, "  %s", detail);
    fflush(stderr);
}

void st_progress_end(st_progress *progress)
{
    if (progress->shown) fputs("\r\033[K", stderr);
    progress->shown = false;
}
