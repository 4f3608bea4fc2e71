/* The reference engine: oneDNN as its users run it. Batch norm is folded and residuals and
 * activations are fused by the same passes as ours; layouts and algorithms are the library's own
 * choice (its convolution_auto), or Winograd's algorithm where the library has it and it is faster
 * here; primitives, weights and reorders are made once; activations share one arena; the input is
 * read where the caller has it. */
#include "adapters/onednn.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "adapters/engine.h"
#include "condense/memory.h"
#include "condense/passes.h"

struct st_engine {
    st_dnnl_net net;
};

static const char *version(void)
{
    static char text[48];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

static const char *missing(void)
{
    return NULL; /* it is linked in */
}

/* Whether nobody after layer `index` reads its residual. */
static bool reads_last(const cn_graph *graph, int32_t index)
{
    const cn_layer *layer = &graph->layers[index];
    if (layer->residual < 0) return false;
    int32_t residual = layer->inputs[layer->residual];
    if (layer->inputs[0] == residual) return false;
    for (int32_t i = index + 1; i < graph->count; i++)
        for (int32_t k = 0; k < graph->layers[i].input_count; k++)
            if (graph->layers[i].inputs[k] == residual) return false;
    return true;
}

/* The caller's dense tensor, as a value in a buffer of no bytes: its memory is set at each run. */
static cn_status callers_value(st_dnnl_net *net, const dnnl_memory_desc_t *like,
                               st_dnnl_value *value, cn_error *error)
{
    cn_status status = st_dnnl_plain(net, like->ndims, like->dims, dnnl_f32, &value->layout, error);
    return status ? status : st_dnnl_buffer(net, 0, &value->buffer, error);
}

/* Reorders to the caller's layout even where it is the layer's own: the caller's memory is not
 * in the arena. */
static cn_status record_output(st_dnnl_net *net, const st_dnnl_value *last, cn_error *error)
{
    st_dnnl_value out = {0};
    dnnl_memory_desc_t plain;
    cn_status status =
        st_dnnl_plain(net, last->layout.ndims, last->layout.dims, dnnl_f32, &plain, error);
    if (!status) status = st_dnnl_reorder(net, last, &plain, true, &out, error);
    if (status) return status;
    net->buffers[out.buffer].bytes = 0;
    net->output = net->memories[net->memory_count - 1].memory;
    return CN_OK;
}

/* Levels with the channels of a pixel together, which is how the library's integers lie. */
static cn_status record_input(st_dnnl_net *net, st_dnnl_value *values, cn_error *error)
{
    st_dnnl_value floats = values[0];
    dnnl_memory_desc_t layout;
    cn_status status = st_dnnl_check(
        net, dnnl_memory_desc_init_by_tag(&layout, 4, floats.layout.dims, dnnl_u8, dnnl_nhwc),
        "layout", error);
    if (status) return status;
    return st_dnnl_convert(net, &floats, (cn_scale){0}, &layout, st_dnnl_levels(net, 0), &values[0],
                           error);
}

static cn_status record_all(st_dnnl_net *net, const cn_graph *graph, const cn_weights *weights,
                            st_dnnl_value *values, cn_error *error)
{
    cn_shape in = graph->layers[0].shape;
    dnnl_memory_desc_t like = {.ndims = 4, .dims = {net->batch, in.c, in.h, in.w}};
    net->layer = graph->layers[0].name;
    cn_status status = callers_value(net, &like, &values[0], error);
    if (status) return status;
    values[0].shared = true; /* nobody adds into it */
    net->input_buffer = values[0].buffer;
    if (st_dnnl_levels(net, 0).scale > 0) status = record_input(net, values, error);
    for (int32_t i = 1; i < graph->count && !status; i++)
        status = st_dnnl_layer(net, graph, weights, i, values, reads_last(graph, i), error);
    return status ? status : record_output(net, &values[graph->count - 1], error);
}

/* Places the buffers, binds the memories to them, adds the scratchpad to every call. */
static cn_status place(st_dnnl_net *net, cn_error *error)
{
    size_t bytes;
    cn_status status = cn_arena_place(net->buffers, net->buffer_count, &bytes, error);
    if (status) return status;
    net->arena = cn_calloc(bytes, 1);
    net->scratch = cn_calloc(net->scratch_bytes, 1);
    if (!net->arena || !net->scratch)
        return cn_fail(error, CN_ENOMEM, "oneDNN: no memory for %zu bytes of activations", bytes);
    for (int32_t i = 0; i < net->memory_count && !status; i++) {
        const st_dnnl_memory *m = &net->memories[i];
        if (m->buffer < 0 || m->buffer == net->input_buffer || m->memory == net->output) continue;
        void *data = (char *)net->arena + net->buffers[m->buffer].offset;
        status = st_dnnl_check(net, dnnl_memory_set_data_handle(m->memory, data), "binding", error);
    }
    dnnl_memory_desc_t layout;
    dnnl_dims_t dims = {(int64_t)net->scratch_bytes};
    dnnl_status_t made = dnnl_memory_desc_init_by_tag(&layout, 1, dims, dnnl_u8, dnnl_a);
    if (made == dnnl_success)
        made = dnnl_memory_create(&net->scratchpad, &layout, net->engine, net->scratch);
    if (!status) status = st_dnnl_check(net, made, "scratchpad", error);
    for (int32_t i = 0; i < net->call_count && !status; i++) {
        st_dnnl_call *call = &net->calls[i];
        call->arguments[call->argument_count++] =
            (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, net->scratchpad};
    }
    return status;
}

static cn_status build(st_dnnl_net *net, const cn_graph *graph, const cn_weights *weights,
                       bool integers, cn_error *error)
{
    cn_graph fused;
    cn_weights own;
    cn_quantization quantization = {0};
    net->layer = "network";
    cn_status status = st_dnnl_check(net, dnnl_engine_create(&net->engine, dnnl_cpu, 0),
                                     "making the engine", error);
    if (!status)
        status = st_dnnl_check(
            net, dnnl_stream_create(&net->stream, net->engine, dnnl_stream_default_flags),
            "making the stream", error);
    if (!status)
        status = integers ? cn_quantization_fold(graph, weights, &fused, &own, &quantization, error)
                          : cn_passes_apply(graph, weights, CN_PASS_ALL, &fused, &own, error);
    if (status) return status;
    net->quantization = integers ? &quantization : NULL;
    st_dnnl_value *values = cn_calloc((size_t)fused.count, sizeof *values);
    status = values ? record_all(net, &fused, &own, values, error)
                    : cn_fail(error, CN_ENOMEM, "oneDNN: out of memory");
    if (!status) status = place(net, error);
    net->layer = "network"; /* the names go with the graph */
    net->quantization = NULL;
    cn_free(values);
    cn_quantization_clear(&quantization);
    cn_graph_clear(&fused);
    cn_weights_clear(&own);
    return status;
}

static void close_net(st_engine *engine)
{
    st_dnnl_net *net = &engine->net;
    for (int32_t i = 0; i < net->call_count; i++)
        dnnl_primitive_destroy(net->calls[i].primitive);
    for (int32_t i = 0; i < net->memory_count; i++)
        dnnl_memory_destroy(net->memories[i].memory);
    dnnl_memory_destroy(net->scratchpad);
    dnnl_stream_destroy(net->stream);
    dnnl_engine_destroy(net->engine);
    cn_free(net->calls);
    cn_free(net->memories);
    cn_free(net->buffers);
    cn_free(net->arena);
    cn_free(net->scratch);
    cn_free(engine);
}

static cn_status open_as(st_engine **out, const cn_graph *graph, const cn_weights *weights,
                         bool integers, const st_engine_options *options, cn_error *error)
{
    st_engine *engine = cn_calloc(1, sizeof *engine);
    if (!engine) return cn_fail(error, CN_ENOMEM, "oneDNN: out of memory");
    engine->net.threads = options->threads ? options->threads : omp_get_num_procs();
    engine->net.batch = options->batch;
    omp_set_num_threads(engine->net.threads);
    cn_status status = build(&engine->net, graph, weights, integers, error);
    if (status)
        close_net(engine);
    else
        *out = engine;
    return status;
}

static cn_status open_net(st_engine **out, const cn_graph *graph, const cn_weights *weights,
                          const st_engine_options *options, cn_error *error)
{
    return open_as(out, graph, weights, false, options, error);
}

static cn_status open_integers(st_engine **out, const cn_graph *graph, const cn_weights *weights,
                               const st_engine_options *options, cn_error *error)
{
    return open_as(out, graph, weights, true, options, error);
}

static cn_status bind_net(st_engine *engine, const float *input, float *output, cn_error *error)
{
    st_dnnl_net *net = &engine->net;
    dnnl_status_t status = dnnl_memory_set_data_handle(net->output, output);
    for (int32_t i = 0; i < net->memory_count && status == dnnl_success; i++)
        if (net->memories[i].buffer == net->input_buffer) /* the library only reads it */
            status = dnnl_memory_set_data_handle(net->memories[i].memory, (void *)(uintptr_t)input);
    return st_dnnl_check(net, status, "binding", error);
}

static cn_status run_net(st_engine *engine, cn_error *error)
{
    st_dnnl_net *net = &engine->net;
    omp_set_num_threads(net->threads);
    dnnl_status_t status = dnnl_success;
    for (int32_t i = 0; i < net->call_count && status == dnnl_success; i++) {
        const st_dnnl_call *call = &net->calls[i];
        status = dnnl_primitive_execute(call->primitive, net->stream, call->argument_count,
                                        call->arguments);
    }
    if (status == dnnl_success) status = dnnl_stream_wait(net->stream);
    return st_dnnl_check(net, status, "running", error);
}

const st_engine_kind st_engine_onednn = {.name = "onednn",
                                         .version = version,
                                         .missing = missing,
                                         .open = open_net,
                                         .bind = bind_net,
                                         .run = run_net,
                                         .close = close_net};
const st_engine_kind st_engine_onednn_int8 = {.name = "onednn-int8",
                                              .integers = true,
                                              .version = version,
                                              .missing = missing,
                                              .open = open_integers,
                                              .bind = bind_net,
                                              .run = run_net,
                                              .close = close_net};
