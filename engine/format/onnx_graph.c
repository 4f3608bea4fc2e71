/* Our layers as ONNX operators of set 13.
 *
 * A value of C x 1 x 1 per image is of rank 2 in ONNX where fully connected (Gemm) or Flatten made
 * it, else of rank 4; `flat` says which, and reshapes go where a reader wants the other. */
#include <math.h>

#include "condense/memory.h"
#include "format/onnx_graph.h"
#include "format/onnx_levels.h"
#include "lr/operators.h"

/* One layer on its way. */
typedef struct work {
    cn_onnx *onnx;
    const cn_graph *graph;
    const cn_weights *weights, *scales; /* scales NULL: of floats */
    const cn_layer *layer;
    cn_shape in;        /* of inputs[0] */
    const char *output; /* what the operator's output is called: the layer's name, or a part of a
                         * fused layer */
    bool *flat;         /* by layer */
} work;

static int32_t index_of(const work *w)
{
    return (int32_t)(w->layer - w->graph->layers);
}

/* A constant of the layer's, called "<output>.<suffix>". */
static const char *integers(const work *w, const char *suffix, const int64_t *values, int64_t count)
{
    const char *name = cn_onnx_text(w->onnx, "%s.%s", w->output, suffix);
    cn_onnx_constant(w->onnx, name, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, &count, 1, values,
                     (size_t)count * sizeof *values, true);
    return name;
}

static const char *number(const work *w, const char *suffix, float value)
{
    const char *name = cn_onnx_text(w->onnx, "%s.%s", w->output, suffix);
    cn_onnx_constant(w->onnx, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, NULL, 0, &value,
                     sizeof value, true);
    return name;
}

/* The tensor "<layer>.<suffix>" under its own name. */
static const char *tensor(const work *w, const char *suffix)
{
    const cn_tensor *t = cn_weights_of(w->weights, w->layer->name, suffix);
    int64_t dims[4];
    for (int32_t i = 0; i < t->rank; i++)
        dims[i] = t->dims[i];
    cn_onnx_constant(w->onnx, t->name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, dims, (size_t)t->rank,
                     t->data, (size_t)cn_tensor_count(t) * sizeof(float), false);
    return t->name;
}

static Onnx__NodeProto *node(const work *w, const char *op, const char *const *inputs, size_t count)
{
    return cn_onnx_node(w->onnx, op, w->output, inputs, count);
}

static cn_onnx_levels levels_of(const work *w, int32_t index)
{
    return w->scales ? cn_onnx_levels_of(w->scales, &w->graph->layers[index]) : (cn_onnx_levels){0};
}

static const float *scales_of(const work *w)
{
    return cn_weights_of(w->scales, w->layer->name, "weight_scale")->data;
}

/* The layer's weight and bias: as they are or, where they have scales, as integers. */
static const char *weight(const work *w)
{
    const cn_tensor *whole = cn_weights_of(w->weights, w->layer->name, "weight");
    return w->scales ? cn_onnx_weight_levels(w->onnx, whole, scales_of(w)) : tensor(w, "weight");
}

static const char *bias(const work *w)
{
    if (!w->layer->bias) return NULL;
    if (!w->scales) return tensor(w, "bias");
    return cn_onnx_bias_levels(w->onnx, cn_weights_of(w->weights, w->layer->name, "bias"),
                               scales_of(w), levels_of(w, w->layer->inputs[0]));
}

/* What layer `index` gave. The network's input is the reader's, and floats; its levels are another
 * value. */
static const char *value_of(const work *w, int32_t index)
{
    const char *name = w->graph->layers[index].name;
    bool rounded = !index && levels_of(w, index).scale > 0;
    return rounded ? cn_onnx_text(w->onnx, "%s.rounded", name) : name;
}

/* `name` in the other rank: the node called w->output. */
static void change_rank(const work *w, const char *name, cn_shape shape, bool flat)
{
    if (flat) {
        cn_onnx_int(w->onnx, node(w, "Flatten", &name, 1), "axis", 1);
        return;
    }
    int64_t dims[] = {0, shape.c, shape.h, shape.w}; /* 0: as it is */
    const char *inputs[] = {name, integers(w, "shape", dims, 4)};
    node(w, "Reshape", inputs, 2);
}

