/* Convolution with output channels in the lanes, for planes whose pixels would leave lanes empty:
 * 7 x 7 planes fill 49 of 64. The panels' kernel does it with its operands exchanged: pixels are
 * broadcast, a block of its width of output channels shares each load. Any shape.
 *
 * A task is a group of pixels (of all images, one after the other), packed as blocks of as many as
 * the kernel has rows, depth x ROWS floats each, and a share of the blocks of output channels. For
 * each block of channels the depth is cut into pieces, so that a piece of the weights stays in the
 * second-level cache while all blocks of pixels go by. The finished pixels x channels are
 * transposed and stored like a tile.
 *
 * Packed weights: for each group and block of WIDTH output channels (WIDTH: the kernel's pixels),
 * depth x WIDTH floats; missing channels are zeros. Biases likewise. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "cpu/conv_ways.h"

enum {
    MAX_PIXELS = 64, /* of a task */
    DEPTH = 512      /* of a piece: 96 KiB of weights with 48 channels */
};

static size_t up(size_t x, size_t to)
{
    return (x + to - 1) / to * to;
}

static void name(cn_conv *c)
{
    const char *tile = c->kernels->f32_conv.name + strlen("f32_conv");
    snprintf(c->name, sizeof c->name, "f32_channels%s", tile);
}

static bool fits(const cn_conv_problem *p)
{
    (void)p;
    return true;
}

static size_t width(const cn_conv *c)
{
    return (size_t)c->kernels->f32_conv.pixels;
}

static size_t channel_blocks(const cn_conv *c)
{
    return ((size_t)c->group_out + width(c) - 1) / width(c);
}

/* Pixels in a block: the kernel's rows or one less, whichever leaves less of the last one empty. */
static size_t block_pixels(const cn_conv *c, size_t pixels)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows;
    return up(pixels, rows - 1) < up(pixels, rows) ? rows - 1 : rows;
}

/* Multiplications of whole vectors, packing, transposing and storing; a tenth more for the weights,
 * which are read again for each group of pixels. */
static double cost(const cn_conv *c)
{
    size_t pixels = (size_t)c->problem.out.h * (size_t)c->problem.out.w;
    double computed = (double)up(pixels, block_pixels(c, pixels)), depth = (double)c->depth;
    double vectors = ceil((double)c->group_out / c->kernels->lanes);
    return 1.1 * c->problem.groups * computed * (depth * (vectors + 1) + 6 * vectors);
}

static cn_status pack(cn_conv *c, const float *weight, const float *bias, cn_error *error)
{
    size_t outputs = width(c) * channel_blocks(c) * (size_t)c->problem.groups, floats;
    cn_status status = CN_ENOMEM;
    if (cn_mul_size(outputs, c->depth, &floats))
        status = cn_conv_allocate(c, floats, outputs, error);
    if (status) return status;
    for (size_t o = 0; o < (size_t)c->problem.out_c; o++) {
        size_t inside = o % (size_t)c->group_out;
        size_t packed = o / (size_t)c->group_out * channel_blocks(c) * width(c) + inside;
        float *to = c->weight + packed / width(c) * c->depth * width(c) + packed % width(c);
        for (size_t k = 0; k < c->depth; k++)
            to[k * width(c)] = weight[o * c->depth + k];
        if (bias) c->bias[packed] = bias[o];
    }
    return CN_OK;
}

/* Floats from block to block of packed pixels. */
static size_t block_pitch(const cn_conv *c)
{
    return up(c->depth * (size_t)c->kernels->f32_conv.rows, 16);
}

/* A thread's scratch: packed pixels; a block of channels of all pixels, before and after it is
 * transposed. Extents that are transposed are whole vectors. */
static size_t packed_floats(const cn_conv *c)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, least = rows > 1 ? rows - 1 : 1;
    return (MAX_PIXELS / least + 1) * block_pitch(c) + CN_PANEL_SLACK;
}

static size_t scratch(const cn_conv *c)
{
    return (packed_floats(c) + 2 * (MAX_PIXELS + 16) * up(width(c), 16)) * sizeof(float);
}

static size_t group_count(const cn_conv *c, int32_t batch)
{
    size_t pixels = (size_t)batch * (size_t)c->problem.out.h * (size_t)c->problem.out.w;
    return (pixels + MAX_PIXELS - 1) / MAX_PIXELS;
}

