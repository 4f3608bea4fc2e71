#include "run/build.h"

#include <string.h>

#include "condense/memory.h"
#include "condense/passes.h"
#include "condense/quantize.h"

static int64_t count_nonzero(const cn_weights *weights, const cn_layer *layer)
{
    const cn_tensor *weight = cn_weights_of(weights, layer->name, "weight");
    int64_t nonzero = 0, count = weight ? cn_tensor_count(weight) : 0;
    for (int64_t i = 0; i < count; i++)
        nonzero += weight->data[i] != 0.0f;
    return nonzero;
}

/* Bytes of a layer's output for one image. */
static int64_t output_bytes(const cn_session *session, int32_t layer)
{
    bool integers = cn_integers_levels(&session->integers, layer).scale > 0;
    return cn_shape_count(session->graph.layers[layer].shape) *
           (integers ? 1 : (int64_t)sizeof(float));
}

/* Everything of a layer's profile but the time, from the graph and the weights before packing. */
static cn_layer_profile describe(const cn_session *session, const cn_weights *weights,
                                 int32_t index)
{
    const cn_graph *graph = &session->graph;
    const cn_layer *layer = &graph->layers[index];
    int32_t batch = session->options.batch;
    cn_layer_profile profile = {.name = layer->name,
                                .op = layer->op,
                                .kernel = "in_place",
                                .macs = cn_layer_macs(graph, index) * batch,
                                .nonzero = count_nonzero(weights, layer),
                                .shape = layer->shape};
    int64_t activations = output_bytes(session, index), values = 0;
    for (int32_t k = 0; k < layer->input_count; k++)
        activations += output_bytes(session, layer->inputs[k]);
    cn_weight_spec specs[4];
    int32_t tensors = cn_layer_weights(graph, index, specs);
    for (int32_t t = 0; t < tensors; t++) {
        const cn_tensor *tensor = cn_weights_of(weights, layer->name, specs[t].suffix);
        values += cn_tensor_count(tensor);
    }
    profile.products = profile.dense_products = profile.macs;
    bool integers = cn_op_is_tensor(layer->op) && cn_integers_any(&session->integers);
    profile.activation_bytes = activations * batch;
    profile.bytes = (integers ? 1 : (int64_t)sizeof(float)) * values + profile.activation_bytes;
    return profile;
}

static cn_status plan_memory(cn_session *session, cn_error *error)
{
    const cn_graph *graph = &session->graph;
    cn_memory_need *needs = cn_calloc((size_t)graph->count, sizeof *needs);
    if (!needs) return cn_fail(error, CN_ENOMEM, "no memory to plan %d layers", graph->count);
    for (int32_t i = 0; i < graph->count; i++)
        needs[i] = cn_step_need(graph, i, &session->integers);
    for (int32_t i = 0; i < graph->count; i++)
        cn_step_ask_halo(graph, i, &session->integers, needs);
    cn_status status = cn_memory_plan_make(&session->plan, &session->integers.stored, needs,
                                           session->options.batch, error);
    cn_free(needs);
    if (status) return status;
    session->memory.arena = session->plan.arena;
    session->memory.live_peak = session->plan.live_peak;
    session->arena = cn_calloc(session->plan.arena, 1);
    if (!session->arena)
        return cn_fail(error, CN_ENOMEM, "no memory for %zu bytes of activations at batch %d",
                       session->plan.arena, session->options.batch);
    return CN_OK;
}

/* The caller's tensor of `shape`: dense; its data is set at each run. */
static cn_view dense_view(cn_shape shape, int32_t batch)
{
    ptrdiff_t plane = (ptrdiff_t)shape.h * shape.w;
    return (cn_view){.n = batch,
                     .c = shape.c,
                     .h = shape.h,
                     .w = shape.w,
                     .row = shape.w,
                     .plane = plane,
                     .image = plane * shape.c};
}

static cn_view view_of(const cn_session *session, int32_t layer)
{
    return cn_memory_view(&session->plan, &session->integers.stored, layer, session->arena);
}

