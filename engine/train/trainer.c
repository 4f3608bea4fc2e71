#include <math.h>
#include <string.h>

#include "condense/clock.h"
#include "condense/memory.h"
#include "train/loss.h"
#include "train/network.h"

static const train_op *const ops[CN_OP_COUNT] = {
    [CN_OP_CONV] = &train_dense,
    [CN_OP_FC] = &train_dense,
    [CN_OP_MAX_POOL] = &train_pool,
    [CN_OP_AVG_POOL] = &train_pool,
    [CN_OP_GLOBAL_AVG_POOL] = &train_pool,
    [CN_OP_BATCH_NORM] = &train_batch_norm,
    [CN_OP_LRN] = &train_lrn,
    [CN_OP_RELU] = &train_activation,
    [CN_OP_RELU6] = &train_activation,
    [CN_OP_SIGMOID] = &train_activation,
    [CN_OP_TANH] = &train_activation,
    [CN_OP_ADD] = &train_add,
    [CN_OP_CONCAT] = &train_concat,
    [CN_OP_SOFTMAX] = &train_softmax,
    [CN_OP_DROPOUT] = &train_dropout,
    [CN_OP_FLATTEN] = &train_flatten,
    [CN_OP_PAD] = &train_linear,
    [CN_OP_RESIZE] = &train_linear,
    [CN_OP_PIXEL_SHUFFLE] = &train_linear,
};

static const train_op *op_of(const node *n)
{
    return pool_is_odd(&n->trainer->graph, n->layer) ? &train_linear : ops[n->layer->op];
}

value *node_input(const node *n, int32_t i)
{
    return &n->trainer->nodes[n->layer->inputs[i]].out;
}

cn_status node_plain(tape *t, const node *n, cn_shape shape, dnnl_memory_desc_t *out)
{
    return md_plain(t, 4, (dnnl_dims_t){n->trainer->batch, shape.c, shape.h, shape.w}, out);
}

static float *data_of(const cn_weights *weights, const node *n, const char *suffix)
{
    cn_tensor *tensor = cn_weights_of(weights, n->layer->name, suffix);
    return tensor ? tensor->data : NULL;
}

float *node_weight(const node *n, const char *suffix)
{
    return data_of(&n->trainer->weights, n, suffix);
}

float *node_weight_gradient(const node *n, const char *suffix)
{
    return data_of(&n->trainer->gradients, n, suffix);
}

cn_status node_vector(tape *t, float *data, int64_t count, dnnl_memory_t *out)
{
    dnnl_memory_desc_t md;
    TRY(md_plain(t, 1, (dnnl_dims_t){count}, &md));
    return tape_wrap(t, &md, data, out);
}

/* A gradient tensor for every trainable weight, and the weights the graph names and no others. */
static cn_status take_weights(cn_trainer *trainer, const cn_weights *weights, cn_error *error)
{
    TRY(cn_weights_check(weights, &trainer->graph, error));
    for (int32_t i = 0; i < trainer->graph.count; i++) {
        cn_weight_spec specs[4];
        int32_t count = cn_layer_weights(&trainer->graph, i, specs);
        for (int32_t k = 0; k < count; k++) {
            const char *layer = trainer->graph.layers[i].name;
            const cn_tensor *from = cn_weights_of(weights, layer, specs[k].suffix);
            cn_tensor *to;
            TRY(cn_weights_add(&trainer->weights, from->name, from->rank, from->dims, &to, error));
            memcpy(to->data, from->data, (size_t)cn_tensor_count(from) * sizeof(float));
            if (specs[k].trainable)
                TRY(cn_weights_add(&trainer->gradients, from->name, from->rank, from->dims, &to,
                                   error));
        }
    }
    return CN_OK;
}

/* Finds the activations that the layer before can compute: it must have no other reader. */
static cn_status join_activations(cn_trainer *trainer, cn_error *error)
{
    const cn_graph *graph = &trainer->graph;
    int32_t *readers = cn_calloc((size_t)graph->count, sizeof *readers);
    if (!readers) return cn_fail(error, CN_ENOMEM, "out of memory");
    for (int32_t i = 0; i < graph->count; i++)
        for (int32_t k = 0; k < graph->layers[i].input_count; k++)
            readers[graph->layers[i].inputs[k]]++;
    for (int32_t i = 0; i < graph->count; i++) {
        const cn_layer *l = &graph->layers[i];
        if (!activation_is(l->op)) continue;
        node *source = &trainer->nodes[l->inputs[0]];
        if (readers[l->inputs[0]] != 1 || !activation_fits(l->op, source->layer)) continue;
        source->activates = true;
        trainer->nodes[i].source = source;
    }
    cn_free(readers);
    return CN_OK;
}

