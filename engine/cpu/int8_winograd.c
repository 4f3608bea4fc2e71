/* Convolution on 8-bit integers by Winograd's F(4 x 4, 3 x 3), exactly (i8_winograd.c): 36 products
 * in place of 144, of 16 bits in place of 8. Sums are known from what they are modulo 2^26, so that
 * they have to be less than 2^25 in magnitude for any input; the weights tell.
 *
 * A task is a run of tiles and a share of a group's blocks of output channels. It transforms the
 * tiles' input, then block by block: the products, position by position; their transform, the
 * store.
 *
 * Packed weights: for each group, for each block of ROWS output channels, 36 positions x quads of
 * input channels x 2 x ROWS pairs of 16-bit integers; what no channel has is zero. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "cpu/int8_methods.h"

enum {
    POINTS = 6,
    TILE = 4,
    TAPS = 9,
    POSITIONS = CN_WINOGRAD_POSITIONS,
    QUAD = 4,
    MAX_ROWS = 32,       /* no kernel's block is higher */
    HELD_BYTES = 1 << 20 /* of a task's tiles, transformed, and a block's products */
};

static const char *name(const cn_int8_conv *c)
{
    return c->slots.kernels->i8_winograd.name;
}

static size_t rows_of(const cn_int8_conv *c)
{
    return (size_t)c->slots.kernels->i8_winograd.rows;
}

static size_t blocks_of(const cn_int8_conv *c)
{
    return ((size_t)c->group_out + rows_of(c) - 1) / rows_of(c);
}

static size_t quads_of(const cn_int8_conv *c)
{
    return (size_t)c->slots.group_in;
}

static size_t tiles_across(const cn_int8_conv *c)
{
    return (size_t)(c->problem.conv.out.w + TILE - 1) / TILE;
}

static size_t tiles_of(const cn_int8_conv *c, int32_t batch)
{
    return (size_t)batch * tiles_across(c) * ((size_t)(c->problem.conv.out.h + TILE - 1) / TILE);
}

int64_t cn_int8_winograd_products(const cn_int8_conv *c)
{
    return (int64_t)(tiles_of(c, 1) * POSITIONS) * c->group_in * c->group_out * c->groups;
}

/* Runs of tiles, one a task: as many tiles as let what is held stay in the second-level cache. */
static size_t runs_of(const cn_int8_conv *c, int32_t batch)
{
    size_t one = POSITIONS * (quads_of(c) * QUAD * sizeof(int16_t) + rows_of(c) * sizeof(int32_t));
    size_t width = (size_t)c->slots.kernels->i8_winograd.pixels;
    size_t most = (HELD_BYTES / one + width / 2) / width * width, tiles = tiles_of(c, batch);
    if (!most) most = width;
    if (most > CN_MAX_PIXELS / width * width) most = CN_MAX_PIXELS / width * width;
    size_t runs = (tiles + most - 1) / most;
    return runs > 1 ? runs + runs % 2 : runs; /* two threads have the same work */
}

/* Whether no input gives sums beyond reach, `weight` being those of one output, and their factor
 * can be divided. */
static bool sums_fit(const cn_int8_conv *c, const float *weight, size_t count, float scale)
{
    enum { REACH = 1 << 25, LEVELS = 255 };
    static const float least = FLT_MIN * CN_WINOGRAD_SUMS;
    double above = 0, below = 0, zero = c->problem.in.zero;
    double most = REACH - (double)CN_INT8_NEAR * LEVELS * (double)count;
    for (size_t i = 0; i < count; i++) {
        above += weight[i] > 0 ? (double)weight[i] : 0;
        below += weight[i] < 0 ? (double)-weight[i] : 0;
    }
    above /= (double)scale, below /= (double)scale;
    return above * (LEVELS - zero) + below * zero < most &&
           below * (LEVELS - zero) + above * zero < most &&
           c->problem.in.scale * scale * c->unit >= least;
}

