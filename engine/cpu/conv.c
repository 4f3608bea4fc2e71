/* Convolution. Two ways, chosen by shape:
 *
 * - depthwise: one kernel call a plane, straight from the padded input;
 * - everything else: output pixels (of all rows and all images, one after the other, so that small
 *   planes fill the vectors) are cut into tiles of the kernel's width. A tile's input is packed
 * into a panel of depth x pixels, depth being in_c/groups * kernel_h * kernel_w; then every block
 * of output channels is multiplied with the panel and stored. Packing a panel costs about half a
 *   block's multiplication and serves all the blocks.
 *
 * Packed weights: for each group, for each block of ROWS output channels, depth x ROWS floats; the
 * last block of a group is filled up with zeros. Biases: one a packed output channel. Depthwise
 * weights and biases stay as they are. */
#include "cpu/conv.h"

#include <string.h>

#include "condense/memory.h"
#include "cpu/kernels/kernels.h"

enum {
    MAX_PIXELS = 64, /* no kernel's tile is wider */
    PARTS = 2        /* tiles in a task: the last task takes the remainder, too */
};

struct cn_conv {
    cn_conv_problem problem;
    const cn_kernels *kernels;
    bool depthwise;
    size_t depth;  /* products in one output */
    size_t blocks; /* of output channels, in one group */
    size_t weight_bytes;
    float *weight, *bias;
};

/* How far the last window reaches past the plane's last pixel. */
static int32_t overhang(int32_t in, int32_t out, int32_t kernel, int32_t stride, int32_t dilation,
                        int32_t pad)
{
    int64_t last = (int64_t)(out - 1) * stride + (int64_t)(kernel - 1) * dilation - pad;
    return last < in ? 0 : (int32_t)(last - in + 1);
}

void cn_conv_halo(const cn_conv_problem *p, int32_t halo[4])
{
    const cn_window *w = &p->window;
    halo[0] = w->pad_top;
    halo[1] = overhang(p->in.h, p->out.h, w->kernel_h, w->stride_h, w->dilation_h, w->pad_top);
    halo[2] = w->pad_left;
    halo[3] = overhang(p->in.w, p->out.w, w->kernel_w, w->stride_w, w->dilation_w, w->pad_left);
}

static bool extent_fits(int32_t x)
{
    return x >= 1 && x <= CN_MAX_EXTENT;
}

/* One direction of the window: the last output pixel's taps stay inside plane and padding. */
static bool axis_fits(int32_t in, int32_t out, int32_t kernel, int32_t stride, int32_t dilation,
                      int32_t before, int32_t after)
{
    if (!extent_fits(in) || !extent_fits(out) || !extent_fits(kernel) || !extent_fits(stride) ||
        !extent_fits(dilation) || before < 0 || after < 0 || before > CN_MAX_EXTENT ||
        after > CN_MAX_EXTENT)
        return false;
    int64_t last = (int64_t)(out - 1) * stride + (int64_t)(kernel - 1) * dilation;
    return last < (int64_t)in + before + after;
}

static cn_status check(const cn_conv_problem *p, cn_error *error)
{
    const cn_window *w = &p->window;
    if (p->in.c != p->in_c || p->out.c != p->out_c || !extent_fits(p->in_c) ||
        !extent_fits(p->out_c) || p->groups < 1 || p->in_c % p->groups || p->out_c % p->groups)
        return cn_fail(error, CN_EINVAL,
                       "convolution of %d to %d channels in %d groups (shapes say %d to %d): the "
                       "groups must divide both",
                       p->in_c, p->out_c, p->groups, p->in.c, p->out.c);
    if (!axis_fits(p->in.h, p->out.h, w->kernel_h, w->stride_h, w->dilation_h, w->pad_top,
                   w->pad_bottom) ||
        !axis_fits(p->in.w, p->out.w, w->kernel_w, w->stride_w, w->dilation_w, w->pad_left,
                   w->pad_right))
        return cn_fail(error, CN_EINVAL,
                       "convolution from %d x %d to %d x %d: a %d x %d window does not fit there",
                       p->in.h, p->in.w, p->out.h, p->out.w, w->kernel_h, w->kernel_w);
    return CN_OK;
}

