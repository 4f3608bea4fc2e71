/* Convolution by weights without their zeros, for any shape. A tile is some vectors of pixels;
 * every block of outputs (mask.h) goes through its steps, each of which loads the tile's pixels
 * under one tap and multiplies them with the weights of all outputs of the block.
 *
 * Direct: where the stride is 1, pixels under a tap lie side by side in the padded plane, and
 * between the end of a row and the next one lie only zeros of the padding. So an image's pixels are
 * one run, from its first pixel to its last one, gaps among them, which are computed and not
 * stored. Nothing is copied. Packed: the rows of pixels under each tap that any output uses are
 * copied into a panel for each tile first, as conv_panel.c does. That serves every stride, leaves
 * no gaps, lets tiles run across images, and costs about six operations a vector and tap. */
#include <stdio.h>

#include "cpu/cache.h"
#include "cpu/sparse.h"
#include "cpu/sparse_cut.h"

static void name(cn_conv *c)
{
    snprintf(c->name, sizeof c->name, "%s", cn_sparse_kernel_of(c).name);
}

/* Offsets are 32-bit numbers of floats. */
static bool fits(const cn_conv_problem *p)
{
    const cn_window *w = &p->window;
    double floats = (double)p->in_c * ((double)p->in.h + w->pad_top + w->pad_bottom + 64) *
                    ((double)p->in.w + w->pad_left + w->pad_right + 64);
    return p->mask && floats < (double)(1 << 30) && !cn_conv_depthwise.fits(p);
}

static cn_conv_traffic traffic(const cn_conv *c, int32_t batch)
{
    cn_cutting cut = cn_cut_up(c, batch);
    return (cn_conv_traffic){
        .weights = cn_sparse_steps(c) * (size_t)(c->method->rows + 1) * sizeof(float),
        .blocks = cut.runs * cut.tiles,
        .packed = cn_sparse_is_packed(c),
        .held = cn_sparse_taps(c) * (size_t)cn_sparse_kernel_of(c).pixels * sizeof(float)};
}

static cn_status pack(cn_conv *c, const float *weight, const float *bias, cn_error *error)
{
    return cn_sparse_pack(c, weight, bias, cn_sparse_is_packed(c), cn_sparse_pitch(c), error);
}

static size_t tile_floats(const cn_conv *c)
{
    size_t tile = (size_t)c->method->rows * (size_t)cn_sparse_kernel_of(c).pixels;
    return (tile + CN_PANEL_SLACK + 15) / 16 * 16;
}

static size_t scratch(const cn_conv *c, int32_t batch)
{
    (void)batch;
    size_t panel = cn_sparse_is_packed(c) ? cn_sparse_taps(c) * cn_sparse_pitch(c) : 0;
    return (tile_floats(c) + panel + CN_PANEL_SLACK) * sizeof(float);
}

/* Whether threads have shares of the weights rather than of the pixels: where the weights are more
 * than the input, and reading it costs nothing. */
static bool share_weights(const cn_conv *c, int32_t batch, size_t threads)
{
    const cn_conv_problem *p = &c->problem;
    if (c->way.split != CN_SPLIT_AUTO) return c->way.split == CN_SPLIT_CHANNELS;
    double weights = (double)cn_sparse_steps(c) * (c->method->rows + 1);
    double input = (double)batch * p->in_c * p->in.h * p->in.w;
    return !cn_sparse_is_packed(c) && weights > input && cn_sparse_blocks(c)->blocks >= 2 * threads;
}

static size_t tasks(const cn_conv *c, int32_t batch, int32_t threads)
{
    cn_cutting cut = cn_cut_up(c, batch);
    size_t pieces = cut.runs * cut.tiles * (size_t)c->problem.groups, count = (size_t)threads;
    size_t blocks = cn_sparse_blocks(c)->blocks;
    if (!share_weights(c, batch, count)) return cn_conv_share(pieces, blocks, threads);
    return pieces * (count < blocks ? count : blocks);
}

static bool by_channels(const cn_conv *c, int32_t batch, size_t tasks)
{
    cn_cutting cut = cn_cut_up(c, batch);
    return tasks > cut.runs * cut.tiles;
}

/* The first block of share `share` of a group: blocks with as many steps as the other shares', each
 * block counting some for what surrounds its steps. */
static size_t first_block(const cn_conv *c, size_t group, size_t share, size_t shares)
{
    enum { BESIDE_STEPS = 6 };
    const cn_mask_blocks *b = cn_sparse_blocks(c);
    if (!c->sparse->even) return b->blocks * share / shares;
    const size_t *first = b->first + group * b->blocks;
    size_t all = first[b->blocks] - first[0] + BESIDE_STEPS * b->blocks, i = 0;
    while (i < b->blocks && (first[i] - first[0] + BESIDE_STEPS * i) * shares < all * share)
        i++;
    return i;
}

