#include "condense/walk.h"

#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/session.h"

struct cn_walk {
    const cn_graph *graph;
    const cn_weights *weights;
    int32_t threads;
    cn_session **sessions; /* one a layer, made when it is first computed */
    int32_t *last_reader;  /* of each layer's output; the layer itself where nobody reads it */
};

cn_status cn_walk_new(cn_walk **out, const cn_graph *graph, const cn_weights *weights,
                      int32_t threads, cn_error *error)
{
    *out = NULL;
    cn_status status = cn_weights_check(weights, graph, error);
    if (status) return status;
    cn_walk *walk = cn_calloc(1, sizeof *walk);
    if (!walk) return cn_fail(error, CN_ENOMEM, "no memory for a walk");
    *walk = (cn_walk){.graph = graph, .weights = weights, .threads = threads};
    walk->sessions = cn_calloc((size_t)graph->count, sizeof *walk->sessions);
    walk->last_reader = cn_calloc((size_t)graph->count, sizeof *walk->last_reader);
    if (!walk->sessions || !walk->last_reader) {
        cn_walk_free(walk);
        return cn_fail(error, CN_ENOMEM, "no memory for %d layers", graph->count);
    }
    for (int32_t i = 0; i < graph->count; i++) {
        walk->last_reader[i] = i;
        for (int32_t k = 0; k < graph->layers[i].input_count; k++)
            walk->last_reader[graph->layers[i].inputs[k]] = i;
    }
    *out = walk;
    return CN_OK;
}

const cn_graph *cn_walk_graph(const cn_walk *walk)
{
    return walk->graph;
}

void cn_walk_forget(cn_walk *walk, int32_t layer)
{
    cn_session_free(walk->sessions[layer]);
    walk->sessions[layer] = NULL;
}

/* The layer's tensors, as a set that owns nothing. */
static int32_t own_tensors(const cn_walk *walk, int32_t index, cn_tensor tensors[4])
{
    cn_weight_spec specs[4];
    int32_t count = cn_layer_weights(walk->graph, index, specs);
    for (int32_t i = 0; i < count; i++)
        tensors[i] =
            *cn_weights_of(walk->weights, walk->graph->layers[index].name, specs[i].suffix);
    return count;
}

/* A network of an input and the layer's operator alone. */
static cn_status make_session(cn_walk *walk, int32_t index, cn_error *error)
{
    const cn_layer *layer = &walk->graph->layers[index];
    cn_layer input = cn_layer_defaults(CN_OP_INPUT), alone = *layer;
    input.shape = walk->graph->layers[layer->inputs[0]].shape;
    alone.activation = CN_ACT_NONE;
    alone.residual = -1;
    cn_graph graph = {0};
    cn_tensor tensors[4];
    cn_weights weights = {tensors, own_tensors(walk, index, tensors), 4, NULL};
    cn_session_options options = cn_session_defaults();
    options.threads = walk->threads;
    options.passes = 0;
    int32_t zero = 0;
    /* The name of the input layer must differ from any other. */
    cn_status status = cn_graph_add(&graph, &input, "\x01", NULL, 0, NULL, error);
    if (!status) status = cn_graph_add(&graph, &alone, layer->name, &zero, 1, NULL, error);
    if (!status) status = cn_session_new(&walk->sessions[index], &graph, &weights, &options, error);
    cn_graph_clear(&graph);
    return status;
}

static cn_status run_alone(cn_walk *walk, int32_t index, int64_t images, const float *input,
                           float *output, cn_error *error)
{
    const cn_layer *layer = &walk->graph->layers[index];
    int64_t in = cn_shape_count(walk->graph->layers[layer->inputs[0]].shape);
    int64_t out = cn_shape_count(layer->shape);
    cn_status status = walk->sessions[index] ? CN_OK : make_session(walk, index, error);
    for (int64_t n = 0; n < images && !status; n++)
        status = cn_session_run(walk->sessions[index], input + n * in, output + n * out, error);
    return status;
}

static void add(float *to, const float *other, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] += other[i];
}

static void concatenate(const cn_walk *walk, const cn_layer *layer, int64_t images,
                        const float *const *inputs, float *output)
{
    int64_t whole = cn_shape_count(layer->shape), at = 0;
    for (int32_t k = 0; k < layer->input_count; k++) {
        int64_t part = cn_shape_count(walk->graph->layers[layer->inputs[k]].shape);
        for (int64_t n = 0; n < images; n++)
            memcpy(output + n * whole + at, inputs[k] + n * part, (size_t)part * sizeof *output);
        at += part;
    }
}

static cn_status compute(cn_walk *walk, int32_t index, int64_t images, const float *const *inputs,
                         float *output, cn_error *error)
{
    const cn_layer *layer = &walk->graph->layers[index];
    int64_t count = images * cn_shape_count(layer->shape);
    if (layer->op == CN_OP_CONCAT) {
        concatenate(walk, layer, images, inputs, output);
        return CN_OK;
    }
    if (layer->op != CN_OP_ADD) return run_alone(walk, index, images, *inputs, output, error);
    memcpy(output, inputs[0], (size_t)count * sizeof *output);
    for (int32_t k = 1; k < layer->input_count; k++)
        add(output, inputs[k], count);
    return CN_OK;
}

