/* Generated kernels and the convolution that runs on them. */
#include "cpu/generated.h"

#include <limits.h>
#include <stdio.h>

#include "cpu/phases.h"
#include "cpu/sparse_cut.h"

/* Phases of a strip, of all channels: more floats than this do not stay in the second-level cache.
 */
enum { MOST_PHASES = 1 << 19 };

int32_t cn_generated_rows(cn_isa isa)
{
    switch (cn_isa_of_floats(isa)) {
    case CN_ISA_AVX512:
        return 30; /* of 32 registers, less one for the pixels; one is left over */
    case CN_ISA_AVX2:
        return 14; /* of 16, less pixels and weight */
    case CN_ISA_NEON:
        return 28; /* of 32, less pixels and four weights; two are left over */
    default:
        return 0;
    }
}

/* The largest offset that instructions hold as a number of bytes: 31 bits, on ARM 24. */
static int32_t reach(cn_isa isa)
{
    return cn_isa_of_floats(isa) == CN_ISA_NEON ? (1 << 24) / 4 - 1 : INT32_MAX / 4;
}

/* Every output's offsets ascend, so that the outputs of a block can be visited together. */
static bool can_visit(const cn_sparse *s, size_t outputs, int32_t most)
{
    for (size_t o = 0; o < outputs; o++)
        for (size_t i = s->own.first[o]; i < s->own.first[o + 1]; i++)
            if (s->offset[i] > most || (i > s->own.first[o] && s->offset[i] <= s->offset[i - 1]))
                return false;
    return true;
}

static bool is_split(const cn_conv *c)
{
    return cn_conv_is_strided(&c->problem);
}

/* An image's pixels are one run, from its first pixel to its last one, with what lies between the
 * rows, which is computed and not stored. It is cut into strips evenly. */
static size_t run_row(const cn_conv *c)
{
    return is_split(c) ? cn_phases_of(&c->problem, 0).row : (size_t)c->sparse->row;
}

static size_t run_pixels(const cn_conv *c)
{
    const cn_shape *out = &c->problem.out;
    return (size_t)(out->h - 1) * run_row(c) + (size_t)out->w;
}

size_t cn_generated_strips(const cn_conv *c)
{
    return (run_pixels(c) + CN_GENERATED_STRIP - 1) / CN_GENERATED_STRIP;
}

static cn_phases phases_of(const cn_conv *c)
{
    size_t strips = cn_generated_strips(c);
    return cn_phases_of(&c->problem, (run_pixels(c) + strips - 1) / strips);
}

static bool can_split(const cn_conv *c)
{
    const cn_window *w = &c->problem.window;
    cn_phases phases = phases_of(c);
    return c->sparse->tap && w->dilation_h == 1 && w->dilation_w == 1 && cn_phases_can(c, phases) &&
           cn_phases_floats(phases, c->group_in) <= MOST_PHASES;
}

bool cn_generated_can(const cn_conv *c)
{
    const cn_sparse *s = c->sparse;
    if (!s || !s->bound || s->own.rows != 1 || s->generated) return false;
    if (is_split(c) ? !can_split(c) : s->tap != NULL) return false;
    const cn_shape *out = &c->problem.out;
    int32_t most = is_split(c) ? INT32_MAX : reach(c->kernels->isa);
    return cn_generated_rows(c->kernels->isa) > 0 &&
           (int64_t)(out->h - 1) * out->w + out->w >= c->kernels->lanes &&
           can_visit(s, (size_t)c->problem.out_c, most);
}

cn_generated_walk cn_generated_start(const cn_conv *c, size_t group, size_t block, size_t blocks)
{
    size_t outputs = (size_t)c->group_out, begin = outputs * block / blocks;
    cn_generated_walk walk = {
        .conv = c, .group = group, .outputs = (int32_t)(outputs * (block + 1) / blocks - begin)};
    const size_t *first = c->sparse->own.first + group * outputs + begin;
    for (int32_t o = 0; o < walk.outputs; o++) {
        walk.at[o] = first[o];
        walk.end[o] = first[o + 1];
    }
    return walk;
}

/* Where a step reads, from the offset of its tap's row in a panel of the program's own kernels. */
static int32_t find_phase(const cn_conv *c, size_t group, int32_t offset)
{
    const cn_sparse *s = c->sparse;
    size_t place = (size_t)offset / cn_sparse_pitch(c);
    ptrdiff_t tap = s->tap[s->taps[group] + place];
    return cn_phases_offset(&c->problem, phases_of(c), (int32_t)(tap / s->plane),
                            (int32_t)(tap % s->plane / s->row), (int32_t)(tap % s->plane % s->row));
}