double cn_sparse_work(const cn_conv *c, int32_t batch, size_t tasks, size_t index)
{
    cn_cutting cut = cn_cut_up(c, batch);
    const cn_mask_blocks *b = cn_sparse_blocks(c);
    size_t shares = tasks / (cut.runs * cut.tiles * (size_t)c->problem.groups);
    size_t share = index / (cut.runs * cut.tiles) % shares;
    size_t group = index / (cut.runs * cut.tiles) / shares;
    const size_t *first = b->first + group * b->blocks;
    return (double)(first[first_block(c, group, share + 1, shares)] -
                    first[first_block(c, group, share, shares)]);
}

/* A task at work. */
typedef struct job {
    const cn_conv *conv;
    cn_sparse_kernel kernel;
    const cn_view *in, *out, *residual;
    size_t group, begin, end; /* blocks, of all groups' */
    float *tile, *panel;
} job;

/* Pixels that are done together. */
typedef struct part {
    const float *in;
    int32_t segment_count;
    cn_segment segments[CN_MAX_PIXELS]; /* in the output and the residual */
    cn_store store;
    bool stores;
    int32_t left; /* pixels that are taken along */
    /* Direct: what the tile after this one reads besides: pixels, and where they begin, from the
     * tile's first one. */
    ptrdiff_t next_at, next;
} part;

/* Adds pixels `first` .. `first` + count - 1 of the tile to the segments. */
static void add_segment(part *p, ptrdiff_t at, ptrdiff_t also, int32_t first, int32_t count)
{
    cn_segment *last = p->segment_count ? p->segments + p->segment_count - 1 : NULL;
    if (last && last->first + last->count == first && last->at + last->count == at &&
        last->also + last->count == also)
        last->count += count;
    else
        p->segments[p->segment_count++] = (cn_segment){at, also, first, count};
}

/* Direct: pixels begin .. end - 1 of image `image`'s run, in a tile that starts with pixel `base`:
 * those that lie in rows of the output. */
static void find_rows(const job *j, size_t image, size_t base, size_t begin, size_t end, part *p)
{
    size_t row = (size_t)j->in->row, width = (size_t)j->out->w;
    const cn_view *other = j->residual ? j->residual : j->out;
    p->segment_count = 0;
    for (size_t i = begin; i < end;) {
        size_t y = i / row, x = i % row, stop = y * row + width;
        if (x >= width) {
            i = (y + 1) * row;
            continue;
        }
        size_t count = (stop < end ? stop : end) - i;
        add_segment(p, (ptrdiff_t)image * j->out->image + (ptrdiff_t)y * j->out->row + (ptrdiff_t)x,
                    (ptrdiff_t)image * other->image + (ptrdiff_t)y * other->row + (ptrdiff_t)x,
                    (int32_t)(i - base), (int32_t)count);
        i += count;
    }
}

static const float *group_data(const job *j)
{
    const cn_window *w = &j->conv->problem.window;
    return j->in->data + (ptrdiff_t)j->group * j->conv->group_in * j->in->plane -
           w->pad_top * j->in->row - w->pad_left;
}

/* Copies the taps of output pixels first .. first + count - 1 of all images into the panel. */
static void gather(const job *j, size_t first, int32_t count, part *p)
{
    const cn_conv *c = j->conv;
    const cn_sparse *s = c->sparse;
    cn_gather g = {.data = group_data(j),
                   .tap = s->tap + s->taps[j->group],
                   .taps = s->taps[j->group + 1] - s->taps[j->group],
                   .pitch = cn_sparse_pitch(c),
                   .stride = c->problem.window.stride_w,
                   .segments = p->segments};
    g.segment_count = cn_conv_cut_input(c, j->in, first, count, p->segments);
    c->kernels->f32_gather.run(&g, j->panel);
    p->in = j->panel;
    p->segment_count = cn_conv_cut_output(c, j->out, j->residual, first, count, p->segments);
}

/* The pixels begin .. end - 1 of run `run`, of which a tile reads those from `base` on. */
static void find_pixels(const job *j, size_t run, size_t base, size_t begin, size_t end, part *p)
{
    if (j->panel) {
        gather(j, begin, (int32_t)(end - begin), p);
        return;
    }
    p->in = group_data(j) + (ptrdiff_t)run * j->in->image + (ptrdiff_t)base;
    find_rows(j, run, base, begin, end, p);
}

