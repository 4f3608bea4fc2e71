/* Convolution and fully connected on oneDNN: every layout is the library's choice. */
#include <string.h>

#include "adapters/onednn.h"
#include "condense/clock.h"
#include "condense/memory.h"

/* What one layer is made of, before a primitive is chosen. */
typedef struct tensor_layer {
    const cn_layer *layer;
    const void *weight; /* of weight_type */
    const float *bias;
    dnnl_data_type_t source_type, weight_type, target_type;
    dnnl_dims_t source, weights, target, outputs;
    int32_t rank; /* of source and target: 2 for fully connected after a vector */
    int32_t weight_rank;
    dnnl_primitive_attr_t attribute;
} tensor_layer;

static cn_status any_layout(const st_dnnl_net *net, int32_t rank, const dnnl_dims_t dims,
                            dnnl_data_type_t type, dnnl_memory_desc_t *layout, cn_error *error)
{
    return st_dnnl_check(
        net, dnnl_memory_desc_init_by_tag(layout, rank, dims, type, dnnl_format_tag_any), "layout",
        error);
}

/* How far the window reaches past the input, so that oneDNN's output has the layer's size. */
static int64_t pad_after(int32_t in, int32_t out, int32_t kernel, int32_t stride, int32_t dilation,
                         int32_t before)
{
    return (int64_t)(out - 1) * stride + (int64_t)(kernel - 1) * dilation + 1 - in - before;
}

/* An operation that primitives may be made for. */
static cn_status conv_operation(const st_dnnl_net *net, const tensor_layer *t,
                                dnnl_alg_kind_t algorithm, dnnl_convolution_desc_t *operation,
                                cn_error *error)
{
    const cn_window *w = &t->layer->window;
    dnnl_dims_t strides = {w->stride_h, w->stride_w};
    dnnl_dims_t dilates = {w->dilation_h - 1, w->dilation_w - 1};
    dnnl_dims_t before = {w->pad_top, w->pad_left};
    dnnl_dims_t after = {pad_after((int32_t)t->source[2], (int32_t)t->target[2], w->kernel_h,
                                   w->stride_h, w->dilation_h, w->pad_top),
                         pad_after((int32_t)t->source[3], (int32_t)t->target[3], w->kernel_w,
                                   w->stride_w, w->dilation_w, w->pad_left)};
    dnnl_memory_desc_t source, weights, bias, target;
    cn_status status = any_layout(net, 4, t->source, t->source_type, &source, error);
    if (!status)
        status = any_layout(net, t->weight_rank, t->weights, t->weight_type, &weights, error);
    if (!status) status = any_layout(net, 1, t->outputs, dnnl_f32, &bias, error);
    if (!status) status = any_layout(net, 4, t->target, t->target_type, &target, error);
    if (status) return status;
    return st_dnnl_check(net,
                         dnnl_dilated_convolution_forward_desc_init(
                             operation, dnnl_forward_inference, algorithm, &source, &weights,
                             t->bias ? &bias : NULL, &target, strides, dilates, before, after),
                         "convolution", error);
}

static cn_status describe_conv(const st_dnnl_net *net, const tensor_layer *t,
                               dnnl_alg_kind_t algorithm, dnnl_primitive_desc_t *descriptor,
                               cn_error *error)
{
    dnnl_convolution_desc_t conv;
    cn_status status = conv_operation(net, t, algorithm, &conv, error);
    if (status) return status;
    return st_dnnl_check(
        net, dnnl_primitive_desc_create(descriptor, &conv, t->attribute, net->engine, NULL),
        "convolution", error);
}

static cn_status describe_fc(const st_dnnl_net *net, const tensor_layer *t,
                             dnnl_primitive_desc_t *descriptor, cn_error *error)
{
    dnnl_memory_desc_t source, weights, bias, target;
    cn_status status = any_layout(net, t->rank, t->source, t->source_type, &source, error);
    if (!status)
        status = any_layout(net, t->weight_rank, t->weights, t->weight_type, &weights, error);
    if (!status) status = any_layout(net, 1, t->outputs, dnnl_f32, &bias, error);
    if (!status) status = any_layout(net, 2, t->target, t->target_type, &target, error);
    if (status) return status;
    dnnl_inner_product_desc_t product;
    dnnl_status_t made = dnnl_inner_product_forward_desc_init(
        &product, dnnl_forward_inference, &source, &weights, t->bias ? &bias : NULL, &target);
    if (made == dnnl_success)
        made = dnnl_primitive_desc_create(descriptor, &product, t->attribute, net->engine, NULL);
    return st_dnnl_check(net, made, "inner product", error);
}

