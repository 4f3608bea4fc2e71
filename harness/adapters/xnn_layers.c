/* Our layers as XNNPACK's operators. Clamping activations are part of the operator before them. */
#include <math.h>
#include <string.h>

#include "adapters/xnn.h"
#include "condense/memory.h"

/* One layer being made. */
typedef struct work {
    st_xnn_net *net;
    const cn_layer *layer;
    const st_xnn_value *in, *out; /* of inputs[0] and of the layer */
    cn_shape from, to;            /* their shapes */
    size_t pixels;                /* of the output, in the whole batch */
    float low, high;              /* clamp */
    cn_error *error;
} work;

static cn_status unsupported(const work *w, const char *what)
{
    return cn_fail(w->error, CN_EUNSUPPORTED, "XNNPACK, layer '%s' (%s): not supported: %s",
                   w->layer->name, cn_op_name(w->layer->op), what);
}

static cn_status check(const work *w, enum xnn_status status)
{
    if (status == xnn_status_success) return CN_OK;
    return cn_fail(w->error, status == xnn_status_out_of_memory ? CN_ENOMEM : CN_EUNSUPPORTED,
                   "XNNPACK, layer '%s' (%s): status %d", w->layer->name, cn_op_name(w->layer->op),
                   (int)status);
}

/* Takes over an operator that was made with `status`; it is set up after this. By address: a call
 * that makes it may stand among the arguments. */
static cn_status append(const work *w, enum xnn_status status, const xnn_operator_t *made)
{
    st_xnn_net *net = w->net;
    if (status != xnn_status_success) return check(w, status);
    if (net->count == net->room) {
        int32_t room = net->room ? 2 * net->room : 64;
        xnn_operator_t *more =
            cn_recalloc(net->operators, (size_t)net->count, (size_t)room, sizeof *more);
        if (!more) {
            xnn_delete_operator(*made);
            return cn_fail(w->error, CN_ENOMEM, "out of memory");
        }
        net->operators = more;
        net->room = room;
    }
    net->operators[net->count++] = *made;
    return CN_OK;
}

static const float *tensor(const work *w, const char *suffix)
{
    const cn_tensor *found = cn_weights_of(w->net->weights, w->layer->name, suffix);
    return found ? found->data : NULL;
}

/* `outer` arrays of `rows` x `columns`, each transposed: from planes to pixels. For cn_free. */
static float *transposed(const float *from, size_t outer, size_t rows, size_t columns)
{
    float *to = cn_calloc(outer * rows * columns, sizeof *to);
    for (size_t o = 0; to && o < outer; o++)
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < columns; c++)
                to[(o * columns + c) * rows + r] = from[(o * rows + r) * columns + c];
    return to;
}

static cn_status convolution(const work *w)
{
    const cn_layer *l = w->layer;
    const cn_window *win = &l->window;
    size_t groups = (size_t)l->groups, in = (size_t)w->from.c / groups;
    size_t out = (size_t)l->units / groups;
    size_t taps = (size_t)win->kernel_h * (size_t)win->kernel_w;
    float *weights = transposed(tensor(w, "weight"), groups * out, in, taps);
    if (!weights) return cn_fail(w->error, CN_ENOMEM, "out of memory");
    xnn_operator_t made = NULL;
    enum xnn_status status = xnn_create_convolution2d_nhwc_f32(
        (uint32_t)win->pad_top, (uint32_t)win->pad_right, (uint32_t)win->pad_bottom,
        (uint32_t)win->pad_left, (uint32_t)win->kernel_h, (uint32_t)win->kernel_w,
        (uint32_t)win->stride_h, (uint32_t)win->stride_w, (uint32_t)win->dilation_h,
        (uint32_t)win->dilation_w, (uint32_t)groups, in, out, w->in->stride, w->out->stride,
        weights, tensor(w, "bias"), w->low, w->high, 0, &made);
    cn_free(weights); /* packed */
    cn_status done = append(w, status, &made);
    if (done) return done;
    return check(w, xnn_setup_convolution2d_nhwc_f32(made, w->net->batch, (size_t)w->from.h,
                                                     (size_t)w->from.w, w->in->data, w->out->data,
                                                     w->net->pool));
}

static cn_status fully_connected(const work *w)
{
    size_t plane = (size_t)w->from.h * (size_t)w->from.w, channels = (size_t)w->from.c;
    float *weights = transposed(tensor(w, "weight"), (size_t)w->layer->units, channels, plane);
    if (!weights) return cn_fail(w->error, CN_ENOMEM, "out of memory");
    xnn_operator_t made = NULL;
    enum xnn_status status = xnn_create_fully_connected_nc_f32(
        channels * plane, (size_t)w->layer->units, w->in->stride * plane, w->out->stride, weights,
        tensor(w, "bias"), w->low, w->high, 0, &made);
    cn_free(weights);
    cn_status done = append(w, status, &made);
    if (done) return done;
    return check(w, xnn_setup_fully_connected_nc_f32(made, w->net->batch, w->in->data, w->out->data,
                                                     w->net->pool));
}

