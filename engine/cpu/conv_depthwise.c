/* Depthwise convolution with the windows that the kernel has as constants, straight from the
 * planes, which need no zeros around them: whoever writes them can then store whole vectors across
 * the ends of rows. Other windows go by panels. Weights and biases stay as they are. */
#include <stdio.h>
#include <string.h>

#include "cpu/conv_methods.h"

enum { LEAST_ROWS = 8 }; /* of a share, the kernel's own twice */

static void name(cn_conv *c)
{
    snprintf(c->name, sizeof c->name, "%s", c->kernels->f32_depthwise.name);
}

static bool fits(const cn_conv_problem *p)
{
    const cn_window *w = &p->window;
    return p->in_c == p->groups && p->groups > 1 && w->kernel_h == w->kernel_w &&
           (w->kernel_h == 3 || w->kernel_h == 5) && w->stride_h == w->stride_w &&
           w->stride_h <= 2 && w->dilation_h == 1 && w->dilation_w == 1;
}

/* A vector operation for each tap and output vector, and loads between them. */
static double cost(const cn_conv *c, int32_t batch)
{
    const cn_shape out = c->problem.out;
    double vectors = (double)batch * out.h * ((out.w + c->kernels->lanes - 1) / c->kernels->lanes);
    return 2 * vectors * out.c * (double)c->depth;
}

/* Weights stay in registers. */
static cn_conv_traffic traffic(const cn_conv *c, int32_t batch)
{
    (void)c;
    (void)batch;
    return (cn_conv_traffic){0};
}

static cn_status pack(cn_conv *c, const float *weight, const float *bias, cn_error *error)
{
    size_t outputs = (size_t)c->problem.out_c;
    cn_status status = cn_conv_allocate(c, outputs * c->depth, outputs, error);
    if (status) return status;
    memcpy(c->weight, weight, outputs * c->depth * sizeof *weight);
    if (bias) memcpy(c->bias, bias, outputs * sizeof *bias);
    return CN_OK;
}

static size_t scratch(const cn_conv *c, int32_t batch)
{
    (void)c;
    (void)batch;
    return 0;
}

/* Shares of an image's rows, through all planes, where a row of planes is large beside their
 * number: there panels are cut the same way (conv_panel.c), and each thread reads what it wrote.
 * Else shares of the planes. */
static bool by_rows(const cn_conv *c, size_t shares)
{
    size_t rows = (size_t)c->problem.out.h, pixels = rows * (size_t)c->problem.out.w;
    bool large = pixels > (size_t)c->problem.out_c;
    if (c->way.split != CN_SPLIT_AUTO) large = c->way.split == CN_SPLIT_PIXELS;
    return large && rows >= shares;
}

/* More shares than threads: one that is held up leaves some of its own to the others. */
static size_t tasks(const cn_conv *c, int32_t batch, int32_t threads)
{
    size_t count = (size_t)threads, rows = (size_t)c->problem.out.h, most = 4 * count;
    size_t shares = by_rows(c, count) ? rows / LEAST_ROWS : (size_t)c->problem.out_c;
    if (threads == 1) return (size_t)batch;
    return (size_t)batch * (shares > most ? most : shares > count ? shares / count * count : count);
}

static bool by_channels(const cn_conv *c, int32_t batch, size_t tasks)
{
    return !by_rows(c, tasks / (size_t)batch);
}

static void task(const cn_conv *c, const cn_view *in, const cn_view *out, const cn_view *residual,
                 size_t index, size_t tasks, void *scratch)
{
    (void)scratch;
    const cn_conv_problem *p = &c->problem;
    size_t shares = tasks / (size_t)in->n, share = index % shares;
    size_t rows = (size_t)p->out.h, planes = (size_t)p->out_c, top = 0, bottom = rows, first = 0,
           end = planes;
    ptrdiff_t image = (ptrdiff_t)(index / shares);
    if (by_rows(c, shares)) {
        top = rows * share / shares;
        bottom = rows * (share + 1) / shares;
    } else {
        first = planes * share / shares;
        end = planes * (share + 1) / shares;
    }
    cn_depthwise d = {
        .first = (int32_t)first,
        .planes = (int32_t)(end - first),
        .multiplier = c->group_out,
        .in = in->data + image * in->image,
        .in_plane = in->plane,
        .in_row = in->row,
        .in_h = in->h,
        .in_w = in->w,
        .window = &p->window,
        .weight = c->weight,
        .bias = c->bias,
        .out = out->data + image * out->image,
        .out_plane = out->plane,
        .out_row = out->row,
        .top = (int32_t)top,
        .bottom = (int32_t)bottom,
        .w = p->out.w,
        .activation = p->activation,
    };
    if (residual) {
        d.residual = residual->data + image * residual->image;
        d.residual_plane = residual->plane;
        d.residual_row = residual->row;
    }
    c->kernels->f32_depthwise.run(&d);
}

const cn_conv_method cn_conv_depthwise = {
    CN_CONV_DEPTHWISE, 0,    false,   false, name,        fits, cost,
    traffic,           pack, scratch, tasks, by_channels, task,
};