static void pack_weights(cn_conv *c, const float *weight, const float *bias)
{
    size_t rows = (size_t)c->kernels->f32_conv.rows, groups = (size_t)c->problem.groups;
    size_t group_out = (size_t)c->problem.out_c / groups;
    for (size_t g = 0; g < groups; g++)
        for (size_t o = 0; o < group_out; o++) {
            size_t packed = g * c->blocks * rows + o, source = g * group_out + o;
            float *to = c->weight + packed / rows * c->depth * rows + packed % rows;
            for (size_t k = 0; k < c->depth; k++)
                to[k * rows] = weight[source * c->depth + k];
            if (bias) c->bias[packed] = bias[source];
        }
}

static cn_status allocate(cn_conv *c, size_t rows, cn_error *error)
{
    size_t outputs, weights;
    if (!cn_mul_size(rows, c->blocks * (size_t)c->problem.groups, &outputs) ||
        !cn_mul_size(outputs, c->depth, &weights) ||
        !(c->weight = cn_calloc(weights, sizeof(float))) ||
        !(c->bias = cn_calloc(outputs, sizeof(float))))
        return cn_fail(error, CN_ENOMEM, "no memory for the weights of a convolution");
    c->weight_bytes = (weights + outputs) * sizeof(float);
    return CN_OK;
}

cn_status cn_conv_new(cn_conv **out, const cn_conv_problem *problem, const float *weight,
                      const float *bias, cn_isa isa, cn_error *error)
{
    cn_status status = check(problem, error);
    if (status != CN_OK) return status;
    cn_conv *c = cn_calloc(1, sizeof *c);
    if (!c) return cn_fail(error, CN_ENOMEM, "no memory for a convolution");
    c->problem = *problem;
    c->kernels = cn_kernels_for(isa);
    const cn_window *w = &problem->window;
    int32_t group_in = problem->in_c / problem->groups,
            group_out = problem->out_c / problem->groups;
    int32_t rows = c->kernels->f32_conv.rows;
    /* With few outputs a group, most rows of a block would be idle. */
    c->depthwise = group_in == 1 && problem->groups > 1 && group_out <= rows / 2;
    if (c->depthwise) rows = 1;
    c->depth = (size_t)group_in * (size_t)w->kernel_h * (size_t)w->kernel_w;
    c->blocks = (size_t)(group_out + rows - 1) / (size_t)rows;
    status = allocate(c, (size_t)rows, error);
    if (status != CN_OK) {
        cn_conv_free(c);
        return status;
    }
    if (c->depthwise) {
        memcpy(c->weight, weight, (size_t)problem->out_c * c->depth * sizeof *weight);
        if (bias) memcpy(c->bias, bias, (size_t)problem->out_c * sizeof *bias);
    } else {
        pack_weights(c, weight, bias);
    }
    *out = c;
    return CN_OK;
}

const char *cn_conv_kernel(const cn_conv *c)
{
    return c->depthwise ? c->kernels->f32_depthwise.name : c->kernels->f32_conv.name;
}

static size_t panel_floats(const cn_conv *c)
{
    size_t floats = c->depth * (size_t)c->kernels->f32_conv.pixels + CN_PANEL_SLACK;
    return (floats + 15) / 16 * 16;
}

size_t cn_conv_scratch(const cn_conv *c)
{
    if (c->depthwise) return 0;
    size_t tile = (size_t)c->kernels->f32_conv.rows * (size_t)c->kernels->f32_conv.pixels;
    return (PARTS * panel_floats(c) + tile + CN_PANEL_SLACK) * sizeof(float);
}

size_t cn_conv_weight_bytes(const cn_conv *c)
{
    return c->weight_bytes;
}

static size_t tile_count(const cn_conv *c, int32_t batch)
{
    size_t pixels = (size_t)batch * (size_t)c->problem.out.h * (size_t)c->problem.out.w;
    size_t width = (size_t)c->kernels->f32_conv.pixels;
    return pixels < width ? 1 : pixels / width;
}

