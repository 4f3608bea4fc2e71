/* Convolution and fully connected: y = W * x + b, and its three derivatives. */
#include "condense/memory.h"
#include "train/network.h"

typedef struct dense {
    bool fc;
    dnnl_memory_desc_t src, weights, bias, dst; /* layouts open, but for plain dst of fc */
    dnnl_memory_desc_t weights_plain;
    dnnl_dims_t strides, dilates, near, far;
} dense;

static cn_status describe(tape *t, const node *n, dense *d)
{
    const cn_layer *l = n->layer;
    const cn_window *w = &l->window;
    const value *in = node_input(n, 0);
    int64_t batch = n->trainer->batch, c = in->md.dims[1], h = in->md.dims[2], x = in->md.dims[3];
    *d = (dense){.fc = l->op == CN_OP_FC, .src = md_any(&in->md)};
    dnnl_dims_t bias = {l->units};
    TRY(md_plain(t, 1, bias, &d->bias));
    if (d->fc) {
        TRY(md_plain(t, 4, (dnnl_dims_t){l->units, c, h, x}, &d->weights_plain));
        TRY(md_plain(t, 2, (dnnl_dims_t){batch, l->units}, &d->dst));
    } else {
        int64_t g = l->groups;
        dnnl_dims_t grouped = {g, l->units / g, c / g, w->kernel_h, w->kernel_w};
        TRY(md_plain(t, g > 1 ? 5 : 4, g > 1 ? grouped : grouped + 1, &d->weights_plain));
        TRY(node_plain(t, n, l->shape, &d->dst));
        d->dst = md_any(&d->dst);
        d->strides[0] = w->stride_h, d->strides[1] = w->stride_w;
        d->dilates[0] = w->dilation_h - 1, d->dilates[1] = w->dilation_w - 1;
        d->near[0] = w->pad_top, d->near[1] = w->pad_left;
        d->far[0] = pad_far(h, l->shape.h, w->kernel_h, w->stride_h, w->dilation_h, w->pad_top,
                            w->pad_bottom);
        d->far[1] = pad_far(x, l->shape.w, w->kernel_w, w->stride_w, w->dilation_w, w->pad_left,
                            w->pad_right);
    }
    d->weights = md_any(&d->weights_plain);
    return CN_OK;
}

static cn_status forward_desc(tape *t, const node *n, const dense *d, dnnl_primitive_desc_t *out)
{
    const dnnl_memory_desc_t *bias = n->layer->bias ? &d->bias : NULL;
    dnnl_primitive_attr_t attr = NULL;
    TRY(activation_attribute(t, n, &attr));
    dnnl_convolution_desc_t conv;
    dnnl_inner_product_desc_t fc;
    dnnl_status_t made =
        d->fc ? dnnl_inner_product_forward_desc_init(&fc, dnnl_forward_training, &d->src,
                                                     &d->weights, bias, &d->dst)
              : dnnl_dilated_convolution_forward_desc_init(
                    &conv, dnnl_forward_training, dnnl_convolution_direct, &d->src, &d->weights,
                    bias, &d->dst, d->strides, d->dilates, d->near, d->far);
    cn_status status = made == dnnl_success
                           ? tape_desc(t, d->fc ? (void *)&fc : (void *)&conv, attr, NULL, out)
                           : tape_failed(t, made, "forward");
    if (attr) dnnl_primitive_attr_destroy(attr);
    return status;
}

static cn_status dense_forward(tape *t, node *n)
{
    dense d;
    TRY(describe(t, n, &d));
    TRY(forward_desc(t, n, &d, &n->forward));
    dnnl_memory_t src, weights, plain, dst, bias = NULL;
    TRY(tape_wrap(t, &d.weights_plain, node_weight(n, "weight"), &plain));
    n->weight = value_over(plain);
    if (n->layer->bias) TRY(node_vector(t, node_weight(n, "bias"), n->layer->units, &bias));
    TRY(value_as(t, TAPE_FORWARD, node_input(n, 0), tape_query(n->forward, dnnl_query_src_md),
                 &src));
    TRY(value_as(t, TAPE_FORWARD, &n->weight, tape_query(n->forward, dnnl_query_weights_md),
                 &weights));
    if (d.fc) {
        dnnl_memory_desc_t md;
        TRY(node_plain(t, n, n->layer->shape, &md));
        TRY(value_new(t, &md, &n->out));
        TRY(tape_wrap(t, &d.dst, tape_data(n->out.memory), &dst));
    } else {
        TRY(value_new(t, tape_query(n->forward, dnnl_query_dst_md), &n->out));
        dst = n->out.memory;
    }
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, src},
                              {DNNL_ARG_WEIGHTS, weights},
                              {DNNL_ARG_BIAS, bias},
                              {DNNL_ARG_DST, dst}};
    return tape_push(t, TAPE_FORWARD, n->forward, args, 4);
}

