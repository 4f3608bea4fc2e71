/* Convolution by Winograd's minimal filtering F(m x m, 3 x 3): for each of the (m + 2)^2 positions
 * of a transformed tile, one product of weights (out x in) with the transformed input (in x tiles),
 * by the same kernel as the panels'. (m + 2)^2 / m^2 products an output replace nine:
 * 4, 2.25, 1.78.
 *
 * A task is a block of tiles (at most the kernel's width) and a share of the chunks of output
 * channels. It transforms the block's input for all channels (the panels), and then chunk by chunk:
 * each position's panel times the chunk's weights, which fills the chunk's products; the output
 * transform channel by channel; the store with residual and activation. A chunk is as many channels
 * as let the products stay in the second-level cache, where each panel is read once a chunk.
 *
 * Packed weights: for each group, chunk and position, for each block of ROWS output channels of the
 * chunk, in_c/groups x ROWS floats; missing channels are zeros. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "cpu/conv_ways.h"

enum {
    MAX_TILES = 64,             /* no kernel's tile is wider */
    PRODUCT_FLOATS = 96 * 1024, /* of a chunk: 384 KiB */
    APART = 16                  /* floats between positions, lest all map to one cache set */
};

static bool fits(const cn_conv_problem *p)
{
    const cn_window *w = &p->window;
    return w->kernel_h == 3 && w->kernel_w == 3 && w->stride_h == 1 && w->stride_w == 1 &&
           w->dilation_h == 1 && w->dilation_w == 1 && p->in_c / p->groups > 1;
}

/* "f32_conv_8x48_avx512" with "winograd4" for "conv" */
static void name(cn_conv *c)
{
    const char *tile = c->kernels->f32_conv.name + strlen("f32_conv");
    snprintf(c->name, sizeof c->name, "f32_winograd%d%s", c->way->tile, tile);
}

static size_t up(size_t x, size_t to)
{
    return (x + to - 1) / to * to;
}

static size_t positions(const cn_conv *c)
{
    return (size_t)(c->way->tile + 2) * (size_t)(c->way->tile + 2);
}

static size_t tiles_across(const cn_conv *c)
{
    return (size_t)(c->problem.out.w + c->way->tile - 1) / (size_t)c->way->tile;
}

static size_t tiles_down(const cn_conv *c)
{
    return (size_t)(c->problem.out.h + c->way->tile - 1) / (size_t)c->way->tile;
}

/* Operations: the products, the transforms (measured: about as many operations for a vector of
 * tiles and a channel as given here), and the weights, of which a vector operation's time lets
 * about this many floats through from memory. */
static double cost(const cn_conv *c)
{
    static const double in[] = {60, 300, 650}, out[] = {70, 300, 650}, floats = 0.75;
    int32_t lanes = c->kernels->lanes, m = c->way->tile, rows = c->kernels->f32_conv.rows;
    double tiles = (double)tiles_across(c) * (double)tiles_down(c);
    double vectors = ceil(tiles / lanes), outputs = (double)c->blocks * rows;
    double pieces =
        (double)tiles_down(c) * (double)((tiles_across(c) + (size_t)lanes - 1) / (size_t)lanes);
    double products = vectors * (double)positions(c) * c->group_in * outputs;
    double weights = (double)positions(c) * c->group_in * outputs / floats;
    double all = products > weights ? products : weights;
    return c->problem.groups *
           (all + pieces * in[m / 2 - 1] * c->group_in + vectors * out[m / 2 - 1] * c->group_out);
}

/* transformed[p] = (G w G')[p] of one kernel. G's rows are the interpolation points' powers, scaled
 * so that the transforms of input and output need few and simple factors. */
static void transform_weight(int32_t m, const float *w, double *transformed)
{
    static const double g2[][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};
    static const double g4[][3] = {{1. / 4, 0, 0},
                                   {-1. / 6, -1. / 6, -1. / 6},
                                   {-1. / 6, 1. / 6, -1. / 6},
                                   {1. / 24, 1. / 12, 1. / 6},
                                   {1. / 24, -1. / 12, 1. / 6},
                                   {0, 0, 1}};
    static const double g6[][3] = {{1, 0, 0},
                                   {-2. / 9, -2. / 9, -2. / 9},
                                   {-2. / 9, 2. / 9, -2. / 9},
                                   {1. / 90, 1. / 45, 2. / 45},
                                   {1. / 90, -1. / 45, 2. / 45},
                                   {1. / 45, 1. / 90, 1. / 180},
                                   {1. / 45, -1. / 90, 1. / 180},
                                   {0, 0, 1}};
    const double(*g)[3] = m == 2 ? g2 : m == 4 ? g4 : g6;
    for (int32_t i = 0; i < m + 2; i++) {
        double row[3];
        for (int32_t x = 0; x < 3; x++)
            row[x] =
                g[i][0] * (double)w[x] + g[i][1] * (double)w[3 + x] + g[i][2] * (double)w[6 + x];
        for (int32_t j = 0; j < m + 2; j++)
            transformed[i * (m + 2) + j] = row[0] * g[j][0] + row[1] * g[j][1] + row[2] * g[j][2];
    }
}