bool cn_int8_winograd_fits(const cn_int8_conv *c, const float *weight, const float *scales)
{
    const cn_conv_problem *p = &c->problem.conv;
    const cn_window *w = &p->window;
    size_t count = (size_t)(p->in_c / p->groups) * TAPS;
    if (c->groups != p->groups || w->kernel_h != 3 || w->kernel_w != 3 || w->stride_h != 1 ||
        w->stride_w != 1 || w->dilation_h != 1 || w->dilation_w != 1)
        return false;
    for (size_t o = 0; o < (size_t)p->out_c; o++)
        if (!sums_fit(c, weight + o * count, count, scales[o])) return false;
    return true;
}

/* In dot products of bytes, measured on Zen 4; those of NEON and scalar by their instructions. */
static const struct costs {
    double pairs;   /* two products of 16 bits */
    double weights; /* reading a vector of weights, where tiles are too few to hide it */
    double in;      /* transforming the input of neighbouring tiles for a quad */
    double out;     /* keeping, transforming and storing a vector of channels of a tile */
} costs[] = {
    [CN_ISA_SCALAR] = {0.5, 0, 30, 30},    [CN_ISA_NEON] = {0.5, 2, 60, 80},
    [CN_ISA_NEON_DOT] = {2, 8, 240, 320},  [CN_ISA_AVX2] = {0.5, 1.3, 100, 120},
    [CN_ISA_AVX512] = {0.5, 2.6, 150, 70}, [CN_ISA_AVX512_VNNI] = {1, 10.5, 576, 256},
};

double cn_int8_winograd_cost(const cn_int8_conv *c)
{
    const struct costs *cost = &costs[c->slots.kernels->isa];
    double lanes = c->slots.kernels->lanes, neighbours = lanes > 1 ? lanes / 2 : 1;
    double across = (double)tiles_across(c), tiles = (double)tiles_of(c, 1);
    double transforms = ceil(across / neighbours) / across * tiles * (double)quads_of(c);
    double vectors = (double)(blocks_of(c) * rows_of(c)) / lanes;
    double weights = POSITIONS * (double)quads_of(c) * (QUAD / 2) * vectors;
    double products = weights * fmax(tiles * cost->pairs, cost->weights);
    return c->groups * (products + transforms * cost->in + tiles * vectors * cost->out);
}

/* The weights of one channel and kernel, transformed: see i8_winograd.c. */
static void transform(const int8_t *weight, int16_t *to)
{
    static const int8_t g[POINTS][3] = {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4},
                                        {1, 2, 4}, {1, -2, 4},   {0, 0, 12}};
    int32_t rows[POINTS][3];
    for (int i = 0; i < POINTS; i++)
        for (int x = 0; x < 3; x++)
            rows[i][x] = g[i][0] * weight[x] + g[i][1] * weight[3 + x] + g[i][2] * weight[6 + x];
    for (int i = 0; i < POINTS; i++)
        for (int j = 0; j < POINTS; j++)
            to[i * POINTS + j] =
                (int16_t)(g[j][0] * rows[i][0] + g[j][1] * rows[i][1] + g[j][2] * rows[i][2]);
}

/* Transforms the weights of input channels quad * QUAD .. of one output into `to`, [position][pair]
 * [row][2], of which it is row `row`, and adds them up. */
static bool transform_quad(const cn_int8_conv *c, const float *weight, size_t quad, float scale,
                           size_t row, int16_t to[POSITIONS][QUAD / 2][MAX_ROWS][2], int32_t *sum)
{
    size_t first = quad * QUAD, left = (size_t)c->group_in - first;
    for (size_t k = 0; k < QUAD && k < left; k++) {
        int8_t levels[TAPS];
        int16_t transformed[POSITIONS];
        for (size_t t = 0; t < TAPS; t++) {
            if (!cn_int8_level(weight[(first + k) * TAPS + t], scale, &levels[t])) return false;
            *sum += levels[t];
        }
        transform(levels, transformed);
        for (size_t p = 0; p < POSITIONS; p++)
            to[p][k / 2][row][k % 2] = transformed[p];
    }
    return true;
}

/* Packs block `packed` of all groups, whose first output channel is `first`, the problem's; there
 * are `count`. The number of the channel with a weight that is no level, or -1. */
