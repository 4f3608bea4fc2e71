/* The reference: what every operator means, in double precision and straight loops. It follows the
 * definitions and nothing else, so that a fast kernel can be held against it. Activations are dense
 * N x C x H x W arrays of doubles. */
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/session.h"
#include "lr/operators.h"

/* One layer at work: shapes, inputs and output of the whole batch. */
typedef struct work {
    const cn_layer *layer;
    const cn_weights *weights;
    int64_t batch;
    cn_shape in, out; /* of inputs[0] and of the output */
    const double *x;  /* inputs[0] */
    double *y;
    const cn_graph *graph;
    double **values; /* outputs of all layers so far */
} work;

static const float *tensor(const work *w, const char *suffix)
{
    const cn_tensor *found = cn_weights_of(w->weights, w->layer->name, suffix);
    return found ? found->data : NULL;
}

/* The outputs 0 <= o < out whose tap at `offset` (in input pixels, o * stride + offset) lies inside
 * 0 .. in-1: [*first, *end). */
static void covered(int64_t offset, int64_t stride, int64_t in, int64_t out, int64_t *first,
                    int64_t *end)
{
    int64_t low = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
    int64_t high = in - 1 - offset < 0 ? 0 : (in - 1 - offset) / stride + 1;
    *first = low;
    *end = high < out ? high : out;
}

/* y += weight * (the input plane seen through one tap of the window) */
static void add_tap(const work *w, const double *x, double *y, int32_t kh, int32_t kw,
                    double weight)
{
    const cn_window *win = &w->layer->window;
    int64_t dy = (int64_t)kh * win->dilation_h - win->pad_top;
    int64_t dx = (int64_t)kw * win->dilation_w - win->pad_left;
    int64_t y0, y1, x0, x1;
    covered(dy, win->stride_h, w->in.h, w->out.h, &y0, &y1);
    covered(dx, win->stride_w, w->in.w, w->out.w, &x0, &x1);
    for (int64_t i = y0; i < y1; i++) {
        const double *row = x + (i * win->stride_h + dy) * w->in.w + dx;
        double *to = y + i * w->out.w;
        for (int64_t j = x0; j < x1; j++)
            to[j] += weight * row[j * win->stride_w];
    }
}

static void convolution(const work *w)
{
    const cn_layer *layer = w->layer;
    const float *weight = tensor(w, "weight"), *bias = tensor(w, "bias");
    int64_t in_plane = (int64_t)w->in.h * w->in.w, out_plane = (int64_t)w->out.h * w->out.w;
    int64_t in_group = w->in.c / layer->groups, out_group = w->out.c / layer->groups;
    int64_t taps = (int64_t)layer->window.kernel_h * layer->window.kernel_w;
    for (int64_t n = 0; n < w->batch; n++)
        for (int64_t oc = 0; oc < w->out.c; oc++) {
            double *y = w->y + (n * w->out.c + oc) * out_plane;
            for (int64_t i = 0; i < out_plane; i++)
                y[i] = bias ? bias[oc] : 0.0;
            for (int64_t ic = 0; ic < in_group; ic++) {
                const double *x = w->x + (n * w->in.c + oc / out_group * in_group + ic) * in_plane;
                for (int64_t t = 0; t < taps; t++)
                    add_tap(w, x, y, (int32_t)(t / layer->window.kernel_w),
                            (int32_t)(t % layer->window.kernel_w),
                            weight[(oc * in_group + ic) * taps + t]);
            }
        }
}

static void fully_connected(const work *w)
{
    const float *weight = tensor(w, "weight"), *bias = tensor(w, "bias");
    int64_t columns = cn_shape_count(w->in);
    for (int64_t n = 0; n < w->batch; n++)
        for (int64_t row = 0; row < w->out.c; row++) {
            double sum = bias ? bias[row] : 0.0;
            for (int64_t i = 0; i < columns; i++)
                sum += (double)weight[row * columns + i] * w->x[n * columns + i];
            w->y[n * w->out.c + row] = sum;
        }
}

