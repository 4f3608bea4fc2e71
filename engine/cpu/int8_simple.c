#include "cpu/int8_simple.h"

#include <string.h>

#include "condense/memory.h"
#include "cpu/int8_move.h"
#include "cpu/kernels/kernels.h"
#include "cpu/move.h"

/* What a task is a share of. */
typedef enum share { OUT_QUADS, IN_CHANNELS, OUT_ROWS, IMAGES } share;

typedef void run_unit(const cn_int8_simple *simple, const cn_view *in, const cn_view *out,
                      size_t unit, void *scratch);

struct cn_int8_simple {
    const cn_kernels *kernels;
    cn_simple *floats; /* where it is done in float */
    cn_int8_tensor *in, out;
    int32_t inputs, channel, factor;
    cn_window window;
    bool count_padding;
    run_unit *run;
    const char *kernel;
    share share;
};

/* Plane `plane` of image n. */
static float *plane_of(const cn_view *v, size_t n, size_t plane)
{
    return v->data + (ptrdiff_t)n * v->image + (ptrdiff_t)plane * v->plane;
}

/* A row of four channels between floats and slots: quad `quad` of a tensor with `channels`. */
static cn_i8_convert convert(const float *in, float *out, ptrdiff_t plane, size_t quad,
                             int32_t channels, ptrdiff_t count, cn_int8_scale levels)
{
    int32_t left = channels - (int32_t)quad * 4;
    return (cn_i8_convert){.in = in,
                           .out = out,
                           .plane = plane,
                           .channels = left < 4 ? left : 4,
                           .count = count,
                           .by = levels.scale,
                           .zero = levels.zero};
}

static void quantize_row(const cn_int8_simple *s, const float *in, ptrdiff_t plane, float *out,
                         size_t quad, ptrdiff_t count)
{
    cn_i8_convert c = convert(in, out, plane, quad, s->out.shape.c, count, s->out.levels);
    c.by = 1 / c.by;
    s->kernels->i8_quantize.run(&c);
}

/* The input layer. */
static void quantize(const cn_int8_simple *s, const cn_view *in, const cn_view *out, size_t unit,
                     void *scratch)
{
    (void)scratch;
    size_t n = unit / (size_t)out->c, quad = unit % (size_t)out->c;
    for (int32_t y = 0; y < out->h; y++)
        quantize_row(s, plane_of(in, n, quad * 4) + y * in->row, in->plane,
                     plane_of(out, n, quad) + y * out->row, quad, out->w);
}

static cn_i8_pool pool_of(const cn_int8_simple *s, const cn_view *in, const cn_view *out,
                          size_t unit, void *scratch)
{
    size_t n = unit / (size_t)out->c, quad = unit % (size_t)out->c;
    return (cn_i8_pool){
        .in = plane_of(in, n, quad),
        .out = plane_of(out, n, quad),
        .in_row = in->row,
        .out_row = out->row,
        .in_h = in->h,
        .in_w = in->w,
        .out_h = out->h,
        .out_w = out->w,
        .window = s->window.kernel_h ? &s->window : NULL,
        .count_padding = s->count_padding,
        .scale = s->in->levels.scale,
        .from_zero = s->in->levels.zero,
        .zero = s->out.levels.zero,
        .inverse = 1 / s->out.levels.scale,
        .scratch = scratch,
    };
}

static void max_pool(const cn_int8_simple *s, const cn_view *in, const cn_view *out, size_t unit,
                     void *scratch)
{
    cn_i8_pool p = pool_of(s, in, out, unit, scratch);
    s->kernels->i8_max_pool.run(&p);
}

static void avg_pool(const cn_int8_simple *s, const cn_view *in, const cn_view *out, size_t unit,
                     void *scratch)
{
    cn_i8_pool p = pool_of(s, in, out, unit, scratch);
    s->kernels->i8_avg_pool.run(&p);
}

static void copy(const cn_int8_simple *s, const cn_view *in, const cn_view *out, size_t unit,
                 void *scratch)
{
    (void)scratch;
    size_t channels = (size_t)s->in->shape.c;
    cn_int8_copy(in, out, (int32_t)(unit / channels), (int32_t)(unit % channels),
                 s->channel + (int32_t)(unit % channels));
}