static cn_status bind_inputs(const cn_session *session, cn_step *step, cn_error *error)
{
    const cn_layer *layer = &session->graph.layers[step->layer];
    int32_t count = layer->input_count ? layer->input_count : 1;
    step->in = cn_calloc((size_t)count, sizeof *step->in);
    if (!step->in) return cn_fail(error, CN_ENOMEM, "layer '%s': out of memory", layer->name);
    if (!layer->input_count) step->in[0] = dense_view(layer->shape, session->options.batch);
    for (int32_t k = 0; k < layer->input_count; k++)
        step->in[k] = view_of(session, layer->inputs[k]);
    if (layer->residual >= 0) step->residual = step->in[layer->residual];
    return CN_OK;
}

/* The next free step, made for layer `index` (of a concat: for input `part`) and bound to its
 * views.
 */
static cn_status add_step(cn_session *session, int32_t index, int32_t part, cn_weights *weights,
                          cn_step **out, cn_error *error)
{
    cn_step *step = &session->steps[session->step_count++];
    cn_status status = cn_step_make(step, &session->graph, index, part, weights, &session->integers,
                                    &session->options, error);
    if (!status) status = bind_inputs(session, step, error);
    if (status) return status;
    step->out = view_of(session, index);
    *out = step;
    return CN_OK;
}

/* A concat copies the inputs that could not be written in place. Those that touch integers find
 * their channels in the whole output by themselves. */
static cn_status add_concat(cn_session *session, int32_t index, cn_weights *weights,
                            cn_error *error)
{
    const cn_layer *layer = &session->graph.layers[index];
    const cn_graph *stored = &session->integers.stored;
    bool whole = cn_integers_touch(&session->integers, &session->graph, index);
    cn_view part = view_of(session, index);
    for (int32_t k = 0; k < layer->input_count; k++) {
        if (!whole) part.c = stored->layers[layer->inputs[k]].shape.c;
        if (!cn_memory_concat_in_place(&session->plan, stored, index, k)) {
            cn_step *step;
            cn_status status = add_step(session, index, k, weights, &step, error);
            if (status) return status;
            step->in[0] = step->in[k];
            step->out = part;
            cn_step_cut(step, session->options.threads, true);
        }
        if (!whole) part.data += part.c * part.plane;
    }
    return CN_OK;
}

/* Whether what is around the planes of layer `index` must be written: its block is new, or it held
 * another zero point. */
static bool is_fresh(const cn_session *session, int32_t index)
{
    int32_t shared = session->plan.places[index].shared;
    if (shared < 0) return true;
    int32_t input = session->graph.layers[index].inputs[shared];
    return cn_integers_levels(&session->integers, input).zero !=
           cn_integers_levels(&session->integers, index).zero;
}

/* The last step: from the last layer's planes to the caller's dense tensor. */
static cn_status add_output(cn_session *session, cn_error *error)
{
    int32_t last = session->graph.count - 1;
    cn_layer copy = cn_layer_defaults(CN_OP_INPUT);
    copy.name = session->graph.layers[last].name;
    cn_step *step = &session->steps[session->step_count++];
    step->layer = last;
    step->in = cn_calloc(1, sizeof *step->in);
    if (!step->in) return cn_fail(error, CN_ENOMEM, "out of memory");
    step->in[0] = view_of(session, last);
    step->out = dense_view(session->graph.layers[last].shape, session->options.batch);
    cn_status status = cn_simple_new(&step->simple, &copy, NULL, session->options.isa, error);
    if (!status) cn_step_cut(step, session->options.threads, false);
    return status;
}

/* What of the profile the operator decides. */
static void describe_step(cn_session *session, int32_t index, const cn_step *step)
{
    cn_layer_profile *profile = &session->profile[index];
    profile->kernel = cn_step_kernel(step);
    profile->packed_bytes = (int64_t)cn_step_weight_bytes(step);
    if (step->int8_conv)
        profile->products = cn_int8_conv_products(step->int8_conv) * session->options.batch;
    if (!step->conv) return;
    const cn_session_options *o = &session->options;
    const cn_step_choice *choice = step->choice;
    profile->products = profile->dense_products = cn_conv_products(step->conv) * o->batch;
    profile->loads = cn_conv_loads(step->conv);
    profile->imbalance = cn_conv_imbalance(step->conv, o->batch, o->threads);
    if (!choice) return;
    profile->dense_products = choice->dense_products * o->batch;
    profile->signature = choice->signature;
    cn_conv_way_name(cn_conv_way_of(step->conv), session->choices[index]);
    profile->choice = session->choices[index];
}