static const dnnl_memory_desc_t *layout_of(const_dnnl_primitive_desc_t descriptor,
                                           dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(descriptor, what, 0);
}

/* Nanoseconds of one execution on memory of its own; the fastest of a few. */
static int64_t time_of(const st_dnnl_net *net, const_dnnl_primitive_desc_t descriptor)
{
    static const struct {
        int argument;
        dnnl_query_t query;
    } parts[] = {{DNNL_ARG_SRC, dnnl_query_src_md},
                 {DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
                 {DNNL_ARG_DST, dnnl_query_dst_md},
                 {DNNL_ARG_SCRATCHPAD, dnnl_query_scratchpad_md}};
    enum { PARTS = sizeof parts / sizeof *parts, TRIES = 4 };
    dnnl_exec_arg_t arguments[PARTS + 1];
    dnnl_primitive_t primitive = NULL;
    int made = 0;
    bool ok = dnnl_primitive_create(&primitive, descriptor) == dnnl_success;
    for (int i = 0; i < PARTS + 1 && ok; i++) {
        const dnnl_memory_desc_t *layout =
            i < PARTS ? layout_of(descriptor, parts[i].query)
                      : dnnl_primitive_desc_query_md(descriptor, dnnl_query_weights_md, 1);
        arguments[i].arg = i < PARTS ? parts[i].argument : DNNL_ARG_BIAS;
        ok = dnnl_memory_create(&arguments[i].memory, layout, net->engine, DNNL_MEMORY_ALLOCATE) ==
             dnnl_success;
        void *data = NULL;
        if (!ok) break;
        made++;
        dnnl_memory_get_data_handle(arguments[i].memory, &data);
        if (data) memset(data, 0, dnnl_memory_desc_get_size(layout));
    }
    int64_t best = INT64_MAX;
    for (int i = 0; i < TRIES && ok; i++) {
        int64_t start = cn_clock_ns();
        ok = dnnl_primitive_execute(primitive, net->stream, made, arguments) == dnnl_success;
        dnnl_stream_wait(net->stream);
        int64_t ns = cn_clock_ns() - start;
        if (ok && ns < best) best = ns;
    }
    for (int i = 0; i < made; i++)
        dnnl_memory_destroy(arguments[i].memory);
    dnnl_primitive_destroy(primitive);
    return best;
}

/* Whether an implementation takes the processor's own sums of four products, or leaves them to the
 * library's matrix product, which does. Others are the reference's, which take seconds, and those
 * that add pairs of products in 16 bits, where they saturate. */
static bool sums_exactly(const_dnnl_primitive_desc_t descriptor)
{
    static const char *const exact[] = {"vnni", "amx", "gemm"};
    const char *name = "";
    dnnl_primitive_desc_query(descriptor, dnnl_query_impl_info_str, 0, &name);
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (strstr(name, exact[i])) return true;
    return false;
}

/* The library's own choice or, where it has it and it is faster here, Winograd's algorithm. */
static cn_status choose_conv(const st_dnnl_net *net, const tensor_layer *t,
                             dnnl_primitive_desc_t *chosen, cn_error *error)
{
    cn_status status = describe_conv(net, t, dnnl_convolution_auto, chosen, error);
    if (status) return status;
    dnnl_primitive_desc_t winograd;
    if (describe_conv(net, t, dnnl_convolution_winograd, &winograd, NULL)) return CN_OK;
    bool faster = time_of(net, winograd) < time_of(net, *chosen);
    dnnl_primitive_desc_destroy(faster ? *chosen : winograd);
    if (faster) *chosen = winograd;
    return CN_OK;
}

/* A memory of `layout` with the contents of the dense tensor `values`, reordered now. */
static cn_status constant(st_dnnl_net *net, const void *values, dnnl_data_type_t type, int32_t rank,
                          const dnnl_dims_t dims, const dnnl_memory_desc_t *layout,
                          dnnl_memory_t *memory, cn_error *error)
{
    dnnl_memory_desc_t plain;
    dnnl_memory_t dense = NULL;
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_primitive_t reorder = NULL;
    cn_status status = st_dnnl_plain(net, rank, dims, type, &plain, error);
    if (!status) status = st_dnnl_new_memory(net, layout, -1, memory, error);
    if (status) return status;
    /* the library only reads it */
    dnnl_status_t made = dnnl_memory_create(&dense, &plain, net->engine, (void *)(uintptr_t)values);
    if (made == dnnl_success)
        made = dnnl_reorder_primitive_desc_create(&descriptor, &plain, net->engine, layout,
                                                  net->engine, NULL);
    if (made == dnnl_success) made = dnnl_primitive_create(&reorder, descriptor);
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, dense}, {DNNL_ARG_TO, *memory}};
    if (made == dnnl_success) made = dnnl_primitive_execute(reorder, net->stream, 2, arguments);
    if (made == dnnl_success) made = dnnl_stream_wait(net->stream);
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(descriptor);
    dnnl_memory_destroy(dense);
    return st_dnnl_check(net, made, "reordering weights", error);
}

