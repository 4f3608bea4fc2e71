/* Convolution by Winograd's minimal filtering F(m x m, r x r): for each of the (m + r - 1)^2
 * positions of a transformed tile, one product of weights (out x in) with the transformed input (in
 * x tiles), by the same kernel as the panels'. (m + r - 1)^2 / m^2 products an output replace r^2:
 * 4, 2.25, 1.78 replace 9; 3.06 replace 16.
 *
 * With a stride s the input is s^2 phases, every s-th pixel each way, and its channels count as s^2
 * times as many: a window of k taps is one of r = k / s taps, rounded up, in each phase, with
 * stride 1. So the 147 products of 7 x 7 windows over 3 channels with stride 2 become 37, and the
 * 363 of 11 x 11 with stride 4 become 108.
 *
 * A task is a block of tiles (at most the kernel's width, or what the way says) and a share of the
 * blocks of output channels. It transforms the block's input for all channels (the panels), and
 * then chunk by chunk: each position's panel times the chunk's weights, which fills the chunk's
 * products; the output transform channel by channel; the store with residual and activation. A
 * chunk is as many channels as let the products stay in the second-level cache, where each panel is
 * read once a chunk.
 *
 * Packed weights: for each group, chunk and position, for each block of ROWS output channels of the
 * chunk, in_c/groups x phases x ROWS floats; missing channels are zeros. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "cpu/conv_methods.h"
#include "cpu/winograd_weights.h"

enum {
    MAX_ROWS = 16,              /* no kernel's tile is higher */
    PRODUCT_FLOATS = 96 * 1024, /* of a chunk: 384 KiB */
    APART = 16                  /* floats between positions, lest all map to one cache set */
};

/* Taps of a phase's window, each way. */
static int32_t taps(const cn_window *w)
{
    return (w->kernel_w + w->stride_w - 1) / w->stride_w;
}

static bool filters(const cn_conv_problem *p)
{
    const cn_window *w = &p->window;
    return w->kernel_h == w->kernel_w && w->stride_h == w->stride_w &&
           (w->stride_w == 1 || w->stride_w == 2 || w->stride_w == 4) && w->dilation_h == 1 &&
           w->dilation_w == 1 && p->in_c / p->groups > 1;
}

static bool fits(const cn_conv_problem *p)
{
    return filters(p) && taps(&p->window) == 3;
}

static bool fits_tile4(const cn_conv_problem *p)
{
    return fits(p) || (filters(p) && taps(&p->window) == 4);
}

/* "f32_conv_8x48_avx512" with "winograd4" for "conv" */
static void name(cn_conv *c)
{
    const char *tile = c->kernels->f32_conv.name + strlen("f32_conv");
    snprintf(c->name, sizeof c->name, "f32_winograd%d%s", c->method->tile, tile);
}

static size_t up(size_t x, size_t to)
{
    return (x + to - 1) / to * to;
}

/* Of a transformed tile, each way. */
static int32_t points(const cn_conv *c)
{
    return c->method->tile + taps(&c->problem.window) - 1;
}

static size_t positions(const cn_conv *c)
{
    return (size_t)points(c) * (size_t)points(c);
}

/* Channels of a group's input, each phase for itself. */
static size_t depth(const cn_conv *c)
{
    return (size_t)c->group_in * (size_t)c->problem.window.stride_h *
           (size_t)c->problem.window.stride_w;
}

static size_t tiles_across(const cn_conv *c)
{
    return (size_t)(c->problem.out.w + c->method->tile - 1) / (size_t)c->method->tile;
}

static size_t tiles_down(const cn_conv *c)
{
    return (size_t)(c->problem.out.h + c->method->tile - 1) / (size_t)c->method->tile;
}

/* Tiles that go in NARROW parts. */
static size_t left_over(const cn_conv *c, size_t tiles)
{
    size_t width = (size_t)cn_conv_width(c), left = tiles % width;
    return tiles > width && left <= CN_NARROW_PIXELS ? left : 0;
}

/* Operations: the products, the transforms (measured: about as many operations for a vector of
 * tiles and a channel as given here), and the weights, of which a vector operation's time lets
 * about this many floats through from memory. */