static cn_status record_forward(cn_trainer *trainer, cn_error *error)
{
    tape *t = &trainer->tape;
    for (int32_t i = 0; i < trainer->graph.count; i++) {
        node *n = &trainer->nodes[i];
        const cn_layer *l = n->layer;
        t->layer = i;
        if (l->activation != CN_ACT_NONE || l->residual >= 0)
            return cn_fail(error, CN_EINVAL,
                           "layer %s was fused by a pass; train the graph as it was written",
                           l->name);
        if (l->op == CN_OP_INPUT) {
            dnnl_memory_desc_t md;
            TRY(node_plain(t, n, l->shape, &md));
            TRY(value_new(t, &md, &n->out));
            continue;
        }
        TRY(op_of(n)->forward(t, n));
        cn_weight_spec specs[4];
        n->out.wants_gradient = cn_layer_weights(&trainer->graph, i, specs) > 0;
        for (int32_t k = 0; k < l->input_count; k++)
            if (node_input(n, k)->wants_gradient) n->out.wants_gradient = true;
    }
    node *last = &trainer->nodes[trainer->graph.count - 1];
    dnnl_memory_desc_t plain;
    TRY(node_plain(t, last, last->layer->shape, &plain));
    TRY(value_as(t, TAPE_FORWARD, &last->out, &plain, &trainer->logits));
    TRY(tape_memory(t, &plain, &trainer->loss_gradient));
    return value_add_gradient(t, &last->out, trainer->loss_gradient);
}

static cn_status record_backward(cn_trainer *trainer)
{
    tape *t = &trainer->tape;
    for (int32_t i = trainer->graph.count - 1; i > 0; i--) {
        node *n = &trainer->nodes[i];
        t->layer = i;
        if (!n->out.wants_gradient || !n->out.part_count) continue;
        dnnl_memory_t gradient;
        tape_scope_begin(t);
        TRY(value_gradient(t, &n->out, &gradient));
        TRY(op_of(n)->backward(t, n, gradient));
        value_drop_gradients(t, &n->out);
        tape_scope_end(t);
    }
    return CN_OK;
}

static cn_status set_up(cn_trainer *trainer, const cn_graph *graph, const cn_weights *weights,
                        cn_error *error)
{
    TRY(cn_graph_copy(graph, &trainer->graph, error));
    cn_graph *g = &trainer->graph;
    if (g->count > 1 && g->layers[g->count - 1].op == CN_OP_SOFTMAX) {
        cn_free(g->layers[g->count - 1].name);
        cn_free(g->layers[g->count - 1].inputs);
        g->count--;
    }
    if (g->count < 2)
        return cn_fail(error, CN_EINVAL, "a network without layers cannot be trained");
    cn_shape out = g->layers[g->count - 1].shape;
    if (out.h != 1 || out.w != 1)
        return cn_fail(error, CN_EINVAL,
                       "layer %s: training wants one score a class at the end, not %dx%dx%d",
                       g->layers[g->count - 1].name, out.c, out.h, out.w);
    trainer->classes = out.c;
    TRY(take_weights(trainer, weights, error));
    trainer->nodes = cn_calloc((size_t)g->count, sizeof *trainer->nodes);
    if (!trainer->nodes) return cn_fail(error, CN_ENOMEM, "out of memory for training");
    for (int32_t i = 0; i < g->count; i++)
        trainer->nodes[i] = (node){.trainer = trainer, .layer = &g->layers[i], .index = i};
    TRY(join_activations(trainer, error));
    TRY(tape_open(&trainer->tape, g, error));
    TRY(record_forward(trainer, error));
    return record_backward(trainer);
}

cn_status cn_trainer_new(cn_trainer **out, const cn_graph *graph, const cn_weights *weights,
                         int32_t batch, uint64_t seed, cn_error *error)
{
    *out = NULL;
    if (batch < 1)
        return cn_fail(error, CN_EINVAL, "a batch holds at least one image, not %d", batch);
    cn_trainer *trainer = cn_calloc(1, sizeof *trainer);
    if (!trainer) return cn_fail(error, CN_ENOMEM, "out of memory for training");
    *trainer = (cn_trainer){.batch = batch, .seed = seed, .momentum = 0.1f};
    cn_status status = set_up(trainer, graph, weights, error);
    if (status != CN_OK) {
        cn_trainer_free(trainer);
        return status;
    }
    *out = trainer;
    return CN_OK;
}

