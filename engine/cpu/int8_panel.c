/* Convolution on 8-bit integers by panels, in the manner of conv_panel.c with slots for floats: a
 * tile of output pixels has its input packed into a panel of depth x pixels slots, depth being
 * quads of channels * kernel_h * kernel_w, which meets all blocks of output channels.
 *
 * Weights with enough slots that are zero for all of a block's channels are packed without these,
 * with a list of the panel's rows that are left; then a panel that lies in one piece in the planes
 * is read there.
 *
 * Packed weights: for each group, for each block of ROWS output channels, depth x ROWS slots of the
 * weights of four input channels; what no channel has is zero. Groups whose channels do not begin
 * and end with quads are done as one, with zeros between them. */
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "cpu/cache.h"
#include "cpu/int8_methods.h"

enum { SLOT = 4 };

static const char *name(const cn_int8_conv *c)
{
    return c->rows ? c->slots.kernels->i8_sparse.name : c->slots.kernels->i8_conv.name;
}

/* How the output pixels are cut: into vectors, these as evenly as can be into tiles; `left` pixels
 * are over. */
typedef struct cutting {
    size_t pixels, left, vectors, tiles;
} cutting;

static cutting cut_up(const cn_int8_conv *c, int32_t batch)
{
    const cn_kernels *k = c->slots.kernels;
    size_t lanes = (size_t)k->lanes, most = (size_t)k->i8_conv.pixels / lanes;
    cn_shape out = c->problem.conv.out;
    cutting cut = {.pixels = (size_t)batch * (size_t)out.h * (size_t)out.w};
    cut.left = cut.pixels % lanes;
    if (cut.left > CN_NARROW_PIXELS) cut.left = 0;
    cut.vectors = (cut.pixels - cut.left + lanes - 1) / lanes;
    cut.tiles = (cut.vectors + most - 1) / most;
    if (cut.tiles > 1) cut.tiles += cut.tiles % 2; /* two threads have the same work */
    if (!cut.tiles) cut.tiles = 1;
    return cut;
}

double cn_int8_panel_cost(const cn_int8_conv *c)
{
    static const double pack_vector = 3.7; /* measured on Zen 4 */
    int64_t pixels = (int64_t)c->problem.conv.out.h * c->problem.conv.out.w;
    int64_t lanes = c->slots.kernels->lanes, left = pixels % lanes;
    int32_t rows = c->slots.kernels->i8_conv.rows;
    double vectors = (double)pixels / (double)lanes;
    if (left > CN_NARROW_PIXELS) vectors = ceil(vectors);
    double outputs = (double)((c->group_out + rows - 1) / rows * rows);
    return c->groups * vectors * (double)c->depth * (outputs + pack_vector);
}

static int8_t *place(const cn_int8_conv *c, size_t group, size_t o, size_t i, size_t t)
{
    const cn_window *w = &c->problem.conv.window;
    size_t rows = (size_t)c->slots.kernels->i8_conv.rows;
    size_t taps = (size_t)w->kernel_h * (size_t)w->kernel_w;
    size_t slot = ((group * c->blocks + o / rows) * c->depth + i / SLOT * taps + t) * rows;
    return c->weight + (slot + o % rows) * SLOT + i % SLOT;
}

/* Whether slot `slot` of a block, `rows` slots wide, has a weight. */
static bool has_weight(const int8_t *slot, size_t rows)
{
    for (size_t i = 0; i < rows * SLOT; i++)
        if (slot[i]) return true;
    return false;
}

/* Drops slots that are zero. */
static cn_status compact(cn_int8_conv *c, cn_error *error)
{
    size_t rows = (size_t)c->slots.kernels->i8_conv.rows, blocks = (size_t)c->groups * c->blocks;
    size_t slots = blocks * c->depth, kept = 0;
    for (size_t s = 0; s < slots; s++)
        kept += has_weight(c->weight + s * rows * SLOT, rows);
    c->rows = cn_calloc(kept + 1, sizeof *c->rows);
    c->first = cn_calloc(blocks + 1, sizeof *c->first);
    int8_t *weight = cn_calloc((kept * rows + CN_PANEL_SLACK) * SLOT, 1);
    if (!c->rows || !c->first || !weight) {
        cn_free(weight);
        return cn_fail(error, CN_ENOMEM, "no memory for the weights of a convolution");
    }
    kept = 0;
    for (size_t s = 0; s < slots; s++) {
        const int8_t *slot = c->weight + s * rows * SLOT;
        if (has_weight(slot, rows)) {
            memcpy(weight + kept * rows * SLOT, slot, rows * SLOT);
            c->rows[kept++] = (int32_t)(s % c->depth);
        }
        c->first[s / c->depth + 1] = kept;
    }
    cn_free(c->weight);
    c->weight = weight;
    c->weight_bytes -= (slots - kept) * rows * SLOT;
    c->weight_bytes += kept * sizeof *c->rows + (blocks + 1) * sizeof *c->first;
    return CN_OK;
}