/* Packed output channels in chunk `k`: only the last may be shorter. */
static size_t chunk_blocks(const cn_conv *c, size_t k)
{
    size_t left = c->blocks - k * c->chunk;
    return left < c->chunk ? left : c->chunk;
}

static size_t chunk_count(const cn_conv *c)
{
    return (c->blocks + c->chunk - 1) / c->chunk;
}

static cn_status pack(cn_conv *c, const float *weight, const float *bias, cn_error *error)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, p_count = positions(c);
    size_t in = (size_t)c->group_in, outputs = (size_t)c->problem.out_c, floats;
    size_t width = (size_t)c->kernels->f32_conv.pixels;
    c->chunk = PRODUCT_FLOATS / (p_count * width * rows);
    if (!c->chunk) c->chunk = 1;
    size_t chunks = chunk_count(c); /* of even size */
    c->chunk = (c->blocks + chunks - 1) / chunks;
    cn_status status = CN_ENOMEM;
    if (cn_mul_size(rows * c->blocks * (size_t)c->problem.groups * p_count, in, &floats))
        status = cn_conv_allocate(c, floats, up(outputs, rows), error);
    if (status) return status;
    if (bias)
        for (size_t o = 0; o < outputs; o++)
            c->bias[o] = bias[o];
    for (size_t o = 0; o < outputs; o++) {
        size_t group = o / (size_t)c->group_out, inside = o % (size_t)c->group_out;
        size_t block = inside / rows, k = block / c->chunk, blocks = chunk_blocks(c, k);
        float *to = c->weight + (group * c->blocks + k * c->chunk) * p_count * in * rows +
                    block % c->chunk * in * rows + inside % rows;
        for (size_t i = 0; i < in; i++) {
            double transformed[64];
            transform_weight(c->way->tile, weight + (o * in + i) * 9, transformed);
            for (size_t p = 0; p < p_count; p++)
                to[(p * blocks * in + i) * rows] = (float)transformed[p];
        }
    }
    return CN_OK;
}

/* What lies where in a thread's scratch, in floats. */
typedef struct layout {
    size_t panel_position, product_position, strip_pitch, pixel_pitch; /* from row to row */
    size_t panels, products, strip, pixels, zeros, end;                /* where each begins */
} layout;

static layout lay_out(const cn_conv *c)
{
    size_t width = (size_t)c->kernels->f32_conv.pixels, m = (size_t)c->way->tile;
    size_t rows = (size_t)c->kernels->f32_conv.rows, lanes = (size_t)c->kernels->lanes;
    size_t across = tiles_across(c) < width ? tiles_across(c) : width;
    layout l;
    l.panel_position = up((size_t)c->group_in * width, 16) + APART;
    l.product_position = up(c->chunk * rows * width, 16) + APART;
    l.strip_pitch = up(m * (up(across, lanes) + 1) + lanes, 16) + APART;
    l.pixel_pitch = up(m * up(width, lanes), 16);
    l.panels = 0;
    l.products = l.panels + positions(c) * l.panel_position;
    l.strip = l.products + positions(c) * l.product_position;
    l.pixels = l.strip + (m + 2) * l.strip_pitch;
    l.zeros = l.pixels + m * l.pixel_pitch + 16;
    l.end = l.zeros + up(rows, 16);
    return l;
}

static size_t scratch(const cn_conv *c)
{
    return lay_out(c).end * sizeof(float);
}

/* Tiles of all images, one after the other, in blocks of about the same number of vectors. */
static size_t tile_count(const cn_conv *c, int32_t batch)
{
    return (size_t)batch * tiles_across(c) * tiles_down(c);
}

static size_t block_count(const cn_conv *c, int32_t batch)
{
    size_t width = (size_t)c->kernels->f32_conv.pixels;
    return (tile_count(c, batch) + width - 1) / width;
}

static size_t tasks(const cn_conv *c, int32_t batch, int32_t threads)
{
    return cn_conv_share(block_count(c, batch) * (size_t)c->problem.groups, chunk_count(c),
                         threads);
}

/* One block of tiles: its pieces in the input and its segments in the output. The tiles of an
 * image's last row may have fewer rows of pixels than others: those are the short segments. */
typedef struct block {
    int32_t tiles, piece_count, segment_count[2];
    cn_winograd_piece pieces[MAX_TILES];
    cn_segment segments[2][MAX_TILES]; /* of whole tiles, of short ones */
} block;

static void add_segment(const cn_conv *c, const cn_view *out, const cn_view *other, size_t image,
                        int32_t y, int32_t x, int32_t first, int32_t count, block *b)
{
    int32_t m = c->way->tile, left = c->problem.out.w - x;
    int which = c->problem.out.h - y < m;
    b->segments[which][b->segment_count[which]++] = (cn_segment){
        .at = (ptrdiff_t)image * out->image + y * out->row + x,
        .also = (ptrdiff_t)image * other->image + y * other->row + x,
        .first = first * m,
        .count = count * m < left ? count * m : left,
    };
}

