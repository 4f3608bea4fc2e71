/* Every operator but convolution and fully connected on oneDNN. The layout of the input goes
 * through to the output. */
#include <string.h>

#include "adapters/onednn.h"
#include "condense/memory.h"

/* A layer being recorded. */
typedef struct recording {
    st_dnnl_net *net;
    const cn_graph *graph;
    const cn_weights *weights;
    const cn_layer *layer;
    const st_dnnl_value *in; /* of inputs[0] */
    st_dnnl_value *values, *out;
    dnnl_primitive_attr_t attribute; /* scratchpad and activation */
} recording;

/* A primitive of one operation descriptor from `in` to `out`, which is made here: in the
 * primitive's layout, or in place of the input's buffer. */
static cn_status unary(recording *r, const_dnnl_op_desc_t operation, dnnl_status_t made,
                       const char *what, cn_error *error)
{
    st_dnnl_net *net = r->net;
    dnnl_primitive_desc_t descriptor = NULL;
    if (made == dnnl_success)
        made = dnnl_primitive_desc_create(&descriptor, operation, r->attribute, net->engine, NULL);
    cn_status status = st_dnnl_check(net, made, what, error);
    if (status) return status;
    dnnl_memory_desc_t layout = *dnnl_primitive_desc_query_md(descriptor, dnnl_query_dst_md, 0);
    st_dnnl_value in = *r->in; /* `values` stays, but recording may move lists */
    status = st_dnnl_new_value(net, &layout, r->out, error);
    if (status) {
        dnnl_primitive_desc_destroy(descriptor);
        return status;
    }
    status = st_dnnl_record(net, descriptor, NULL, error);
    if (!status) status = st_dnnl_pass(net, DNNL_ARG_SRC, &in, error);
    return status ? status : st_dnnl_pass(net, DNNL_ARG_DST, r->out, error);
}

static cn_status any_target(const recording *r, dnnl_memory_desc_t *layout, cn_error *error)
{
    const cn_shape *s = &r->layer->shape;
    dnnl_dims_t dims = {r->net->batch, s->c, s->h, s->w};
    return st_dnnl_check(
        r->net,
        dnnl_memory_desc_init_by_tag(layout, 4, dims, r->in->layout.data_type, dnnl_format_tag_any),
        "layout", error);
}

static cn_status pool(recording *r, cn_error *error)
{
    const cn_layer *layer = r->layer;
    cn_shape in = r->graph->layers[layer->inputs[0]].shape, out = layer->shape;
    cn_window w = layer->window;
    if (layer->op == CN_OP_GLOBAL_AVG_POOL)
        w = (cn_window){.kernel_h = in.h, .kernel_w = in.w, .stride_h = 1, .stride_w = 1};
    dnnl_dims_t kernel = {w.kernel_h, w.kernel_w}, stride = {w.stride_h, w.stride_w};
    dnnl_dims_t before = {w.pad_top, w.pad_left};
    dnnl_dims_t after = {(int64_t)(out.h - 1) * w.stride_h + w.kernel_h - in.h - w.pad_top,
                         (int64_t)(out.w - 1) * w.stride_w + w.kernel_w - in.w - w.pad_left};
    dnnl_alg_kind_t algorithm = dnnl_pooling_max;
    if (layer->op != CN_OP_MAX_POOL)
        algorithm = layer->count_padding ? dnnl_pooling_avg_include_padding
                                         : dnnl_pooling_avg_exclude_padding;
    if (layer->count_padding && layer->op == CN_OP_AVG_POOL &&
        (after[0] > w.pad_bottom || after[1] > w.pad_right))
        return cn_fail(error, CN_EUNSUPPORTED,
                       "oneDNN, layer '%s': it divides by the whole window where that hangs over",
                       layer->name);
    dnnl_memory_desc_t target;
    cn_status status = any_target(r, &target, error);
    if (status) return status;
    dnnl_pooling_desc_t operation;
    dnnl_status_t made =
        dnnl_pooling_forward_desc_init(&operation, dnnl_forward_inference, algorithm,
                                       &r->in->layout, &target, stride, kernel, before, after);
    return unary(r, &operation, made, "pooling", error);
}