static cn_status pack(cn_int8_conv *c, const float *weight, const float *scales, const float *bias,
                      cn_error *error)
{
    size_t rows = (size_t)c->slots.kernels->i8_conv.rows;
    cn_status status = cn_int8_pack(c, rows, place, weight, scales, bias, error);
    return status || !c->gaps ? status : compact(c, error);
}

/* Where block `packed` of all groups begins, in slots of a channel, how many it has, and their
 * list. */
static size_t first_of(const cn_int8_conv *c, size_t packed)
{
    return c->rows ? c->first[packed] : packed * c->depth;
}

static size_t depth_of(const cn_int8_conv *c, size_t packed)
{
    return first_of(c, packed + 1) - first_of(c, packed);
}

static const int32_t *rows_of(const cn_int8_conv *c, size_t packed)
{
    return c->rows ? c->rows + c->first[packed] : NULL;
}

static size_t pixels_of(const cn_int8_conv *c)
{
    return (size_t)c->slots.kernels->i8_conv.pixels;
}

static size_t panel_slots(const cn_int8_conv *c, size_t pitch)
{
    return (c->depth * pitch + CN_PANEL_SLACK + 15) / 16 * 16;
}

/* A task's panel, of the pixels left over another, and then a tile. */
static size_t panels_slots(const cn_int8_conv *c, const cutting *cut)
{
    return (cut->vectors ? panel_slots(c, pixels_of(c)) : 0) +
           (cut->left ? panel_slots(c, CN_NARROW_PIXELS) : 0);
}

static size_t scratch(const cn_int8_conv *c, int32_t batch)
{
    size_t rows = (size_t)c->slots.kernels->i8_conv.rows;
    size_t width = pixels_of(c), narrow = CN_NARROW_BLOCKS * CN_NARROW_PIXELS;
    size_t tile = rows * (width > narrow ? width : narrow) + CN_PANEL_SLACK;
    cutting cut = cut_up(c, batch);
    return (panels_slots(c, &cut) + tile) * SLOT;
}

/* Whether each thread should have a share of the weights and do all the tiles: as in conv_panel.c.
 */
static bool share_weights(const cn_int8_conv *c, int32_t batch, size_t threads)
{
    const cn_conv_problem *p = &c->problem.conv;
    bool plain = c->depth == (size_t)c->slots.group_in && p->window.stride_w == 1;
    double weights = (double)c->group_out * (double)c->depth * SLOT;
    double input = (double)batch * c->group_in * p->in.h * p->in.w;
    return plain && weights > input && (c->blocks % threads == 0 || c->blocks >= 8 * threads);
}

/* A task is a tile and a share of one group's blocks. */
static size_t tasks(const cn_int8_conv *c, int32_t batch, int32_t threads)
{
    size_t pieces = cut_up(c, batch).tiles * (size_t)c->groups, count = (size_t)threads;
    if (!share_weights(c, batch, count)) return cn_conv_share(pieces, c->blocks, threads);
    return pieces * (count < c->blocks ? count : c->blocks);
}

static bool by_channels(const cn_int8_conv *c, int32_t batch, size_t tasks)
{
    return tasks > cut_up(c, batch).tiles;
}

/* A run of output pixels: its panel and where the pixels go. */
typedef struct part {
    float *panel;
    size_t pitch;
    cn_pack pack;
    bool packed;       /* the panel is; else the first block does it */
    const float *from; /* where sparse weights find the panel's rows; NULL: it is packed */
    int32_t width, segment_count;
    cn_segment read[CN_MAX_PIXELS], segments[CN_MAX_PIXELS]; /* of the input, of the output */
    cn_store store;
    bool stores; /* whether it will do: other activations and floats need a tile */
} part;

/* The input of output pixels first .. first + to->width - 1 of a group, and where they go. Packed
 * here where the kernels cannot. */
