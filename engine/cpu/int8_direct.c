/* Convolution on 8-bit integers straight from the planes, for pictures at least half a tile wide
 * and weights that are not sparse: a row of the output is cut evenly into runs of pixels, and each
 * run is done for all channels of a block in one go. Where padding adds nothing (its byte is the
 * one that products count as zero) the taps that see only padding are left out; of a 7 x 7 picture
 * under 3 x 3 windows that is a fifth of the products.
 *
 * Packed weights: for each group, for each block of ROWS output channels, kernel_h x kernel_w x
 * quads of input channels x ROWS slots; what no channel has is zero. */
#include "cpu/int8_methods.h"

enum { SLOT = 4, LINE = 64 };

static const char *name(const cn_int8_conv *c)
{
    return c->slots.kernels->i8_direct.name;
}

static size_t rows_of(const cn_int8_conv *c)
{
    return (size_t)c->slots.kernels->i8_direct.rows;
}

static size_t blocks_of(const cn_int8_conv *c)
{
    return ((size_t)c->group_out + rows_of(c) - 1) / rows_of(c);
}

/* A row of the output as `count` runs of pixels, the first `longer` of which have one more. */
typedef struct runs {
    int32_t count, pixels, longer;
} runs;

static runs cut_row(const cn_int8_conv *c)
{
    int32_t most = c->slots.kernels->i8_direct.pixels, w = c->problem.conv.out.w;
    int32_t count = (w + most - 1) / most;
    return (runs){count, w / count, w % count};
}

/* Whether a byte of padding adds nothing to a sum. */
static bool padding_is_nothing(const cn_int8_conv *c)
{
    return c->problem.in.zero == c->slots.kernels->i8_offset;
}

/* Of `taps` taps along one axis, `step` apart, those that see more than padding: *from .. *to - 1.
 * The first tap of the first output lies at `first`, that of the last at `last`; the input has
 * `size` pixels. All of them where padding adds something. */
static void trim(const cn_int8_conv *c, int32_t first, int32_t last, int32_t taps, int32_t step,
                 int32_t size, int32_t *from, int32_t *to)
{
    *from = 0;
    *to = taps;
    if (!padding_is_nothing(c)) return;
    while (*from < *to && first + *from * step < 0)
        ++*from;
    while (*from < *to && last + (*to - 1) * step >= size)
        --*to;
}

static void set_rows(const cn_int8_conv *c, int32_t y, cn_i8_direct *d)
{
    const cn_window *w = &c->problem.conv.window;
    int32_t above = y * w->stride_h - w->pad_top;
    trim(c, above, above, w->kernel_h, w->dilation_h, c->problem.conv.in.h, &d->top, &d->bottom);
}

/* A run from pixel `begin` on. */
static void set_run(const cn_int8_conv *c, int32_t begin, int32_t pixels, cn_i8_direct *d)
{
    const cn_window *w = &c->problem.conv.window;
    int32_t first = begin * w->stride_w - w->pad_left, last = first + (pixels - 1) * w->stride_w;
    d->pixels = pixels;
    trim(c, first, last, w->kernel_w, w->dilation_w, c->problem.conv.in.w, &d->left, &d->right);
}

/* Dot products that one image takes. */
static int64_t dots(const cn_int8_conv *c)
{
    const runs cut = cut_row(c);
    cn_i8_direct d;
    int64_t taps = 0, columns = c->problem.conv.window.kernel_w, in_rows = 0;
    for (int32_t y = 0; y < c->problem.conv.out.h; y++) {
        set_rows(c, y, &d);
        in_rows += d.bottom - d.top;
    }
    for (int32_t run = 0, x = 0; run < cut.count; run++, x += d.pixels) {
        set_run(c, x, cut.pixels + (run < cut.longer), &d);
        taps += columns * d.pixels - d.left - (columns - d.right); /* each without one pixel */
    }
    size_t vectors = rows_of(c) / (size_t)c->slots.kernels->lanes;
    return in_rows * taps * c->slots.group_in * (int64_t)(blocks_of(c) * vectors) * c->groups;
}

bool cn_int8_direct_fits(const cn_int8_conv *c)
{
    const cn_conv_problem *p = &c->problem.conv;
    return p->out.w >= CN_DIRECT_LEAST(c->slots.kernels->i8_direct.pixels) &&
           p->window.stride_w <= 2;
}

double cn_int8_direct_cost(const cn_int8_conv *c)
{
    /* Measured on Zen 4: what storing a vector of one output takes beyond what panels need, with
     * words for it, of two blocks and of more, and without. */
    static const double store_few = 0, store = 2.4, store_bytes = 10;
    const cn_kernels *k = c->slots.kernels;
    double vectors = (double)c->problem.conv.out.h * c->problem.conv.out.w * c->groups / k->lanes;
    double storing = k->lanes < 2 ? store_bytes : blocks_of(c) > 2 ? store : store_few;
    return (double)dots(c) + storing * vectors * (double)c->group_out;
}

static int8_t *place(const cn_int8_conv *c, size_t group, size_t o, size_t i, size_t t)
{
    const cn_window *w = &c->problem.conv.window;
    size_t rows = rows_of(c), taps = (size_t)w->kernel_h * (size_t)w->kernel_w;
    size_t block = group * c->blocks + o / rows;
    size_t slot = (block * taps + t) * (size_t)c->slots.group_in + i / SLOT;
    return c->weight + (slot * rows + o % rows) * SLOT + i % SLOT;
}