static void cut(const cn_conv *c, const cn_view *in, const cn_view *out, const cn_view *other,
                size_t first, size_t end, block *b)
{
    const cn_conv_problem *p = &c->problem;
    const cn_window *w = &p->window;
    size_t across = tiles_across(c), area = across * tiles_down(c);
    int32_t m = c->way->tile;
    *b = (block){.tiles = (int32_t)(end - first)};
    for (size_t t = first; t < end;) {
        size_t image = t / area;
        int32_t y = (int32_t)(t % area / across) * m, x = (int32_t)(t % across) * m;
        size_t run = across - t % across < end - t ? across - t % across : end - t;
        b->pieces[b->piece_count++] = (cn_winograd_piece){
            .at = (ptrdiff_t)image * in->image + (y - w->pad_top) * in->row + x - w->pad_left,
            .first = (int32_t)(t - first),
            .count = (int32_t)run,
            .rows = p->out.h + 2 - y,
            .columns = p->out.w + 2 - x,
        };
        add_segment(c, out, other, image, y, x, (int32_t)(t - first), (int32_t)run, b);
        t += run;
    }
}

/* All products of chunk `k` with the panels. */
static void multiply(const cn_conv *c, const layout *l, size_t group, size_t k, int32_t tiles,
                     float *s)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, width = (size_t)c->kernels->f32_conv.pixels;
    size_t in = (size_t)c->group_in, blocks = chunk_blocks(c, k);
    const float *weight = c->weight + (group * c->blocks + k * c->chunk) * positions(c) * in * rows;
    for (size_t p = 0; p < positions(c); p++)
        for (size_t b = 0; b < blocks; b++, weight += in * rows)
            c->kernels->f32_conv.run(
                in, (int32_t)rows, tiles, weight, s + l->panels + p * l->panel_position,
                s + l->zeros, s + l->products + p * l->product_position + b * rows * width, NULL);
}

/* The outputs of chunk `k` from its products. */
static void store(const cn_conv *c, const layout *l, size_t group, size_t k, const block *b,
                  const cn_view *out, const cn_view *residual, float *s)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, width = (size_t)c->kernels->f32_conv.pixels;
    size_t first = k * c->chunk * rows, end = first + chunk_blocks(c, k) * rows;
    if (end > (size_t)c->group_out) end = (size_t)c->group_out;
    for (size_t o = first; o < end; o++) {
        ptrdiff_t channel = (ptrdiff_t)(group * (size_t)c->group_out + o);
        cn_winograd_out w = {
            .m = c->way->tile,
            .tiles = b->tiles,
            .products = s + l->products + (o - first) * width,
            .position = l->product_position,
            .bias = c->bias[channel],
            .tile = s + l->pixels,
            .pitch = l->pixel_pitch,
        };
        c->kernels->f32_winograd_out.run(&w);
        for (int which = 0; which < 2; which++) {
            cn_finish finish = {
                .tile = w.tile,
                .pitch = w.pitch,
                .rows = which ? c->problem.out.h % c->way->tile : c->way->tile,
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

static void task(const cn_conv *c, const cn_view *in, const cn_view *out, const cn_view *residual,
                 size_t index, size_t task_count, void *scratch)
{
    size_t tiles = tile_count(c, in->n), blocks = block_count(c, in->n), chunks = chunk_count(c);
    size_t shares = task_count / (blocks * (size_t)c->problem.groups);
    size_t share = index / blocks % shares, group = index / blocks / shares, i = index % blocks;
    size_t lanes = (size_t)c->kernels->lanes, vectors = (tiles + lanes - 1) / lanes;
    size_t first = vectors * i / blocks * lanes, end = vectors * (i + 1) / blocks * lanes;
    layout l = lay_out(c);
    float *s = scratch;
    block b;
    cut(c, in, out, residual ? residual : out, first, end < tiles ? end : tiles, &b);
    for (size_t z = l.zeros; z < l.end; z++)
        s[z] = 0;
    cn_winograd_in transform = {
        .m = c->way->tile,
        .channels = c->group_in,
        .in = in->data + (ptrdiff_t)group * c->group_in * in->plane,
        .plane = in->plane,
        .row = in->row,
        .pieces = b.pieces,
        .piece_count = b.piece_count,
        .strip = s + l.strip,
        .panel = s + l.panels,
        .strip_pitch = l.strip_pitch,
        .pitch = (size_t)c->kernels->f32_conv.pixels,
        .position = l.panel_position,
    };
    c->kernels->f32_winograd_in.run(&transform);
    for (size_t k = chunks * share / shares; k < chunks * (share + 1) / shares; k++) {
        multiply(c, &l, group, k, b.tiles, s);
        store(c, &l, group, k, &b, out, residual, s);
    }
}

#define WINOGRAD(m)                                                                                \
    const cn_conv_way cn_conv_winograd##m = {                                                      \
        CN_CONV_WINOGRAD##m, m, name, fits, cost, pack, scratch, tasks, task,                      \
    }
WINOGRAD(2);
WINOGRAD(4);
WINOGRAD(6);
