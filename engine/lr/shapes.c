#include "lr/shapes.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "condense/memory.h"

/* Limits that keep every later product of sizes inside int64_t: see cn_layer_macs. */
static const int64_t max_values = INT64_C(1) << 30; /* of one output, or of one weight tensor */
static const int64_t max_macs = INT64_C(1) << 50;   /* of one layer */
enum { MAX_WINDOW = 4096 };                         /* kernel, stride, dilation, padding */

/* CN_EINVAL with the layer's name and operator before the message. */
__attribute__((format(printf, 3, 4))) static cn_status
refuse(const cn_layer *layer, cn_error *error, const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return cn_fail(error, CN_EINVAL, "layer '%s' (%s): %s", layer->name, cn_op_name(layer->op),
                   what);
}

static bool positive_extent(int32_t n)
{
    return n >= 1 && n <= CN_MAX_EXTENT;
}

/* Output pixels along one side; 0 or less where the window does not fit. With `ceil_mode` the last
 * window may hang over the end but must start before the far padding (Caffe's rule). */
static int64_t out_extent(int64_t in, int32_t kernel, int32_t stride, int32_t dilation,
                          int64_t before, int64_t after, bool ceil_mode)
{
    int64_t room = in + before + after - ((int64_t)dilation * (kernel - 1) + 1);
    if (room < 0) return 0;
    int64_t out = room / stride + 1;
    if (ceil_mode && room % stride && out * stride < in + before) out++;
    return out;
}

/* TensorFlow's "same": ceil(in / stride) outputs, the odd padded pixel at the end. */
static void same_padding(int32_t in, int32_t kernel, int32_t stride, int32_t dilation,
                         int32_t *before, int32_t *after)
{
    int64_t out = ((int64_t)in + stride - 1) / stride;
    int64_t total = (out - 1) * stride + (int64_t)dilation * (kernel - 1) + 1 - in;
    if (total < 0) total = 0;
    *before = (int32_t)(total / 2);
    *after = (int32_t)(total - total / 2);
}

static bool in_window_range(int32_t n, int32_t least)
{
    return n >= least && n <= MAX_WINDOW;
}

static cn_status check_padding(const cn_layer *layer, cn_error *error)
{
    const cn_window *w = &layer->window;
    if (!in_window_range(w->pad_top, 0) || !in_window_range(w->pad_bottom, 0) ||
        !in_window_range(w->pad_left, 0) || !in_window_range(w->pad_right, 0))
        return refuse(layer, error, "padding must be from 0 to %d", MAX_WINDOW);
    return CN_OK;
}

static cn_status check_window(const cn_layer *layer, cn_error *error)
{
    const cn_window *w = &layer->window;
    if (!in_window_range(w->kernel_h, 1) || !in_window_range(w->kernel_w, 1))
        return refuse(layer, error, "the window is %dx%d; each side must be from 1 to %d",
                      w->kernel_h, w->kernel_w, MAX_WINDOW);
    if (!in_window_range(w->stride_h, 1) || !in_window_range(w->stride_w, 1))
        return refuse(layer, error, "the stride is %dx%d; it must be from 1 to %d", w->stride_h,
                      w->stride_w, MAX_WINDOW);
    if (!in_window_range(w->dilation_h, 1) || !in_window_range(w->dilation_w, 1))
        return refuse(layer, error, "the dilation is %dx%d; it must be from 1 to %d", w->dilation_h,
                      w->dilation_w, MAX_WINDOW);
    if (layer->op != CN_OP_CONV && (w->dilation_h != 1 || w->dilation_w != 1))
        return refuse(layer, error, "pooling has no dilation");
    if (layer->same && layer->ceil_mode)
        return refuse(layer, error, "'same' padding and ceil exclude each other; choose one");
    return CN_OK;
}