/* A task is a tile and a share of one group's blocks. What is left after the last whole tile goes
 * to that tile's task, which then reads the weights of each block once for both. The blocks are
 * only shared out where there are too few tiles for the threads, because each share packs the panel
 * again. */
size_t cn_conv_tasks(const cn_conv *c, int32_t batch, int32_t threads)
{
    if (c->depthwise) return (size_t)batch * (size_t)c->problem.out_c;
    size_t tiles = tile_count(c, batch) * (size_t)c->problem.groups;
    size_t wanted = threads > 1 ? 2 * (size_t)threads : 1, shares = (wanted + tiles - 1) / tiles;
    return tiles * (shares < c->blocks ? shares : c->blocks);
}

/* Steps of a view that output pixels walk over: floats from image to image, row to row, pixel to
 * pixel. */
typedef struct steps {
    ptrdiff_t image, row, pixel;
} steps;

/* Cuts output pixels first .. first + count - 1 (of all images, row by row) into segments that are
 * evenly spaced in view `a` and in view `b`; returns how many. */
static int32_t cut(cn_shape out, size_t first, int32_t count, steps a, steps b,
                   cn_segment *segments)
{
    size_t area = (size_t)out.h * (size_t)out.w;
    ptrdiff_t image = (ptrdiff_t)(first / area);
    int32_t y = (int32_t)(first % area / (size_t)out.w), x = (int32_t)(first % (size_t)out.w),
            n = 0;
    for (int32_t done = 0; done < count;) {
        int32_t run = out.w - x < count - done ? out.w - x : count - done;
        ptrdiff_t at = image * a.image + y * a.row + x * a.pixel;
        ptrdiff_t also = image * b.image + y * b.row + x * b.pixel;
        cn_segment *last = n ? segments + n - 1 : NULL;
        if (last && at == last->at + last->count * a.pixel &&
            also == last->also + last->count * b.pixel)
            last->count += run;
        else
            segments[n++] = (cn_segment){.at = at, .also = also, .first = done, .count = run};
        done += run;
        x = 0;
        if (++y == out.h) {
            y = 0;
            image++;
        }
    }
    return n;
}

/* One tile of a task: its panel and where its pixels go. */
typedef struct part {
    float *panel;
    int32_t width, segment_count;
    cn_segment segments[MAX_PIXELS]; /* in the output and the residual */
} part;

/* Packs output pixels first .. first + to->width - 1 of the group whose channels start at `in`.
 */
static void prepare(const cn_conv *c, const cn_view *in, const cn_view *out,
                    const cn_view *residual, size_t group, size_t first, part *to)
{
    const cn_conv_problem *p = &c->problem;
    const cn_window *w = &p->window;
    ptrdiff_t group_in = p->in_c / p->groups;
    steps from = {in->image, in->row * w->stride_h, w->stride_w};
    cn_pack pack = {
        .data =
            in->data + (ptrdiff_t)group * group_in * in->plane - w->pad_top * in->row - w->pad_left,
        .plane = in->plane,
        .row = in->row * w->dilation_h,
        .column = w->dilation_w,
        .channels = (int32_t)group_in,
        .kernel_h = w->kernel_h,
        .kernel_w = w->kernel_w,
        .stride = w->stride_w,
        .segment_count = cut(p->out, first, to->width, from, from, to->segments),
        .segments = to->segments,
        .pitch = (size_t)c->kernels->f32_conv.pixels,
    };
    c->kernels->f32_pack.run(&pack, to->panel);
    const cn_view *other = residual ? residual : out;
    to->segment_count = cut(p->out, first, to->width, (steps){out->image, out->row, 1},
                            (steps){other->image, other->row, 1}, to->segments);
}

