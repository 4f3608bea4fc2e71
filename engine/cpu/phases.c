#include "cpu/phases.h"

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

cn_phases cn_phases_of(const cn_conv_problem *p, size_t pixels)
{
    const cn_window *w = &p->window;
    size_t down = (size_t)((w->kernel_h - 1) / w->stride_h);
    size_t along = (size_t)((w->kernel_w - 1) / w->stride_w), row = (size_t)p->out.w + along;
    return (cn_phases){.rows = least(w->kernel_h, w->stride_h),
                       .columns = least(w->kernel_w, w->stride_w),
                       .row = row,
                       .plane = row - 1 + pixels + down * row + along + CN_PANEL_SLACK};
}

size_t cn_phases_floats(cn_phases f, int32_t channels)
{
    return (size_t)channels * (size_t)f.rows * (size_t)f.columns * f.plane;
}

/* Rows that the gather kernel takes at once. */
static size_t rows_at_once(const cn_conv *c, size_t row)
{
    size_t lanes = (size_t)c->kernels->lanes;
    return CN_MAX_PIXELS / ((row + lanes - 1) / lanes);
}

bool cn_phases_can(const cn_conv *c, cn_phases f)
{
    return rows_at_once(c, f.row) > 0;
}

int32_t cn_phases_offset(const cn_conv_problem *p, cn_phases f, int32_t channel, int32_t y,
                         int32_t x)
{
    const cn_window *w = &p->window;
    int32_t phase = y % w->stride_h * f.columns + x % w->stride_w;
    size_t plane = (size_t)channel * (size_t)(f.rows * f.columns) + (size_t)phase;
    return (int32_t)(plane * f.plane + (size_t)(y / w->stride_h) * f.row +
                     (size_t)(x / w->stride_w));
}

/* `rows` rows of the phase that `g` begins at, from row `first` on; x: its column. */
static void split_phase(const cn_conv *c, cn_phases f, cn_gather g, int32_t x, ptrdiff_t row,
                        size_t first, size_t rows, float *panel)
{
    const cn_window *w = &c->problem.window;
    size_t most = rows_at_once(c, f.row);
    cn_segment segments[CN_MAX_PIXELS];
    g.segments = segments;
    for (size_t done = 0; done < rows; done += most) {
        size_t count = rows - done < most ? rows - done : most;
        for (size_t r = 0; r < count; r++)
            segments[r] = (cn_segment){
                .at = (ptrdiff_t)(first + done + r) * w->stride_h * row,
                .first = (int32_t)((done + r) * f.row),
                .count = c->problem.out.w + (w->kernel_w - 1 - x) / w->stride_w,
            };
        g.segment_count = (int32_t)count;
        c->kernels->f32_gather.run(&g, panel);
    }
}

const float *cn_phases_split(const cn_conv *c, cn_phases f, const float *data, ptrdiff_t row,
                             const int32_t *channels, size_t begin, size_t end, float *panel)
{
    const cn_window *w = &c->problem.window;
    size_t first = begin / f.row, rows = (end - 1) / f.row - first + 1;
    cn_gather g = {.tap = channels,
                   .taps = (size_t)c->group_in,
                   .pitch = f.plane * (size_t)(f.rows * f.columns),
                   .stride = w->stride_w};
    float *to = panel;
    for (int32_t y = 0; y < f.rows; y++)
        for (int32_t x = 0; x < f.columns; x++, to += f.plane) {
            g.data = data + y * row + x;
            size_t below = (size_t)((w->kernel_h - 1 - y) / w->stride_h);
            split_phase(c, f, g, x, row, first, rows + below, to);
        }
    return panel + (begin - first * f.row);
}