/* Slides the layer's window over `in`: height and width of the output. */
static cn_status slide(cn_layer *layer, cn_shape in, cn_shape *out, cn_error *error)
{
    cn_window *w = &layer->window;
    cn_status status = check_window(layer, error);
    if (status) return status;
    if (layer->same) {
        same_padding(in.h, w->kernel_h, w->stride_h, w->dilation_h, &w->pad_top, &w->pad_bottom);
        same_padding(in.w, w->kernel_w, w->stride_w, w->dilation_w, &w->pad_left, &w->pad_right);
    } else if ((status = check_padding(layer, error))) {
        return status;
    }
    bool pool = layer->op != CN_OP_CONV;
    if (pool && (w->pad_top >= w->kernel_h || w->pad_bottom >= w->kernel_h ||
                 w->pad_left >= w->kernel_w || w->pad_right >= w->kernel_w))
        return refuse(
            layer, error,
            "padding must be smaller than the %dx%d window, or a window would see no pixel",
            w->kernel_h, w->kernel_w);
    int64_t h = out_extent(in.h, w->kernel_h, w->stride_h, w->dilation_h, w->pad_top, w->pad_bottom,
                           layer->ceil_mode);
    int64_t v = out_extent(in.w, w->kernel_w, w->stride_w, w->dilation_w, w->pad_left, w->pad_right,
                           layer->ceil_mode);
    if (h < 1 || v < 1)
        return refuse(
            layer, error,
            "the %dx%d window (dilation %dx%d, padding %d,%d,%d,%d) does not fit the %dx%d "
            "input; add padding, shrink the window or enlarge the input",
            w->kernel_h, w->kernel_w, w->dilation_h, w->dilation_w, w->pad_top, w->pad_bottom,
            w->pad_left, w->pad_right, in.h, in.w);
    out->h = (int32_t)h;
    out->w = (int32_t)v;
    return CN_OK;
}

static cn_status infer_conv(cn_layer *layer, cn_shape in, cn_error *error)
{
    if (!positive_extent(layer->units))
        return refuse(layer, error, "%d output channels; there must be from 1 to %d", layer->units,
                      CN_MAX_EXTENT);
    if (layer->groups < 1 || in.c % layer->groups || layer->units % layer->groups)
        return refuse(
            layer, error,
            "%d groups do not divide %d input and %d output channels; choose a divisor of "
            "both",
            layer->groups, in.c, layer->units);
    layer->shape.c = layer->units;
    return slide(layer, in, &layer->shape, error);
}

static cn_status infer_fc(cn_layer *layer, cn_shape in, cn_error *error)
{
    if (!positive_extent(layer->units))
        return refuse(layer, error, "%d outputs; there must be from 1 to %d", layer->units,
                      CN_MAX_EXTENT);
    (void)in;
    layer->shape = (cn_shape){layer->units, 1, 1};
    return CN_OK;
}

static cn_status infer_pool(cn_layer *layer, cn_shape in, cn_error *error)
{
    layer->shape.c = in.c;
    return slide(layer, in, &layer->shape, error);
}

static cn_status infer_flatten(cn_layer *layer, cn_shape in, cn_error *error)
{
    int64_t count = cn_shape_count(in);
    if (count > CN_MAX_EXTENT)
        return refuse(layer, error, "%" PRId64 " values are more than a layer's %d channels", count,
                      CN_MAX_EXTENT);
    layer->shape = (cn_shape){(int32_t)count, 1, 1};
    return CN_OK;
}

static cn_status infer_pad(cn_layer *layer, cn_shape in, cn_error *error)
{
    const cn_window *w = &layer->window;
    cn_status status = check_padding(layer, error);
    layer->shape =
        (cn_shape){in.c, in.h + w->pad_top + w->pad_bottom, in.w + w->pad_left + w->pad_right};
    return status;
}

static cn_status infer_resize(cn_layer *layer, cn_shape in, cn_error *error)
{
    if (!positive_extent(layer->resize_h) || !positive_extent(layer->resize_w))
        return refuse(layer, error, "the size is %dx%d; each side must be from 1 to %d",
                      layer->resize_h, layer->resize_w, CN_MAX_EXTENT);
    layer->shape = (cn_shape){in.c, layer->resize_h, layer->resize_w};
    return CN_OK;
}

