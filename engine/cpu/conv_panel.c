/* Convolution by panels, for any shape: output pixels (of all rows and all images, one after the
 * other, so that small planes fill the vectors) are cut into tiles of at most the kernel's width. A
 * tile's input is packed into a panel of depth x pixels, depth being in_c/groups * kernel_h *
 * kernel_w; then every block of output channels is multiplied with the panel and stored. Packing a
 * panel costs about half a block's multiplication and serves all the blocks. A task is one tile and
 * all blocks one after the other or, where the way says so (weights_outer), a stack of tiles, all
 * of which meet a block before the next one.
 *
 * Packed weights: for each group, for each block of ROWS output channels, depth x ROWS floats; the
 * last block of a group is filled up with zeros. Biases: one a packed output channel. */
#include <math.h>
#include <stdio.h>

#include "condense/memory.h"
#include "cpu/cache.h"
#include "cpu/conv_methods.h"

enum {
    MOST_HELD = 4,        /* tiles of a task */
    PARTS = MOST_HELD + 1 /* and few pixels that are left over when vectors have been cut */
};

static void name(cn_conv *c)
{
    snprintf(c->name, sizeof c->name, "%s", c->kernels->f32_conv.name);
}

static bool fits(const cn_conv_problem *p)
{
    return !cn_conv_depthwise.fits(p);
}

/* How the output pixels are cut: into vectors (the last of which need not be full), these as evenly
 * as can be into tiles, and these into stacks, which are what a task does; `left` pixels are over.
 * Even numbers, where there are several, let two threads have the same work. */
typedef struct cutting {
    size_t pixels, left, vectors, tiles, stacks;
} cutting;

static size_t even(size_t count)
{
    return count > 1 ? count + count % 2 : count;
}

/* Tiles of a stack, at most: one, or as many as have their panels in half the second-level cache,
 * where the weights outside meet them one after the other. */
static size_t most_held(const cn_conv *c)
{
    size_t panel = c->depth * (size_t)cn_conv_width(c) * sizeof(float);
    size_t most = c->way.weights_outer ? cn_cache_size(2) / 2 / panel : 1;
    return most < 1 ? 1 : most > MOST_HELD ? MOST_HELD : most;
}

static size_t most_tiles(const cutting *cut)
{
    return (cut->tiles + cut->stacks - 1) / cut->stacks;
}

static cutting cut_up(const cn_conv *c, int32_t batch)
{
    size_t lanes = (size_t)c->kernels->lanes, most = (size_t)cn_conv_width(c) / lanes;
    size_t held = most_held(c);
    cutting cut = {.pixels = (size_t)batch * (size_t)c->problem.out.h * (size_t)c->problem.out.w};
    cut.left = cut.pixels % lanes;
    if (cut.left > CN_NARROW_PIXELS || cut.left == cut.pixels) cut.left = 0;
    cut.vectors = (cut.pixels - cut.left + lanes - 1) / lanes;
    cut.tiles = even((cut.vectors + most - 1) / most);
    cut.stacks = even((cut.tiles + held - 1) / held);
    return cut;
}

static cn_conv_traffic traffic(const cn_conv *c, int32_t batch)
{
    cutting cut = cut_up(c, batch);
    size_t rows = (size_t)c->kernels->f32_conv.rows, width = (size_t)cn_conv_width(c);
    size_t panel = c->depth * (cut.pixels < width ? cut.pixels : width) * sizeof(float);
    return (cn_conv_traffic){.weights = c->blocks * rows * c->depth * sizeof(float),
                             .blocks = cut.stacks,
                             .held = panel * most_tiles(&cut)};
}

/* Multiplications of whole vectors; packing a vector of the panel, while the first block is
 * multiplied, costs about one of them. Few pixels left over take half an operation each for a block
 * of channels. */
static double cost(const cn_conv *c, int32_t batch)
{
    double rows = c->kernels->f32_conv.rows, depth = (double)c->depth * c->problem.groups;
    cutting cut = cut_up(c, batch);
    double blocks = (double)c->blocks, left = (double)cut.left;
    return depth *
           ((double)cut.vectors * (blocks * rows + 1) + (left > 0 ? left * blocks / 2 + 3 : 0));
}

