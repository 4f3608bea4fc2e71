/* Max, average and global average pooling. */
#include "train/network.h"

typedef struct pool {
    dnnl_alg_kind_t algorithm;
    dnnl_dims_t kernel, strides, near, far;
} pool;

int64_t pad_far(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                int64_t pad_near, int64_t pad)
{
    int64_t reach = (out - 1) * stride + (kernel - 1) * dilation + 1 - in - pad_near;
    return reach > pad ? reach : pad;
}

bool pool_is_odd(const cn_graph *graph, const cn_layer *layer)
{
    if (layer->op != CN_OP_AVG_POOL) return false;
    const cn_window *w = &layer->window;
    cn_shape in = graph->layers[layer->inputs[0]].shape;
    bool hangs = pad_far(in.h, layer->shape.h, w->kernel_h, w->stride_h, w->dilation_h, w->pad_top,
                         w->pad_bottom) > w->pad_bottom ||
                 pad_far(in.w, layer->shape.w, w->kernel_w, w->stride_w, w->dilation_w, w->pad_left,
                         w->pad_right) > w->pad_right;
    return layer->count_padding && hangs;
}

static pool describe(const node *n)
{
    const cn_layer *l = n->layer;
    const cn_window *w = &l->window;
    const int64_t *in = node_input(n, 0)->md.dims;
    if (l->op == CN_OP_GLOBAL_AVG_POOL)
        return (pool){.algorithm = dnnl_pooling_avg_include_padding,
                      .kernel = {in[2], in[3]},
                      .strides = {1, 1}};
    return (pool){
        .algorithm = l->op == CN_OP_MAX_POOL ? dnnl_pooling_max
                     : l->count_padding      ? dnnl_pooling_avg_include_padding
                                             : dnnl_pooling_avg_exclude_padding,
        .kernel = {w->kernel_h, w->kernel_w},
        .strides = {w->stride_h, w->stride_w},
        .near = {w->pad_top, w->pad_left},
        .far = {
            pad_far(in[2], l->shape.h, w->kernel_h, w->stride_h, 1, w->pad_top, w->pad_bottom),
            pad_far(in[3], l->shape.w, w->kernel_w, w->stride_w, 1, w->pad_left, w->pad_right)}};
}

static cn_status pool_forward(tape *t, node *n)
{
    pool p = describe(n);
    value *in = node_input(n, 0);
    dnnl_memory_desc_t dst;
    TRY(node_plain(t, n, n->layer->shape, &dst));
    dst = md_any(&dst);
    dnnl_pooling_desc_t op;
    DNN(t, dnnl_pooling_forward_desc_init(&op, dnnl_forward_training, p.algorithm, &in->md, &dst,
                                          p.strides, p.kernel, p.near, p.far));
    TRY(tape_desc(t, &op, NULL, NULL, &n->forward));
    TRY(value_new(t, tape_query(n->forward, dnnl_query_dst_md), &n->out));
    if (p.algorithm == dnnl_pooling_max)
        TRY(tape_memory(t, tape_query(n->forward, dnnl_query_workspace_md), &n->workspace));
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, in->memory},
                              {DNNL_ARG_DST, n->out.memory},
                              {DNNL_ARG_WORKSPACE, n->workspace}};
    return tape_push(t, TAPE_FORWARD, n->forward, args, 3);
}

static cn_status pool_backward(tape *t, node *n, dnnl_memory_t gradient)
{
    value *in = node_input(n, 0);
    if (!in->wants_gradient) return CN_OK;
    pool p = describe(n);
    dnnl_pooling_desc_t op;
    DNN(t, dnnl_pooling_backward_desc_init(&op, p.algorithm, &in->md, &n->out.md, p.strides,
                                           p.kernel, p.near, p.far));
    dnnl_primitive_desc_t desc;
    TRY(tape_desc(t, &op, NULL, n->forward, &desc));
    dnnl_memory_t diff, out;
    TRY(tape_gradient_as(t, gradient, &n->out.md, &diff));
    TRY(tape_scratch(t, &in->md, &out));
    dnnl_exec_arg_t args[] = {
        {DNNL_ARG_DIFF_DST, diff}, {DNNL_ARG_DIFF_SRC, out}, {DNNL_ARG_WORKSPACE, n->workspace}};
    TRY(tape_push(t, TAPE_BACKWARD, desc, args, 3));
    return value_add_gradient(t, in, out);
}

const train_op train_pool = {pool_forward, pool_backward};