/* The name of the layer's input `k`, of rank 2 or 4 as asked. Levels are rounded to again, which
 * changes nothing: readers make integer operators of what reads from levels and writes to levels.
 */
static const char *input(const work *w, int32_t k, bool flat)
{
    int32_t from = w->layer->inputs[k];
    const char *name = value_of(w, from);
    if (w->flat[from] == flat) return name;
    cn_onnx_levels levels = levels_of(w, from);
    const char *changed = cn_onnx_text(w->onnx, "%s.input%d", w->layer->name, k);
    work reshape = *w;
    reshape.output = levels.scale > 0 ? cn_onnx_text(w->onnx, "%s.moved", changed) : changed;
    change_rank(&reshape, name, w->graph->layers[from].shape, flat);
    if (levels.scale > 0) cn_onnx_round(w->onnx, levels, reshape.output, changed);
    return changed;
}

static const char *as_planes(const work *w)
{
    return input(w, 0, false);
}

/* The input in whatever rank it has; the output then has the same. */
static const char *as_it_is(const work *w)
{
    return value_of(w, w->layer->inputs[0]);
}

static void window_attributes(const work *w, Onnx__NodeProto *n, const int64_t pads[4])
{
    const cn_window *win = &w->layer->window;
    const int64_t kernel[] = {win->kernel_h, win->kernel_w};
    const int64_t strides[] = {win->stride_h, win->stride_w};
    cn_onnx_ints(w->onnx, n, "kernel_shape", kernel, 2);
    cn_onnx_ints(w->onnx, n, "strides", strides, 2);
    cn_onnx_ints(w->onnx, n, "pads", pads, 4);
}

static void convolution(work *w)
{
    const cn_window *win = &w->layer->window;
    const int64_t pads[] = {win->pad_top, win->pad_left, win->pad_bottom, win->pad_right};
    const int64_t dilations[] = {win->dilation_h, win->dilation_w};
    const char *inputs[] = {as_planes(w), weight(w), bias(w)};
    Onnx__NodeProto *n = node(w, "Conv", inputs, w->layer->bias ? 3 : 2);
    window_attributes(w, n, pads);
    cn_onnx_ints(w->onnx, n, "dilations", dilations, 2);
    cn_onnx_int(w->onnx, n, "group", w->layer->groups);
}

static void fully_connected(work *w)
{
    const char *inputs[] = {input(w, 0, true), weight(w), bias(w)};
    Onnx__NodeProto *n = node(w, "Gemm", inputs, w->layer->bias ? 3 : 2);
    cn_onnx_int(w->onnx, n, "transB", 1);
}

static const char *padded(const work *w, const char *name, const char *from)
{
    const cn_window *win = &w->layer->window;
    const int64_t pads[] = {0, 0, win->pad_top,    win->pad_left,
                            0, 0, win->pad_bottom, win->pad_right};
    work pad = *w;
    pad.output = name;
    const char *inputs[] = {from, integers(&pad, "pads", pads, 8)};
    node(&pad, "Pad", inputs, 2);
    return name;
}

static void padding(work *w)
{
    padded(w, w->output, as_planes(w));
}

/* What windows cover after the last pixel along one side: with ceil mode more than the padding. */
static int64_t covered_after(int32_t in, int32_t out, int32_t kernel, int32_t stride,
                             int32_t before, int32_t after)
{
    int64_t end = (int64_t)(out - 1) * stride + kernel - before - in;
    return end > after ? end : after;
}

/* ONNX's ceil_mode has changed its meaning from one operator set to the next, so the last window's
 * overhang is written as padding: it never wins a maximum and counts in no average. Where the
 * layer's own padding does count, it becomes zeros of a Pad first, which count like any pixel; so
 * it does where zero is not level 0, which not every reader of integers pads with. */
