/* Activations, softmax and dropout. */
#include "condense/memory.h"
#include "condense/random.h"
#include "train/network.h"

/* How oneDNN calls an activation. Its derivative is taken from the output, so that the layer before
 * can compute the activation and nobody needs to keep what went in. */
static const struct activation {
    cn_op op;
    dnnl_alg_kind_t forward, backward;
    float alpha, beta;
    bool keeps_zero;
} activations[] = {
    {CN_OP_RELU, dnnl_eltwise_relu, dnnl_eltwise_relu_use_dst_for_bwd, 0, 0, true},
    {CN_OP_RELU6, dnnl_eltwise_clip_v2, dnnl_eltwise_clip_v2_use_dst_for_bwd, 0, 6, true},
    {CN_OP_SIGMOID, dnnl_eltwise_logistic, dnnl_eltwise_logistic_use_dst_for_bwd, 0, 0, false},
    {CN_OP_TANH, dnnl_eltwise_tanh, dnnl_eltwise_tanh_use_dst_for_bwd, 0, 0, true},
};

static const struct activation *find(cn_op op)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (activations[i].op == op) return &activations[i];
    return NULL;
}

bool activation_is(cn_op op)
{
    return find(op) != NULL;
}

bool activation_fits(cn_op op, const cn_layer *source)
{
    if (!activation_is(op)) return false;
    if (source->op == CN_OP_BATCH_NORM) return op == CN_OP_RELU;
    if (source->op == CN_OP_ADD) return source->input_count == 2;
    return source->op == CN_OP_CONV || source->op == CN_OP_FC;
}

cn_status activation_attribute(tape *t, const node *n, dnnl_primitive_attr_t *attr)
{
    if (!n->activates) return CN_OK;
    const node *nodes = n->trainer->nodes;
    const struct activation *a = NULL;
    for (int32_t i = n->index + 1; i < n->trainer->graph.count && !a; i++)
        if (nodes[i].source == n) a = find(nodes[i].layer->op);
    dnnl_post_ops_t ops;
    DNN(t, dnnl_post_ops_create(&ops));
    dnnl_status_t status = dnnl_post_ops_append_eltwise(ops, 1, a->forward, a->alpha, a->beta);
    if (status == dnnl_success) status = dnnl_primitive_attr_create(attr);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    dnnl_post_ops_destroy(ops);
    DNN(t, status);
    return CN_OK;
}

/* The layout that the primitive sees. Where channels are padded to whole blocks oneDNN falls back
 * to slow code, to keep the padding zero; an activation that keeps zero may take the whole buffer
 * for a vector. */
static cn_status flat(tape *t, const struct activation *a, const dnnl_memory_desc_t *md,
                      dnnl_memory_desc_t *out)
{
    *out = *md;
    return a->keeps_zero ? md_flat(t, md, out) : CN_OK;
}

static cn_status view(tape *t, const dnnl_memory_desc_t *md, dnnl_memory_t memory,
                      dnnl_memory_t *out)
{
    return tape_wrap(t, md, tape_data(memory), out);
}

static cn_status activation_forward(tape *t, node *n)
{
    if (n->source && n->source->layer->op == CN_OP_BATCH_NORM) {
        n->out = value_over(n->source->out.memory);
        return CN_OK;
    }
    const struct activation *a = find(n->layer->op);
    value *in = node_input(n, 0);
    dnnl_eltwise_desc_t op;
    dnnl_memory_desc_t md;
    TRY(flat(t, a, &in->md, &md));
    DNN(t, dnnl_eltwise_forward_desc_init(&op, dnnl_forward_training, a->backward, &md, a->alpha,
                                          a->beta));
    TRY(tape_desc(t, &op, NULL, NULL, &n->forward));
    if (n->source) {
        n->out = value_over(n->source->out.memory);
        return CN_OK;
    }
    TRY(value_new(t, &in->md, &n->out));
    dnnl_memory_t src, dst;
    TRY(view(t, &md, in->memory, &src));
    TRY(view(t, &md, n->out.memory, &dst));
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, src}, {DNNL_ARG_DST, dst}};
    return tape_push(t, TAPE_FORWARD, n->forward, args, 2);
}