bool cn_generated_next(cn_generated_walk *walk, int32_t *offset, uint32_t *outputs)
{
    const int32_t *offsets = walk->conv->sparse->offset;
    int32_t least = INT32_MAX;
    for (int32_t o = 0; o < walk->outputs; o++)
        if (walk->at[o] < walk->end[o] && offsets[walk->at[o]] < least)
            least = offsets[walk->at[o]];
    *offset = least;
    *outputs = 0;
    for (int32_t o = 0; o < walk->outputs; o++)
        if (walk->at[o] < walk->end[o] && offsets[walk->at[o]] == least) {
            *outputs |= (uint32_t)1 << o;
            walk->at[o]++;
        }
    if (*outputs && is_split(walk->conv)) *offset = find_phase(walk->conv, walk->group, least);
    return *outputs != 0;
}

static void pack_block(const cn_conv *c, cn_generated *code, size_t group, size_t block)
{
    cn_generated_walk walk = cn_generated_start(c, group, block, code->blocks);
    size_t all = group * code->blocks + block, to = code->first[all];
    int32_t offset;
    uint32_t outputs;
    for (; cn_generated_next(&walk, &offset, &outputs); code->loads++)
        for (int32_t o = 0; o < walk.outputs; o++)
            if (outputs >> o & 1) code->weight[to++] = c->weight[walk.at[o] - 1];
    code->first[all + 1] = to;
}

static cn_conv_traffic traffic(const cn_conv *c, int32_t batch)
{
    return (cn_conv_traffic){.weights = c->weight_bytes,
                             .blocks = (size_t)batch * cn_generated_strips(c),
                             .held = CN_GENERATED_ROWS * CN_GENERATED_PITCH * sizeof(float)};
}

enum { TILE = CN_GENERATED_ROWS * CN_GENERATED_PITCH }; /* whole vectors */

static size_t scratch(const cn_conv *c, int32_t batch)
{
    (void)batch;
    size_t panel = is_split(c) ? cn_phases_floats(phases_of(c), c->group_in) + CN_PANEL_SLACK : 0;
    return (TILE + panel) * sizeof(float);
}

static size_t tasks(const cn_conv *c, int32_t batch, int32_t threads)
{
    size_t pieces = (size_t)batch * cn_generated_strips(c) * (size_t)c->problem.groups;
    size_t blocks = c->sparse->generated->blocks, count = threads > 1 ? (size_t)threads : 1;
    if (c->way.split == CN_SPLIT_CHANNELS) return pieces * (count < blocks ? count : blocks);
    return cn_conv_share(pieces, blocks, threads);
}

static bool by_channels(const cn_conv *c, int32_t batch, size_t tasks)
{
    return tasks > (size_t)batch * cn_generated_strips(c);
}

/* What a task does: one strip of one image, and some blocks of one group. */
typedef struct share {
    size_t image, strip, group, begin, end; /* blocks begin .. end - 1 of the group */
} share;

static share share_of(const cn_conv *c, int32_t batch, size_t tasks, size_t index)
{
    size_t strips = cn_generated_strips(c), pieces = (size_t)batch * strips, rest = index / pieces;
    size_t shares = tasks / (pieces * (size_t)c->problem.groups), i = rest % shares;
    size_t blocks = c->sparse->generated->blocks;
    return (share){index % pieces / strips, index % strips, rest / shares, blocks * i / shares,
                   blocks * (i + 1) / shares};
}

double cn_generated_work(const cn_conv *c, int32_t batch, size_t tasks, size_t index)
{
    share s = share_of(c, batch, tasks, index);
    const size_t *first = c->sparse->generated->first + s.group * c->sparse->generated->blocks;
    return (double)(first[s.end] - first[s.begin]);
}

/* Pixels begin .. end - 1 of an image's run: those that lie in rows of the output. The tile's last
 * vector ends with the last pixel, so what fills no vector lies at its end. */
static int32_t find_rows(const cn_conv *c, const cn_view *out, const cn_view *other, size_t image,
                         size_t begin, size_t end, cn_segment segments[CN_GENERATED_STRIP])
{
    size_t row = run_row(c), width = (size_t)out->w;
    bool whole = width == row && out->row == (ptrdiff_t)row && other->row == (ptrdiff_t)row;
    size_t lanes = (size_t)c->kernels->lanes, left = (end - begin) % lanes;
    int32_t count = 0;
    for (size_t i = begin, next, stop; i < end; i = next) {
        size_t y = i / row, x = i % row;
        next = whole ? end : (y + 1) * row;
        if (x >= width) continue;
        stop = whole || end < y * row + width ? end : y * row + width;
        if (i < end - left && stop > end - left) stop = next = end - left;
        size_t first = i - begin + (left && i >= end - left ? lanes - left : 0);
        segments[count++] =
            (cn_segment){(ptrdiff_t)image * out->image + (ptrdiff_t)y * out->row + (ptrdiff_t)x,
                         (ptrdiff_t)image * other->image + (ptrdiff_t)y * other->row + (ptrdiff_t)x,
                         (int32_t)first, (int32_t)(stop - i)};
    }
    return count;
}