static void prepare(const cn_int8_conv *c, const cn_view *in, const cn_view *out,
                    const cn_view *residual, size_t group, size_t first, part *to)
{
    const cn_conv *slots = &c->slots;
    cn_pack *pack = &to->pack;
    *pack = cn_conv_pack(slots, in, group);
    pack->segments = to->read;
    pack->segment_count = cn_conv_cut_input(slots, in, first, to->width, to->read);
    pack->pitch = to->pitch;
    bool wide = to->pitch == pixels_of(c);
    bool in_place = c->rows && wide && pack->segment_count == 1 && pack->stride == 1 &&
                    to->width % slots->kernels->lanes == 0 && c->depth == (size_t)slots->group_in;
    to->from = in_place ? pack->data + to->read[0].at : NULL;
    to->packed = in_place || c->rows || !wide || pack->stride > 2;
    if (to->packed && !in_place) slots->kernels->f32_pack.run(pack, to->panel); /* it only moves */
    to->segment_count = cn_conv_cut_output(slots, out, residual, first, to->width, to->segments);
    to->stores = cn_conv_store(slots, to->width, to->segments, to->segment_count, &to->store) &&
                 c->to.saturates;
}

/* Output channels of a group from `channel` on, `channels` up to its end, packed from block
 * `packed` on. */
typedef struct target {
    const cn_view *out, *residual;
    ptrdiff_t channel;
    int32_t channels;
    size_t packed;
} target;

/* Where a block's rows go. */
static void aim(const cn_int8_conv *c, cn_store *store, const target *t, int32_t rows)
{
    ptrdiff_t quad = t->channel / 4;
    store->out = t->out->data + (c->to.floats ? t->channel : quad) * t->out->plane;
    store->out_plane = t->out->plane;
    store->residual = t->residual ? t->residual->data + quad * t->residual->plane : NULL;
    store->residual_plane = t->residual ? t->residual->plane : 0;
    store->rows = cn_quads(t->channels < rows ? t->channels : rows);
    store->plane = NULL;
}

static void finish(const cn_int8_conv *c, const target *t, const part *p, int32_t rows,
                   const int32_t *tile, size_t pitch)
{
    const cn_store *s = &p->store;
    cn_requantize to = cn_int8_to(c, t->packed * (size_t)c->slots.kernels->i8_conv.rows);
    cn_i8_finish finish = {
        .tile = tile,
        .pitch = pitch,
        .rows = t->channels < rows ? t->channels : rows,
        .out = s->out,
        .residual = s->residual,
        .out_plane = s->out_plane,
        .residual_plane = s->residual_plane,
        .segments = p->segments,
        .segment_count = p->segment_count,
        .to = &to,
    };
    c->slots.kernels->i8_finish.run(&finish);
}

/* Multiplies a block of weights with a part's panel and stores the results. */
static void run_block(const cn_int8_conv *c, const target *t, part *p, int32_t *tile)
{
    int32_t rows = c->slots.kernels->i8_conv.rows;
    cn_requantize to = cn_int8_to(c, t->packed * (size_t)rows);
    aim(c, &p->store, t, rows);
    if (p->stores && cn_cache_is_far()) cn_conv_expect(&p->store);
    cn_i8_block block = {.depth = depth_of(c, t->packed),
                         .width = p->width,
                         .weight = c->weight + first_of(c, t->packed) * (size_t)rows * SLOT,
                         .start = c->start + t->packed * (size_t)rows,
                         .panel = p->panel,
                         .pack = p->packed ? NULL : &p->pack,
                         .from = p->from,
                         .from_row = p->pack.plane,
                         .tile = tile,
                         .store = p->stores ? &p->store : NULL,
                         .to = &to,
                         .rows = rows_of(c, t->packed)};
    if (c->rows)
        c->slots.kernels->i8_sparse.run(&block);
    else
        c->slots.kernels->i8_conv.run(&block);
    p->packed = true;
    if (!p->stores) finish(c, t, p, rows, tile, pixels_of(c));
}

