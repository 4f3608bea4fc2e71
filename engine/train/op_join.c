/* Addition, concatenation and flattening: operators that move gradients and compute little. */
#include "train/network.h"

static cn_status add_two(tape *t, node *n, dnnl_memory_t left, dnnl_memory_t right)
{
    dnnl_primitive_attr_t attr = NULL;
    TRY(activation_attribute(t, n, &attr));
    dnnl_binary_desc_t op;
    dnnl_primitive_desc_t desc;
    const dnnl_memory_desc_t *md = &n->out.md;
    dnnl_status_t made = dnnl_binary_desc_init(&op, dnnl_binary_add, md, md, md);
    cn_status status = made == dnnl_success ? tape_desc(t, &op, attr, NULL, &desc)
                                            : tape_failed(t, made, "addition");
    if (attr) dnnl_primitive_attr_destroy(attr);
    if (status != CN_OK) return status;
    dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC_0, left}, {DNNL_ARG_SRC_1, right}, {DNNL_ARG_DST, n->out.memory}};
    return tape_push(t, TAPE_FORWARD, desc, args, 3);
}

static cn_status add_forward(tape *t, node *n)
{
    int32_t count = n->layer->input_count;
    if (count > VALUE_PARTS)
        return cn_fail(t->error, CN_EUNSUPPORTED, "layer %s: more than %d inputs", n->layer->name,
                       VALUE_PARTS);
    dnnl_memory_t inputs[VALUE_PARTS];
    dnnl_memory_desc_t md = node_input(n, 0)->md;
    TRY(value_new(t, &md, &n->out));
    for (int32_t i = 0; i < count; i++)
        TRY(value_as(t, TAPE_FORWARD, node_input(n, i), &md, &inputs[i]));
    if (count == 2) return add_two(t, n, inputs[0], inputs[1]);
    return tape_sum(t, TAPE_FORWARD, inputs, count, n->out.memory);
}

static cn_status add_backward(tape *t, node *n, dnnl_memory_t gradient)
{
    for (int32_t i = 0; i < n->layer->input_count; i++)
        if (node_input(n, i)->wants_gradient)
            TRY(value_add_gradient(t, node_input(n, i), gradient));
    return CN_OK;
}

const train_op train_add = {add_forward, add_backward};

static cn_status concat_forward(tape *t, node *n)
{
    int32_t count = n->layer->input_count;
    if (count > VALUE_PARTS)
        return cn_fail(t->error, CN_EUNSUPPORTED, "layer %s: more than %d inputs", n->layer->name,
                       VALUE_PARTS);
    dnnl_memory_desc_t mds[VALUE_PARTS], dst;
    dnnl_exec_arg_t args[VALUE_PARTS + 1];
    for (int32_t i = 0; i < count; i++) {
        mds[i] = node_input(n, i)->md;
        args[i] = (dnnl_exec_arg_t){DNNL_ARG_MULTIPLE_SRC + i, node_input(n, i)->memory};
    }
    TRY(node_plain(t, n, n->layer->shape, &dst));
    dst = md_any(&dst);
    dnnl_primitive_desc_t desc;
    DNN(t, dnnl_concat_primitive_desc_create(&desc, &dst, count, 1, mds, NULL, t->engine));
    TRY(tape_adopt(t, desc));
    TRY(value_new(t, tape_query(desc, dnnl_query_dst_md), &n->out));
    args[count] = (dnnl_exec_arg_t){DNNL_ARG_DST, n->out.memory};
    return tape_push(t, TAPE_FORWARD, desc, args, count + 1);
}

/* The slice of `gradient` that belongs to channels from `first` on, as a view, in *view. */
static dnnl_status_t slice(dnnl_memory_t gradient, const value *in, int64_t first,
                           dnnl_memory_desc_t *view)
{
    dnnl_dims_t offsets = {0, first};
    return dnnl_memory_desc_init_submemory(view, tape_layout(gradient), in->md.dims, offsets);
}

static cn_status concat_backward(tape *t, node *n, dnnl_memory_t gradient)
{
    /* A blocked layout can be cut at its blocks only; the plain one can be cut anywhere. */
    int64_t first = 0;
    bool sliceable = true;
    dnnl_memory_desc_t view, plain;
    for (int32_t i = 0; i < n->layer->input_count; i++) {
        const value *in = node_input(n, i);
        if (slice(gradient, in, first, &view) != dnnl_success) sliceable = false;
        first += in->md.dims[1];
    }
    TRY(node_plain(t, n, n->layer->shape, &plain));
    if (!sliceable) TRY(tape_gradient_as(t, gradient, &plain, &gradient));
    first = 0;
    for (int32_t i = 0; i < n->layer->input_count; i++) {
        value *in = node_input(n, i);
        dnnl_memory_t part, out;
        DNN(t, slice(gradient, in, first, &view));
        first += in->md.dims[1];
        if (!in->wants_gradient) continue;
        TRY(tape_wrap(t, &view, tape_data(gradient), &part));
        TRY(tape_scratch(t, &in->md, &out));
        TRY(tape_reorder(t, TAPE_BACKWARD, part, out));
        TRY(value_add_gradient(t, in, out));
    }
    return CN_OK;
}

const train_op train_concat = {concat_forward, concat_backward};

static cn_status flatten_forward(tape *t, node *n)
{
    value *in = node_input(n, 0);
    dnnl_memory_desc_t plain, flat;
    TRY(md_plain(t, 4, in->md.dims, &plain));
    TRY(node_plain(t, n, n->layer->shape, &flat));
    dnnl_memory_t source, view;
    TRY(value_as(t, TAPE_FORWARD, in, &plain, &source));
    TRY(tape_wrap(t, &flat, tape_data(source), &view));
    n->out = value_over(view);
    return CN_OK;
}

static cn_status flatten_backward(tape *t, node *n, dnnl_memory_t gradient)
{
    value *in = node_input(n, 0);
    if (!in->wants_gradient) return CN_OK;
    dnnl_memory_desc_t plain;
    dnnl_memory_t flat, out;
    TRY(md_plain(t, 4, in->md.dims, &plain));
    TRY(tape_gradient_as(t, gradient, &n->out.md, &flat));
    TRY(tape_wrap(t, &plain, tape_data(flat), &out));
    return value_add_gradient(t, in, out);
}

const train_op train_flatten = {flatten_forward, flatten_backward};