/* Max or average of one window. Padding never wins a maximum; it counts in an average's divisor
 * where the layer says so. A window that covers no pixel gives 0. */
static double pool_window(const work *w, const double *x, int32_t oy, int32_t ox)
{
    cn_span rows = cn_pool_span(&w->layer->window, false, oy, w->in.h);
    cn_span columns = cn_pool_span(&w->layer->window, true, ox, w->in.w);
    bool max = w->layer->op == CN_OP_MAX_POOL;
    double result = max ? -INFINITY : 0.0;
    for (int32_t i = rows.first; i < rows.end; i++)
        for (int32_t j = columns.first; j < columns.end; j++) {
            double value = x[(int64_t)i * w->in.w + j];
            if (!max)
                result += value;
            else if (value > result || isnan(value))
                result = value;
        }
    if (rows.first >= rows.end || columns.first >= columns.end) return 0.0;
    if (max) return result;
    if (w->layer->count_padding) return result / ((double)rows.padded * columns.padded);
    return result / ((double)(rows.end - rows.first) * (columns.end - columns.first));
}

static void pooling(const work *w)
{
    int64_t in_plane = (int64_t)w->in.h * w->in.w, out_plane = (int64_t)w->out.h * w->out.w;
    for (int64_t p = 0; p < w->batch * w->out.c; p++)
        for (int32_t i = 0; i < w->out.h; i++)
            for (int32_t j = 0; j < w->out.w; j++)
                w->y[p * out_plane + (int64_t)i * w->out.w + j] =
                    pool_window(w, w->x + p * in_plane, i, j);
}

static void global_average(const work *w)
{
    int64_t plane = (int64_t)w->in.h * w->in.w;
    for (int64_t p = 0; p < w->batch * w->in.c; p++) {
        double sum = 0.0;
        for (int64_t i = 0; i < plane; i++)
            sum += w->x[p * plane + i];
        w->y[p] = sum / (double)plane;
    }
}

static void batch_norm(const work *w)
{
    const float *scale = tensor(w, "weight"), *shift = tensor(w, "bias");
    const float *mean = tensor(w, "running_mean"), *variance = tensor(w, "running_var");
    int64_t plane = (int64_t)w->in.h * w->in.w;
    for (int64_t p = 0; p < w->batch * w->in.c; p++) {
        int64_t c = p % w->in.c;
        double factor = scale[c] / sqrt((double)variance[c] + (double)w->layer->epsilon);
        for (int64_t i = p * plane; i < (p + 1) * plane; i++)
            w->y[i] = (w->x[i] - mean[c]) * factor + shift[c];
    }
}

static void local_response(const work *w)
{
    const cn_layer *layer = w->layer;
    int64_t plane = (int64_t)w->in.h * w->in.w, half = (layer->lrn_size - 1) / 2;
    for (int64_t p = 0; p < w->batch * w->in.c; p++) {
        int64_t c = p % w->in.c, first = c - half, end = first + layer->lrn_size;
        if (first < 0) first = 0;
        if (end > w->in.c) end = w->in.c;
        for (int64_t i = 0; i < plane; i++) {
            double sum = 0.0;
            for (int64_t k = first; k < end; k++) {
                double value = w->x[(p - c + k) * plane + i];
                sum += value * value;
            }
            double base = layer->lrn_k + (double)layer->lrn_alpha / layer->lrn_size * sum;
            w->y[p * plane + i] = w->x[p * plane + i] * pow(base, -(double)layer->lrn_beta);
        }
    }
}

static void softmax(const work *w)
{
    int64_t plane = (int64_t)w->in.h * w->in.w, channels = w->in.c;
    for (int64_t n = 0; n < w->batch; n++)
        for (int64_t i = 0; i < plane; i++) {
            const double *x = w->x + n * channels * plane + i;
            double *y = w->y + n * channels * plane + i, peak = x[0], sum = 0.0;
            for (int64_t c = 1; c < channels; c++)
                if (x[c * plane] > peak) peak = x[c * plane];
            for (int64_t c = 0; c < channels; c++)
                sum += y[c * plane] = exp(x[c * plane] - peak);
            for (int64_t c = 0; c < channels; c++)
                y[c * plane] /= sum;
        }
}

