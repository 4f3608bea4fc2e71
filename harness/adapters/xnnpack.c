/* XNNPACK as its users run it: float32 operators on interleaved pixels, weights packed and
 * operators set up once, clamps fused, one pthreadpool. Batch norm and explicit padding are folded
 * by our passes, as converters do; a concat's parts are written into its pixels where the operators
 * can, and values share one arena by their lifetimes. Its users hold their pictures interleaved, so
 * that turning ours into that is not timed. */
#include "adapters/engine.h"
#include "adapters/xnn.h"
#include "condense/memory.h"
#include "condense/passes.h"
#include "plan/arena.h"

struct st_engine {
    st_xnn_net net;
    cn_shape in, out;
    float *wanted; /* the caller's output, NCHW */
    float *input;  /* the network's, interleaved */
    void *arena;
    st_xnn_value output;
};

static const char *missing(void)
{
    enum xnn_status status = xnn_initialize(NULL);
    return status == xnn_status_success ? NULL : "it does not know this processor";
}

static const char *version(void)
{
    return "Debian's libxnnpack0"; /* it has no versions and cannot say which it is */
}

/* Operators that take and give whole tensors only. */
static bool is_dense_only(const cn_layer *layer)
{
    return layer->op == CN_OP_ADD || layer->op == CN_OP_PAD || layer->op == CN_OP_FC ||
           layer->op == CN_OP_INPUT;
}

/* Whether the value of layer `index` may lie between the pixels of others. */
static bool may_be_part(const cn_graph *graph, int32_t index)
{
    const cn_layer *layer = &graph->layers[index];
    if (layer->op != CN_OP_FC && is_dense_only(layer)) return false;
    for (int32_t i = index + 1; i < graph->count; i++)
        for (int32_t k = 0; k < graph->layers[i].input_count; k++)
            if (graph->layers[i].inputs[k] == index && is_dense_only(&graph->layers[i]))
                return false;
    return true;
}

/* Gives every layer a block and a place in it: the parts of a concat lie in the concat's. Later
 * layers first, so that a concat within a concat is placed before its parts. blocks: one a layer.
 */
static void place_values(st_xnn_net *net, cn_block *blocks)
{
    const cn_graph *graph = net->graph;
    for (int32_t i = 0; i < graph->count; i++)
        net->values[i].block = -1;
    for (int32_t i = graph->count - 1; i >= 0; i--) {
        const cn_layer *layer = &graph->layers[i];
        st_xnn_value *value = &net->values[i];
        if (value->block < 0) *value = (st_xnn_value){.block = i, .stride = (size_t)layer->shape.c};
        cn_block *block = &blocks[value->block];
        block->first = i; /* the earliest comes last */
        size_t offset = value->offset;
        for (int32_t k = 0; k < layer->input_count && layer->op == CN_OP_CONCAT; k++) {
            int32_t part = layer->inputs[k];
            if (net->values[part].block < 0 && may_be_part(graph, part))
                net->values[part] = (st_xnn_value){value->block, offset, value->stride, NULL};
            offset += (size_t)graph->layers[part].shape.c;
        }
    }
}

/* Lifetimes: to the last reader; input and output keep their places, for the next run and for the
 * reader. */
static void measure_blocks(const st_xnn_net *net, cn_block *blocks)
{
    const cn_graph *graph = net->graph;
    for (int32_t i = 0; i < graph->count; i++) {
        const cn_layer *layer = &graph->layers[i];
        cn_block *block = &blocks[net->values[i].block];
        size_t bytes = net->batch * (size_t)cn_shape_count(layer->shape) * sizeof(float);
        if (net->values[i].block == i)
            block->bytes =
                (bytes + XNN_EXTRA_BYTES + CN_ALIGNMENT - 1) / CN_ALIGNMENT * CN_ALIGNMENT;
        if (block->last < i) block->last = i;
        for (int32_t k = 0; k < layer->input_count; k++) {
            cn_block *read = &blocks[net->values[layer->inputs[k]].block];
            if (read->last < i) read->last = i;
        }
    }
    blocks[net->values[graph->count - 1].block].last = graph->count;
    blocks[net->values[0].block].last = graph->count;
}