static cn_status infer_pixel_shuffle(cn_layer *layer, cn_shape in, cn_error *error)
{
    int32_t f = layer->factor;
    if (f < 1 || f > 1024 || in.c % (f * f))
        return refuse(layer, error,
                      "%d channels cannot become %dx%d pixels; they must be a multiple of the "
                      "factor's square",
                      in.c, f, f);
    int64_t h = (int64_t)in.h * f, w = (int64_t)in.w * f;
    if (h > CN_MAX_EXTENT || w > CN_MAX_EXTENT)
        return refuse(layer, error, "the output is larger than %d pixels a side", CN_MAX_EXTENT);
    layer->shape = (cn_shape){in.c / (f * f), (int32_t)h, (int32_t)w};
    return CN_OK;
}

static cn_status infer_pointwise(cn_layer *layer, cn_shape in, cn_error *error)
{
    layer->shape = in;
    if (layer->op == CN_OP_BATCH_NORM && !(layer->epsilon > 0 && isfinite(layer->epsilon)))
        return refuse(layer, error, "epsilon is %g; it must be positive", (double)layer->epsilon);
    if (layer->op == CN_OP_DROPOUT && !(layer->rate >= 0 && layer->rate < 1))
        return refuse(layer, error, "the rate is %g; it must be from 0 to below 1",
                      (double)layer->rate);
    if (layer->op == CN_OP_LRN &&
        (layer->lrn_size < 1 || layer->lrn_size % 2 == 0 || layer->lrn_size > MAX_WINDOW ||
         !(layer->lrn_alpha >= 0) || !(layer->lrn_k > 0) || !isfinite(layer->lrn_alpha) ||
         !isfinite(layer->lrn_beta) || !isfinite(layer->lrn_k)))
        return refuse(
            layer, error,
            "size must be odd, alpha at least 0, k above 0 and all finite; they are %d, %g "
            "and %g",
            layer->lrn_size, (double)layer->lrn_alpha, (double)layer->lrn_k);
    return CN_OK;
}

static cn_status infer_global_avg_pool(cn_layer *layer, cn_shape in, cn_error *error)
{
    (void)error;
    layer->shape = (cn_shape){in.c, 1, 1};
    return CN_OK;
}

static const struct rule {
    cn_status (*infer)(cn_layer *layer, cn_shape in, cn_error *error);
    bool many; /* reads two or more layers that must agree (see infer_many) */
} rules[CN_OP_COUNT] = {
    [CN_OP_CONV] = {infer_conv},
    [CN_OP_FC] = {infer_fc},
    [CN_OP_MAX_POOL] = {infer_pool},
    [CN_OP_AVG_POOL] = {infer_pool},
    [CN_OP_GLOBAL_AVG_POOL] = {infer_global_avg_pool},
    [CN_OP_BATCH_NORM] = {infer_pointwise},
    [CN_OP_LRN] = {infer_pointwise},
    [CN_OP_RELU] = {infer_pointwise},
    [CN_OP_RELU6] = {infer_pointwise},
    [CN_OP_SIGMOID] = {infer_pointwise},
    [CN_OP_TANH] = {infer_pointwise},
    [CN_OP_ADD] = {infer_pointwise, true},
    [CN_OP_CONCAT] = {infer_pointwise, true},
    [CN_OP_SOFTMAX] = {infer_pointwise},
    [CN_OP_DROPOUT] = {infer_pointwise},
    [CN_OP_FLATTEN] = {infer_flatten},
    [CN_OP_PAD] = {infer_pad},
    [CN_OP_RESIZE] = {infer_resize},
    [CN_OP_PIXEL_SHUFFLE] = {infer_pixel_shuffle},
};

static bool same_shape(cn_shape a, cn_shape b)
{
    return a.c == b.c && a.h == b.h && a.w == b.w;
}