static double cost(const cn_conv *c, int32_t batch)
{
    static const double in[] = {60, 300, 500, 500}, out[] = {70, 300, 850, 430}, floats = 1;
    int32_t lanes = c->kernels->lanes, rows = c->kernels->f32_conv.rows;
    int32_t kind = taps(&c->problem.window) == 4 ? 3 : c->method->tile / 2 - 1;
    size_t tiles = (size_t)batch * tiles_across(c) * tiles_down(c), left = left_over(c, tiles);
    double vectors = ceil((double)(tiles - left) / lanes) + (double)left / rows;
    double outputs = (double)c->blocks * rows;
    double pieces = (double)batch * (double)tiles_down(c) *
                    (double)((tiles_across(c) + (size_t)lanes - 1) / (size_t)lanes);
    double in_c = (double)depth(c), products = vectors * (double)positions(c) * in_c * outputs;
    double weights = (double)positions(c) * in_c * outputs / floats;
    double all = products > weights ? products : weights;
    return c->problem.groups *
           (all + pieces * in[kind] * in_c + vectors * out[kind] * c->group_out);
}

/* Blocks of output channels in a chunk; chunks are of even size. */
static size_t chunk_size(const cn_conv *c)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, width = (size_t)cn_conv_width(c);
    size_t most = PRODUCT_FLOATS / (positions(c) * width * rows);
    if (!most) most = 1;
    size_t chunks = (c->blocks + most - 1) / most;
    return (c->blocks + chunks - 1) / chunks;
}

/* Packed output channels in chunk `k`: only the last may be shorter. */
static size_t chunk_blocks(const cn_conv *c, size_t k)
{
    size_t left = c->blocks - k * c->chunk;
    return left < c->chunk ? left : c->chunk;
}

/* The weights of one block of output channels. They are written side by side: a packed position of
 * one channel at a time would touch each line of memory as often as a block has channels. */
static void pack_block(const cn_conv *c, const float *weight, size_t group, size_t block)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, p_count = positions(c);
    size_t in = depth(c), first = block * rows, k = block / c->chunk;
    size_t left = (size_t)c->group_out - first, count = left < rows ? left : rows;
    size_t pitch = chunk_blocks(c, k) * in * rows, phases = in / (size_t)c->group_in;
    size_t window = (size_t)c->problem.window.kernel_h * (size_t)c->problem.window.kernel_w;
    const float *from = weight + (group * (size_t)c->group_out + first) * c->depth;
    float *to = c->weight + (group * c->blocks + k * c->chunk) * p_count * in * rows +
                block % c->chunk * in * rows;
    cn_winograd_transform t = cn_winograd_transform_of(points(c), taps(&c->problem.window));
    for (size_t i = 0; i < in; i++, to += rows) {
        double transformed[MAX_ROWS][CN_WINOGRAD_POINTS * CN_WINOGRAD_POINTS];
        for (size_t r = 0; r < count; r++)
            cn_winograd_weight(&t, &c->problem.window, from + r * c->depth + i / phases * window,
                               (int32_t)(i % phases), transformed[r]);
        for (size_t p = 0; p < p_count; p++)
            for (size_t r = 0; r < count; r++)
                to[p * pitch + r] = (float)transformed[r][p];
    }
}

static cn_status pack(cn_conv *c, const float *weight, const float *bias, cn_error *error)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, p_count = positions(c);
    size_t in = depth(c), outputs = (size_t)c->problem.out_c, floats;
    c->chunk = chunk_size(c);
    cn_status status = CN_ENOMEM;
    if (cn_mul_size(rows * c->blocks * (size_t)c->problem.groups * p_count, in, &floats))
        status = cn_conv_allocate(c, floats, up(outputs, rows), error);
    if (status) return status;
    if (bias)
        for (size_t o = 0; o < outputs; o++)
            c->bias[o] = bias[o];
    for (size_t group = 0; group < (size_t)c->problem.groups; group++)
        for (size_t block = 0; block < c->blocks; block++)
            pack_block(c, weight, group, block);
    return CN_OK;
}

/* A task's tiles go in two parts: as many as the kernel's width, and up to CN_NARROW_PIXELS left
 * over, for which another block would be a waste. */
enum { WIDE, NARROW, PARTS };

