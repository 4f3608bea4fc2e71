/* Depthwise convolution on 8-bit integers, straight from the planes: a quad of channels at a time.
 *
 * Packed weights: for each quad, for each tap, four slots, the k-th with the weight of channel k as
 * its byte k and zeros besides; for the kernel of 3 x 3 windows, for each column of the window,
 * four slots, the k-th with the column's weights of channel k and a zero. */
#include "cpu/int8_methods.h"

enum { SLOT = 4 };

static bool is_3x3(const cn_int8_conv *c)
{
    const cn_window *w = &c->problem.conv.window;
    return w->kernel_h == 3 && w->kernel_w == 3 && w->stride_h == w->stride_w && w->stride_w <= 2 &&
           w->dilation_h == 1 && w->dilation_w == 1 && !c->problem.conv.residual;
}

static const char *name(const cn_int8_conv *c)
{
    const cn_kernels *k = c->slots.kernels;
    return is_3x3(c) ? k->i8_depthwise3.name : k->i8_depthwise.name;
}

/* Slots of one channel's weights in a quad's. */
static size_t steps_of(const cn_int8_conv *c)
{
    const cn_window *w = &c->problem.conv.window;
    return is_3x3(c) ? 3 : (size_t)w->kernel_h * (size_t)w->kernel_w;
}

static int8_t *place(const cn_int8_conv *c, size_t channel, size_t tap)
{
    size_t step = is_3x3(c) ? tap % 3 : tap, byte = is_3x3(c) ? tap / 3 : channel % 4;
    return c->weight + ((channel / 4 * steps_of(c) + step) * 4 + channel % 4) * SLOT + byte;
}

static cn_status pack(cn_int8_conv *c, const float *weight, const float *scales, const float *bias,
                      cn_error *error)
{
    const cn_window *w = &c->problem.conv.window;
    size_t channels = (size_t)c->problem.conv.out_c,
           taps = (size_t)w->kernel_h * (size_t)w->kernel_w;
    size_t quads = (channels + 3) / 4;
    cn_status status = cn_int8_allocate(c, quads * steps_of(c) * 4, quads * 4, error);
    for (size_t o = 0; o < channels && !status; o++) {
        int32_t sum = 0;
        for (size_t t = 0; t < taps && !status; t++) {
            int8_t *to = place(c, o, t);
            if (!cn_int8_level(weight[o * taps + t], scales[o], to))
                status = cn_int8_no_level(scales, o, error);
            sum += *to;
        }
        cn_int8_describe(c, o, sum, scales[o], bias ? bias[o] : 0);
    }
    return status;
}

static size_t scratch(const cn_int8_conv *c, int32_t batch)
{
    (void)c;
    (void)batch;
    return 0;
}

/* Shares of an image's rows where there are many, so that each thread reads what it wrote, else of
 * its quads. */
static bool by_rows(const cn_int8_conv *c, size_t shares)
{
    size_t rows = (size_t)c->problem.conv.out.h;
    return rows * (size_t)c->problem.conv.out.w > (size_t)c->problem.conv.out_c && rows >= shares;
}

static size_t tasks(const cn_int8_conv *c, int32_t batch, int32_t threads)
{
    enum { LEAST_ROWS = 8 };
    size_t count = (size_t)threads, rows = (size_t)c->problem.conv.out.h, most = 4 * count;
    size_t shares = by_rows(c, count) ? rows / LEAST_ROWS : (size_t)cn_quads(c->problem.conv.out_c);
    if (threads == 1) return (size_t)batch;
    return (size_t)batch * (shares > most ? most : shares > count ? shares / count * count : count);
}

static bool by_channels(const cn_int8_conv *c, int32_t batch, size_t tasks)
{
    return !by_rows(c, tasks / (size_t)batch);
}

static void task(const cn_int8_conv *c, const cn_view *in, const cn_view *out,
                 const cn_view *residual, size_t index, size_t tasks, void *scratch)
{
    (void)scratch;
    const cn_window *w = &c->problem.conv.window;
    size_t shares = tasks / (size_t)in->n, share = index % shares;
    size_t rows = (size_t)c->problem.conv.out.h, quads = (size_t)cn_quads(c->problem.conv.out_c);
    size_t top = 0, bottom = rows, first = 0, end = quads;
    ptrdiff_t image = (ptrdiff_t)(index / shares);
    if (by_rows(c, shares)) {
        top = rows * share / shares;
        bottom = rows * (share + 1) / shares;
    } else {
        first = quads * share / shares;
        end = quads * (share + 1) / shares;
    }
    for (size_t q = first; q < end; q++) {
        cn_requantize to = cn_int8_to(c, q * 4);
        ptrdiff_t plane = (ptrdiff_t)q;
        cn_i8_depthwise d = {
            .in = in->data + image * in->image + plane * in->plane - w->pad_top * in->row -
                  w->pad_left,
            .in_row = in->row,
            .window = w,
            .weight = c->weight + q * steps_of(c) * 4 * SLOT,
            .start = c->start + q * 4,
            .out = out->data + image * out->image + plane * out->plane,
            .out_row = out->row,
            .top = (int32_t)top,
            .bottom = (int32_t)bottom,
            .w = c->problem.conv.out.w,
            .to = &to,
        };
        if (residual) {
            d.residual = residual->data + image * residual->image + plane * residual->plane;
            d.residual_row = residual->row;
        }
        if (is_3x3(c))
            c->slots.kernels->i8_depthwise3.run(&d);
        else
            c->slots.kernels->i8_depthwise.run(&d);
    }
}

const cn_int8_method cn_int8_depthwise = {name, pack, scratch, tasks, by_channels, task};
