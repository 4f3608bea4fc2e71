/* The operators around convolutions, one layer each, against the double-precision reference. */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "condense/memory.h"
#include "condense/session.h"
#include "cpu/simple.h"

enum { MOST_INPUTS = 2 };

/* A layer of `op` with random attributes that fit `in`. */
static cn_layer random_layer(cn_op op, cn_shape in, cn_random *r)
{
    static const float betas[] = {0.75f, 0.5f, 1.0f, 0.6f};
    cn_layer layer = cn_layer_defaults(op);
    cn_window *w = &layer.window;
    if (op == CN_OP_MAX_POOL || op == CN_OP_AVG_POOL) {
        w->kernel_h = between(r, 1, in.h < 4 ? in.h : 4);
        w->kernel_w = between(r, 1, in.w < 5 ? in.w : 5);
        w->stride_h = between(r, 1, 3);
        w->stride_w = between(r, 1, 4);
        w->pad_top = between(r, 0, w->kernel_h - 1);
        w->pad_bottom = between(r, 0, w->kernel_h - 1);
        w->pad_left = between(r, 0, w->kernel_w - 1);
        w->pad_right = between(r, 0, w->kernel_w - 1);
        layer.ceil_mode = cn_random_below(r, 2);
        layer.count_padding = cn_random_below(r, 2);
    } else if (op == CN_OP_PAD) {
        *w = (cn_window){.pad_top = between(r, 0, 2),
                         .pad_bottom = between(r, 0, 2),
                         .pad_left = between(r, 0, 3),
                         .pad_right = between(r, 0, 3)};
    }
    layer.lrn_size = 2 * between(r, 0, 3) + 1;
    layer.lrn_alpha = 0.3f;
    layer.lrn_beta = betas[cn_random_below(r, 4)];
    layer.resize = cn_random_below(r, 2) ? CN_RESIZE_BILINEAR : CN_RESIZE_NEAREST;
    layer.resize_h = between(r, 1, 20);
    layer.resize_w = between(r, 1, 20);
    layer.factor = 2;
    if (op == CN_OP_ADD || op == CN_OP_BATCH_NORM)
        layer.activation = (cn_activation)cn_random_below(r, CN_ACT_TANH + 1);
    return layer;
}

/* Statistics and scales that leave nothing at its default. */
static cn_weights random_weights(const cn_graph *graph, cn_random *r)
{
    cn_weights weights = {0};
    if (cn_weights_random(&weights, graph, 1, NULL)) abort();
    for (int32_t t = 0; t < weights.count; t++)
        for (int32_t i = 0; i < weights.tensors[t].dims[0]; i++)
            weights.tensors[t].data[i] = (float)(0.2 + cn_random_uniform(r));
    return weights;
}

static planes planes_of(const cn_graph *graph, int32_t layer, const double *values, int32_t batch,
                        cn_random *r)
{
    cn_shape s = graph->layers[layer].shape;
    int32_t halo[4];
    for (int i = 0; i < 4; i++)
        halo[i] = between(r, 0, 2);
    guard side = cn_random_below(r, 2) ? GUARD_AFTER : GUARD_BEFORE;
    planes p = planes_new(batch, s, halo, 0, side, cn_random_below(r, 3), PLANES_INPUT, r);
    for (int32_t n = 0; n < batch; n++)
        for (int32_t c = 0; c < s.c; c++)
            for (int32_t y = 0; y < s.h; y++)
                for (int32_t x = 0; x < s.w; x++)
                    planes_set(&p, n, c, y, x, (float)*values++);
    return p;
}

static bool matches(const planes *out, const double *right)
{
    const cn_view *v = &out->view;
    for (int32_t n = 0; n < v->n; n++)
        for (int32_t c = 0; c < v->c; c++)
            for (int32_t y = 0; y < v->h; y++)
                for (int32_t x = 0; x < v->w; x++, right++)
                    if (!close_to(planes_get(out, n, c, y, x), *right, fabs(*right) + 1, 1e-5))
                        return false;
    return true;
}

static void run(const cn_simple *simple, const planes *in, int32_t inputs, const planes *out,
                int32_t threads)
{
    cn_view views[MOST_INPUTS];
    for (int32_t i = 0; i < inputs; i++)
        views[i] = in[i].view;
    cn_shape from = {views->c, views->h, views->w}, to = {out->view.c, out->view.h, out->view.w};
    size_t tasks = threads > 1 ? (size_t)threads : cn_simple_tasks(simple, views, &out->view, 1);
    guarded scratch =
        guarded_new(cn_simple_scratch(simple, from, to) / sizeof(float), GUARD_AFTER, 0);
    for (size_t i = 0; i < tasks; i++)
        cn_simple_task(simple, views, &out->view, i, tasks, scratch.data);
    guarded_free(&scratch);
}