static void flatten(const cn_int8_simple *s, const cn_view *in, const cn_view *out, size_t unit,
                    void *scratch)
{
    (void)scratch;
    size_t channels = (size_t)s->in->shape.c;
    cn_int8_flatten(in, out, (int32_t)(unit / channels), (int32_t)(unit % channels));
}

static void shuffle(const cn_int8_simple *s, const cn_view *in, const cn_view *out, size_t unit,
                    void *scratch)
{
    (void)scratch;
    size_t channels = (size_t)s->in->shape.c;
    cn_int8_shuffle(in, out, (int32_t)(unit / channels), (int32_t)(unit % channels), s->factor);
}

static void pad(const cn_int8_simple *s, const cn_view *in, const cn_view *out, size_t unit,
                void *scratch)
{
    (void)scratch;
    size_t quads = (size_t)out->c;
    cn_int8_pad(in, out, (int32_t)(unit / quads), (int32_t)(unit % quads), s->window.pad_top,
                s->window.pad_left, (uint8_t)s->out.levels.zero);
}

/* Nearest resize moves slots as it moves floats. */
static void resize(const cn_int8_simple *s, const cn_view *in, const cn_view *out, size_t unit,
                   void *scratch)
{
    (void)s;
    (void)scratch;
    static const cn_simple_params nearest = {.resize = CN_RESIZE_NEAREST};
    cn_move_resize(
        &(cn_simple_args){.op = &nearest, .in = in, .out = out, .first = unit, .end = unit + 1});
}

static size_t round16(size_t count)
{
    return (count + 15) / 16 * 16;
}

/* A slice is what is done in float at a time: a row, or an image. */
static int32_t slice_rows(const cn_int8_simple *s, cn_shape shape)
{
    return s->share == OUT_ROWS ? 1 : shape.h;
}

/* Floats of a slice of a tensor of integers; 0 of one that is floats. */
static size_t slice_floats(const cn_int8_simple *s, const cn_int8_tensor *t)
{
    size_t plane = round16((size_t)slice_rows(s, t->shape) * (size_t)t->shape.w);
    return t->levels.scale > 0 ? plane * (size_t)t->shape.c : 0;
}

/* The slice of tensor `t` at image n and row y: where it lies, or else in `room`. */
static cn_view slice_of(const cn_int8_simple *s, const cn_int8_tensor *t, const cn_view *v,
                        size_t n, int32_t y, float *room)
{
    cn_view slice = *v;
    slice.n = 1;
    slice.c = t->shape.c;
    slice.h = slice_rows(s, t->shape);
    slice.halo_top = slice.halo_bottom = slice.halo_left = slice.halo_right = 0;
    slice.data = v->data + (ptrdiff_t)n * v->image + y * v->row;
    if (!(t->levels.scale > 0)) return slice;
    slice.data = room;
    slice.row = t->shape.w;
    slice.plane = (ptrdiff_t)round16((size_t)slice.h * (size_t)slice.w);
    return slice;
}

/* The slices' views come first in the scratch memory. */
static size_t views_bytes(const cn_int8_simple *s)
{
    return ((size_t)s->inputs * sizeof(cn_view) + CN_ALIGNMENT - 1) / CN_ALIGNMENT * CN_ALIGNMENT;
}

/* From slots to floats. */
static void expand(const cn_int8_simple *s, const cn_int8_tensor *t, const cn_view *v, size_t n,
                   int32_t y, const cn_view *slice)
{
    for (size_t quad = 0; quad < (size_t)cn_quads(t->shape.c); quad++)
        for (int32_t r = 0; r < slice->h; r++) {
            cn_i8_convert c = convert(plane_of(v, n, quad) + (y + r) * v->row,
                                      plane_of(slice, 0, quad * 4) + r * slice->row, slice->plane,
                                      quad, t->shape.c, slice->w, t->levels);
            s->kernels->i8_expand.run(&c);
        }
}