static cn_status pack(cn_conv *c, const float *weight, const float *bias, cn_error *error)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, groups = (size_t)c->problem.groups;
    size_t group_out = (size_t)c->group_out, outputs = rows * c->blocks * groups;
    cn_status status = cn_conv_allocate(c, outputs * c->depth, outputs, error);
    if (status) return status;
    for (size_t g = 0; g < groups; g++)
        for (size_t o = 0; o < group_out; o++) {
            size_t packed = g * c->blocks * rows + o, source = g * group_out + o;
            float *to = c->weight + packed / rows * c->depth * rows + packed % rows;
            for (size_t k = 0; k < c->depth; k++)
                to[k * rows] = weight[source * c->depth + k];
            if (bias) c->bias[packed] = bias[source];
        }
    return CN_OK;
}

/* Floats from row to row of a panel of `width` pixels. */
static size_t pitch_of(const cn_conv *c, size_t width)
{
    return width <= CN_NARROW_PIXELS ? CN_NARROW_PIXELS : (size_t)c->kernels->f32_conv.pixels;
}

static size_t panel_floats(const cn_conv *c, size_t width)
{
    return (c->depth * pitch_of(c, width) + CN_PANEL_SLACK + 15) / 16 * 16;
}

/* A task's panels, one after the other, of the pixels left over the last, and then a tile. */
static size_t panels_floats(const cn_conv *c, const cutting *cut)
{
    return panel_floats(c, cut->pixels) * most_tiles(cut) +
           (cut->left ? panel_floats(c, cut->left) : 0);
}

static size_t scratch(const cn_conv *c, int32_t batch)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, width = (size_t)c->kernels->f32_conv.pixels;
    size_t narrow = CN_NARROW_BLOCKS * CN_NARROW_PIXELS,
           tile = rows * (width > narrow ? width : narrow) + CN_PANEL_SLACK;
    cutting cut = cut_up(c, batch);
    return (panels_floats(c, &cut) + tile) * sizeof(float);
}

/* Whether each thread should have a share of the weights and do all the tiles, rather than a share
 * of the tiles: threads read less that way, and send each other less, where the weights are more
 * than the input. Larger windows cost too much packing for each thread to pack everything. */
static bool share_weights(const cn_conv *c, int32_t batch, size_t threads)
{
    const cn_conv_problem *p = &c->problem;
    if (c->way.split != CN_SPLIT_AUTO) return c->way.split == CN_SPLIT_CHANNELS;
    bool plain = c->depth == (size_t)c->group_in && p->window.stride_w == 1;
    double weights = (double)c->group_out * (double)c->depth;
    double input = (double)batch * c->group_in * p->in.h * p->in.w;
    return plain && weights > input && (c->blocks % threads == 0 || c->blocks >= 8 * threads);
}

/* A task is a stack of tiles and a share of one group's blocks. */
static size_t tasks(const cn_conv *c, int32_t batch, int32_t threads)
{
    size_t pieces = cut_up(c, batch).stacks * (size_t)c->problem.groups, count = (size_t)threads;
    if (!share_weights(c, batch, count)) return cn_conv_share(pieces, c->blocks, threads);
    return pieces * (count < c->blocks ? count : c->blocks);
}

static bool by_channels(const cn_conv *c, int32_t batch, size_t tasks)
{
    return tasks > cut_up(c, batch).stacks;
}

/* One tile of a task: its panel and where its pixels go. */
typedef struct part {
    float *panel;
    cn_pack pack;
    bool packed; /* the panel is; else the first block does it */
    int32_t width, segment_count;
    cn_segment read[CN_MAX_PIXELS];     /* in the input */
    cn_segment segments[CN_MAX_PIXELS]; /* in the output and the residual */
    cn_store store;                     /* what is the same for all rows */
    bool stores;                        /* whether it will do: sigmoid and tanh need a tile */
} part;

static bool is_narrow(const part *p)
{
    return p->width <= CN_NARROW_PIXELS;
}

/* The input of output pixels first .. first + to->width - 1 of a group, and where they go. Packed
 * here where the kernel cannot. */
static void prepare(const cn_conv *c, const cn_view *in, const cn_view *out,
                    const cn_view *residual, size_t group, size_t first, part *to)
{
    to->pack = cn_conv_pack(c, in, group);
    to->pack.segments = to->read;
    to->pack.segment_count = cn_conv_cut_input(c, in, first, to->width, to->read);
    to->pack.pitch = pitch_of(c, (size_t)to->width);
    to->packed = is_narrow(to) || to->pack.stride > 2;
    if (to->packed) c->kernels->f32_pack.run(&to->pack, to->panel);
    to->segment_count = cn_conv_cut_output(c, out, residual, first, to->width, to->segments);
    to->stores = cn_conv_store(c, to->width, to->segments, to->segment_count, &to->store);
}