/* The output's value. A residual is added into it: it is the residual's memory where nobody else
 * reads that any more and the layouts agree, else a copy of it. */
static cn_status place_target(st_dnnl_net *net, const tensor_layer *t,
                              const dnnl_memory_desc_t *layout, const st_dnnl_value *values,
                              bool last_read, st_dnnl_value *target, cn_error *error)
{
    if (t->layer->residual < 0) return st_dnnl_new_value(net, layout, target, error);
    const st_dnnl_value *residual = &values[t->layer->inputs[t->layer->residual]];
    bool copy = !last_read || residual->shared;
    return st_dnnl_reorder(net, residual, layout, copy, target, error);
}

static cn_status record(st_dnnl_net *net, const tensor_layer *t, dnnl_primitive_desc_t descriptor,
                        st_dnnl_value *values, int32_t index, bool last_read, cn_error *error)
{
    dnnl_memory_desc_t source_layout = *layout_of(descriptor, dnnl_query_src_md);
    dnnl_memory_desc_t weight_layout = *layout_of(descriptor, dnnl_query_weights_md);
    dnnl_memory_desc_t bias_layout =
        *dnnl_primitive_desc_query_md(descriptor, dnnl_query_weights_md, 1);
    dnnl_memory_desc_t target_layout = *layout_of(descriptor, dnnl_query_dst_md);
    st_dnnl_value source, *target = &values[index];
    dnnl_memory_t weights, bias = NULL;
    cn_status status =
        st_dnnl_reorder(net, &values[t->layer->inputs[0]], &source_layout, false, &source, error);
    if (!status) status = place_target(net, t, &target_layout, values, last_read, target, error);
    if (!status)
        status = constant(net, t->weight, t->weight_type, t->weight_rank, t->weights,
                          &weight_layout, &weights, error);
    if (!status && t->bias)
        status = constant(net, t->bias, dnnl_f32, 1, t->outputs, &bias_layout, &bias, error);
    if (status) {
        dnnl_primitive_desc_destroy(descriptor);
        return status;
    }
    status = st_dnnl_record(net, descriptor, NULL, error);
    if (!status) status = st_dnnl_pass(net, DNNL_ARG_SRC, &source, error);
    if (!status) status = st_dnnl_pass(net, DNNL_ARG_DST, target, error);
    if (status) return status;
    st_dnnl_pass_memory(net, DNNL_ARG_WEIGHTS, weights);
    if (bias) st_dnnl_pass_memory(net, DNNL_ARG_BIAS, bias);
    return CN_OK;
}

static void set_dims(tensor_layer *t, const st_dnnl_net *net, cn_shape in,
                     const dnnl_memory_desc_t *source)
{
    const cn_layer *layer = t->layer;
    dnnl_dims_t source_dims = {net->batch, in.c, in.h, in.w};
    dnnl_dims_t target_dims = {net->batch, layer->shape.c, layer->shape.h, layer->shape.w};
    memcpy(t->source, source_dims, sizeof source_dims);
    memcpy(t->target, target_dims, sizeof target_dims);
    t->outputs[0] = layer->shape.c;
    t->rank = source->ndims;
    if (layer->op == CN_OP_FC) {
        dnnl_dims_t dims = {layer->units, in.c, in.h, in.w};
        memcpy(t->weights, dims, sizeof dims);
        t->weight_rank = t->rank;
        return;
    }
    int64_t g = layer->groups, kh = layer->window.kernel_h, kw = layer->window.kernel_w;
    dnnl_dims_t grouped = {g, layer->units / g, in.c / g, kh, kw};
    memcpy(t->weights, g > 1 ? grouped : grouped + 1, (g > 1 ? 5 : 4) * sizeof *grouped);
    t->weight_rank = g > 1 ? 5 : 4;
}