static cn_status place(st_engine *engine, cn_error *error)
{
    st_xnn_net *net = &engine->net;
    size_t total;
    cn_block *blocks = cn_calloc((size_t)net->graph->count, sizeof *blocks);
    if (!blocks) return cn_fail(error, CN_ENOMEM, "out of memory");
    place_values(net, blocks);
    measure_blocks(net, blocks);
    cn_status status = cn_arena_place(blocks, net->graph->count, &total, error);
    if (!status) engine->arena = cn_calloc(total, 1);
    if (!status && !engine->arena)
        status =
            cn_fail(error, CN_ENOMEM, "XNNPACK: no memory for %zu bytes of activations", total);
    for (int32_t i = 0; i < net->graph->count && !status; i++) {
        st_xnn_value *value = &net->values[i];
        value->data =
            (float *)((char *)engine->arena + blocks[value->block].offset) + value->offset;
    }
    cn_free(blocks);
    return status;
}

static cn_status build(st_engine *engine, cn_error *error)
{
    st_xnn_net *net = &engine->net;
    int32_t count = net->graph->count;
    net->values = cn_calloc((size_t)count, sizeof *net->values);
    if (!net->values) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_status status = place(engine, error);
    for (int32_t i = 0; i < count && !status; i++)
        status = st_xnn_layer(net, i, error);
    if (status) return status;
    engine->in = net->graph->layers[0].shape;
    engine->out = net->graph->layers[count - 1].shape;
    engine->input = net->values[0].data;
    engine->output = net->values[count - 1];
    return CN_OK;
}

static void close_net(st_engine *engine)
{
    for (int32_t i = 0; i < engine->net.count; i++)
        xnn_delete_operator(engine->net.operators[i]);
    pthreadpool_destroy(engine->net.pool);
    cn_free(engine->net.operators);
    cn_free(engine->net.values);
    cn_free(engine->arena);
    cn_free(engine);
}

static cn_status open_net(st_engine **out, const cn_graph *graph, const cn_weights *weights,
                          const st_engine_options *options, cn_error *error)
{
    st_engine *engine = cn_calloc(1, sizeof *engine);
    cn_graph fused;
    cn_weights own;
    if (!engine) return cn_fail(error, CN_ENOMEM, "out of memory");
    /* It has no convolution that adds. */
    unsigned passes = CN_PASS_ALL & ~(unsigned)CN_PASS_FUSE_ADD;
    cn_status status = cn_passes_apply(graph, weights, passes, &fused, &own, error);
    if (status) {
        cn_free(engine);
        return status;
    }
    engine->net.batch = (size_t)options->batch;
    engine->net.graph = &fused;
    engine->net.weights = &own;
    if (options->threads != 1) {
        engine->net.pool = pthreadpool_create((size_t)options->threads);
        if (!engine->net.pool) status = cn_fail(error, CN_ENOMEM, "XNNPACK: no threads");
    }
    if (!status) status = build(engine, error);
    cn_graph_clear(&fused);
    cn_weights_clear(&own);
    if (status)
        close_net(engine);
    else
        *out = engine;
    return status;
}

static cn_status bind_net(st_engine *engine, const float *input, float *output, cn_error *error)
{
    (void)error;
    engine->wanted = output;
    size_t plane = (size_t)engine->in.h * (size_t)engine->in.w, c = (size_t)engine->in.c;
    for (size_t n = 0; n < engine->net.batch; n++)
        for (size_t k = 0; k < c; k++)
            for (size_t i = 0; i < plane; i++)
                engine->input[(n * plane + i) * c + k] = input[(n * c + k) * plane + i];
    return CN_OK;
}

static cn_status run_net(st_engine *engine, cn_error *error)
{
    const st_xnn_net *net = &engine->net;
    enum xnn_status status = xnn_status_success;
    for (int32_t i = 0; i < net->count && status == xnn_status_success; i++)
        status = xnn_run_operator(net->operators[i], net->pool);
    if (status == xnn_status_success) return CN_OK;
    return cn_fail(error, CN_EUNSUPPORTED, "XNNPACK: running failed with status %d", (int)status);
}

static cn_status read_net(st_engine *engine, cn_error *error)
{
    (void)error;
    const st_xnn_value *from = &engine->output;
    size_t plane = (size_t)engine->out.h * (size_t)engine->out.w, c = (size_t)engine->out.c;
    for (size_t n = 0; n < engine->net.batch; n++)
        for (size_t k = 0; k < c; k++)
            for (size_t i = 0; i < plane; i++)
                engine->wanted[(n * c + k) * plane + i] =
                    from->data[(n * plane + i) * from->stride + k];
    return CN_OK;
}

const st_engine_kind st_engine_xnnpack = {.name = "xnnpack",
                                          .version = version,
                                          .missing = missing,
                                          .open = open_net,
                                          .bind = bind_net,
                                          .run = run_net,
                                          .read = read_net,
                                          .close = close_net};
