#include "run/halo.h"

#include <string.h>

bool cn_halo_any(const cn_view *view)
{
    return view->halo_top || view->halo_bottom || view->halo_left || view->halo_right;
}

/* The gaps before rows first .. end - 1 of a plane; with the first row what is above the plane,
 * with the last what is below. What lies between two planes belongs to both and is written twice,
 * with the same bytes. */
static void clear_around(const cn_view *view, float *plane, int32_t first, int32_t end,
                         uint8_t byte)
{
    ptrdiff_t above = view->halo_top * view->row + view->halo_left;
    ptrdiff_t below = view->halo_bottom * view->row + view->halo_right;
    size_t gap = (size_t)(view->row - view->w);
    if (first == 0) memset(plane - above, byte, (size_t)above * sizeof *plane);
    for (int32_t y = first > 1 ? first : 1; y < end; y++)
        if (gap == 1)
            memset(plane + y * view->row - 1, byte, sizeof *plane);
        else
            memset(plane + y * view->row - gap, byte, gap * sizeof *plane);
    if (end == view->h)
        memset(plane + (view->h - 1) * view->row + view->w, byte, (size_t)below * sizeof *plane);
}

void cn_halo_clear(const cn_view *view, size_t share, size_t shares, bool by_planes, uint8_t byte)
{
    size_t channels = (size_t)view->c, planes = (size_t)view->n * channels, first = 0, end = planes;
    int32_t top = 0, bottom = view->h;
    if (by_planes) {
        first = planes * share / shares;
        end = planes * (share + 1) / shares;
    } else {
        top = (int32_t)((size_t)view->h * share / shares);
        bottom = (int32_t)((size_t)view->h * (share + 1) / shares);
    }
    for (size_t p = first; p < end && top < bottom; p++)
        clear_around(view,
                     view->data + (ptrdiff_t)(p / channels) * view->image +
                         (ptrdiff_t)(p % channels) * view->plane,
                     top, bottom, byte);
}