/* The library's first implementation for integers or, of the others that sum exactly, the fastest
 * that is faster here. Its Winograd convolution rounds weights to 8 bits a second time and is not
 * among them. */
static cn_status choose_integer_conv(const st_dnnl_net *net, const tensor_layer *t,
                                     dnnl_primitive_desc_t *chosen, cn_error *error)
{
    dnnl_convolution_desc_t conv;
    dnnl_primitive_desc_iterator_t iterator;
    cn_status status = conv_operation(net, t, dnnl_convolution_direct, &conv, error);
    if (status) return status;
    status = st_dnnl_check(
        net, dnnl_primitive_desc_iterator_create(&iterator, &conv, t->attribute, net->engine, NULL),
        "convolution", error);
    if (status) return status;
    *chosen = dnnl_primitive_desc_iterator_fetch(iterator);
    int64_t least = -1;
    while (dnnl_primitive_desc_iterator_next(iterator) == dnnl_success) {
        dnnl_primitive_desc_t other = dnnl_primitive_desc_iterator_fetch(iterator);
        if (least < 0) least = time_of(net, *chosen);
        int64_t ns = sums_exactly(other) ? time_of(net, other) : INT64_MAX;
        bool faster = ns < least;
        dnnl_primitive_desc_destroy(faster ? *chosen : other);
        if (faster) *chosen = other;
        if (faster) least = ns;
    }
    dnnl_primitive_desc_iterator_destroy(iterator);
    return CN_OK;
}

static cn_status choose_and_record(st_dnnl_net *net, const tensor_layer *t, st_dnnl_value *values,
                                   int32_t index, bool last_read, cn_error *error)
{
    dnnl_primitive_desc_t descriptor;
    bool conv = t->layer->op == CN_OP_CONV, integers = t->weight_type == dnnl_s8;
    cn_status status = !conv      ? describe_fc(net, t, &descriptor, error)
                       : integers ? choose_integer_conv(net, t, &descriptor, error)
                                  : choose_conv(net, t, &descriptor, error);
    return status ? status : record(net, t, descriptor, values, index, last_read, error);
}

static cn_status of_floats(st_dnnl_net *net, const cn_weights *weights, tensor_layer *t,
                           st_dnnl_value *values, int32_t index, bool last_read, cn_error *error)
{
    const cn_layer *layer = t->layer;
    t->weight = cn_weights_of(weights, layer->name, "weight")->data;
    t->bias = layer->bias ? cn_weights_of(weights, layer->name, "bias")->data : NULL;
    t->source_type = t->weight_type = t->target_type = dnnl_f32;
    cn_status status = st_dnnl_attribute(net, layer, &t->attribute, error);
    if (!status) status = choose_and_record(net, t, values, index, last_read, error);
    return status;
}

static cn_status of_integers(st_dnnl_net *net, const cn_graph *graph, const cn_weights *weights,
                             tensor_layer *t, st_dnnl_value *values, int32_t index, bool last_read,
                             cn_error *error)
{
    st_dnnl_sums sums;
    cn_status status = st_dnnl_sums_new(&sums, net, graph, weights, index, error);
    if (!status) status = st_dnnl_sums_attribute(&sums, net, t->layer, &t->attribute, error);
    t->weight = sums.weight;
    t->bias = sums.bias;
    t->source_type = dnnl_u8;
    t->weight_type = dnnl_s8;
    t->target_type = st_dnnl_type(sums.target);
    if (!status) status = choose_and_record(net, t, values, index, last_read, error);
    st_dnnl_sums_clear(&sums);
    return status;
}

cn_status st_dnnl_tensor_layer(st_dnnl_net *net, const cn_graph *graph, const cn_weights *weights,
                               int32_t index, st_dnnl_value *values, bool last_read,
                               cn_error *error)
{
    const cn_layer *layer = &graph->layers[index];
    tensor_layer t = {.layer = layer};
    set_dims(&t, net, graph->layers[layer->inputs[0]].shape, &values[layer->inputs[0]].layout);
    cn_status status = net->quantization
                           ? of_integers(net, graph, weights, &t, values, index, last_read, error)
                           : of_floats(net, weights, &t, values, index, last_read, error);
    if (t.attribute) dnnl_primitive_attr_destroy(t.attribute);
    return status;
}