/* What lies where in a thread's scratch, in floats. */
typedef struct layout {
    struct {
        size_t panel_pitch, panel_position;     /* from channel to channel, position to position */
        size_t product_pitch, product_position; /* likewise */
        size_t panels, products;                /* where they begin */
    } parts[PARTS];
    size_t strip_pitch, pixel_pitch; /* from row to row */
    size_t strip, pixels, zeros, end;
} layout;

static layout lay_out(const cn_conv *c)
{
    size_t width = (size_t)c->kernels->f32_conv.pixels, m = (size_t)c->method->tile;
    size_t rows = (size_t)c->kernels->f32_conv.rows, lanes = (size_t)c->kernels->lanes;
    size_t across = tiles_across(c) < width ? tiles_across(c) : width;
    layout l = {.end = 0};
    for (int i = 0; i < PARTS; i++) {
        l.parts[i].panel_pitch = i == WIDE ? width : CN_NARROW_PIXELS;
        l.parts[i].panel_position = up(depth(c) * l.parts[i].panel_pitch, 16) + APART;
        l.parts[i].product_pitch = i == WIDE ? width : up(CN_NARROW_PIXELS, 16);
        l.parts[i].product_position = up(c->chunk * rows * l.parts[i].product_pitch, 16) + APART;
        l.parts[i].panels = l.end;
        l.parts[i].products = l.parts[i].panels + positions(c) * l.parts[i].panel_position;
        l.end = l.parts[i].products + positions(c) * l.parts[i].product_position;
    }
    l.strip_pitch = up(m * (up(across, lanes) + 1) + lanes, 16) + APART;
    l.pixel_pitch = up(m * up(width, lanes), 16);
    l.strip = l.end;
    l.pixels = l.strip + (size_t)points(c) * l.strip_pitch;
    l.zeros = l.pixels + m * l.pixel_pitch + 16;
    l.end = l.zeros + up(CN_NARROW_BLOCKS * rows, 16);
    return l;
}

static size_t scratch(const cn_conv *c, int32_t batch)
{
    (void)batch;
    return lay_out(c).end * sizeof(float);
}

static size_t tile_count(const cn_conv *c, int32_t batch)
{
    return (size_t)batch * tiles_across(c) * tiles_down(c);
}

static size_t block_count(const cn_conv *c, int32_t batch)
{
    size_t width = (size_t)cn_conv_width(c), tiles = tile_count(c, batch);
    return (tiles - left_over(c, tiles) + width - 1) / width;
}

static cn_conv_traffic traffic(const cn_conv *c, int32_t batch)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, in = depth(c);
    size_t one = positions(c) * sizeof(float), tiles = tile_count(c, batch);
    size_t width = (size_t)cn_conv_width(c), most = tiles < width ? tiles : width;
    return (cn_conv_traffic){.weights = one * in * rows * c->blocks,
                             .blocks = block_count(c, batch),
                             .held = one * (in + chunk_size(c) * rows) * most};
}

/* By channels, each thread transforms all the input. */
static size_t tasks(const cn_conv *c, int32_t batch, int32_t threads)
{
    size_t pieces = block_count(c, batch) * (size_t)c->problem.groups, count = (size_t)threads;
    if (c->way.split == CN_SPLIT_CHANNELS) return pieces * (count < c->blocks ? count : c->blocks);
    return cn_conv_share(block_count(c, batch) * (size_t)c->problem.groups, c->blocks, threads);
}

static bool by_channels(const cn_conv *c, int32_t batch, size_t tasks)
{
    return tasks > block_count(c, batch);
}

int64_t cn_winograd_products(const cn_conv *c)
{
    return (int64_t)(tile_count(c, 1) * positions(c) * depth(c)) * c->problem.out_c;
}

/* A part's tiles: their pieces in the input and their segments in the output. The tiles of an
 * image's last row may have fewer rows of pixels than others: those are the short segments. */
typedef struct block {
    int32_t tiles, piece_count, segment_count[2];
    cn_winograd_piece pieces[CN_MAX_PIXELS];
    cn_segment segments[2][CN_MAX_PIXELS]; /* of whole tiles, of short ones */
} block;