static void task(const cn_conv *c, const cn_view *in, const cn_view *out, const cn_view *residual,
                 size_t index, size_t tasks, void *memory)
{
    const cn_generated *code = c->sparse->generated;
    const cn_window *w = &c->problem.window;
    share s = share_of(c, in->n, tasks, index);
    size_t pixels = run_pixels(c), strips = cn_generated_strips(c);
    size_t begin = pixels * s.strip / strips, end = pixels * (s.strip + 1) / strips;
    const float *from = in->data + (ptrdiff_t)s.image * in->image +
                        (ptrdiff_t)s.group * c->group_in * in->plane - w->pad_top * in->row -
                        w->pad_left;
    if (is_split(c))
        from = cn_phases_split(c, phases_of(c), from, in->row, code->channel, begin, end,
                               (float *)memory + TILE);
    else
        from += begin;
    cn_segment segments[CN_GENERATED_STRIP];
    cn_finish f = {.tile = memory,
                   .pitch = CN_GENERATED_PITCH,
                   .out_plane = out->plane,
                   .residual_plane = residual ? residual->plane : 0,
                   .segments = segments,
                   .activation = c->problem.activation};
    f.segment_count = find_rows(c, out, residual ? residual : out, s.image, begin, end, segments);
    for (size_t b = s.begin; b < s.end; b++) {
        size_t first = (size_t)c->group_out * b / code->blocks;
        size_t last = (size_t)c->group_out * (b + 1) / code->blocks;
        size_t output = s.group * (size_t)c->group_out + first;
        size_t block = s.group * code->blocks + b;
        code->run[block](from, code->weight + code->first[block], c->bias + output, memory,
                         end - begin);
        f.rows = (int32_t)(last - first);
        f.out = out->data + (ptrdiff_t)output * out->plane;
        f.residual = residual ? residual->data + (ptrdiff_t)output * residual->plane : NULL;
        c->kernels->f32_finish.run(&f);
    }
}

/* Weights may be read four at a time. */
enum { READ_AFTER = 3 };

static const cn_conv_method generated = {.algorithm = CN_CONV_SPARSE1,
                                         .traffic = traffic,
                                         .scratch = scratch,
                                         .tasks = tasks,
                                         .by_channels = by_channels,
                                         .task = task,
                                         .rows = 1};

cn_status cn_generated_use(cn_conv *c, const cn_generated *code, cn_error *error)
{
    size_t blocks = (size_t)c->problem.groups * code->blocks;
    cn_generated *own = cn_calloc(1, sizeof *own);
    if (own) {
        *own = *code;
        own->weight = cn_calloc((size_t)c->sparse->nonzero + READ_AFTER, sizeof *own->weight);
        own->first = cn_calloc(blocks + 1, sizeof *own->first);
        own->channel = cn_calloc((size_t)c->group_in, sizeof *own->channel);
    }
    if (!own || !own->weight || !own->first || !own->channel) {
        if (!own) code->close(code->library);
        cn_generated_free(own);
        return cn_fail(error, CN_ENOMEM, "no memory for the weights of a convolution");
    }
    for (int32_t i = 0; i < c->group_in; i++)
        own->channel[i] = (int32_t)(i * c->sparse->plane);
    for (size_t b = 0; b < blocks; b++)
        pack_block(c, own, b / code->blocks, b % code->blocks);
    c->sparse->generated = own;
    c->method = &generated;
    c->way.generated = true;
    c->way.input = CN_INPUT_AUTO;
    return CN_OK;
}

void cn_generated_settle(cn_conv *c)
{
    cn_generated *code = c->sparse->generated;
    size_t before = (size_t)c->sparse->nonzero * (sizeof *c->weight + sizeof *c->sparse->offset);
    size_t after = (size_t)c->sparse->nonzero * sizeof *code->weight + code->code_bytes;
    size_t rows = (size_t)c->group_out, blocks = code->blocks;
    cn_free(c->weight);
    cn_free(c->sparse->offset);
    c->weight = NULL;
    c->sparse->offset = NULL;
    c->weight_bytes = c->weight_bytes - before + after;
    snprintf(c->name, sizeof c->name, "f32_generated_%zux%d_%s", (rows + blocks - 1) / blocks,
             c->kernels->lanes, cn_isa_name(cn_isa_of_floats(c->kernels->isa)));
}

void cn_generated_undo(cn_conv *c)
{
    cn_generated_free(c->sparse->generated);
    c->sparse->generated = NULL;
    c->method = &cn_conv_sparse1;
    c->way.generated = false;
    c->way.input = is_split(c) ? CN_INPUT_AUTO : CN_INPUT_DIRECT;
}

void cn_generated_free(cn_generated *code)
{
    if (!code) return;
    if (code->library) code->close(code->library);
    cn_free(code->weight);
    cn_free(code->first);
    cn_free(code->channel);
    cn_free(code);
}