/* What a block's rows are: their planes, and how many there are. */
static void aim(const job *j, size_t block, cn_store *s)
{
    const int32_t *outputs = cn_sparse_blocks(j->conv)->outputs + block * (size_t)j->kernel.rows;
    s->out = j->out->data;
    s->out_plane = j->out->plane;
    s->residual = j->residual ? j->residual->data : NULL;
    s->residual_plane = j->residual ? j->residual->plane : 0;
    s->plane = outputs;
    s->rows = j->kernel.rows;
    while (s->rows > 0 && outputs[s->rows - 1] < 0)
        s->rows--;
}

/* From a tile to the planes, row by row. */
static void finish(const job *j, const part *p, const cn_store *s, size_t pitch)
{
    for (int32_t r = 0; r < s->rows; r++) {
        cn_finish f = {.tile = j->tile + (size_t)r * pitch,
                       .pitch = pitch,
                       .rows = 1,
                       .out = s->out + s->plane[r] * s->out_plane,
                       .residual =
                           s->residual ? s->residual + s->plane[r] * s->residual_plane : NULL,
                       .segments = p->segments,
                       .segment_count = p->segment_count,
                       .activation = j->conv->problem.activation};
        j->conv->kernels->f32_finish.run(&f);
    }
}

/* Asks the second-level cache for the pixels at .. at + count - 1, counted from the tile's first
 * one, of share `share` of `of` of the planes: blocks read a few lines of each in an order that the
 * processor does not guess. */
static void ask(const job *j, const part *p, ptrdiff_t at, ptrdiff_t count, size_t share, size_t of)
{
    size_t channels = (size_t)j->conv->group_in;
    for (size_t i = channels * share / of; i < channels * (share + 1) / of; i++)
        for (ptrdiff_t x = at; x < at + count; x += CN_LINE)
            __builtin_prefetch(p->in + (ptrdiff_t)i * j->in->plane + x, 0, 2);
}

static void run_blocks(const job *j, part *p, int32_t vectors)
{
    const cn_conv *c = j->conv;
    const size_t *first = cn_sparse_blocks(c)->first;
    for (size_t b = j->begin; b < j->end; b++) {
        if (p->next) ask(j, p, p->next_at, p->next, b - j->begin, j->end - j->begin);
        aim(j, b, &p->store);
        j->kernel.run(&(cn_sparse_block){
            .steps = first[b + 1] - first[b],
            .vectors = vectors,
            .left = p->left,
            .weight = c->weight + first[b] * (size_t)j->kernel.rows,
            .bias = c->bias + b * (size_t)j->kernel.rows,
            .offset = c->sparse->offset + first[b],
            .in = p->in,
            .tile = j->tile,
            .store = p->stores ? &p->store : NULL,
        });
        if (!p->stores) finish(j, p, &p->store, (size_t)j->kernel.pixels);
    }
}

static void run_narrow(const job *j, part *p, int32_t pixels)
{
    const cn_conv *c = j->conv;
    const size_t *first = cn_sparse_blocks(c)->first;
    for (size_t b = j->begin; b < j->end; b++) {
        aim(j, b, &p->store);
        c->kernels->f32_sparse_narrow.run(&(cn_sparse_narrow){
            .steps = first[b + 1] - first[b],
            .rows = j->kernel.rows,
            .pixels = pixels,
            .weight = c->weight + first[b] * (size_t)j->kernel.rows,
            .bias = c->bias + b * (size_t)j->kernel.rows,
            .offset = c->sparse->offset + first[b],
            .in = p->in,
            .tile = j->tile,
        });
        finish(j, p, &p->store, CN_NARROW_PIXELS);
    }
}

/* What to ask for while the tile base .. end - 1 of a run of `all` pixels is worked on; what a
 * run's first tile reads is asked for at once. */
static void look_ahead(const job *j, size_t base, size_t end, size_t all, part *p)
{
    const cn_window *w = &j->conv->problem.window;
    ptrdiff_t reach = (w->kernel_h - 1) * w->dilation_h * j->in->row +
                      (w->kernel_w - 1) * (ptrdiff_t)w->dilation_w;
    size_t tile = (size_t)j->kernel.pixels, next = all - end < tile ? all - end : tile;
    if (base == 0) ask(j, p, 0, (ptrdiff_t)end + reach, 0, 1);
    p->next_at = (ptrdiff_t)(end - base) + reach;
    p->next = (ptrdiff_t)next;
}

/* Where the `left` pixels after the tile's first `pixels` go. False where one of them is in a gap.
 */
static bool find_left(part *p, int32_t pixels, int32_t left)
{
    int32_t found = 0;
    for (int32_t s = 0; s < p->segment_count; s++)
        for (int32_t i = 0; i < left; i++) {
            ptrdiff_t in = pixels + i - p->segments[s].first;
            if (in < 0 || in >= p->segments[s].count) continue;
            p->store.left_at[i] = p->segments[s].at + in;
            p->store.left_also[i] = p->segments[s].also + in;
            found++;
        }
    return found == left;
}