/* Asks the second-level cache for shares from .. to - 1 of the input of the tile that comes next: a
 * 1 x 1 window reads a few lines of each of many planes, which the processor does not guess. */
static void ask_ahead(const cn_conv *c, const cn_view *in, size_t group, const part *next,
                      size_t from, size_t to, size_t of)
{
    const cn_conv_problem *p = &c->problem;
    size_t channels = (size_t)c->group_in;
    for (size_t i = channels * from / of; i < channels * to / of; i++) {
        const float *plane = in->data + (ptrdiff_t)(group * channels + i) * in->plane;
        for (int32_t s = 0; s < next->segment_count; s++)
            for (ptrdiff_t x = 0; x < next->segments[s].count * p->window.stride_w; x += CN_LINE)
                __builtin_prefetch(plane + next->segments[s].at + x, 0, 2);
    }
}

/* Where a block's rows go: `at` its first channel. */
static void aim(cn_store *store, const cn_view *out, const cn_view *residual, ptrdiff_t at,
                int32_t rows)
{
    store->out = out->data + at * out->plane;
    store->out_plane = out->plane;
    store->residual = residual ? residual->data + at * residual->plane : NULL;
    store->residual_plane = residual ? residual->plane : 0;
    store->rows = rows;
    store->plane = NULL;
}

/* From a tile to the planes: few pixels, or activations that the product's own store does not know.
 */
static void finish(const cn_conv *c, const part *p, const float *tile, size_t pitch)
{
    const cn_store *s = &p->store;
    cn_finish finish = {
        .tile = tile,
        .pitch = pitch,
        .rows = s->rows,
        .out = s->out,
        .residual = s->residual,
        .out_plane = s->out_plane,
        .residual_plane = s->residual_plane,
        .segments = p->segments,
        .segment_count = p->segment_count,
        .activation = c->problem.activation,
    };
    c->kernels->f32_finish.run(&finish);
}

/* What a call works on: the group's output channels from `channel` on, whose packed weights begin
 * at block `packed`. */
typedef struct target {
    const cn_view *out, *residual;
    ptrdiff_t channel;
    int32_t channels; /* up to the end of the group */
    size_t packed;
} target;

/* Multiplies a block of weights with a part's panel and stores the results. */
static void run_block(const cn_conv *c, const target *t, part *p, float *tile)
{
    int32_t rows = c->kernels->f32_conv.rows;
    aim(&p->store, t->out, t->residual, t->channel, t->channels < rows ? t->channels : rows);
    cn_conv_expect(&p->store);
    c->kernels->f32_conv.run(
        &(cn_conv_block){.depth = c->depth,
                         .width = p->width,
                         .weight = c->weight + t->packed * c->depth * (size_t)rows,
                         .bias = c->bias + t->packed * (size_t)rows,
                         .panel = p->panel,
                         .pack = p->packed ? NULL : &p->pack,
                         .tile = tile,
                         .store = p->stores ? &p->store : NULL});
    p->packed = true;
    if (!p->stores) finish(c, p, tile, (size_t)c->kernels->f32_conv.pixels);
}

/* The same for `blocks` blocks and a part of few pixels. */
static void run_narrow(const cn_conv *c, const target *t, int32_t blocks, part *p, float *tile)
{
    int32_t rows = blocks * c->kernels->f32_conv.rows;
    size_t packed = t->packed * (size_t)c->kernels->f32_conv.rows;
    cn_narrow narrow = {
        .depth = c->depth,
        .blocks = blocks,
        .pixels = p->width,
        .weight = c->weight + packed * c->depth,
        .bias = c->bias + packed,
        .panel = p->panel,
        .pitch = CN_NARROW_PIXELS,
        .tile = tile,
        .tile_pitch = CN_NARROW_PIXELS,
    };
    aim(&p->store, t->out, t->residual, t->channel, t->channels < rows ? t->channels : rows);
    c->kernels->f32_narrow.run(&narrow);
    finish(c, p, tile, CN_NARROW_PIXELS);
}

/* Blocks begin .. begin + count - 1 (at most CN_NARROW_BLOCKS) of a group: each part reads their
 * weights while they are near. */