/* Multiplies block `b` of a group with each part's panel and stores the results. */
static void run_block(const cn_conv *c, const cn_view *out, const cn_view *residual, size_t group,
                      size_t b, const part *parts, int32_t part_count, float *tile)
{
    const cn_conv_problem *p = &c->problem;
    size_t rows = (size_t)c->kernels->f32_conv.rows, packed = group * c->blocks + b;
    size_t group_out = (size_t)(p->out_c / p->groups), left = group_out - b * rows;
    ptrdiff_t channel = (ptrdiff_t)(group * group_out + b * rows);
    for (int32_t i = 0; i < part_count; i++) {
        c->kernels->f32_conv.run(c->depth, parts[i].width, c->weight + packed * c->depth * rows,
                                 parts[i].panel, c->bias + packed * rows, tile);
        cn_finish finish = {
            .tile = tile,
            .pitch = (size_t)c->kernels->f32_conv.pixels,
            .rows = (int32_t)(left < rows ? left : rows),
            .out = out->data + channel * out->plane,
            .residual = residual ? residual->data + channel * residual->plane : NULL,
            .out_plane = out->plane,
            .residual_plane = residual ? residual->plane : 0,
            .segments = parts[i].segments,
            .segment_count = parts[i].segment_count,
            .activation = p->activation,
        };
        c->kernels->f32_finish.run(&finish);
    }
}

static void run_tile(const cn_conv *c, const cn_view *in, const cn_view *out,
                     const cn_view *residual, size_t index, size_t tasks, float *scratch)
{
    size_t tiles = tile_count(c, in->n), shares = tasks / (tiles * (size_t)c->problem.groups);
    size_t share = index / tiles % shares, group = index / tiles / shares, tile = index % tiles;
    size_t width = (size_t)c->kernels->f32_conv.pixels, first = tile * width;
    size_t pixels = (size_t)in->n * (size_t)c->problem.out.h * (size_t)c->problem.out.w;
    size_t end = tile + 1 < tiles ? first + width : pixels;
    part parts[PARTS];
    int32_t count = 0;
    for (; first < end; first += width, count++) {
        parts[count].panel = scratch + (size_t)count * panel_floats(c);
        parts[count].width = (int32_t)(end - first < width ? end - first : width);
        prepare(c, in, out, residual, group, first, &parts[count]);
    }
    for (size_t b = c->blocks * share / shares; b < c->blocks * (share + 1) / shares; b++)
        run_block(c, out, residual, group, b, parts, count, scratch + PARTS * panel_floats(c));
}

static void run_plane(const cn_conv *c, const cn_view *in, const cn_view *out,
                      const cn_view *residual, size_t index)
{
    const cn_conv_problem *p = &c->problem;
    const cn_window *w = &p->window;
    ptrdiff_t image = (ptrdiff_t)(index / (size_t)p->out_c);
    ptrdiff_t channel = (ptrdiff_t)(index % (size_t)p->out_c);
    ptrdiff_t source = channel / (p->out_c / p->groups);
    cn_depthwise d = {
        .in =
            in->data + image * in->image + source * in->plane - w->pad_top * in->row - w->pad_left,
        .in_row = in->row,
        .tap_row = in->row * w->dilation_h,
        .tap_column = w->dilation_w,
        .kernel_h = w->kernel_h,
        .kernel_w = w->kernel_w,
        .stride_h = w->stride_h,
        .stride_w = w->stride_w,
        .weight = c->weight + (size_t)channel * c->depth,
        .bias = c->bias[channel],
        .out = out->data + image * out->image + channel * out->plane,
        .out_row = out->row,
        .h = p->out.h,
        .w = p->out.w,
        .activation = p->activation,
    };
    if (residual) {
        d.residual = residual->data + image * residual->image + channel * residual->plane;
        d.residual_row = residual->row;
    }
    c->kernels->f32_depthwise.run(&d);
}

void cn_conv_task(const cn_conv *c, const cn_view *in, const cn_view *out, const cn_view *residual,
                  size_t index, size_t tasks, void *scratch)
{
    if (c->depthwise)
        run_plane(c, in, out, residual, index);
    else
        run_tile(c, in, out, residual, index, tasks, scratch);
}

void cn_conv_free(cn_conv *c)
{
    if (!c) return;
    cn_free(c->weight);
    cn_free(c->bias);
    cn_free(c);
}