static cn_status pack(cn_int8_conv *c, const float *weight, const float *scales, const float *bias,
                      cn_error *error)
{
    c->blocks = blocks_of(c);
    return cn_int8_pack(c, rows_of(c), place, weight, scales, bias, error);
}

static size_t scratch(const cn_int8_conv *c, int32_t batch)
{
    (void)c;
    (void)batch;
    return 0;
}

/* Pieces of an image: rows that follow one another, about as many in each. */
static size_t chunks_of(const cn_int8_conv *c)
{
    enum { CHUNK_ROWS = 7 };
    return ((size_t)c->problem.conv.out.h + CHUNK_ROWS - 1) / CHUNK_ROWS;
}

static size_t pieces_of(const cn_int8_conv *c, int32_t batch)
{
    return (size_t)batch * chunks_of(c) * (size_t)c->groups;
}

/* A task is a chunk of an image and a share of one group's blocks. */
static size_t tasks(const cn_int8_conv *c, int32_t batch, int32_t threads)
{
    return cn_conv_share(pieces_of(c, batch), c->blocks, threads);
}

static bool by_channels(const cn_int8_conv *c, int32_t batch, size_t tasks)
{
    return tasks > pieces_of(c, batch);
}

/* Rows top .. bottom - 1 of an image, for the blocks of a group that a task does. */
typedef struct part {
    const cn_view *in, *out, *residual;
    ptrdiff_t image;
    size_t group;
    int32_t top, bottom;
} part;

/* While a block is multiplied, the weights of the next one are asked for, some lines in each tap of
 * each run: read when they are needed they come too late, for a run takes them faster than memory
 * gives them. Not for windows of one tap, which would ask for all of a run's lines at once. */
static size_t lines_ahead(const cn_int8_conv *c, const part *t)
{
    const cn_window *w = &c->problem.conv.window;
    size_t lines = c->depth * rows_of(c) * SLOT / LINE;
    size_t taps = (size_t)w->kernel_h * (size_t)w->kernel_w;
    size_t times = (size_t)(t->bottom - t->top) * (size_t)cut_row(c).count * taps;
    return taps > 1 ? (lines + times - 1) / times : 0;
}

static void run_block(const cn_int8_conv *c, const part *t, size_t block, bool last)
{
    const cn_window *w = &c->problem.conv.window;
    const cn_view *in = t->in, *out = t->out, *residual = t->residual;
    size_t rows = rows_of(c), packed = t->group * c->blocks + block;
    size_t bytes = c->depth * rows * SLOT, lines = lines_ahead(c, t), asked = 0;
    ptrdiff_t quad = (ptrdiff_t)(t->group * (size_t)c->group_out + block * rows) / SLOT;
    int32_t left = c->group_out - (int32_t)(block * rows);
    cn_requantize to = cn_int8_to(c, packed * rows);
    cn_i8_direct d = {.plane = in->plane,
                      .row = w->dilation_h * in->row,
                      .column = w->dilation_w,
                      .stride = w->stride_w,
                      .quads = c->slots.group_in,
                      .kernel_w = w->kernel_w,
                      .weight = c->weight + packed * bytes,
                      .start = c->start + packed * rows,
                      .to = &to,
                      .out_plane = out->plane,
                      .residual_plane = residual ? residual->plane : 0,
                      .rows = cn_quads(left < (int32_t)rows ? left : (int32_t)rows)};
    const float *from = in->data + t->image * in->image - w->pad_left +
                        (ptrdiff_t)t->group * c->slots.group_in * in->plane;
    float *at = out->data + t->image * out->image + quad * out->plane;
    const float *also =
        residual ? residual->data + t->image * residual->image + quad * residual->plane : NULL;
    const runs cut = cut_row(c);
    for (int32_t y = t->top; y < t->bottom; y++) {
        set_rows(c, y, &d);
        size_t asks = lines * (size_t)((d.bottom - d.top) * w->kernel_w) * LINE;
        for (int32_t run = 0, x = 0; run < cut.count; run++, x += d.pixels) {
            set_run(c, x, cut.pixels + (run < cut.longer), &d);
            d.in = from + (y * w->stride_h - w->pad_top) * in->row + x * w->stride_w;
            d.out = at + y * out->row + x;
            d.residual = also ? also + y * residual->row + x : NULL;
            bool more = !last && asked + asks <= bytes;
            d.ahead_lines = more ? (int32_t)lines : 0;
            d.ahead = more ? d.weight + bytes + asked : d.weight;
            asked += more ? asks : 0;
            c->slots.kernels->i8_direct.run(&d);
        }
    }
}

static void task(const cn_int8_conv *c, const cn_view *in, const cn_view *out,
                 const cn_view *residual, size_t index, size_t tasks, void *scratch)
{
    (void)scratch;
    size_t pieces = pieces_of(c, in->n), shares = tasks / pieces, share = index / pieces;
    size_t chunks = chunks_of(c), chunk = index % chunks, rows = (size_t)c->problem.conv.out.h;
    size_t end = c->blocks * (share + 1) / shares;
    const part t = {.in = in,
                    .out = out,
                    .residual = residual,
                    .image = (ptrdiff_t)(index / chunks % (size_t)in->n),
                    .group = index % pieces / chunks / (size_t)in->n,
                    .top = (int32_t)(rows * chunk / chunks),
                    .bottom = (int32_t)(rows * (chunk + 1) / chunks)};
    for (size_t b = c->blocks * share / shares; b < end; b++)
        run_block(c, &t, b, b + 1 == end);
}

const cn_int8_method cn_int8_direct = {name, pack, scratch, tasks, by_channels, task};