/* The graph: an input, its sigmoid as a second operand, and the layer under test. */
static cn_graph graph_of(cn_op op, cn_shape shape, cn_random *r)
{
    cn_graph graph = {0};
    cn_layer input = cn_layer_defaults(CN_OP_INPUT), other = cn_layer_defaults(CN_OP_SIGMOID);
    input.shape = shape;
    cn_layer layer = random_layer(op, shape, r);
    int32_t reads[MOST_INPUTS] = {0, 1}, count = op == CN_OP_ADD ? 2 : 1;
    if (cn_graph_add(&graph, &input, "input", reads, 0, NULL, NULL) ||
        cn_graph_add(&graph, &other, "other", reads, 1, NULL, NULL) ||
        cn_graph_add(&graph, &layer, "layer", reads, count, NULL, NULL))
        cn_graph_clear(&graph); /* the attributes do not fit: the caller draws again */
    return graph;
}

static void check_outputs(const cn_graph *graph, const cn_weights *weights, int32_t batch,
                          double **values, cn_isa isa, cn_random *r)
{
    const cn_layer *layer = &graph->layers[2];
    cn_norm_weights norm = {0};
    if (layer->op == CN_OP_BATCH_NORM)
        norm = (cn_norm_weights){cn_weights_of(weights, "layer", "weight")->data,
                                 cn_weights_of(weights, "layer", "bias")->data,
                                 cn_weights_of(weights, "layer", "running_mean")->data,
                                 cn_weights_of(weights, "layer", "running_var")->data};
    planes in[MOST_INPUTS];
    for (int32_t k = 0; k < layer->input_count; k++)
        in[k] = planes_of(graph, layer->inputs[k], values[layer->inputs[k]], batch, r);
    int32_t halo[4] = {1, 0, 2, 1}, none[4] = {0};
    planes one = planes_new(batch, layer->shape, none, 0, GUARD_AFTER, 0, PLANES_OUTPUT, r);
    planes many = planes_new(batch, layer->shape, halo, 0, GUARD_BEFORE, 0, PLANES_OUTPUT, r);
    cn_simple *simple = NULL;
    bool ok = cn_simple_new(&simple, layer, &norm, isa, NULL) == CN_OK;
    if (ok) {
        run(simple, in, layer->input_count, &one, 1);
        run(simple, in, layer->input_count, &many, between(r, 2, 5));
        ok = matches(&one, values[2]) && planes_equal(&one, &many) && planes_untouched(&one) &&
             planes_untouched(&many);
    }
    cn_shape s = graph->layers[0].shape;
    report(ok, "%s: %s on %d x %d x %d, batch %d", simple ? cn_simple_kernel(simple) : "none",
           cn_op_name(layer->op), s.c, s.h, s.w, batch);
    cn_simple_free(simple);
    for (int32_t k = 0; k < layer->input_count; k++)
        planes_free(&in[k]);
    planes_free(&one);
    planes_free(&many);
}

static void check_layer(cn_op op, cn_isa isa, cn_random *r)
{
    cn_graph graph = {0};
    while (!graph.count) {
        cn_shape shape = {between(r, 1, 21), between(r, 1, 20), between(r, 1, 40)};
        if (op == CN_OP_PIXEL_SHUFFLE) shape.c = 4 * between(r, 1, 4);
        graph = graph_of(op, shape, r);
    }
    int32_t batch = between(r, 1, 3);
    cn_weights weights = random_weights(&graph, r);
    size_t in = (size_t)(cn_shape_count(graph.layers[0].shape) * batch);
    size_t out = (size_t)(cn_shape_count(graph.layers[2].shape) * batch);
    float *input = cn_calloc(in, sizeof *input);
    double *output = cn_calloc(out, sizeof *output), **values = NULL;
    if (!input || !output) abort();
    for (size_t i = 0; i < in; i++)
        input[i] = (float)cn_random_normal(r) * 3;
    if (cn_reference_run(&graph, &weights, batch, input, output, &values, NULL)) abort();
    check_outputs(&graph, &weights, batch, values, isa, r);
    for (int i = 0; i < 3; i++)
        cn_free(values[i]);
    cn_free(values);
    cn_free(input);
    cn_free(output);
    cn_weights_clear(&weights);
    cn_graph_clear(&graph);
}

void test_simple(cn_isa isa)
{
    static const cn_op ops[] = {
        CN_OP_MAX_POOL, CN_OP_AVG_POOL, CN_OP_GLOBAL_AVG_POOL, CN_OP_BATCH_NORM,
        CN_OP_LRN,      CN_OP_RELU,     CN_OP_RELU6,           CN_OP_SIGMOID,
        CN_OP_TANH,     CN_OP_ADD,      CN_OP_SOFTMAX,         CN_OP_FLATTEN,
        CN_OP_PAD,      CN_OP_RESIZE,   CN_OP_PIXEL_SHUFFLE,   CN_OP_CONCAT};
    cn_random r = cn_random_named(1, "kernel test: simple operators");
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        for (int again = 0; again < 12; again++)
            check_layer(ops[i], isa, &r);
}