static void run_blocks(const cn_conv *c, const cn_view *out, const cn_view *residual, size_t group,
                       size_t begin, size_t count, part *parts, int32_t part_count, float *tile)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, first = begin * rows;
    target t = {out, residual, (ptrdiff_t)(group * (size_t)c->group_out + first),
                c->group_out - (int32_t)first, group * c->blocks + begin},
           next = t;
    for (size_t b = 0; b < count; b++) {
        for (int32_t i = 0; i < part_count; i++)
            if (!is_narrow(&parts[i])) run_block(c, &next, &parts[i], tile);
        next.channel += (ptrdiff_t)rows;
        next.channels -= (int32_t)rows;
        next.packed++;
    }
    for (int32_t i = 0; i < part_count; i++)
        if (is_narrow(&parts[i])) run_narrow(c, &t, (int32_t)count, &parts[i], tile);
}

/* First pixel of tile `tile`; of one after the last: where the pixels that are left begin. */
static size_t first_pixel(const cn_conv *c, const cutting *cut, size_t tile)
{
    size_t at = cut->vectors * tile / cut->tiles * (size_t)c->kernels->lanes;
    return at < cut->pixels - cut->left ? at : cut->pixels - cut->left;
}

/* The parts of a stack's tiles; returns how many. */
static int32_t prepare_stack(const cn_conv *c, const cutting *cut, const cn_view *in,
                             const cn_view *out, const cn_view *residual, size_t group,
                             size_t stack, float *panels, part *parts)
{
    size_t tile = cut->tiles * stack / cut->stacks, end = cut->tiles * (stack + 1) / cut->stacks;
    int32_t count = 0;
    for (; tile < end; tile++, count++) {
        size_t first = first_pixel(c, cut, tile);
        parts[count].panel = panels + (size_t)count * panel_floats(c, cut->pixels);
        parts[count].width = (int32_t)(first_pixel(c, cut, tile + 1) - first);
        prepare(c, in, out, residual, group, first, &parts[count]);
    }
    return count;
}

static void task(const cn_conv *c, const cn_view *in, const cn_view *out, const cn_view *residual,
                 size_t index, size_t tasks, void *scratch)
{
    float *panels = scratch;
    cutting cut = cut_up(c, in->n);
    size_t shares = tasks / (cut.stacks * (size_t)c->problem.groups), stack = index % cut.stacks;
    size_t share = index / cut.stacks % shares, group = index / cut.stacks / shares;
    size_t begin = c->blocks * share / shares, end = c->blocks * (share + 1) / shares;
    /* The pixels left over are shared by all stacks: each does them for some of the blocks. */
    size_t chunks = (end - begin + CN_NARROW_BLOCKS - 1) / CN_NARROW_BLOCKS;
    size_t over = chunks * stack / cut.stacks, over_end = chunks * (stack + 1) / cut.stacks;
    if (!cut.left) over = over_end;
    part parts[PARTS], next; /* large: only what is used is set */
    next.segment_count = 0;
    int32_t wide = prepare_stack(c, &cut, in, out, residual, group, stack, panels, parts);
    if (over < over_end) {
        parts[wide].panel = panels + most_tiles(&cut) * panel_floats(c, cut.pixels);
        parts[wide].width = (int32_t)cut.left;
        prepare(c, in, out, residual, group, cut.pixels - cut.left, &parts[wide]);
    }
    size_t tile = cut.tiles * (stack + 1) / cut.stacks, first = first_pixel(c, &cut, tile);
    if (c->depth == (size_t)c->group_in && tile < cut.tiles)
        next.segment_count = cn_conv_cut_input(
            c, in, first, (int32_t)(first_pixel(c, &cut, tile + 1) - first), next.segments);
    for (size_t k = 0; k < chunks; k++) {
        size_t b = begin + k * CN_NARROW_BLOCKS;
        size_t count = end - b < CN_NARROW_BLOCKS ? end - b : CN_NARROW_BLOCKS;
        if (next.segment_count) ask_ahead(c, in, group, &next, k, k + 1, chunks);
        run_blocks(c, out, residual, group, b, count, parts, wide + (k >= over && k < over_end),
                   panels + panels_floats(c, &cut));
    }
}

const cn_conv_method cn_conv_panel = {
    CN_CONV_PANEL, 0,    true,    true,  name,        fits, cost,
    traffic,       pack, scratch, tasks, by_channels, task,
};