static cn_status activation_backward(tape *t, node *n, dnnl_memory_t gradient)
{
    value *in = node_input(n, 0);
    if (!in->wants_gradient) return CN_OK;
    if (!n->forward) return value_add_gradient(t, in, gradient); /* batch norm does it */
    const struct activation *a = find(n->layer->op);
    dnnl_eltwise_desc_t op;
    dnnl_memory_desc_t md;
    TRY(flat(t, a, &n->out.md, &md));
    DNN(t, dnnl_eltwise_backward_desc_init(&op, a->backward, &md, &md, a->alpha, a->beta));
    dnnl_primitive_desc_t desc;
    TRY(tape_desc(t, &op, NULL, n->forward, &desc));
    dnnl_memory_t diff, out, dst, diff_dst, diff_src;
    TRY(tape_gradient_as(t, gradient, &n->out.md, &diff));
    TRY(tape_scratch(t, &n->out.md, &out));
    TRY(view(t, &md, n->out.memory, &dst));
    TRY(view(t, &md, diff, &diff_dst));
    TRY(view(t, &md, out, &diff_src));
    dnnl_exec_arg_t args[] = {
        {DNNL_ARG_DST, dst}, {DNNL_ARG_DIFF_DST, diff_dst}, {DNNL_ARG_DIFF_SRC, diff_src}};
    TRY(tape_push(t, TAPE_BACKWARD, desc, args, 3));
    return value_add_gradient(t, in, out);
}

const train_op train_activation = {activation_forward, activation_backward};

static cn_status softmax_forward(tape *t, node *n)
{
    value *in = node_input(n, 0);
    dnnl_softmax_desc_t op;
    DNN(t, dnnl_softmax_forward_desc_init(&op, dnnl_forward_training, &in->md, 1));
    TRY(tape_desc(t, &op, NULL, NULL, &n->forward));
    TRY(value_new(t, &in->md, &n->out));
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, in->memory}, {DNNL_ARG_DST, n->out.memory}};
    return tape_push(t, TAPE_FORWARD, n->forward, args, 2);
}

static cn_status softmax_backward(tape *t, node *n, dnnl_memory_t gradient)
{
    value *in = node_input(n, 0);
    if (!in->wants_gradient) return CN_OK;
    dnnl_softmax_desc_t op;
    DNN(t, dnnl_softmax_backward_desc_init(&op, &n->out.md, &n->out.md, 1));
    dnnl_primitive_desc_t desc;
    TRY(tape_desc(t, &op, NULL, n->forward, &desc));
    dnnl_memory_t diff, out;
    TRY(tape_gradient_as(t, gradient, &n->out.md, &diff));
    TRY(tape_scratch(t, &n->out.md, &out));
    dnnl_exec_arg_t args[] = {
        {DNNL_ARG_DST, n->out.memory}, {DNNL_ARG_DIFF_DST, diff}, {DNNL_ARG_DIFF_SRC, out}};
    TRY(tape_push(t, TAPE_BACKWARD, desc, args, 3));
    return value_add_gradient(t, in, out);
}

const train_op train_softmax = {softmax_forward, softmax_backward};

/* What training keeps is scaled up, so that inference is the identity. The mask depends on the
 * seed, the step and the layer's name alone. */
static void dropout_draw(void *context)
{
    node *n = context;
    float *mask = n->extra;
    const float scales[] = {1 / (1 - n->layer->rate), 0}; /* kept, dropped: a branch would miss */
    uint64_t seed = n->trainer->seed + n->trainer->step * 0x9e3779b97f4a7c15u;
    cn_random random = cn_random_named(seed, n->layer->name);
    uint64_t dropped = (uint64_t)((double)n->layer->rate * 4294967296.0);
    const float *from = tape_data(n->from);
    float *to = tape_data(n->to);
    for (int64_t i = 0; i < n->extra_count; i++) {
        mask[i] = scales[(cn_random_u64(&random) >> 32) < dropped];
        to[i] = from[i] * mask[i];
    }
}

static void dropout_back(void *context)
{
    const node *n = context;
    const float *mask = n->extra, *from = tape_data(n->from_back);
    float *to = tape_data(n->to_back);
    for (int64_t i = 0; i < n->extra_count; i++)
        to[i] = from[i] * mask[i];
}

static cn_status dropout_forward(tape *t, node *n)
{
    value *in = node_input(n, 0);
    TRY(value_new(t, &in->md, &n->out));
    size_t size = dnnl_memory_desc_get_size(&in->md);
    n->extra_count = (int64_t)(size / sizeof(float));
    n->extra = cn_calloc((size_t)n->extra_count, sizeof(float));
    if (!n->extra) return cn_fail(t->error, CN_ENOMEM, "out of memory for dropout");
    n->from = in->memory;
    n->to = n->out.memory;
    TRY(tape_call(t, TAPE_TRAIN, dropout_draw, n));
    return tape_reorder(t, TAPE_INFER, in->memory, n->out.memory);
}

static cn_status dropout_backward(tape *t, node *n, dnnl_memory_t gradient)
{
    value *in = node_input(n, 0);
    if (!in->wants_gradient) return CN_OK;
    TRY(tape_gradient_as(t, gradient, &n->out.md, &n->from_back));
    TRY(tape_scratch(t, &n->out.md, &n->to_back));
    TRY(tape_call(t, TAPE_BACKWARD, dropout_back, n));
    return value_add_gradient(t, in, n->to_back);
}

const train_op train_dropout = {dropout_forward, dropout_backward};