/* How far the windows reach past the input along one side; what hangs over in ceil mode is padding
 * that XNNPACK neither takes for a maximum nor counts in an average. */
static uint32_t pad_after(int32_t in, int32_t out, int32_t kernel, int32_t stride, int32_t before,
                          int32_t after)
{
    int32_t end = (out - 1) * stride + kernel - before - in;
    return (uint32_t)(end > after ? end : after);
}

static cn_status pooling(const work *w)
{
    const cn_window *win = &w->layer->window;
    bool average = w->layer->op == CN_OP_AVG_POOL;
    bool padded = win->pad_top || win->pad_bottom || win->pad_left || win->pad_right;
    if (average && w->layer->count_padding && padded) return unsupported(w, "counted padding");
    uint32_t top = (uint32_t)win->pad_top, left = (uint32_t)win->pad_left;
    uint32_t bottom =
        pad_after(w->from.h, w->to.h, win->kernel_h, win->stride_h, win->pad_top, win->pad_bottom);
    uint32_t right =
        pad_after(w->from.w, w->to.w, win->kernel_w, win->stride_w, win->pad_left, win->pad_right);
    uint32_t kernel_h = (uint32_t)win->kernel_h, kernel_w = (uint32_t)win->kernel_w;
    uint32_t stride_h = (uint32_t)win->stride_h, stride_w = (uint32_t)win->stride_w;
    size_t channels = (size_t)w->from.c, h = (size_t)w->from.h, v = (size_t)w->from.w;
    xnn_operator_t made = NULL;
    enum xnn_status status =
        average
            ? xnn_create_average_pooling2d_nhwc_f32(top, right, bottom, left, kernel_h, kernel_w,
                                                    stride_h, stride_w, channels, w->in->stride,
                                                    w->out->stride, w->low, w->high, 0, &made)
            : xnn_create_max_pooling2d_nhwc_f32(top, right, bottom, left, kernel_h, kernel_w,
                                                stride_h, stride_w, 1, 1, channels, w->in->stride,
                                                w->out->stride, w->low, w->high, 0, &made);
    cn_status done = append(w, status, &made);
    if (done) return done;
    return check(w, average
                        ? xnn_setup_average_pooling2d_nhwc_f32(
                              made, w->net->batch, h, v, w->in->data, w->out->data, w->net->pool)
                        : xnn_setup_max_pooling2d_nhwc_f32(made, w->net->batch, h, v, w->in->data,
                                                           w->out->data, w->net->pool));
}

static cn_status global_average(const work *w)
{
    xnn_operator_t made = NULL;
    cn_status done =
        append(w,
               xnn_create_global_average_pooling_nwc_f32((size_t)w->from.c, w->in->stride,
                                                         w->out->stride, w->low, w->high, 0, &made),
               &made);
    if (done) return done;
    return check(w, xnn_setup_global_average_pooling_nwc_f32(
                        made, w->net->batch, (size_t)w->from.h * (size_t)w->from.w, w->in->data,
                        w->out->data, w->net->pool));
}

/* From one value to another of the same number of channels, pixel by pixel. */
static cn_status clamp(const work *w, const st_xnn_value *from)
{
    xnn_operator_t made = NULL;
    cn_status done = append(w,
                            xnn_create_clamp_nc_f32((size_t)w->to.c, from->stride, w->out->stride,
                                                    w->low, w->high, 0, &made),
                            &made);
    if (done) return done;
    return check(w,
                 xnn_setup_clamp_nc_f32(made, w->pixels, from->data, w->out->data, w->net->pool));
}

static cn_status sigmoid(const work *w, const st_xnn_value *from)
{
    xnn_operator_t made = NULL;
    cn_status done = append(
        w, xnn_create_sigmoid_nc_f32((size_t)w->to.c, from->stride, w->out->stride, 0, &made),
        &made);
    if (done) return done;
    return check(w,
                 xnn_setup_sigmoid_nc_f32(made, w->pixels, from->data, w->out->data, w->net->pool));
}

static cn_status softmax(const work *w)
{
    xnn_operator_t made = NULL;
    cn_status done = append(
        w, xnn_create_softmax_nc_f32((size_t)w->to.c, w->in->stride, w->out->stride, 0, &made),
        &made);
    if (done) return done;
    return check(
        w, xnn_setup_softmax_nc_f32(made, w->pixels, w->in->data, w->out->data, w->net->pool));
}

static cn_status copy(const work *w, const st_xnn_value *from, size_t channels, float *to)
{
    xnn_operator_t made = NULL;
    cn_status done =
        append(w, xnn_create_copy_nc_x32(channels, from->stride, w->out->stride, 0, &made), &made);
    if (done) return done;
    return check(w, xnn_setup_copy_nc_x32(made, w->pixels, from->data, to, w->net->pool));
}