static void addition(const work *w)
{
    int64_t count = w->batch * cn_shape_count(w->out);
    memcpy(w->y, w->x, (size_t)count * sizeof *w->y);
    for (int32_t k = 1; k < w->layer->input_count; k++) {
        const double *other = w->values[w->layer->inputs[k]];
        for (int64_t i = 0; i < count; i++)
            w->y[i] += other[i];
    }
}

static void concatenation(const work *w)
{
    int64_t whole = cn_shape_count(w->out), at = 0;
    for (int32_t k = 0; k < w->layer->input_count; k++) {
        int32_t index = w->layer->inputs[k];
        int64_t part = cn_shape_count(w->graph->layers[index].shape);
        for (int64_t n = 0; n < w->batch; n++)
            memcpy(w->y + n * whole + at, w->values[index] + n * part, (size_t)part * sizeof *w->y);
        at += part;
    }
}

static void padding(const work *w)
{
    const cn_window *win = &w->layer->window;
    int64_t in_plane = (int64_t)w->in.h * w->in.w, out_plane = (int64_t)w->out.h * w->out.w;
    memset(w->y, 0, (size_t)(w->batch * w->out.c * out_plane) * sizeof *w->y);
    for (int64_t p = 0; p < w->batch * w->in.c; p++)
        for (int64_t i = 0; i < w->in.h; i++)
            memcpy(w->y + p * out_plane + (i + win->pad_top) * w->out.w + win->pad_left,
                   w->x + p * in_plane + i * w->in.w, (size_t)w->in.w * sizeof *w->y);
}

static double resize_pixel(const work *w, const double *x, int32_t oy, int32_t ox)
{
    if (w->layer->resize == CN_RESIZE_NEAREST)
        return x[(int64_t)cn_nearest_source(oy, w->in.h, w->out.h) * w->in.w +
                 cn_nearest_source(ox, w->in.w, w->out.w)];
    cn_blend v = cn_bilinear_source(oy, w->in.h, w->out.h);
    cn_blend h = cn_bilinear_source(ox, w->in.w, w->out.w);
    const double *upper = x + (int64_t)v.low * w->in.w, *lower = x + (int64_t)v.high * w->in.w;
    return (1.0 - v.weight) * ((1.0 - h.weight) * upper[h.low] + h.weight * upper[h.high]) +
           v.weight * ((1.0 - h.weight) * lower[h.low] + h.weight * lower[h.high]);
}

static void resizing(const work *w)
{
    int64_t in_plane = (int64_t)w->in.h * w->in.w, out_plane = (int64_t)w->out.h * w->out.w;
    for (int64_t p = 0; p < w->batch * w->in.c; p++)
        for (int32_t i = 0; i < w->out.h; i++)
            for (int32_t j = 0; j < w->out.w; j++)
                w->y[p * out_plane + (int64_t)i * w->out.w + j] =
                    resize_pixel(w, w->x + p * in_plane, i, j);
}

static void pixel_shuffle(const work *w)
{
    int64_t f = w->layer->factor, height = w->in.h, width = w->in.w;
    for (int64_t p = 0; p < w->batch * w->in.c; p++) {
        int64_t sub = p % (f * f), dy = sub / f, dx = sub % f;
        double *y = w->y + p / (f * f) * (f * f * height * width);
        for (int64_t i = 0; i < height; i++)
            for (int64_t j = 0; j < width; j++)
                y[(i * f + dy) * (width * f) + j * f + dx] = w->x[(p * height + i) * width + j];
    }
}

static void identity(const work *w)
{
    memcpy(w->y, w->x, (size_t)(w->batch * cn_shape_count(w->out)) * sizeof *w->y);
}

/* What a pass fused behind the operator: the residual addition, then the activation. */
static void finish(const work *w, cn_activation activation)
{
    const double *residual =
        w->layer->residual < 0 ? NULL : w->values[w->layer->inputs[w->layer->residual]];
    int64_t count = w->batch * cn_shape_count(w->out);
    if (!residual && activation == CN_ACT_NONE) return;
    for (int64_t i = 0; i < count; i++)
        w->y[i] = cn_activate(activation, w->y[i] + (residual ? residual[i] : 0.0));
}

