#include "cpu/move.h"

#include <string.h>

#include "lr/operators.h"

/* Copies a plane of `in` to `y` inside a plane of `out`, which may be larger. */
static void copy_plane(const cn_view *in, const float *x, const cn_view *out, float *y)
{
    if (in->row == in->w && out->row == in->w) {
        memcpy(y, x, (size_t)in->h * (size_t)in->w * sizeof *y);
        return;
    }
    for (int32_t i = 0; i < in->h; i++)
        memcpy(y + i * out->row, x + i * in->row, (size_t)in->w * sizeof *y);
}

void cn_move_copy(const cn_simple_args *a)
{
    for (size_t unit = a->first; unit < a->end; unit++)
        copy_plane(a->in, cn_unit_plane(a->in, unit), a->out, cn_unit_plane(a->out, unit));
}

/* C x H x W to (C * H * W) x 1 x 1: every pixel becomes a plane. */
void cn_move_flatten(const cn_simple_args *a)
{
    const cn_view *in = a->in, *out = a->out;
    size_t channels = (size_t)in->c;
    for (size_t unit = a->first; unit < a->end; unit++) {
        const float *x = cn_unit_plane(in, unit);
        float *y = out->data + (ptrdiff_t)(unit / channels) * out->image +
                   (ptrdiff_t)(unit % channels) * in->h * in->w * out->plane;
        for (int32_t i = 0; i < in->h; i++)
            for (int32_t j = 0; j < in->w; j++, y += out->plane)
                *y = x[i * in->row + j];
    }
}

void cn_move_pad(const cn_simple_args *a)
{
    const cn_window *w = &a->op->window;
    const cn_view *in = a->in, *out = a->out;
    for (size_t unit = a->first; unit < a->end; unit++) {
        float *y = cn_unit_plane(out, unit);
        for (int32_t i = 0; i < out->h; i++)
            memset(y + i * out->row, 0, (size_t)out->w * sizeof *y);
        copy_plane(in, cn_unit_plane(in, unit), out, y + w->pad_top * out->row + w->pad_left);
    }
}

static void nearest(const cn_view *in, const float *x, const cn_view *out, float *y)
{
    for (int32_t i = 0; i < out->h; i++) {
        const float *row = x + cn_nearest_source(i, in->h, out->h) * in->row;
        for (int32_t j = 0; j < out->w; j++)
            y[i * out->row + j] = row[cn_nearest_source(j, in->w, out->w)];
    }
}

static void bilinear(const cn_view *in, const float *x, const cn_view *out, float *y)
{
    for (int32_t j = 0; j < out->w; j++) {
        cn_blend h = cn_bilinear_source(j, in->w, out->w);
        float right = (float)h.weight;
        for (int32_t i = 0; i < out->h; i++) {
            cn_blend v = cn_bilinear_source(i, in->h, out->h);
            const float *upper = x + v.low * in->row, *lower = x + v.high * in->row;
            float above = upper[h.low] + right * (upper[h.high] - upper[h.low]);
            float below = lower[h.low] + right * (lower[h.high] - lower[h.low]);
            y[i * out->row + j] = above + (float)v.weight * (below - above);
        }
    }
}

void cn_move_resize(const cn_simple_args *a)
{
    for (size_t unit = a->first; unit < a->end; unit++) {
        const float *x = cn_unit_plane(a->in, unit);
        float *y = cn_unit_plane(a->out, unit);
        if (a->op->resize == CN_RESIZE_NEAREST)
            nearest(a->in, x, a->out, y);
        else
            bilinear(a->in, x, a->out, y);
    }
}

void cn_move_shuffle(const cn_simple_args *a)
{
    const cn_view *in = a->in, *out = a->out;
    int32_t f = a->op->factor;
    size_t squares = (size_t)f * (size_t)f, channels = (size_t)in->c;
    for (size_t unit = a->first; unit < a->end; unit++) {
        size_t c = unit % channels, sub = c % squares;
        const float *x = cn_unit_plane(in, unit);
        float *y = out->data + (ptrdiff_t)(unit / channels) * out->image +
                   (ptrdiff_t)(c / squares) * out->plane + (ptrdiff_t)(sub / (size_t)f) * out->row +
                   (ptrdiff_t)(sub % (size_t)f);
        for (int32_t i = 0; i < in->h; i++)
            for (int32_t j = 0; j < in->w; j++)
                y[(ptrdiff_t)i * f * out->row + (ptrdiff_t)j * f] = x[i * in->row + j];
    }
}