static void pooling(work *w)
{
    const cn_window *win = &w->layer->window;
    cn_shape out = w->layer->shape;
    int64_t pads[] = {
        win->pad_top, win->pad_left,
        covered_after(w->in.h, out.h, win->kernel_h, win->stride_h, win->pad_top, win->pad_bottom),
        covered_after(w->in.w, out.w, win->kernel_w, win->stride_w, win->pad_left, win->pad_right)};
    bool average = w->layer->op == CN_OP_AVG_POOL, count = average && w->layer->count_padding;
    bool overhang = pads[2] > win->pad_bottom || pads[3] > win->pad_right;
    const char *from = as_planes(w);
    if (count && overhang) {
        from = padded(w, cn_onnx_text(w->onnx, "%s.padded", w->output), from);
        pads[0] = pads[1] = 0;
        pads[2] -= win->pad_bottom;
        pads[3] -= win->pad_right;
        count = false;
    }
    Onnx__NodeProto *n = node(w, average ? "AveragePool" : "MaxPool", &from, 1);
    window_attributes(w, n, pads);
    if (average) cn_onnx_int(w->onnx, n, "count_include_pad", count);
}

static void global_average(work *w)
{
    const char *from = as_planes(w);
    node(w, "GlobalAveragePool", &from, 1);
}

static void batch_norm(work *w)
{
    const char *inputs[] = {as_it_is(w), tensor(w, "weight"), tensor(w, "bias"),
                            tensor(w, "running_mean"), tensor(w, "running_var")};
    cn_onnx_float(w->onnx, node(w, "BatchNormalization", inputs, 5), "epsilon", w->layer->epsilon);
}

static void local_response(work *w)
{
    const char *from = as_planes(w);
    Onnx__NodeProto *n = node(w, "LRN", &from, 1);
    cn_onnx_int(w->onnx, n, "size", w->layer->lrn_size);
    cn_onnx_float(w->onnx, n, "alpha", w->layer->lrn_alpha);
    cn_onnx_float(w->onnx, n, "beta", w->layer->lrn_beta);
    cn_onnx_float(w->onnx, n, "bias", w->layer->lrn_k);
}

/* Activation `a` of the value `from`, to w->output. */
static void activate(const work *w, cn_activation a, const char *from)
{
    static const char *const names[] = {[CN_ACT_NONE] = "Identity",
                                        [CN_ACT_RELU] = "Relu",
                                        [CN_ACT_RELU6] = "Clip",
                                        [CN_ACT_SIGMOID] = "Sigmoid",
                                        [CN_ACT_TANH] = "Tanh"};
    bool clip = a == CN_ACT_RELU6;
    const char *inputs[] = {from, clip ? number(w, "min", 0.0f) : NULL,
                            clip ? number(w, "max", 6.0f) : NULL};
    node(w, names[a], inputs, clip ? 3 : 1);
}

/* Activations, and what is the identity in inference. */
static void pointwise(work *w)
{
    activate(w, cn_op_activation(w->layer->op), as_it_is(w));
}

/* Of rank 2 only where all inputs are. */
static bool all_flat(const work *w)
{
    for (int32_t k = 0; k < w->layer->input_count; k++)
        if (!w->flat[w->layer->inputs[k]]) return false;
    return true;
}

static void addition(work *w)
{
    bool flat = w->flat[index_of(w)];
    const char *sum = input(w, 0, flat);
    for (int32_t k = 1; k < w->layer->input_count; k++) {
        bool last = k + 1 == w->layer->input_count;
        const char *pair[] = {sum, input(w, k, flat)};
        sum = last ? w->output : cn_onnx_text(w->onnx, "%s.sum%d", w->output, k);
        cn_onnx_node(w->onnx, "Add", sum, pair, 2);
    }
}

static void concatenation(work *w)
{
    size_t count = (size_t)w->layer->input_count;
    const char **inputs = cn_calloc(count, sizeof *inputs);
    if (!inputs) {
        w->onnx->failed = true;
        return;
    }
    for (size_t k = 0; k < count; k++)
        inputs[k] = input(w, (int32_t)k, w->flat[index_of(w)]);
    cn_onnx_int(w->onnx, node(w, "Concat", inputs, count), "axis", 1);
    cn_free(inputs);
}