static cn_status eltwise(recording *r, cn_activation activation, cn_error *error)
{
    float alpha;
    dnnl_alg_kind_t algorithm = st_dnnl_activation(activation, &alpha);
    dnnl_eltwise_desc_t operation;
    dnnl_status_t made = dnnl_eltwise_forward_desc_init(&operation, dnnl_forward_inference,
                                                        algorithm, &r->in->layout, alpha, 0.0f);
    return unary(r, &operation, made, "activation", error);
}

static cn_status lrn(recording *r, cn_error *error)
{
    const cn_layer *layer = r->layer;
    dnnl_lrn_desc_t operation;
    dnnl_status_t made = dnnl_lrn_forward_desc_init(
        &operation, dnnl_forward_inference, dnnl_lrn_across_channels, &r->in->layout,
        layer->lrn_size, layer->lrn_alpha, layer->lrn_beta, layer->lrn_k);
    return unary(r, &operation, made, "LRN", error);
}

static cn_status softmax(recording *r, cn_error *error)
{
    dnnl_softmax_desc_t operation;
    dnnl_status_t made =
        dnnl_softmax_forward_desc_init(&operation, dnnl_forward_inference, &r->in->layout, 1);
    return unary(r, &operation, made, "softmax", error);
}

static cn_status resize(recording *r, cn_error *error)
{
    dnnl_memory_desc_t target;
    cn_status status = any_target(r, &target, error);
    if (status) return status;
    dnnl_resampling_desc_t operation;
    dnnl_status_t made = dnnl_resampling_forward_desc_init(
        &operation, dnnl_forward_inference,
        r->layer->resize == CN_RESIZE_NEAREST ? dnnl_resampling_nearest : dnnl_resampling_linear,
        NULL, &r->in->layout, &target);
    return unary(r, &operation, made, "resize", error);
}

static cn_status pass_constant(recording *r, int argument, const char *suffix, cn_error *error)
{
    const cn_tensor *tensor = cn_weights_of(r->weights, r->layer->name, suffix);
    dnnl_dims_t dims = {tensor->dims[0]};
    dnnl_memory_desc_t layout;
    dnnl_memory_t memory;
    void *data = NULL;
    cn_status status = st_dnnl_plain(r->net, 1, dims, dnnl_f32, &layout, error);
    if (!status) status = st_dnnl_new_memory(r->net, &layout, -1, &memory, error);
    if (!status)
        status = st_dnnl_check(r->net, dnnl_memory_get_data_handle(memory, &data), suffix, error);
    if (status) return status;
    memcpy(data, tensor->data, (size_t)dims[0] * sizeof(float));
    st_dnnl_pass_memory(r->net, argument, memory);
    return CN_OK;
}

static cn_status batch_norm(recording *r, cn_error *error)
{
    dnnl_batch_normalization_desc_t operation;
    dnnl_status_t made = dnnl_batch_normalization_forward_desc_init(
        &operation, dnnl_forward_inference, &r->in->layout, r->layer->epsilon,
        dnnl_use_global_stats | dnnl_use_scale | dnnl_use_shift);
    cn_status status = unary(r, &operation, made, "batch norm", error);
    if (!status) status = pass_constant(r, DNNL_ARG_MEAN, "running_mean", error);
    if (!status) status = pass_constant(r, DNNL_ARG_VARIANCE, "running_var", error);
    if (!status) status = pass_constant(r, DNNL_ARG_SCALE, "weight", error);
    return status ? status : pass_constant(r, DNNL_ARG_SHIFT, "bias", error);
}

/* Sum and concat: several inputs. The sum's primitive takes no activation: that follows by itself.
 */