static ptrdiff_t pack_block(const cn_int8_conv *c, size_t packed, size_t first, size_t count,
                            const float *weight, const float *scales, int32_t *sums)
{
    size_t rows = rows_of(c), inputs = (size_t)c->group_in * TAPS, quads = quads_of(c);
    int16_t quad[POSITIONS][QUAD / 2][MAX_ROWS][2];
    int16_t *to = (int16_t *)(void *)c->weight + packed * POSITIONS * quads * QUAD * rows;
    for (size_t q = 0; q < quads; q++) {
        memset(quad, 0, sizeof quad);
        for (size_t r = 0; r < count; r++)
            if (!transform_quad(c, weight + (first + r) * inputs, q, scales[first + r], r, quad,
                                &sums[r]))
                return (ptrdiff_t)(first + r);
        for (size_t p = 0; p < POSITIONS; p++)
            for (size_t pair = 0; pair < QUAD / 2; pair++)
                memcpy(to + ((p * quads + q) * (QUAD / 2) + pair) * rows * 2, quad[p][pair],
                       rows * 2 * sizeof(int16_t));
    }
    return -1;
}

static cn_status pack(cn_int8_conv *c, const float *weight, const float *scales, const float *bias,
                      cn_error *error)
{
    c->blocks = blocks_of(c);
    size_t rows = rows_of(c), outputs = (size_t)c->groups * c->blocks * rows, slots;
    if (!cn_mul_size(outputs, POSITIONS * quads_of(c) * QUAD / 2, &slots))
        return cn_fail(error, CN_ENOMEM, "no memory for the weights of a convolution");
    cn_status status = cn_int8_allocate(c, slots, outputs, error);
    for (size_t b = 0; b < (size_t)c->groups * c->blocks && !status; b++) {
        size_t begin = b % c->blocks * rows, left = (size_t)c->group_out - begin;
        size_t first = b / c->blocks * (size_t)c->group_out + begin,
               count = left < rows ? left : rows;
        int32_t sums[MAX_ROWS] = {0};
        ptrdiff_t wrong = pack_block(c, b, first, count, weight, scales, sums);
        if (wrong >= 0) status = cn_int8_no_level(scales, (size_t)wrong, error);
        for (size_t r = 0; r < count && !status; r++) {
            size_t packed = b * rows + r, o = first + r;
            cn_int8_describe(c, packed, sums[r], scales[o], bias ? bias[o] : 0);
            /* Sums have no offset and are CN_WINOGRAD_SUMS times as large. */
            c->start[packed] -= c->slots.kernels->i8_offset * sums[r];
            c->start[packed] = (int32_t)((uint32_t)c->start[packed] * CN_WINOGRAD_SUMS);
            c->factor[packed] /= CN_WINOGRAD_SUMS;
        }
    }
    return status;
}

/* What a thread's scratch holds: from position to position, in numbers of their size. */
typedef struct layout {
    size_t tiles;           /* at most */
    size_t panel, products; /* 16-bit integers, 32-bit integers */
} layout;

static layout lay_out(const cn_int8_conv *c, int32_t batch)
{
    enum { LINE = 32, APART = 16 }; /* lest all positions map to one cache set */
    size_t tiles = tiles_of(c, batch), runs = runs_of(c, batch), most = (tiles + runs - 1) / runs;
    size_t panel = (most * quads_of(c) * QUAD + CN_WINOGRAD_SLACK + LINE - 1) / LINE * LINE;
    return (layout){most, panel, most * rows_of(c) + APART};
}

static size_t scratch(const cn_int8_conv *c, int32_t batch)
{
    layout l = lay_out(c, batch);
    return POSITIONS * (l.panel * sizeof(int16_t) + l.products * sizeof(int32_t));
}

static size_t tasks(const cn_int8_conv *c, int32_t batch, int32_t threads)
{
    return cn_conv_share(runs_of(c, batch) * (size_t)c->groups, c->blocks, threads);
}

static bool by_channels(const cn_int8_conv *c, int32_t batch, size_t tasks)
{
    return tasks > runs_of(c, batch);
}

/* A run's tiles: their pieces in the input and their places in the output, row by row. */
typedef struct run {
    int32_t tiles, count;
    cn_winograd_piece pieces[CN_MAX_PIXELS];
    cn_winograd_place places[CN_MAX_PIXELS];
} run;