void cn_trainer_free(cn_trainer *trainer)
{
    if (!trainer) return;
    tape_close(&trainer->tape);
    for (int32_t i = 0; trainer->nodes && i < trainer->graph.count; i++)
        cn_free(trainer->nodes[i].extra);
    cn_free(trainer->nodes);
    cn_weights_clear(&trainer->weights);
    cn_weights_clear(&trainer->gradients);
    cn_graph_clear(&trainer->graph);
    cn_free(trainer);
}

static void load_images(cn_trainer *trainer, const float *images)
{
    const node *input = &trainer->nodes[0];
    size_t count = (size_t)trainer->batch * (size_t)cn_shape_count(input->layer->shape);
    memcpy(tape_data(input->out.memory), images, count * sizeof *images);
}

cn_status cn_trainer_backward(cn_trainer *trainer, const float *images, const int32_t *labels,
                              float label_smoothing, double *loss, int32_t *correct,
                              cn_error *error)
{
    for (int32_t i = 0; i < trainer->batch; i++)
        if (labels[i] < 0 || labels[i] >= trainer->classes)
            return cn_fail(error, CN_EINVAL, "label %d of image %d; the network has %d classes",
                           labels[i], i, trainer->classes);
    load_images(trainer, images);
    tape_lap(&trainer->tape, CN_STEP_BATCH);
    TRY(tape_play(&trainer->tape, TAPE_TRAIN, error));
    *loss = cn_cross_entropy(tape_data(trainer->logits), labels, trainer->batch, trainer->classes,
                             label_smoothing, tape_data(trainer->loss_gradient), correct);
    tape_lap(&trainer->tape, CN_STEP_LOSS);
    return tape_play(&trainer->tape, TAPE_BACKWARD, error);
}

cn_status cn_trainer_forward(cn_trainer *trainer, const float *images, float *logits,
                             cn_error *error)
{
    load_images(trainer, images);
    TRY(tape_play(&trainer->tape, TAPE_INFER, error));
    memcpy(logits, tape_data(trainer->logits),
           (size_t)trainer->batch * (size_t)trainer->classes * sizeof *logits);
    return CN_OK;
}

cn_weights *cn_trainer_weights(cn_trainer *trainer)
{
    return &trainer->weights;
}

cn_weights *cn_trainer_gradients(cn_trainer *trainer)
{
    return &trainer->gradients;
}

int32_t cn_trainer_batch(const cn_trainer *trainer)
{
    return trainer->batch;
}

int32_t cn_trainer_classes(const cn_trainer *trainer)
{
    return trainer->classes;
}

cn_shape cn_trainer_input(const cn_trainer *trainer)
{
    return trainer->graph.layers[0].shape;
}

void cn_trainer_set_step(cn_trainer *trainer, uint64_t step)
{
    trainer->step = step;
}

void cn_trainer_clock(cn_trainer *trainer, int64_t *ns)
{
    trainer->tape.part_ns = ns;
    trainer->tape.lap_ns = cn_clock_ns();
}

void cn_trainer_lap(cn_trainer *trainer, cn_step_part part)
{
    tape_lap(&trainer->tape, part);
}

cn_status cn_trainer_primitives(cn_trainer *trainer, cn_error *error)
{
    TRY(tape_play_primitives(&trainer->tape, TAPE_TRAIN, error));
    return tape_play_primitives(&trainer->tape, TAPE_BACKWARD, error);
}

static bool all_finite(dnnl_memory_t memory)
{
    const float *data = tape_data(memory);
    size_t count = dnnl_memory_desc_get_size(tape_layout(memory)) / sizeof *data;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(data[i])) return false;
    return true;
}

const char *cn_trainer_nonfinite(const cn_trainer *trainer)
{
    for (int32_t i = 0; i < trainer->graph.count; i++)
        if (!all_finite(trainer->nodes[i].out.memory)) return trainer->graph.layers[i].name;
    for (int32_t i = 0; i < trainer->gradients.count; i++) {
        const cn_tensor *tensor = &trainer->gradients.tensors[i];
        for (int64_t k = 0; k < cn_tensor_count(tensor); k++)
            if (!isfinite(tensor->data[k])) return tensor->name;
    }
    return NULL;
}