static cn_status many(recording *r, cn_error *error)
{
    st_dnnl_net *net = r->net;
    int32_t count = r->layer->input_count;
    bool add = r->layer->op == CN_OP_ADD;
    dnnl_memory_desc_t *layouts = cn_calloc((size_t)count, sizeof *layouts);
    float *scales = cn_calloc((size_t)count, sizeof *scales);
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_status_t made = layouts && scales ? dnnl_success : dnnl_out_of_memory;
    for (int32_t k = 0; k < count && made == dnnl_success; k++) {
        layouts[k] = r->values[r->layer->inputs[k]].layout;
        scales[k] = 1.0f;
    }
    if (made == dnnl_success && add)
        made = dnnl_sum_primitive_desc_create(&descriptor, NULL, count, scales, layouts,
                                              r->attribute, net->engine);
    else if (made == dnnl_success)
        made = dnnl_concat_primitive_desc_create(&descriptor, NULL, count, 1, layouts, r->attribute,
                                                 net->engine);
    cn_free(layouts);
    cn_free(scales);
    cn_status status = st_dnnl_check(net, made, add ? "sum" : "concat", error);
    if (status) return status;
    dnnl_memory_desc_t layout = *dnnl_primitive_desc_query_md(descriptor, dnnl_query_dst_md, 0);
    status = st_dnnl_new_value(net, &layout, r->out, error);
    if (status) {
        dnnl_primitive_desc_destroy(descriptor);
        return status;
    }
    status = st_dnnl_record(net, descriptor, NULL, error);
    for (int32_t k = 0; k < count && !status; k++)
        status =
            st_dnnl_pass(net, DNNL_ARG_MULTIPLE_SRC + k, &r->values[r->layer->inputs[k]], error);
    return status ? status : st_dnnl_pass(net, DNNL_ARG_DST, r->out, error);
}

static cn_status addition(recording *r, cn_error *error)
{
    cn_status status = many(r, error);
    if (status || r->layer->activation == CN_ACT_NONE) return status;
    st_dnnl_value sum = *r->out;
    r->in = &sum;
    return eltwise(r, r->layer->activation, error);
}

/* To dense NCHW, then seen as N x (C*H*W). */
static cn_status flatten(recording *r, cn_error *error)
{
    cn_shape in = r->graph->layers[r->layer->inputs[0]].shape;
    dnnl_dims_t dims = {r->net->batch, in.c, in.h, in.w};
    dnnl_dims_t flat = {r->net->batch, cn_shape_count(in)};
    dnnl_memory_desc_t layout;
    dnnl_data_type_t type = r->in->layout.data_type;
    cn_status status = st_dnnl_plain(r->net, r->in->layout.ndims, dims, type, &layout, error);
    if (!status) status = st_dnnl_reorder(r->net, r->in, &layout, false, r->out, error);
    if (!status) status = st_dnnl_plain(r->net, 2, flat, type, &r->out->layout, error);
    r->out->shared = true;
    r->values[r->layer->inputs[0]].shared = true;
    return status;
}

static cn_status by_operator(recording *r, cn_error *error)
{
    switch (r->layer->op) {
    case CN_OP_MAX_POOL:
    case CN_OP_AVG_POOL:
    case CN_OP_GLOBAL_AVG_POOL:
        return pool(r, error);
    case CN_OP_LRN:
        return lrn(r, error);
    case CN_OP_BATCH_NORM:
        return batch_norm(r, error);
    case CN_OP_RELU:
        return eltwise(r, CN_ACT_RELU, error);
    case CN_OP_RELU6:
        return eltwise(r, CN_ACT_RELU6, error);
    case CN_OP_SIGMOID:
        return eltwise(r, CN_ACT_SIGMOID, error);
    case CN_OP_TANH:
        return eltwise(r, CN_ACT_TANH, error);
    case CN_OP_ADD:
        return addition(r, error);
    case CN_OP_CONCAT:
        return many(r, error);
    case CN_OP_SOFTMAX:
        return softmax(r, error);
    case CN_OP_FLATTEN:
        return flatten(r, error);
    case CN_OP_RESIZE:
        return resize(r, error);
    default:
        return cn_fail(error, CN_EUNSUPPORTED, "oneDNN, layer '%s': it has no %s", r->layer->name,
                       cn_op_name(r->layer->op));
    }
}

/* Operators that only move numbers, and averages, which a linear function makes levels of. */
static bool on_levels(const recording *r, int32_t index)
{
    const cn_layer *layer = r->layer;
    cn_scale in = st_dnnl_levels(r->net, layer->inputs[0]), out = st_dnnl_levels(r->net, index);
    if (!(in.scale > 0 && out.scale > 0) || layer->activation != CN_ACT_NONE) return false;
    switch (layer->op) {
    case CN_OP_MAX_POOL:
    case CN_OP_CONCAT:
    case CN_OP_FLATTEN:
    case CN_OP_GLOBAL_AVG_POOL:
        return true;
    case CN_OP_AVG_POOL: /* what is counted around the planes is 0, not the zero point */
        return !layer->count_padding || !in.zero;
    default:
        return false;
    }
}