static void add_segment(const cn_conv *c, const cn_view *out, const cn_view *other, size_t image,
                        int32_t y, int32_t x, int32_t first, int32_t count, block *b)
{
    int32_t m = c->method->tile, left = c->problem.out.w - x;
    int which = c->problem.out.h - y < m;
    b->segments[which][b->segment_count[which]++] = (cn_segment){
        .at = (ptrdiff_t)image * out->image + y * out->row + x,
        .also = (ptrdiff_t)image * other->image + y * other->row + x,
        .first = first * m,
        .count = count * m < left ? count * m : left,
    };
}

static void cut(const cn_conv *c, const cn_view *in, const cn_view *out, const cn_view *residual,
                size_t first, size_t end, block *b)
{
    const cn_conv_problem *p = &c->problem;
    const cn_window *w = &p->window;
    size_t across = tiles_across(c), area = across * tiles_down(c);
    int32_t m = c->method->tile;
    b->tiles = (int32_t)(end - first);
    b->piece_count = b->segment_count[0] = b->segment_count[1] = 0;
    for (size_t t = first; t < end;) {
        size_t image = t / area;
        int32_t y = (int32_t)(t % area / across) * m, x = (int32_t)(t % across) * m;
        size_t run = across - t % across < end - t ? across - t % across : end - t;
        b->pieces[b->piece_count++] = (cn_winograd_piece){
            .at = (ptrdiff_t)image * in->image + (y * w->stride_h - w->pad_top) * in->row +
                  x * w->stride_w - w->pad_left,
            .first = (int32_t)(t - first),
            .count = (int32_t)run,
            .rows = p->out.h + taps(w) - 1 - y,
            .columns = p->out.w + taps(w) - 1 - x,
        };
        add_segment(c, out, residual ? residual : out, image, y, x, (int32_t)(t - first),
                    (int32_t)run, b);
        t += run;
    }
}

/* The panels of one part: the input of its tiles, transformed. */
static void transform(const cn_conv *c, const layout *l, int part, const cn_view *in, size_t group,
                      const block *b, float *s)
{
    const cn_window *window = &c->problem.window;
    cn_winograd_in transform = {
        .m = c->method->tile,
        .taps = taps(window),
        .stride = window->stride_w,
        .last_phase = (window->kernel_w - 1) % window->stride_w,
        .channels = c->group_in,
        .in = in->data + (ptrdiff_t)group * c->group_in * in->plane,
        .plane = in->plane,
        .row = in->row,
        .pieces = b->pieces,
        .piece_count = b->piece_count,
        .strip = s + l->strip,
        .panel = s + l->parts[part].panels,
        .strip_pitch = l->strip_pitch,
        .pitch = l->parts[part].panel_pitch,
        .position = l->parts[part].panel_position,
    };
    c->kernels->f32_winograd_in.run(&transform);
}

/* Position `p` of the part's products: `blocks` blocks of weights with its panel. */
static void multiply(const cn_conv *c, const layout *l, int part, size_t p, size_t blocks,
                     const float *weight, int32_t tiles, float *s)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, in = depth(c);
    float *panel = s + l->parts[part].panels + p * l->parts[part].panel_position;
    float *product = s + l->parts[part].products + p * l->parts[part].product_position;
    for (size_t b = 0; part == WIDE && b < blocks; b++)
        c->kernels->f32_conv.run(
            &(cn_conv_block){.depth = in,
                             .width = tiles,
                             .weight = weight + b * in * rows,
                             .bias = s + l->zeros,
                             .panel = panel,
                             .tile = product + b * rows * l->parts[part].product_pitch});
    for (size_t b = 0; part == NARROW && b < blocks; b += CN_NARROW_BLOCKS) {
        cn_narrow narrow = {
            .depth = in,
            .blocks = (int32_t)(blocks - b < CN_NARROW_BLOCKS ? blocks - b : CN_NARROW_BLOCKS),
            .pixels = tiles,
            .weight = weight + b * in * rows,
            .bias = s + l->zeros,
            .panel = panel,
            .pitch = l->parts[part].panel_pitch,
            .tile = product + b * rows * l->parts[part].product_pitch,
            .tile_pitch = l->parts[part].product_pitch,
        };
        c->kernels->f32_narrow.run(&narrow);
    }
}

