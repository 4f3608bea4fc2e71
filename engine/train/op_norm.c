/* Batch normalization and local response normalization. */
#include "train/network.h"

/* The running statistics follow the batch's: r = (1 - m) r + m b. The running variance takes the
 * unbiased estimate, the normalization itself the biased one. */
static void update_running(void *context)
{
    const node *n = context;
    const float *mean = tape_data(n->mean), *variance = tape_data(n->variance);
    float *running_mean = node_weight(n, "running_mean");
    float *running_var = node_weight(n, "running_var");
    double pixels = (double)n->trainer->batch * n->layer->shape.h * n->layer->shape.w;
    float unbias = (float)(pixels > 1 ? pixels / (pixels - 1) : 1), m = n->trainer->momentum;
    for (int32_t c = 0; c < n->layer->shape.c; c++) {
        running_mean[c] += m * (mean[c] - running_mean[c]);
        running_var[c] += m * (variance[c] * unbias - running_var[c]);
    }
}

static unsigned norm_flags(const node *n)
{
    return dnnl_use_scale | dnnl_use_shift | (n->activates ? dnnl_fuse_norm_relu : 0);
}

static cn_status norm_inference(tape *t, node *n, dnnl_memory_t scale, dnnl_memory_t shift)
{
    value *in = node_input(n, 0);
    dnnl_batch_normalization_desc_t op;
    DNN(t, dnnl_batch_normalization_forward_desc_init(&op, dnnl_forward_inference, &in->md,
                                                      n->layer->epsilon,
                                                      norm_flags(n) | dnnl_use_global_stats));
    dnnl_primitive_desc_t desc;
    TRY(tape_desc(t, &op, NULL, NULL, &desc));
    dnnl_memory_t mean, variance;
    TRY(node_vector(t, node_weight(n, "running_mean"), n->layer->shape.c, &mean));
    TRY(node_vector(t, node_weight(n, "running_var"), n->layer->shape.c, &variance));
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, in->memory}, {DNNL_ARG_DST, n->out.memory},
                              {DNNL_ARG_MEAN, mean},      {DNNL_ARG_VARIANCE, variance},
                              {DNNL_ARG_SCALE, scale},    {DNNL_ARG_SHIFT, shift}};
    return tape_push(t, TAPE_INFER, desc, args, 6);
}

static cn_status norm_forward(tape *t, node *n)
{
    value *in = node_input(n, 0);
    dnnl_batch_normalization_desc_t op;
    DNN(t, dnnl_batch_normalization_forward_desc_init(&op, dnnl_forward_training, &in->md,
                                                      n->layer->epsilon, norm_flags(n)));
    TRY(tape_desc(t, &op, NULL, NULL, &n->forward));
    TRY(value_new(t, &in->md, &n->out));
    dnnl_memory_desc_t vector;
    TRY(md_plain(t, 1, (dnnl_dims_t){n->layer->shape.c}, &vector));
    TRY(tape_memory(t, &vector, &n->mean));
    TRY(tape_memory(t, &vector, &n->variance));
    if (n->activates)
        TRY(tape_memory(t, tape_query(n->forward, dnnl_query_workspace_md), &n->workspace));
    dnnl_memory_t scale, shift;
    TRY(node_vector(t, node_weight(n, "weight"), n->layer->shape.c, &scale));
    TRY(node_vector(t, node_weight(n, "bias"), n->layer->shape.c, &shift));
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, in->memory},        {DNNL_ARG_DST, n->out.memory},
                              {DNNL_ARG_MEAN, n->mean},          {DNNL_ARG_VARIANCE, n->variance},
                              {DNNL_ARG_SCALE, scale},           {DNNL_ARG_SHIFT, shift},
                              {DNNL_ARG_WORKSPACE, n->workspace}};
    TRY(tape_push(t, TAPE_TRAIN, n->forward, args, 7));
    TRY(tape_call(t, TAPE_TRAIN, update_running, n));
    return norm_inference(t, n, scale, shift);
}