static cn_status average_levels(recording *r, int32_t index, cn_error *error)
{
    cn_scale in = st_dnnl_levels(r->net, r->layer->inputs[0]), out = st_dnnl_levels(r->net, index);
    float factor = in.scale / out.scale;
    dnnl_post_ops_t chain = NULL;
    dnnl_status_t status = dnnl_post_ops_create(&chain);
    if (status == dnnl_success)
        status = dnnl_post_ops_append_eltwise(chain, 1.0f, dnnl_eltwise_linear, factor,
                                              (float)out.zero - (float)in.zero * factor);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(r->attribute, chain);
    dnnl_post_ops_destroy(chain);
    return st_dnnl_check(r->net, status, "levels", error);
}

/* The dense layout of a value's numbers as others. */
static dnnl_memory_desc_t as_type(const st_dnnl_value *value, dnnl_data_type_t type)
{
    dnnl_memory_desc_t layout = value->layout;
    layout.data_type = type;
    return layout;
}

/* Inputs that are levels become floats first, and the output's levels are made of its floats. */
static cn_status through_floats(recording *r, int32_t index, cn_error *error)
{
    st_dnnl_net *net = r->net;
    size_t count = (size_t)r->graph->count;
    st_dnnl_value *values = cn_calloc(count, sizeof *values), *all = r->values, *out = r->out;
    cn_status status = values ? CN_OK : cn_fail(error, CN_ENOMEM, "oneDNN: out of memory");
    if (!status) memcpy(values, all, count * sizeof *values);
    for (int32_t k = 0; k < r->layer->input_count && !status; k++) {
        int32_t from = r->layer->inputs[k];
        if (values[from].layout.data_type != dnnl_u8) continue;
        dnnl_memory_desc_t floats = as_type(&all[from], dnnl_f32);
        status = st_dnnl_convert(net, &all[from], st_dnnl_levels(net, from), &floats, (cn_scale){0},
                                 &values[from], error);
    }
    st_dnnl_value result = {0};
    r->values = values;
    if (!status) {
        r->in = &values[r->layer->inputs[0]];
        r->out = &result;
        status = by_operator(r, error);
    }
    if (!status && st_dnnl_levels(net, index).scale > 0) {
        dnnl_memory_desc_t levels = as_type(&result, dnnl_u8);
        status = st_dnnl_convert(net, &result, (cn_scale){0}, &levels, st_dnnl_levels(net, index),
                                 out, error);
    } else if (!status) {
        *out = result;
    }
    cn_free(values);
    return status;
}

static cn_status by_numbers(recording *r, int32_t index, cn_error *error)
{
    if (!r->net->quantization) return by_operator(r, error);
    if (!on_levels(r, index)) return through_floats(r, index, error);
    bool averages = r->layer->op == CN_OP_AVG_POOL || r->layer->op == CN_OP_GLOBAL_AVG_POOL;
    cn_status status = averages ? average_levels(r, index, error) : CN_OK;
    return status ? status : by_operator(r, error);
}

cn_status st_dnnl_layer(st_dnnl_net *net, const cn_graph *graph, const cn_weights *weights,
                        int32_t index, st_dnnl_value *values, bool last_read, cn_error *error)
{
    const cn_layer *layer = &graph->layers[index];
    net->layer = layer->name;
    if (cn_op_is_tensor(layer->op))
        return st_dnnl_tensor_layer(net, graph, weights, index, values, last_read, error);
    recording r = {.net = net,
                   .graph = graph,
                   .weights = weights,
                   .layer = layer,
                   .in = &values[layer->inputs[0]],
                   .values = values,
                   .out = &values[index]};
    cn_layer plain = *layer;
    if (layer->op == CN_OP_ADD) plain.activation = CN_ACT_NONE;
    cn_status status = st_dnnl_attribute(net, &plain, &r.attribute, error);
    if (status) return status;
    status = by_numbers(&r, index, error);
    dnnl_primitive_attr_destroy(r.attribute);
    return status;
}