static void activate(cn_activation activation, float *x, int64_t count)
{
    switch (activation) {
    case CN_ACT_NONE:
        break;
    case CN_ACT_RELU:
        for (int64_t i = 0; i < count; i++)
            x[i] = x[i] < 0 ? 0 : x[i];
        break;
    case CN_ACT_RELU6:
        for (int64_t i = 0; i < count; i++)
            x[i] = x[i] < 0 ? 0 : x[i] > 6 ? 6 : x[i];
        break;
    case CN_ACT_SIGMOID:
        for (int64_t i = 0; i < count; i++)
            x[i] = 1 / (1 + expf(-x[i]));
        break;
    case CN_ACT_TANH:
        for (int64_t i = 0; i < count; i++)
            x[i] = tanhf(x[i]);
        break;
    }
}

/* One walk under way. */
typedef struct run {
    cn_walk *walk;
    int64_t images;
    float **values; /* one a layer; NULL before it is computed and once it is not needed */
    const cn_walk_hooks *hooks;
    cn_error *error;
} run;

static cn_status do_layer(run *r, int32_t index, const float *const *inputs)
{
    const cn_layer *layer = &r->walk->graph->layers[index];
    const cn_walk_hooks *hooks = r->hooks;
    int64_t count = r->images * cn_shape_count(layer->shape);
    float *output = r->values[index];
    cn_status status = CN_OK;
    if (hooks->before) status = hooks->before(hooks->context, index, inputs, r->error);
    if (!status) status = compute(r->walk, index, r->images, inputs, output, r->error);
    if (!status && hooks->computed)
        status = hooks->computed(hooks->context, index, output, r->error);
    if (status) return status;
    if (layer->residual >= 0) add(output, inputs[layer->residual], count);
    activate(layer->activation, output, count);
    return hooks->finished ? hooks->finished(hooks->context, index, output, r->error) : CN_OK;
}

/* Takes the layer's inputs out of the values, computes, and gives free what was read last here. */
static cn_status take_layer(run *r, int32_t index)
{
    const cn_walk *walk = r->walk;
    const cn_layer *layer = &walk->graph->layers[index];
    size_t count = 0;
    const float **inputs = cn_calloc((size_t)layer->input_count, sizeof *inputs);
    if (cn_mul_size((size_t)cn_shape_count(layer->shape), (size_t)r->images, &count))
        r->values[index] = cn_calloc(count, sizeof **r->values);
    cn_status status = CN_OK;
    if (!inputs || !r->values[index])
        status =
            cn_fail(r->error, CN_ENOMEM, "layer '%s': no memory for the outputs of %lld images",
                    layer->name, (long long)r->images);
    for (int32_t k = 0; k < layer->input_count && !status; k++)
        inputs[k] = r->values[layer->inputs[k]];
    if (!status) status = do_layer(r, index, inputs);
    for (int32_t k = 0; k < layer->input_count; k++) {
        int32_t read = layer->inputs[k];
        if (walk->last_reader[read] != index) continue;
        cn_free(r->values[read]);
        r->values[read] = NULL;
    }
    cn_free(inputs);
    return status;
}

static cn_status take_input(run *r, const float *input)
{
    const cn_walk_hooks *hooks = r->hooks;
    size_t count = (size_t)(r->images * cn_shape_count(r->walk->graph->layers[0].shape));
    r->values[0] = cn_calloc(count, sizeof **r->values);
    if (!r->values[0]) return cn_fail(r->error, CN_ENOMEM, "no memory for the input");
    memcpy(r->values[0], input, count * sizeof *input);
    return hooks->finished ? hooks->finished(hooks->context, 0, r->values[0], r->error) : CN_OK;
}

cn_status cn_walk_run(cn_walk *walk, int64_t images, const float *input, float *output,
                      const cn_walk_hooks *hooks, cn_error *error)
{
    static const cn_walk_hooks none;
    int32_t last = walk->graph->count - 1;
    run r = {.walk = walk, .images = images, .hooks = hooks ? hooks : &none, .error = error};
    if (images < 1) return cn_fail(error, CN_EINVAL, "a walk needs at least one image");
    r.values = cn_calloc((size_t)walk->graph->count, sizeof *r.values);
    if (!r.values) return cn_fail(error, CN_ENOMEM, "no memory for a walk");
    cn_status status = take_input(&r, input);
    for (int32_t i = 1; i <= last && !status; i++)
        status = take_layer(&r, i);
    if (!status && output)
        memcpy(output, r.values[last],
               (size_t)(images * cn_shape_count(walk->graph->layers[last].shape)) * sizeof *output);
    for (int32_t i = 0; i <= last; i++)
        cn_free(r.values[i]);
    cn_free(r.values);
    return status;
}

void cn_walk_free(cn_walk *walk)
{
    if (!walk) return;
    for (int32_t i = 0; walk->sessions && i < walk->graph->count; i++)
        cn_session_free(walk->sessions[i]);
    cn_free(walk->sessions);
    cn_free(walk->last_reader);
    cn_free(walk);
}