/* Any operator, by the one for floats. */
static void in_float(const cn_int8_simple *s, const cn_view *in, const cn_view *out, size_t unit,
                     void *scratch)
{
    cn_view *slices = scratch, result;
    size_t units = s->share == OUT_ROWS ? (size_t)out->h : 1, n = unit / units;
    int32_t y = (int32_t)(unit % units);
    float *room = (float *)(void *)((char *)scratch + views_bytes(s));
    for (int32_t k = 0; k < s->inputs; k++) {
        slices[k] = slice_of(s, &s->in[k], &in[k], n, y, room);
        if (s->in[k].levels.scale > 0) expand(s, &s->in[k], &in[k], n, y, &slices[k]);
        room += slice_floats(s, &s->in[k]);
    }
    result = slice_of(s, &s->out, out, n, y, room);
    if (s->channel) result.data += s->channel * result.plane;
    cn_simple_task(s->floats, slices, &result, 0, 1, room + slice_floats(s, &s->out));
    if (!(s->out.levels.scale > 0)) return;
    for (size_t quad = 0; quad < (size_t)out->c; quad++)
        for (int32_t r = 0; r < result.h; r++)
            quantize_row(s, plane_of(&result, 0, quad * 4) + r * result.row, result.plane,
                         plane_of(out, n, quad) + (y + r) * out->row, quad, out->w);
}

bool cn_int8_simple_in_place(const cn_layer *layer)
{
    switch (layer->op) {
    case CN_OP_ADD:
    case CN_OP_BATCH_NORM:
    case CN_OP_RELU:
    case CN_OP_RELU6:
    case CN_OP_SIGMOID:
    case CN_OP_TANH:
    case CN_OP_SOFTMAX:
        return true;
    default:
        return false;
    }
}

/* Operators that read a row to write it. */
static bool is_by_rows(const cn_layer *layer)
{
    return cn_int8_simple_in_place(layer) || layer->op == CN_OP_LRN;
}

static cn_status go_in_float(cn_int8_simple *s, const cn_layer *layer,
                             const cn_norm_weights *weights, cn_error *error)
{
    s->run = in_float;
    s->share = is_by_rows(layer) ? OUT_ROWS : IMAGES;
    if (layer->op == CN_OP_CONCAT) s->out.shape.c = s->in->shape.c; /* its copy knows no more */
    cn_status status = cn_simple_new(&s->floats, layer, weights, s->kernels->isa, error);
    if (!status) s->kernel = cn_simple_kernel(s->floats);
    return status;
}

static void use(cn_int8_simple *s, run_unit *run, const char *kernel, share by)
{
    s->run = run;
    s->kernel = kernel;
    s->share = by;
}

static cn_status choose(cn_int8_simple *s, const cn_layer *layer, const cn_norm_weights *weights,
                        cn_error *error)
{
    const cn_kernels *k = s->kernels;
    if (!(s->out.levels.scale > 0)) return go_in_float(s, layer, weights, error);
    switch (layer->op) {
    case CN_OP_INPUT:
        use(s, quantize, k->i8_quantize.name, OUT_QUADS);
        break;
    case CN_OP_MAX_POOL:
        use(s, max_pool, k->i8_max_pool.name, OUT_QUADS);
        break;
    case CN_OP_AVG_POOL:
        use(s, avg_pool, k->i8_avg_pool.name, OUT_QUADS);
        break;
    case CN_OP_GLOBAL_AVG_POOL:
        use(s, avg_pool, k->i8_avg_pool.name, OUT_QUADS);
        break;
    case CN_OP_CONCAT:
    case CN_OP_DROPOUT:
        use(s, copy, "i8_copy", IN_CHANNELS);
        break;
    case CN_OP_FLATTEN:
        use(s, flatten, "i8_flatten", IN_CHANNELS);
        break;
    case CN_OP_PIXEL_SHUFFLE:
        use(s, shuffle, "i8_pixel_shuffle", IN_CHANNELS);
        break;
    case CN_OP_PAD:
        use(s, pad, "i8_pad", OUT_QUADS);
        break;
    case CN_OP_RESIZE:
        if (layer->resize != CN_RESIZE_NEAREST) return go_in_float(s, layer, weights, error);
        use(s, resize, "i8_resize", OUT_QUADS);
        break;
    default:
        return go_in_float(s, layer, weights, error);
    }
    return CN_OK;
}

