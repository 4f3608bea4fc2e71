/* Convolution to one pixel, as fully connected layers are, by weights without their zeros whose
 * places are bits. With one pixel nothing shares a weight, so what counts is the memory that
 * weights are read from: this takes 4 bytes for each that is not zero and a bit for every one, less
 * than dense weights from 3 % of zeros on, where an offset for each would take 4 bytes more. Sums
 * are in the lanes, which are taps. */
#include <stdio.h>
#include <string.h>

#include "cpu/cache.h"
#include "cpu/sparse.h"

enum { WORD = 64 };

static void name(cn_conv *c)
{
    snprintf(c->name, sizeof c->name, "%s", c->kernels->f32_bitmap.name);
}

static bool fits(const cn_conv_problem *p)
{
    return p->mask && p->groups == 1 && p->out.h == 1 && p->out.w == 1;
}

static size_t words_of(const cn_conv *c)
{
    return (c->depth + WORD - 1) / WORD;
}

static size_t nonzero_of(const cn_conv *c)
{
    return (size_t)(c->sparse ? c->sparse->nonzero : c->problem.mask->nonzero);
}

static size_t bytes_of(const cn_conv *c)
{
    return nonzero_of(c) * sizeof(float) +
           (size_t)c->problem.out_c * words_of(c) * sizeof(uint64_t);
}

/* Spreading weights over the lanes costs some operations a vector, in the measure of the other
 * ways' estimates for one pixel: less than an offset each with a tenth of the weights, more with a
 * twentieth. Dense weights are slower only where they do not stay in the second-level cache. */
static double cost(const cn_conv *c, int32_t batch)
{
    double weights = (double)c->problem.out_c * (double)c->depth;
    bool waits = batch == 1 && weights * sizeof(float) > (double)cn_cache_size(2);
    return batch * weights / c->kernels->lanes * (waits ? 3.5 : 20);
}

static cn_conv_traffic traffic(const cn_conv *c, int32_t batch)
{
    return (cn_conv_traffic){.weights = bytes_of(c),
                             .blocks = (size_t)batch,
                             .held = words_of(c) * WORD * sizeof(float)};
}

static cn_status pack(cn_conv *c, const float *weight, const float *bias, cn_error *error)
{
    cn_status status = cn_sparse_pack_bits(c, weight, bias, error);
    if (!status) c->weight_bytes = bytes_of(c) + (size_t)c->problem.out_c * sizeof(float);
    return status;
}

/* The inputs, and sums of all outputs. */
static size_t scratch(const cn_conv *c, int32_t batch)
{
    (void)batch;
    size_t sums = ((size_t)c->problem.out_c + CN_PANEL_SLACK + 15) / 16 * 16;
    return (words_of(c) * WORD + sums) * sizeof(float);
}

static size_t tasks(const cn_conv *c, int32_t batch, int32_t threads)
{
    size_t count = threads > 1 ? (size_t)threads : 1, outputs = (size_t)c->problem.out_c;
    (void)batch;
    return count < outputs ? count : outputs;
}

static bool by_channels(const cn_conv *c, int32_t batch, size_t tasks)
{
    (void)c, (void)batch;
    return tasks > 1;
}

static size_t first_output(const cn_conv *c, size_t index, size_t tasks)
{
    return (size_t)c->problem.out_c * index / tasks;
}

double cn_bitmap_work(const cn_conv *c, size_t tasks, size_t index)
{
    const size_t *first = c->sparse->own.first;
    return (double)(first[first_output(c, index + 1, tasks)] -
                    first[first_output(c, index, tasks)]);
}

/* The inputs of an image side by side, in the order of the taps, and zeros up to a whole word. */
static void collect(const cn_conv *c, const cn_view *in, size_t image, float *to)
{
    const cn_window *w = &c->problem.window;
    const float *data =
        in->data + (ptrdiff_t)image * in->image - w->pad_top * in->row - w->pad_left;
    float *end = to + words_of(c) * WORD;
    for (int32_t i = 0; i < c->problem.in_c; i++, data += in->plane)
        for (int32_t y = 0; y < w->kernel_h; y++)
            for (int32_t x = 0; x < w->kernel_w; x++)
                *to++ = data[y * w->dilation_h * in->row + x * w->dilation_w];
    memset(to, 0, (size_t)(end - to) * sizeof *to);
}

static void task(const cn_conv *c, const cn_view *in, const cn_view *out, const cn_view *residual,
                 size_t index, size_t tasks, void *memory)
{
    size_t first = first_output(c, index, tasks), last = first_output(c, index + 1, tasks);
    float *inputs = memory, *sums = inputs + words_of(c) * WORD;
    const cn_bitmap b = {.words = words_of(c),
                         .rows = (int32_t)(last - first),
                         .bits = c->sparse->bits + first * words_of(c),
                         .first = c->sparse->own.first + first,
                         .weight = c->weight + c->sparse->own.first[first],
                         .bias = c->bias + first,
                         .in = inputs,
                         .sum = sums};
    const cn_segment pixel = {.count = 1};
    for (size_t n = 0; n < (size_t)in->n; n++) {
        collect(c, in, n, inputs);
        c->kernels->f32_bitmap.run(&b);
        cn_finish f = {.tile = sums,
                       .pitch = 1,
                       .rows = b.rows,
                       .out = out->data + (ptrdiff_t)n * out->image + (ptrdiff_t)first * out->plane,
                       .out_plane = out->plane,
                       .segments = &pixel,
                       .segment_count = 1,
                       .activation = c->problem.activation};
        if (residual) {
            f.residual = residual->data + (ptrdiff_t)n * residual->image +
                         (ptrdiff_t)first * residual->plane;
            f.residual_plane = residual->plane;
        }
        c->kernels->f32_finish.run(&f);
    }
}

const cn_conv_method cn_conv_bitmap = {
    CN_CONV_BITMAP, 0,    false,   false, name,        fits, cost,
    traffic,        pack, scratch, tasks, by_channels, task, 1,
};