static void softmax(work *w)
{
    const char *from = as_it_is(w);
    cn_onnx_int(w->onnx, node(w, "Softmax", &from, 1), "axis", 1);
}

static void flatten(work *w)
{
    const char *from = as_it_is(w);
    cn_onnx_int(w->onnx, node(w, "Flatten", &from, 1), "axis", 1);
}

/* A factor that takes `in` pixels to `out`: readers round in * factor down. */
static float scale_factor(int32_t in, int32_t out)
{
    float factor = (float)out / (float)in;
    return floorf((float)in * factor) < (float)out ? nextafterf(factor, INFINITY) : factor;
}

/* To a size; with an open batch, which a size would have to name, by factors. */
static void resizing(work *w)
{
    cn_shape out = w->layer->shape;
    bool nearest = w->layer->resize == CN_RESIZE_NEAREST;
    const char *inputs[] = {as_planes(w), "", "", ""};
    if (w->onnx->batch) {
        const int64_t size[] = {w->onnx->batch, out.c, out.h, out.w};
        inputs[3] = integers(w, "size", size, 4);
    } else {
        const float factors[] = {1, 1, scale_factor(w->in.h, out.h), scale_factor(w->in.w, out.w)};
        const int64_t count = 4;
        inputs[2] = cn_onnx_text(w->onnx, "%s.factors", w->output);
        cn_onnx_constant(w->onnx, inputs[2], ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, &count, 1,
                         factors, sizeof factors, true);
    }
    Onnx__NodeProto *n = node(w, "Resize", inputs, w->onnx->batch ? 4 : 3);
    cn_onnx_string(w->onnx, n, "mode", nearest ? "nearest" : "linear");
    cn_onnx_string(w->onnx, n, "coordinate_transformation_mode", "half_pixel");
    /* A centre between two pixels takes the later one, as cn_nearest_source does. */
    if (nearest) cn_onnx_string(w->onnx, n, "nearest_mode", "round_prefer_ceil");
}

static void pixel_shuffle(work *w)
{
    const char *from = as_planes(w);
    Onnx__NodeProto *n = node(w, "DepthToSpace", &from, 1);
    cn_onnx_int(w->onnx, n, "blocksize", w->layer->factor);
    cn_onnx_string(w->onnx, n, "mode", "CRD");
}

typedef enum rank { PLANES, FLAT, AS_INPUTS } rank; /* of the output */

static const struct translation {
    void (*write)(work *w);
    rank rank;
} translations[CN_OP_COUNT] = {
    [CN_OP_CONV] = {convolution, PLANES},
    [CN_OP_FC] = {fully_connected, FLAT},
    [CN_OP_MAX_POOL] = {pooling, PLANES},
    [CN_OP_AVG_POOL] = {pooling, PLANES},
    [CN_OP_GLOBAL_AVG_POOL] = {global_average, PLANES},
    [CN_OP_BATCH_NORM] = {batch_norm, AS_INPUTS},
    [CN_OP_LRN] = {local_response, PLANES},
    [CN_OP_RELU] = {pointwise, AS_INPUTS},
    [CN_OP_RELU6] = {pointwise, AS_INPUTS},
    [CN_OP_SIGMOID] = {pointwise, AS_INPUTS},
    [CN_OP_TANH] = {pointwise, AS_INPUTS},
    [CN_OP_ADD] = {addition, AS_INPUTS},
    [CN_OP_CONCAT] = {concatenation, AS_INPUTS},
    [CN_OP_SOFTMAX] = {softmax, AS_INPUTS},
    [CN_OP_DROPOUT] = {pointwise, AS_INPUTS},
    [CN_OP_FLATTEN] = {flatten, FLAT},
    [CN_OP_PAD] = {padding, PLANES},
    [CN_OP_RESIZE] = {resizing, PLANES},
    [CN_OP_PIXEL_SHUFFLE] = {pixel_shuffle, PLANES},
};