/* A part's outputs from the products of `count` blocks of channels, from `begin` on. */
static void store(const cn_conv *c, const layout *l, int part, size_t group, size_t begin,
                  size_t count, const block *b, const cn_view *out, const cn_view *residual,
                  float *s)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows;
    size_t first = begin * rows, end = first + count * rows;
    if (end > (size_t)c->group_out) end = (size_t)c->group_out;
    for (size_t o = first; o < end; o++) {
        ptrdiff_t channel = (ptrdiff_t)(group * (size_t)c->group_out + o);
        cn_winograd_out w = {
            .m = c->method->tile,
            .taps = taps(&c->problem.window),
            .tiles = b->tiles,
            .products = s + l->parts[part].products + (o - first) * l->parts[part].product_pitch,
            .position = l->parts[part].product_position,
            .bias = c->bias[channel],
            .tile = s + l->pixels,
            .pitch = l->pixel_pitch,
        };
        c->kernels->f32_winograd_out.run(&w);
        for (int which = 0; which < 2; which++) {
            cn_finish finish = {
                .tile = w.tile,
                .pitch = w.pitch,
                .rows = which ? c->problem.out.h % c->method->tile : c->method->tile,
                .out = out->data + channel * out->plane,
                .residual = residual ? residual->data + channel * residual->plane : NULL,
                .out_plane = out->row,
                .residual_plane = residual ? residual->row : 0,
                .segments = b->segments[which],
                .segment_count = b->segment_count[which],
                .activation = c->problem.activation,
            };
            c->kernels->f32_finish.run(&finish);
        }
    }
}

/* Blocks begin .. begin + count - 1 of output channels, which are all of one chunk. */
static void run_blocks(const cn_conv *c, const layout *l, size_t group, size_t begin, size_t count,
                       const block *blocks, int parts, const cn_view *out, const cn_view *residual,
                       float *s)
{
    size_t one = depth(c) * (size_t)c->kernels->f32_conv.rows;
    size_t k = begin / c->chunk, first = k * c->chunk;
    const float *weight = c->weight + (group * c->blocks + first) * positions(c) * one;
    weight += (begin - first) * one;
    for (size_t p = 0; p < positions(c); p++, weight += chunk_blocks(c, k) * one)
        for (int i = 0; i < parts; i++)
            multiply(c, l, i, p, count, weight, blocks[i].tiles, s);
    for (int i = 0; i < parts; i++)
        store(c, l, i, group, begin, count, &blocks[i], out, residual, s);
}

static void task(const cn_conv *c, const cn_view *in, const cn_view *out, const cn_view *residual,
                 size_t index, size_t task_count, void *scratch)
{
    size_t tiles = tile_count(c, in->n), blocks = block_count(c, in->n);
    size_t shares = task_count / (blocks * (size_t)c->problem.groups);
    size_t share = index / blocks % shares, group = index / blocks / shares, i = index % blocks;
    size_t lanes = (size_t)c->kernels->lanes, wide = tiles - left_over(c, tiles);
    size_t vectors = (wide + lanes - 1) / lanes, end = vectors * (i + 1) / blocks * lanes;
    layout l = lay_out(c);
    float *s = scratch;
    block parts[PARTS];
    int part_count = 1;
    cut(c, in, out, residual, vectors * i / blocks * lanes, end < wide ? end : wide, &parts[WIDE]);
    if (i + 1 == blocks && wide < tiles) {
        cut(c, in, out, residual, wide, tiles, &parts[NARROW]);
        part_count = PARTS;
    }
    for (size_t z = l.zeros; z < l.end; z++)
        s[z] = 0;
    for (int part = 0; part < part_count; part++)
        transform(c, &l, part, in, group, &parts[part], s);
    size_t stop = c->blocks * (share + 1) / shares;
    for (size_t b = c->blocks * share / shares; b < stop;) {
        size_t next = (b / c->chunk + 1) * c->chunk;
        if (next > stop) next = stop;
        run_blocks(c, &l, group, b, next - b, parts, part_count, out, residual, s);
        b = next;
    }
}

#define WINOGRAD(m, fits)                                                                          \
    const cn_conv_method cn_conv_winograd##m = {                                                   \
        CN_CONV_WINOGRAD##m, m,    true, false, name, fits, cost, traffic, pack, scratch, tasks,   \
        by_channels,         task,                                                                 \
    }
WINOGRAD(2, fits);
WINOGRAD(4, fits_tile4);
WINOGRAD(6, fits);
