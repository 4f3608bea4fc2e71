#include "run/halo.h"

#include <string.h>

size_t cn_halo_tasks(const cn_view *view, int32_t threads)
{
    enum { TASK_ROWS = 4096 };
    if (!view->halo_top && !view->halo_bottom && !view->halo_left && !view->halo_right) return 0;
    int64_t rows = (int64_t)view->n * view->c * view->h;
    size_t worth = (size_t)(rows / TASK_ROWS) + 1;
    return worth < (size_t)threads ? worth : (size_t)threads;
}

/* The rows above a plane, the gaps between its rows, the rows below. What lies between two planes
 * belongs to both and is written twice, with the same zeros. */
static void clear_around(const cn_view *view, float *plane)
{
    ptrdiff_t above = view->halo_top * view->row + view->halo_left;
    ptrdiff_t below = view->halo_bottom * view->row + view->halo_right;
    size_t gap = (size_t)(view->row - view->w);
    memset(plane - above, 0, (size_t)above * sizeof *plane);
    if (gap == 1)
        for (int32_t y = 1; y < view->h; y++)
            plane[y * view->row - 1] = 0.0f;
    else
        for (int32_t y = 1; y < view->h; y++)
            memset(plane + y * view->row - gap, 0, gap * sizeof *plane);
    memset(plane + (view->h - 1) * view->row + view->w, 0, (size_t)below * sizeof *plane);
}

void cn_halo_task(const cn_view *view, size_t index, size_t tasks)
{
    size_t channels = (size_t)view->c, planes = (size_t)view->n * channels;
    for (size_t p = planes * index / tasks; p < planes * (index + 1) / tasks; p++)
        clear_around(view, view->data + (ptrdiff_t)(p / channels) * view->image +
                               (ptrdiff_t)(p % channels) * view->plane);
}