static void cut(const cn_int8_conv *c, const cn_view *in, const cn_view *out,
                const cn_view *residual, size_t first, size_t end, run *r)
{
    const cn_conv_problem *p = &c->problem.conv;
    const cn_window *w = &p->window;
    const cn_view *other = residual ? residual : out;
    size_t across = tiles_across(c), area = tiles_of(c, 1);
    r->tiles = (int32_t)(end - first);
    r->count = 0;
    for (size_t t = first; t < end; r->count++) {
        ptrdiff_t image = (ptrdiff_t)(t / area);
        int32_t y = (int32_t)(t % area / across) * TILE, x = (int32_t)(t % across) * TILE;
        size_t count = across - t % across < end - t ? across - t % across : end - t;
        r->pieces[r->count] = (cn_winograd_piece){
            .at = image * in->image + (y - w->pad_top) * in->row + x - w->pad_left,
            .first = (int32_t)(t - first),
            .count = (int32_t)count,
            .rows = p->out.h + 2 - y,
            .columns = p->out.w + 2 - x,
        };
        r->places[r->count] = (cn_winograd_place){
            .at = image * out->image + y * out->row + x,
            .also = image * other->image + y * other->row + x,
            .first = (int32_t)(t - first),
            .count = (int32_t)count,
            .rows = p->out.h - y,
            .columns = p->out.w - x,
        };
        t += count;
    }
}

static void run_block(const cn_int8_conv *c, const layout *l, const run *r, size_t group,
                      size_t block, const cn_view *out, const cn_view *residual,
                      const int16_t *panel, int32_t *products)
{
    size_t rows = rows_of(c), packed = group * c->blocks + block, one = quads_of(c) * QUAD * rows;
    ptrdiff_t quad = (ptrdiff_t)(group * (size_t)c->group_out + block * rows) / QUAD;
    int32_t left = c->group_out - (int32_t)(block * rows);
    cn_requantize to = cn_int8_to(c, packed * rows);
    for (size_t p = 0; p < POSITIONS; p++)
        c->slots.kernels->i8_winograd.run(&(cn_i8_winograd){
            .weight = (const int16_t *)(const void *)c->weight + (packed * POSITIONS + p) * one,
            .panel = panel + p * l->panel,
            .pitch = l->tiles,
            .quads = c->slots.group_in,
            .tiles = r->tiles,
            .products = products + p * l->products,
        });
    c->slots.kernels->i8_winograd_out.run(&(cn_i8_winograd_out){
        .products = products,
        .position = l->products,
        .start = c->start + packed * rows,
        .to = &to,
        .out = out->data + quad * out->plane,
        .residual = residual ? residual->data + quad * residual->plane : NULL,
        .out_plane = out->plane,
        .out_row = out->row,
        .residual_plane = residual ? residual->plane : 0,
        .residual_row = residual ? residual->row : 0,
        .rows = cn_quads(left < (int32_t)rows ? left : (int32_t)rows),
        .place_count = r->count,
        .places = r->places,
    });
}

static void task(const cn_int8_conv *c, const cn_view *in, const cn_view *out,
                 const cn_view *residual, size_t index, size_t tasks, void *scratch)
{
    size_t runs = runs_of(c, in->n), tiles = tiles_of(c, in->n), i = index % runs;
    size_t shares = tasks / (runs * (size_t)c->groups), share = index / runs % shares;
    size_t group = index / runs / shares, stop = c->blocks * (share + 1) / shares;
    layout l = lay_out(c, in->n);
    int32_t *products = scratch;
    int16_t *panel = (int16_t *)(void *)(products + POSITIONS * l.products);
    run r;
    cut(c, in, out, residual, tiles * i / runs, tiles * (i + 1) / runs, &r);
    c->slots.kernels->i8_winograd_in.run(&(cn_i8_winograd_in){
        .in = in->data + (ptrdiff_t)group * c->slots.group_in * in->plane,
        .plane = in->plane,
        .row = in->row,
        .quads = c->slots.group_in,
        .piece_count = r.count,
        .pieces = r.pieces,
        .panel = panel,
        .pitch = l.tiles,
        .position = l.panel,
    });
    for (size_t b = c->blocks * share / shares; b < stop; b++)
        run_block(c, &l, &r, group, b, out, residual, panel, products);
}

const cn_int8_method cn_int8_winograd = {name, pack, scratch, tasks, by_channels, task};