/* Finds the pixels begin .. end - 1 of a run, a tile from `base` on of `vectors` vectors, with the
 * `left` after them if these can be taken along, and where they all go. */
static void aim_tile(const job *j, size_t run, size_t base, size_t begin, size_t end,
                     int32_t vectors, int32_t left, part *p)
{
    int32_t pixels = vectors * j->conv->kernels->lanes;
    find_pixels(j, run, base, begin, end + (size_t)left, p);
    p->stores = cn_conv_store(j->conv, pixels, p->segments, p->segment_count, &p->store);
    p->left = left;
    if (left && !(p->stores && find_left(p, pixels, left)))
        aim_tile(j, run, base, begin, end, vectors, 0, p);
}

/* Vectors from .. to - 1 of a run, as one tile. A panel's last vector may be short; directly read,
 * the run's last one begins earlier instead, in a tile of its own if the run has not so many. */
static void run_tile(const job *j, const cn_cutting *cut, size_t run, size_t from, size_t to,
                     part *p)
{
    size_t lanes = (size_t)j->conv->kernels->lanes, all = cut->pixels - cut->left;
    size_t begin = from * lanes, end = to * lanes < all ? to * lanes : all, base = begin;
    if (!j->panel && to * lanes > all) {
        if (all < (to - from) * lanes) {
            run_tile(j, cut, run, from, to - 1, p);
            run_tile(j, cut, run, to - 1, to, p);
            return;
        }
        base = all - (to - from) * lanes;
    }
    bool along = cn_cut_takes_left(j->conv, *cut) && end == all &&
                 (to - from) * lanes == (size_t)j->kernel.pixels &&
                 (!j->panel || cn_sparse_pitch(j->conv) > (size_t)j->kernel.pixels);
    aim_tile(j, run, base, begin, end, (int32_t)(to - from), along ? (int32_t)cut->left : 0, p);
    p->next = 0;
    if (!j->panel && cn_cache_is_far()) look_ahead(j, base, end, all, p);
    run_blocks(j, p, (int32_t)(to - from));
}

/* The pixels that are left over, some at a time. */
static void run_left(const job *j, const cn_cutting *cut, size_t run, part *p)
{
    for (size_t i = cut->pixels - cut->left; i < cut->pixels; i += CN_NARROW_PIXELS) {
        size_t end = i + CN_NARROW_PIXELS < cut->pixels ? i + CN_NARROW_PIXELS : cut->pixels;
        find_pixels(j, run, i, i, end, p);
        run_narrow(j, p, (int32_t)(end - i));
    }
}

static void task(const cn_conv *c, const cn_view *in, const cn_view *out, const cn_view *residual,
                 size_t index, size_t tasks, void *scratch)
{
    float *memory = scratch;
    cn_cutting expected = cn_cut_up(c, in->n), cut = expected;
    if (!cn_sparse_is_packed(c)) cut = cn_cut_direct(c, in->n, in->row);
    size_t pieces = expected.runs * expected.tiles, piece = index % pieces;
    size_t shares = tasks / (pieces * (size_t)c->problem.groups), share = index / pieces % shares;
    size_t group = index / pieces / shares, block = group * cn_sparse_blocks(c)->blocks;
    part p;
    const job j = {.conv = c,
                   .kernel = cn_sparse_kernel_of(c),
                   .in = in,
                   .out = out,
                   .residual = residual,
                   .group = group,
                   .begin = block + first_block(c, group, share, shares),
                   .end = block + first_block(c, group, share + 1, shares),
                   .tile = memory,
                   .panel = c->sparse->tap ? memory + tile_floats(c) : NULL};
    size_t run = piece / expected.tiles, tile = piece % expected.tiles;
    size_t from = cut.vectors * tile / expected.tiles;
    size_t to = cut.vectors * (tile + 1) / expected.tiles;
    size_t most = (size_t)(j.kernel.pixels / c->kernels->lanes);
    size_t parts = (to - from + most - 1) / most;
    for (size_t i = 0; i < parts; i++)
        run_tile(&j, &cut, run, from + (to - from) * i / parts,
                 from + (to - from) * (i + 1) / parts, &p);
    if (cut.left && tile + 1 == expected.tiles && !(parts && p.left)) run_left(&j, &cut, run, &p);
}

#define METHOD(n)                                                                                  \
    const cn_conv_method cn_conv_sparse##n = {                                                     \
        CN_CONV_SPARSE##n, 0,    false,   false, name,        fits, cn_sparse_cost,                \
        traffic,           pack, scratch, tasks, by_channels, task, n,                             \
    }
METHOD(1);
METHOD(2);
METHOD(4);
METHOD(8);