static cn_status run_layer(const work *w, cn_error *error)
{
    static void (*const operators[CN_OP_COUNT])(const work *) = {
        [CN_OP_CONV] = convolution,
        [CN_OP_FC] = fully_connected,
        [CN_OP_MAX_POOL] = pooling,
        [CN_OP_AVG_POOL] = pooling,
        [CN_OP_GLOBAL_AVG_POOL] = global_average,
        [CN_OP_BATCH_NORM] = batch_norm,
        [CN_OP_LRN] = local_response,
        [CN_OP_RELU] = identity,
        [CN_OP_RELU6] = identity,
        [CN_OP_SIGMOID] = identity,
        [CN_OP_TANH] = identity,
        [CN_OP_ADD] = addition,
        [CN_OP_CONCAT] = concatenation,
        [CN_OP_SOFTMAX] = softmax,
        [CN_OP_DROPOUT] = identity,
        [CN_OP_FLATTEN] = identity,
        [CN_OP_PAD] = padding,
        [CN_OP_RESIZE] = resizing,
        [CN_OP_PIXEL_SHUFFLE] = pixel_shuffle};
    if (w->layer->op >= CN_OP_COUNT || !operators[w->layer->op])
        return cn_fail(error, CN_EUNSUPPORTED,
                       "layer '%s': the reference does not know operator %d", w->layer->name,
                       (int)w->layer->op);
    operators[w->layer->op](w);
    cn_activation own = cn_op_activation(w->layer->op);
    finish(w, own != CN_ACT_NONE ? own : w->layer->activation);
    return CN_OK;
}

static cn_status run_all(const cn_graph *graph, const cn_weights *weights, int32_t batch,
                         const float *input, double **values, cn_error *error)
{
    for (int32_t i = 0; i < graph->count; i++) {
        const cn_layer *layer = &graph->layers[i];
        size_t count = 0;
        if (cn_mul_size((size_t)cn_shape_count(layer->shape), (size_t)batch, &count))
            values[i] = cn_calloc(count, sizeof **values);
        if (!values[i])
            return cn_fail(error, CN_ENOMEM, "layer '%s': no memory for its %d outputs",
                           layer->name, batch);
        if (layer->op == CN_OP_INPUT) {
            for (size_t k = 0; k < count; k++)
                values[i][k] = input[k];
            continue;
        }
        int32_t first = layer->inputs[0];
        work w = {.layer = layer,
                  .weights = weights,
                  .batch = batch,
                  .graph = graph,
                  .in = graph->layers[first].shape,
                  .out = layer->shape,
                  .x = values[first],
                  .y = values[i],
                  .values = values};
        cn_status status = run_layer(&w, error);
        if (status) return status;
    }
    return CN_OK;
}

cn_status cn_reference_run(const cn_graph *graph, const cn_weights *weights, int32_t batch,
                           const float *input, double *output, double ***layer_outputs,
                           cn_error *error)
{
    if (batch < 1) return cn_fail(error, CN_EINVAL, "batch %d: give at least 1", batch);
    if (graph->count < 1) return cn_fail(error, CN_EINVAL, "the network has no layers");
    cn_status status = cn_weights_check(weights, graph, error);
    if (status) return status;
    double **values = cn_calloc((size_t)graph->count, sizeof *values);
    if (!values) return cn_fail(error, CN_ENOMEM, "no memory for %d layers", graph->count);
    status = run_all(graph, weights, batch, input, values, error);
    if (!status) {
        int64_t count = cn_shape_count(graph->layers[graph->count - 1].shape) * batch;
        memcpy(output, values[graph->count - 1], (size_t)count * sizeof *output);
        if (layer_outputs) {
            *layer_outputs = values;
            return CN_OK;
        }
    }
    for (int32_t i = 0; i < graph->count; i++)
        cn_free(values[i]);
    cn_free(values);
    return status;
}