static cn_status add_steps(cn_session *session, cn_weights *weights, cn_error *error)
{
    const cn_graph *graph = &session->graph;
    for (int32_t i = 0; i < graph->count; i++) {
        session->profile[i] = describe(session, weights, i);
        int32_t before = session->step_count;
        cn_status status;
        cn_step *step;
        if (graph->layers[i].op == CN_OP_CONCAT) {
            status = add_concat(session, i, weights, error);
        } else {
            status = add_step(session, i, 0, weights, &step, error);
            if (!status) cn_step_cut(step, session->options.threads, is_fresh(session, i));
        }
        if (status) return status;
        if (session->step_count > before) describe_step(session, i, &session->steps[before]);
    }
    return add_output(session, error);
}

static cn_status make_steps(cn_session *session, cn_weights *weights, cn_error *error)
{
    const cn_graph *graph = &session->graph;
    size_t most = (size_t)graph->count + 1;
    for (int32_t i = 0; i < graph->count; i++)
        if (graph->layers[i].op == CN_OP_CONCAT) most += (size_t)graph->layers[i].input_count;
    session->steps = cn_calloc(most, sizeof *session->steps);
    session->profile = cn_calloc((size_t)graph->count, sizeof *session->profile);
    session->choices = cn_calloc((size_t)graph->count, sizeof *session->choices);
    if (!session->steps || !session->profile || !session->choices)
        return cn_fail(error, CN_ENOMEM, "no memory for %d layers", graph->count);
    return add_steps(session, weights, error);
}

static cn_status make_scratch(cn_session *session, cn_error *error)
{
    size_t most = 0, threads = (size_t)session->options.threads;
    for (int32_t i = 0; i < session->step_count; i++) {
        size_t bytes = cn_step_scratch(&session->steps[i]);
        if (bytes > most) most = bytes;
        session->memory.weights += cn_step_weight_bytes(&session->steps[i]);
    }
    /* Threads' memory is a cache line off a multiple of 4 KiB apart. */
    session->scratch_pitch = (most + 4095) / 4096 * 4096 + CN_ALIGNMENT;
    session->memory.scratch = session->scratch_pitch * threads;
    session->scratch = cn_calloc(threads, session->scratch_pitch);
    if (!session->scratch)
        return cn_fail(error, CN_ENOMEM, "no memory for %zu bytes of scratch", most * threads);
    return CN_OK;
}

/* Scales are of the network with these passes; with others it is one of floats. */
static bool has_integers(const cn_session_options *options, const cn_weights *weights)
{
    const unsigned folded = CN_PASS_ALL & ~CN_PASS_FC_AS_CONV & ~CN_PASS_SHRINK;
    return options->integers && (options->passes & folded) == folded &&
           cn_quantization_there(weights);
}

/* Plans the graph. Scales are of all its channels, so none of these vanish where there are some. */
static cn_status plan_graph(cn_session *session, const cn_graph *graph, const cn_weights *weights,
                            cn_weights *own, cn_error *error)
{
    static const cn_weights none;
    bool integers = has_integers(&session->options, weights);
    if (integers) session->options.passes &= ~(unsigned)CN_PASS_SHRINK;
    cn_status status =
        cn_passes_apply(graph, weights, session->options.passes, &session->graph, own, error);
    if (!status)
        status = cn_integers_load(&session->integers, &session->graph, integers ? weights : &none,
                                  error);
    if (!status && !cn_integers_any(&session->integers))
        session->options.isa = cn_isa_of_floats(session->options.isa);
    return status;
}

cn_status cn_session_build(cn_session *session, const cn_graph *graph, const cn_weights *weights,
                           cn_error *error)
{
    cn_status status = cn_pool_new(&session->pool, session->options.threads, error);
    if (status) return status;
    session->options.threads = cn_pool_threads(session->pool);
    session->options.isa = cn_isa_available(session->options.isa);
    cn_weights own = {0};
    status = plan_graph(session, graph, weights, &own, error);
    if (!status) status = plan_memory(session, error);
    if (!status) status = make_steps(session, &own, error);
    if (!status) status = make_scratch(session, error);
    cn_weights_clear(&own);
    return status;
}