static size_t tasks(const cn_conv *c, int32_t batch, int32_t threads)
{
    return cn_conv_share(group_count(c, batch) * (size_t)c->problem.groups, channel_blocks(c),
                         threads);
}

/* The pixels of a task. */
typedef struct pixels {
    size_t first;
    int32_t count, block; /* all of them; of a block */
    float *packed, *product, *transposed;
} pixels;

static void pack_pixels(const cn_conv *c, const cn_view *in, size_t group, const pixels *x)
{
    cn_segment segments[MAX_PIXELS];
    cn_pack pack = cn_conv_pack(c, in, group);
    pack.segments = segments;
    pack.pitch = (size_t)c->kernels->f32_conv.rows;
    for (int32_t first = 0; first < x->count; first += x->block) {
        int32_t left = x->count - first, count = left < x->block ? left : x->block;
        pack.segment_count = cn_conv_cut_input(c, in, x->first + (size_t)first, count, segments);
        c->kernels->f32_pack.run(&pack, x->packed + (size_t)(first / x->block) * block_pitch(c));
    }
}

/* product[pixel][channel] of one block of channels. */
static void multiply(const cn_conv *c, size_t block, int32_t channels, const pixels *x)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, pitch = width(c);
    const float *weight = c->weight + block * c->depth * pitch;
    for (size_t i = 0; i < up((size_t)x->count, (size_t)x->block); i++)
        memcpy(x->product + i * pitch, c->bias + block * pitch, pitch * sizeof(float));
    for (size_t k = 0; k < c->depth; k += DEPTH) {
        size_t depth = c->depth - k < DEPTH ? c->depth - k : DEPTH;
        for (int32_t first = 0; first < x->count; first += x->block)
            c->kernels->f32_conv.run(
                depth, x->block, channels,
                x->packed + (size_t)(first / x->block) * block_pitch(c) + k * rows,
                weight + k * pitch, NULL, x->product + (size_t)first * pitch, NULL);
    }
}

static void run_block(const cn_conv *c, const cn_view *out, const cn_view *residual, size_t group,
                      size_t b, const pixels *x, const cn_segment *segments, int32_t segment_count)
{
    size_t left = (size_t)c->group_out - b * width(c);
    int32_t channels = (int32_t)(left < width(c) ? left : width(c));
    ptrdiff_t channel = (ptrdiff_t)(group * (size_t)c->group_out + b * width(c));
    cn_finish finish = {
        .tile = x->transposed,
        .pitch = MAX_PIXELS,
        .rows = channels,
        .out = out->data + channel * out->plane,
        .residual = residual ? residual->data + channel * residual->plane : NULL,
        .out_plane = out->plane,
        .residual_plane = residual ? residual->plane : 0,
        .segments = segments,
        .segment_count = segment_count,
        .activation = c->problem.activation,
    };
    multiply(c, group * channel_blocks(c) + b, channels, x);
    c->kernels->f32_transpose.run(x->count, channels, x->product, width(c), x->transposed,
                                  MAX_PIXELS);
    c->kernels->f32_finish.run(&finish);
}

static void task(const cn_conv *c, const cn_view *in, const cn_view *out, const cn_view *residual,
                 size_t index, size_t tasks, void *scratch)
{
    size_t groups = group_count(c, in->n), shares = tasks / (groups * (size_t)c->problem.groups);
    size_t share = index / groups % shares, group = index / groups / shares, i = index % groups;
    size_t total = (size_t)in->n * (size_t)c->problem.out.h * (size_t)c->problem.out.w;
    size_t first = total * i / groups, end = total * (i + 1) / groups;
    pixels x = {.first = first, .count = (int32_t)(end - first), .packed = scratch};
    x.block = (int32_t)block_pixels(c, end - first);
    x.product = x.packed + up(packed_floats(c), 16);
    x.transposed = x.product + (MAX_PIXELS + 16) * up(width(c), 16);
    pack_pixels(c, in, group, &x);
    cn_segment segments[MAX_PIXELS];
    int32_t count = cn_conv_cut_output(c, out, residual, first, x.count, segments);
    size_t blocks = channel_blocks(c);
    for (size_t b = blocks * share / shares; b < blocks * (share + 1) / shares; b++)
        run_block(c, out, residual, group, b, &x, segments, count);
}

const cn_conv_way cn_conv_channels = {
    CN_CONV_CHANNELS, 0, name, fits, cost, pack, scratch, tasks, task,
};