/* The other inputs of add and concat against the first. */
static cn_status infer_many(const cn_graph *graph, cn_layer *layer, cn_error *error)
{
    const cn_layer *first = &graph->layers[layer->inputs[0]];
    int64_t channels = first->shape.c;
    for (int32_t i = 1; i < layer->input_count; i++) {
        if (i == layer->residual) continue;
        const cn_layer *other = &graph->layers[layer->inputs[i]];
        cn_shape a = first->shape, b = other->shape;
        if (layer->op == CN_OP_CONCAT) b.c = a.c;
        if (!same_shape(a, b))
            return refuse(layer, error, "'%s' is %dx%dx%d and '%s' is %dx%dx%d; %s", first->name,
                          a.c, a.h, a.w, other->name, other->shape.c, other->shape.h,
                          other->shape.w,
                          layer->op == CN_OP_ADD ? "both must have one shape"
                                                 : "their planes must have one size");
        channels += other->shape.c;
    }
    if (layer->op == CN_OP_CONCAT && channels > CN_MAX_EXTENT)
        return refuse(layer, error, "more than %d channels together", CN_MAX_EXTENT);
    if (layer->op == CN_OP_CONCAT) layer->shape.c = (int32_t)channels;
    return CN_OK;
}

/* Sizes of output, weights and work against the limits above. */
static cn_status check_sizes(const cn_layer *layer, cn_shape in, cn_error *error)
{
    const cn_shape *s = &layer->shape;
    if (!positive_extent(s->c) || !positive_extent(s->h) || !positive_extent(s->w) ||
        cn_shape_count(*s) > max_values)
        return refuse(
            layer, error,
            "the output is %dx%dx%d; each side must be from 1 to %d and the whole at most "
            "%" PRId64 " values",
            s->c, s->h, s->w, CN_MAX_EXTENT, max_values);
    if (!cn_op_is_tensor(layer->op)) return CN_OK;
    const cn_window *w = &layer->window;
    int64_t per_output = layer->op == CN_OP_FC
                             ? cn_shape_count(in)
                             : (int64_t)(in.c / layer->groups) * w->kernel_h * w->kernel_w;
    int64_t values = cn_shape_count(*s);
    if (per_output > max_values / layer->units || per_output > max_macs / values)
        return refuse(layer, error,
                      "%" PRId64 " weights for each of %d outputs are more than this program "
                      "handles",
                      per_output, layer->units);
    return CN_OK;
}

/* How many layers an operator reads, a fused residual apart. */
static cn_status check_inputs(const cn_graph *graph, const cn_layer *layer, cn_error *error)
{
    int32_t own = layer->input_count - (layer->residual >= 0);
    for (int32_t i = 0; i < layer->input_count; i++)
        if (layer->inputs[i] < 0 || layer->inputs[i] >= graph->count)
            return refuse(layer, error, "input %d is not a layer before this one", i);
    if (layer->residual == 0 || layer->residual >= layer->input_count)
        return refuse(layer, error, "the fused addition has no operand at input %d",
                      layer->residual);
    if (layer->op == CN_OP_INPUT)
        return own == 0 ? CN_OK : refuse(layer, error, "the input reads no layer");
    int32_t least = layer->op == CN_OP_ADD ? 2 : 1;
    if (own < least || (own > 1 && !rules[layer->op].many))
        return refuse(layer, error, "reads %d layers and must read %s", own,
                      least == 2              ? "two or more"
                      : rules[layer->op].many ? "one or more"
                                              : "one");
    return CN_OK;
}

cn_status cn_layer_infer(const cn_graph *graph, cn_layer *layer, cn_error *error)
{
    cn_status status = check_inputs(graph, layer, error);
    if (status) return status;
    if (layer->op == CN_OP_INPUT) return check_sizes(layer, layer->shape, error);
    cn_shape in = graph->layers[layer->inputs[0]].shape;
    status = rules[layer->op].infer(layer, in, error);
    if (!status && rules[layer->op].many) status = infer_many(graph, layer, error);
    if (!status) status = check_sizes(layer, in, error);
    if (status || layer->residual < 0) return status;
    const cn_layer *residual = &graph->layers[layer->inputs[layer->residual]];
    if (!same_shape(residual->shape, layer->shape))
        return refuse(layer, error, "the fused addition's operand '%s' has another shape",
                      residual->name);
    return CN_OK;
}

cn_status cn_graph_infer_shapes(cn_graph *graph, cn_error *error)
{
    cn_graph before = *graph; /* a layer sees the ones before it only */
    for (int32_t i = 0; i < graph->count; i++) {
        before.count = i;
        cn_status status = cn_layer_infer(&before, &graph->layers[i], error);
        if (status) return status;
    }
    return CN_OK;
}