/* The same for `blocks` blocks and a part of few pixels. */
static void run_narrow(const cn_int8_conv *c, const target *t, int32_t blocks, part *p,
                       int32_t *tile)
{
    int32_t rows = blocks * c->slots.kernels->i8_conv.rows;
    size_t packed = t->packed * (size_t)c->slots.kernels->i8_conv.rows;
    aim(c, &p->store, t, rows);
    /* Blocks with lists of their own go one by one. */
    int32_t step = c->rows ? 1 : blocks, width = c->slots.kernels->i8_conv.rows;
    for (int32_t b = 0; b < blocks; b += step) {
        size_t block = t->packed + (size_t)b;
        c->slots.kernels->i8_narrow.run(
            &(cn_i8_narrow){.depth = depth_of(c, block),
                            .blocks = step,
                            .pixels = p->width,
                            .weight = c->weight + first_of(c, block) * (size_t)width * SLOT,
                            .start = c->start + packed + b * width,
                            .panel = p->panel,
                            .pitch = CN_NARROW_PIXELS,
                            .tile = tile + (ptrdiff_t)b * width * CN_NARROW_PIXELS,
                            .tile_pitch = CN_NARROW_PIXELS,
                            .rows = rows_of(c, block)});
    }
    finish(c, t, p, rows, tile, CN_NARROW_PIXELS);
}

/* The first block of share `share` of `shares` of a group's: shares have like numbers of slots. */
static size_t first_block(const cn_int8_conv *c, size_t group, size_t share, size_t shares)
{
    size_t begin = group * c->blocks, from = first_of(c, begin), block = 0;
    size_t slots = first_of(c, begin + c->blocks) - from;
    if (!c->rows) return c->blocks * share / shares;
    if (share == shares) return c->blocks;
    while (block < c->blocks && (first_of(c, begin + block) - from) * shares < slots * share)
        block++;
    return block;
}

/* First pixel of tile `tile`; of one after the last: where the pixels that are left begin. */
static size_t first_pixel(const cn_int8_conv *c, const cutting *cut, size_t tile)
{
    size_t at = cut->vectors * tile / cut->tiles * (size_t)c->slots.kernels->lanes;
    return at < cut->pixels - cut->left ? at : cut->pixels - cut->left;
}

static void task(const cn_int8_conv *c, const cn_view *in, const cn_view *out,
                 const cn_view *residual, size_t index, size_t tasks, void *scratch)
{
    cutting cut = cut_up(c, in->n);
    size_t shares = tasks / (cut.tiles * (size_t)c->groups), tile = index % cut.tiles;
    size_t share = index / cut.tiles % shares, group = index / cut.tiles / shares;
    size_t begin = first_block(c, group, share, shares);
    size_t end = first_block(c, group, share + 1, shares);
    size_t rows = (size_t)c->slots.kernels->i8_conv.rows, first = first_pixel(c, &cut, tile);
    float *panels = scratch;
    int32_t *sums = (int32_t *)(void *)(panels + panels_slots(c, &cut));
    target t = {out, residual, (ptrdiff_t)(group * (size_t)c->group_out + begin * rows),
                c->group_out - (int32_t)(begin * rows), group * c->blocks + begin};
    part wide, narrow; /* large: only what is used is set */
    wide.panel = panels;
    wide.pitch = pixels_of(c);
    wide.width = (int32_t)(first_pixel(c, &cut, tile + 1) - first);
    if (wide.width) prepare(c, in, out, residual, group, first, &wide);
    /* The pixels left over are shared by all tiles: each does them for some of the blocks. */
    size_t chunks = (end - begin + CN_NARROW_BLOCKS - 1) / CN_NARROW_BLOCKS;
    size_t over = chunks * tile / cut.tiles, over_end = chunks * (tile + 1) / cut.tiles;
    narrow.panel = panels + (cut.vectors ? panel_slots(c, pixels_of(c)) : 0);
    narrow.pitch = CN_NARROW_PIXELS;
    narrow.width = (int32_t)cut.left;
    if (cut.left && over < over_end)
        prepare(c, in, out, residual, group, cut.pixels - cut.left, &narrow);
    for (size_t k = 0; k < chunks; k++) {
        size_t b = begin + k * CN_NARROW_BLOCKS;
        size_t count = end - b < CN_NARROW_BLOCKS ? end - b : CN_NARROW_BLOCKS;
        target next = t;
        for (size_t i = 0; i < count; i++) {
            if (wide.width) run_block(c, &next, &wide, sums);
            next.channel += (ptrdiff_t)rows;
            next.channels -= (int32_t)rows;
            next.packed++;
        }
        if (cut.left && k >= over && k < over_end) run_narrow(c, &t, (int32_t)count, &narrow, sums);
        t = next;
    }
}

const cn_int8_method cn_int8_panel = {name, pack, scratch, tasks, by_channels, task};