/* The gradient in the layout that `wanted` asks for; fc takes it as a matrix. */
static cn_status incoming(tape *t, const node *n, const dense *d, dnnl_memory_t gradient,
                          const dnnl_memory_desc_t *wanted, dnnl_memory_t *out)
{
    if (!d->fc) return tape_gradient_as(t, gradient, wanted, out);
    dnnl_memory_desc_t plain;
    TRY(node_plain(t, n, n->layer->shape, &plain));
    TRY(tape_gradient_as(t, gradient, &plain, out));
    return tape_wrap(t, &d->dst, tape_data(*out), out);
}

static cn_status backward_weights(tape *t, node *n, const dense *d, dnnl_memory_t gradient)
{
    const dnnl_memory_desc_t *bias_md = n->layer->bias ? &d->bias : NULL;
    dnnl_convolution_desc_t conv;
    dnnl_inner_product_desc_t fc;
    if (d->fc)
        DNN(t, dnnl_inner_product_backward_weights_desc_init(&fc, &d->src, &d->weights, bias_md,
                                                             &d->dst));
    else
        DNN(t, dnnl_dilated_convolution_backward_weights_desc_init(
                   &conv, dnnl_convolution_direct, &d->src, &d->weights, bias_md, &d->dst,
                   d->strides, d->dilates, d->near, d->far));
    dnnl_primitive_desc_t desc;
    TRY(tape_desc(t, d->fc ? (void *)&fc : (void *)&conv, NULL, n->forward, &desc));
    dnnl_memory_t src, diff, plain, weights, bias = NULL;
    TRY(value_as(t, TAPE_BACKWARD, node_input(n, 0), tape_query(desc, dnnl_query_src_md), &src));
    TRY(incoming(t, n, d, gradient, tape_query(desc, dnnl_query_diff_dst_md), &diff));
    TRY(tape_wrap(t, &d->weights_plain, node_weight_gradient(n, "weight"), &plain));
    if (bias_md) TRY(node_vector(t, node_weight_gradient(n, "bias"), n->layer->units, &bias));
    const dnnl_memory_desc_t *layout = tape_query(desc, dnnl_query_diff_weights_md);
    bool direct = dnnl_memory_desc_equal(layout, &d->weights_plain);
    weights = plain;
    if (!direct) TRY(tape_scratch(t, layout, &weights));
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, src},
                              {DNNL_ARG_DIFF_DST, diff},
                              {DNNL_ARG_DIFF_WEIGHTS, weights},
                              {DNNL_ARG_DIFF_BIAS, bias}};
    TRY(tape_push(t, TAPE_BACKWARD, desc, args, 4));
    return direct ? CN_OK : tape_reorder(t, TAPE_BACKWARD, weights, plain);
}

static cn_status backward_data(tape *t, node *n, const dense *d, dnnl_memory_t gradient)
{
    dnnl_convolution_desc_t conv;
    dnnl_inner_product_desc_t fc;
    if (d->fc)
        DNN(t, dnnl_inner_product_backward_data_desc_init(&fc, &d->src, &d->weights, &d->dst));
    else
        DNN(t, dnnl_dilated_convolution_backward_data_desc_init(
                   &conv, dnnl_convolution_direct, &d->src, &d->weights, &d->dst, d->strides,
                   d->dilates, d->near, d->far));
    dnnl_primitive_desc_t desc;
    TRY(tape_desc(t, d->fc ? (void *)&fc : (void *)&conv, NULL, n->forward, &desc));
    dnnl_memory_t diff, weights, out;
    TRY(incoming(t, n, d, gradient, tape_query(desc, dnnl_query_diff_dst_md), &diff));
    TRY(value_as(t, TAPE_BACKWARD, &n->weight, tape_query(desc, dnnl_query_weights_md), &weights));
    TRY(tape_scratch(t, tape_query(desc, dnnl_query_diff_src_md), &out));
    dnnl_exec_arg_t args[] = {
        {DNNL_ARG_DIFF_DST, diff}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DIFF_SRC, out}};
    TRY(tape_push(t, TAPE_BACKWARD, desc, args, 3));
    return value_add_gradient(t, node_input(n, 0), out);
}

static cn_status dense_backward(tape *t, node *n, dnnl_memory_t gradient)
{
    dense d;
    TRY(describe(t, n, &d));
    TRY(backward_weights(t, n, &d, gradient));
    return node_input(n, 0)->wants_gradient ? backward_data(t, n, &d, gradient) : CN_OK;
}

const train_op train_dense = {dense_forward, dense_backward};