/* The first two operands, then each further one onto the sum; the last sum is clamped. */
static cn_status addition(const work *w)
{
    const st_xnn_value *sum = w->in;
    size_t count = w->pixels * (size_t)w->to.c;
    cn_status done = CN_OK;
    for (int32_t k = 1; k < w->layer->input_count && !done; k++) {
        const st_xnn_value *other = &w->net->values[w->layer->inputs[k]];
        bool last = k + 1 == w->layer->input_count;
        xnn_operator_t made = NULL;
        done = append(
            w,
            xnn_create_add_nd_f32(last ? w->low : -INFINITY, last ? w->high : INFINITY, 0, &made),
            &made);
        if (done) break;
        done = check(w, xnn_setup_add_nd_f32(made, 1, &count, 1, &count, sum->data, other->data,
                                             w->out->data, w->net->pool));
        sum = w->out;
    }
    return done;
}

/* What does not lie in its place already is copied there. */
static cn_status concatenation(const work *w)
{
    size_t at = 0;
    cn_status done = CN_OK;
    for (int32_t k = 0; k < w->layer->input_count && !done; k++) {
        int32_t index = w->layer->inputs[k];
        const st_xnn_value *part = &w->net->values[index];
        size_t channels = (size_t)w->net->graph->layers[index].shape.c;
        if (part->data != w->out->data + at) done = copy(w, part, channels, w->out->data + at);
        at += channels;
    }
    return done;
}

static cn_status padding(const work *w)
{
    const cn_window *win = &w->layer->window;
    size_t shape[] = {w->net->batch, (size_t)w->from.h, (size_t)w->from.w, (size_t)w->from.c};
    size_t before[] = {0, (size_t)win->pad_top, (size_t)win->pad_left, 0};
    size_t after[] = {0, (size_t)win->pad_bottom, (size_t)win->pad_right, 0};
    const uint32_t zero = 0;
    xnn_operator_t made = NULL;
    cn_status done = append(w, xnn_create_constant_pad_nd_x32(&zero, 0, &made), &made);
    if (done) return done;
    return check(w, xnn_setup_constant_pad_nd_x32(made, 4, shape, before, after, w->in->data,
                                                  w->out->data, w->net->pool));
}

static cn_status resizing(const work *w)
{
    if (w->layer->resize != CN_RESIZE_BILINEAR) return unsupported(w, "nearest");
    xnn_operator_t made = NULL;
    cn_status done = append(w,
                            xnn_create_resize_bilinear2d_nhwc_f32((size_t)w->from.c, w->in->stride,
                                                                  w->out->stride, 0, &made),
                            &made);
    if (done) return done;
    return check(w, xnn_setup_resize_bilinear2d_nhwc_f32(
                        made, w->net->batch, (size_t)w->from.h, (size_t)w->from.w, (size_t)w->to.h,
                        (size_t)w->to.w, w->in->data, w->out->data, w->net->pool));
}

static cn_status operator_of(const work *w)
{
    switch (w->layer->op) {
    case CN_OP_INPUT:
        return CN_OK;
    case CN_OP_CONV:
        return convolution(w);
    case CN_OP_FC:
        return fully_connected(w);
    case CN_OP_MAX_POOL:
    case CN_OP_AVG_POOL:
        return pooling(w);
    case CN_OP_GLOBAL_AVG_POOL:
        return global_average(w);
    case CN_OP_RELU:
    case CN_OP_RELU6:
        return clamp(w, w->in);
    case CN_OP_SIGMOID:
        return sigmoid(w, w->in);
    case CN_OP_ADD:
        return addition(w);
    case CN_OP_CONCAT:
        return concatenation(w);
    case CN_OP_SOFTMAX:
        return softmax(w);
    case CN_OP_DROPOUT:
        return copy(w, w->in, (size_t)w->to.c, w->out->data);
    case CN_OP_FLATTEN:
        if (w->from.h * w->from.w > 1) return unsupported(w, "flattening planes");
        return copy(w, w->in, (size_t)w->to.c, w->out->data);
    case CN_OP_PAD:
        return padding(w);
    case CN_OP_RESIZE:
        return resizing(w);
    default:
        return unsupported(w, cn_op_name(w->layer->op));
    }
}

cn_status st_xnn_layer(st_xnn_net *net, int32_t index, cn_error *error)
{
    const cn_layer *layer = &net->graph->layers[index];
    int32_t first = layer->input_count ? layer->inputs[0] : index;
    cn_activation activation = layer->activation;
    bool relu = activation == CN_ACT_RELU || layer->op == CN_OP_RELU;
    bool relu6 = activation == CN_ACT_RELU6 || layer->op == CN_OP_RELU6;
    work w = {.net = net,
              .layer = layer,
              .in = &net->values[first],
              .out = &net->values[index],
              .from = net->graph->layers[first].shape,
              .to = layer->shape,
              .pixels = net->batch * (size_t)layer->shape.h * (size_t)layer->shape.w,
              .low = relu || relu6 ? 0.0f : -INFINITY,
              .high = relu6 ? 6.0f : INFINITY,
              .error = error};
    if (activation == CN_ACT_TANH) return unsupported(&w, "tanh");
    cn_status status = operator_of(&w);
    return !status && activation == CN_ACT_SIGMOID ? sigmoid(&w, w.out) : status;
}