/* A part of a layer on its way to the last one, which has the layer's name. */
static const char *part(const work *w, bool last, const char *suffix)
{
    return last ? w->layer->name : cn_onnx_text(w->onnx, "%s.%s", w->layer->name, suffix);
}

/* Integer operators of readers have levels at both ends: so has what goes into an addition. */
static void add_residual(work *w, cn_onnx_levels levels, bool last)
{
    int32_t residual = w->layer->inputs[w->layer->residual];
    const char *term = w->output;
    if (levels.scale > 0) {
        term = cn_onnx_text(w->onnx, "%s.rounded", w->output);
        cn_onnx_round(w->onnx, cn_onnx_levels_before_sum(levels, levels_of(w, residual)), w->output,
                      term);
    }
    const char *pair[] = {term, input(w, w->layer->residual, w->flat[index_of(w)])};
    w->output = part(w, last, "sum");
    node(w, "Add", pair, 2);
}

/* The operator, what passes fused behind it, and rounding to levels. */
static void write_fused(work *w, const struct translation *t)
{
    const cn_layer *layer = w->layer;
    cn_onnx_levels levels = levels_of(w, index_of(w));
    bool rounded = levels.scale > 0, residual = layer->residual >= 0;
    bool activation = layer->activation != CN_ACT_NONE &&
                      !(rounded && cn_onnx_levels_bound(levels, layer->activation));
    w->output = part(w, !rounded && !residual && !activation, "operator");
    t->write(w);
    if (residual) add_residual(w, levels, !rounded && !activation);
    if (activation) {
        const char *from = w->output;
        w->output = part(w, !rounded, "activation");
        activate(w, layer->activation, from);
    }
    if (rounded) cn_onnx_round(w->onnx, levels, w->output, layer->name);
}

static cn_status write_layer(work *w, cn_error *error)
{
    const cn_layer *layer = w->layer;
    if (layer->op >= CN_OP_COUNT || !translations[layer->op].write)
        return cn_fail(error, CN_EUNSUPPORTED, "layer '%s' (%s): ONNX has no such operator",
                       layer->name, cn_op_name(layer->op));
    const struct translation *t = &translations[layer->op];
    bool flat = t->rank == FLAT || (t->rank == AS_INPUTS && all_flat(w));
    w->flat[index_of(w)] = flat;
    write_fused(w, t);
    return CN_OK;
}

static void write_ends(cn_onnx *onnx, const cn_graph *graph, const bool *flat)
{
    const cn_layer *first = &graph->layers[0], *last = &graph->layers[graph->count - 1];
    const char *output = last->name;
    if (first == last) { /* an output must be some node's */
        output = cn_onnx_text(onnx, "%s.output", first->name);
        cn_onnx_node(onnx, "Identity", output, (const char *const *)&first->name, 1);
    }
    onnx->graph.input = cn_onnx_value(onnx, first->name, &first->shape.c, 3);
    onnx->graph.output =
        cn_onnx_value(onnx, output, &last->shape.c, flat[graph->count - 1] ? 1 : 3);
    onnx->graph.n_input = onnx->graph.n_output = 1;
}

cn_status cn_onnx_fill(cn_onnx *onnx, const cn_graph *graph, const cn_weights *weights,
                       const cn_weights *scales, cn_error *error)
{
    bool *flat = cn_calloc((size_t)graph->count, sizeof *flat);
    cn_status status = flat ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory");
    work w = {.onnx = onnx, .graph = graph, .weights = weights, .scales = scales, .flat = flat};
    if (levels_of(&w, 0).scale > 0)
        cn_onnx_round(onnx, levels_of(&w, 0), graph->layers[0].name, value_of(&w, 0));
    for (int32_t i = 1; i < graph->count && !status; i++) {
        w.layer = &graph->layers[i];
        w.in = graph->layers[w.layer->inputs[0]].shape;
        status = write_layer(&w, error);
    }
    if (!status) write_ends(onnx, graph, flat);
    if (!status && onnx->failed) status = cn_fail(error, CN_ENOMEM, "out of memory");
    cn_free(flat);
    return status;
}