static cn_status norm_backward(tape *t, node *n, dnnl_memory_t gradient)
{
    value *in = node_input(n, 0);
    dnnl_batch_normalization_desc_t op;
    DNN(t, dnnl_batch_normalization_backward_desc_init(&op, dnnl_backward, &in->md, &in->md,
                                                       n->layer->epsilon, norm_flags(n)));
    dnnl_primitive_desc_t desc;
    TRY(tape_desc(t, &op, NULL, n->forward, &desc));
    int64_t c = n->layer->shape.c;
    dnnl_memory_t diff, out, scale, shift, diff_scale, diff_shift;
    TRY(tape_gradient_as(t, gradient, &in->md, &diff));
    TRY(tape_scratch(t, &in->md, &out));
    TRY(node_vector(t, node_weight(n, "weight"), c, &scale));
    TRY(node_vector(t, node_weight(n, "bias"), c, &shift));
    TRY(node_vector(t, node_weight_gradient(n, "weight"), c, &diff_scale));
    TRY(node_vector(t, node_weight_gradient(n, "bias"), c, &diff_shift));
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, in->memory},        {DNNL_ARG_MEAN, n->mean},
                              {DNNL_ARG_VARIANCE, n->variance},  {DNNL_ARG_SCALE, scale},
                              {DNNL_ARG_SHIFT, shift},           {DNNL_ARG_WORKSPACE, n->workspace},
                              {DNNL_ARG_DIFF_DST, diff},         {DNNL_ARG_DIFF_SRC, out},
                              {DNNL_ARG_DIFF_SCALE, diff_scale}, {DNNL_ARG_DIFF_SHIFT, diff_shift}};
    TRY(tape_push(t, TAPE_BACKWARD, desc, args, 10));
    return in->wants_gradient ? value_add_gradient(t, in, out) : CN_OK;
}

const train_op train_batch_norm = {norm_forward, norm_backward};

static cn_status lrn_forward(tape *t, node *n)
{
    const cn_layer *l = n->layer;
    value *in = node_input(n, 0);
    dnnl_lrn_desc_t op;
    DNN(t, dnnl_lrn_forward_desc_init(&op, dnnl_forward_training, dnnl_lrn_across_channels, &in->md,
                                      l->lrn_size, l->lrn_alpha, l->lrn_beta, l->lrn_k));
    TRY(tape_desc(t, &op, NULL, NULL, &n->forward));
    TRY(value_new(t, &in->md, &n->out));
    const dnnl_memory_desc_t *workspace = tape_query(n->forward, dnnl_query_workspace_md);
    if (workspace && workspace->ndims) TRY(tape_memory(t, workspace, &n->workspace));
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, in->memory},
                              {DNNL_ARG_DST, n->out.memory},
                              {DNNL_ARG_WORKSPACE, n->workspace}};
    return tape_push(t, TAPE_FORWARD, n->forward, args, 3);
}

static cn_status lrn_backward(tape *t, node *n, dnnl_memory_t gradient)
{
    const cn_layer *l = n->layer;
    value *in = node_input(n, 0);
    if (!in->wants_gradient) return CN_OK;
    dnnl_lrn_desc_t op;
    DNN(t, dnnl_lrn_backward_desc_init(&op, dnnl_lrn_across_channels, &in->md, &in->md, l->lrn_size,
                                       l->lrn_alpha, l->lrn_beta, l->lrn_k));
    dnnl_primitive_desc_t desc;
    TRY(tape_desc(t, &op, NULL, n->forward, &desc));
    dnnl_memory_t diff, out;
    TRY(tape_gradient_as(t, gradient, &in->md, &diff));
    TRY(tape_scratch(t, &in->md, &out));
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, in->memory},
                              {DNNL_ARG_DIFF_DST, diff},
                              {DNNL_ARG_DIFF_SRC, out},
                              {DNNL_ARG_WORKSPACE, n->workspace}};
    TRY(tape_push(t, TAPE_BACKWARD, desc, args, 4));
    return value_add_gradient(t, in, out);
}

const train_op train_lrn = {lrn_forward, lrn_backward};