cn_status cn_int8_simple_new(cn_int8_simple **made, const cn_layer *layer,
                             const cn_norm_weights *weights, const cn_int8_tensor *in,
                             int32_t inputs, cn_int8_tensor out, int32_t channel, cn_isa isa,
                             cn_error *error)
{
    cn_int8_simple *s = cn_calloc(1, sizeof *s);
    if (s) s->in = cn_calloc((size_t)inputs, sizeof *s->in);
    if (!s || !s->in) {
        cn_int8_simple_free(s);
        return cn_fail(error, CN_ENOMEM, "layer '%s': out of memory", layer->name);
    }
    s->kernels = cn_kernels_for(isa);
    memcpy(s->in, in, (size_t)inputs * sizeof *in);
    s->inputs = inputs;
    s->out = out;
    s->channel = channel;
    s->factor = layer->factor;
    s->window = layer->window;
    s->count_padding = layer->count_padding;
    cn_status status = choose(s, layer, weights, error);
    if (status)
        cn_int8_simple_free(s);
    else
        *made = s;
    return status;
}

const char *cn_int8_simple_kernel(const cn_int8_simple *s)
{
    return s->kernel;
}

static size_t scratch_bytes(const cn_int8_simple *s)
{
    enum { POOL_ROWS = 5 };
    bool pools = s->run == max_pool || s->run == avg_pool;
    if (pools && s->window.kernel_h)
        return POOL_ROWS * sizeof(float) *
               cn_i8_pool_row(s->in->shape.w, s->out.shape.w, &s->window);
    if (!s->floats) return 0;
    size_t floats = slice_floats(s, &s->out);
    for (int32_t k = 0; k < s->inputs; k++)
        floats += slice_floats(s, &s->in[k]);
    return views_bytes(s) + floats * sizeof(float) +
           cn_simple_scratch(s->floats, s->in->shape, s->out.shape);
}

size_t cn_int8_simple_scratch(const cn_int8_simple *s)
{
    return (scratch_bytes(s) + CN_ALIGNMENT - 1) / CN_ALIGNMENT * CN_ALIGNMENT;
}

bool cn_int8_simple_by_planes(const cn_int8_simple *s)
{
    return s->share != OUT_ROWS;
}

static size_t units_of(const cn_int8_simple *s, int32_t batch)
{
    switch (s->share) {
    case OUT_QUADS:
        return (size_t)batch * (size_t)cn_quads(s->out.shape.c);
    case IN_CHANNELS:
        return (size_t)batch * (size_t)s->in->shape.c;
    case OUT_ROWS:
        return (size_t)batch * (size_t)s->out.shape.h;
    case IMAGES:
        return (size_t)batch;
    }
    return 1;
}

size_t cn_int8_simple_tasks(const cn_int8_simple *s, int32_t batch, int32_t threads)
{
    enum { TASK_VALUES = 65536 }; /* bytes; fewer are not worth waking a thread for */
    size_t units = units_of(s, batch), most = (size_t)threads * 4;
    double values =
        (double)batch * (double)(cn_shape_count(s->in->shape) + cn_shape_count(s->out.shape));
    size_t worth = (size_t)(values / TASK_VALUES) + 1;
    if (threads == 1) return 1;
    if (most > worth) most = worth;
    return units < most ? units : most;
}

void cn_int8_simple_task(const cn_int8_simple *s, const cn_view *in, const cn_view *out,
                         size_t index, size_t tasks, void *scratch)
{
    size_t units = units_of(s, in->n);
    for (size_t u = units * index / tasks; u < units * (index + 1) / tasks; u++)
        s->run(s, in, out, u, scratch);
}

void cn_int8_simple_free(cn_int8_simple *s)
{
    if (!s) return;
    cn_simple_free(s->floats);
    cn_free(s->in);
    cn_free(s);
}
