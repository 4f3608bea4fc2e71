/* The operators around convolutions on 8-bit integers, one layer each. Pools and movers to the bit;
 * what is computed in float may take the next level. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "condense/memory.h"
#include "condense/session.h"
#include "cpu/int8_simple.h"
#include "cpu/kernels/kernels.h"
#include "slots.h"

enum { MOST_INPUTS = 3 };

/* A layer of `op` with random attributes, and the shape of what it reads. */
static cn_layer random_layer(cn_op op, cn_shape in, cn_random *r)
{
    cn_layer layer = cn_layer_defaults(op);
    cn_window *w = &layer.window;
    if (op == CN_OP_MAX_POOL || op == CN_OP_AVG_POOL) {
        w->kernel_h = between(r, 1, in.h < 4 ? in.h : 4);
        w->kernel_w = between(r, 1, in.w < 5 ? in.w : 5);
        w->stride_h = between(r, 1, 3);
        w->stride_w = between(r, 1, 4);
        if (in.w >= 3 && !cn_random_below(r, 3)) w->kernel_w = 3, w->stride_w = 1;
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
    layer.resize = cn_random_below(r, 2) ? CN_RESIZE_BILINEAR : CN_RESIZE_NEAREST;
    layer.resize_h = between(r, 1, 20);
    layer.resize_w = between(r, 1, 20);
    layer.factor = 2;
    if (op == CN_OP_ADD) layer.activation = (cn_activation)cn_random_below(r, CN_ACT_RELU6 + 1);
    return layer;
}

/* The graph: an input, which the layer reads as often as it wants. */
static cn_graph graph_of(cn_op op, cn_shape shape, int32_t inputs, cn_random *r)
{
    cn_graph graph = {0};
    cn_layer input = cn_layer_defaults(CN_OP_INPUT), layer = random_layer(op, shape, r);
    input.shape = shape;
    int32_t reads[MOST_INPUTS] = {0};
    char name[16] = "input";
    for (int32_t k = 0; k < inputs && op != CN_OP_INPUT; k++) {
        reads[k] = k;
        cn_layer copy = k ? cn_layer_defaults(CN_OP_DROPOUT) : input;
        if (k) name[5] = (char)('0' + k);
        int32_t from = 0;
        if (cn_graph_add(&graph, &copy, name, &from, k > 0, NULL, NULL)) abort();
    }
    if (op == CN_OP_INPUT) layer = input;
    if (cn_graph_add(&graph, &layer, "layer", reads, op == CN_OP_INPUT ? 0 : inputs, NULL, NULL))
        cn_graph_clear(&graph); /* the attributes do not fit: the caller draws again */
    return graph;
}

/* One layer under test: its inputs, each of levels or, where the output is, too, of floats. */
typedef struct subject {
    const cn_layer *layer;
    const cn_graph *graph;
    int32_t inputs, batch;
    cn_int8_tensor from[MOST_INPUTS], to;
    planes in[MOST_INPUTS];
} subject;

static float input_value(const subject *s, int32_t k, int32_t n, int32_t c, int32_t y, int32_t x)
{
    cn_int8_scale scale = s->from[k].levels;
    if (!(scale.scale > 0)) return planes_get(&s->in[k], n, c, y, x);
    return (float)(*slots_byte(&s->in[k], n, c, y, x) - scale.zero) * scale.scale;
}

/* The input as floats, dense. */
static void unpack(const subject *s, int32_t k, int32_t n, float *to)
{
    cn_shape shape = s->from[k].shape;
    for (int32_t c = 0; c < shape.c; c++)
        for (int32_t y = 0; y < shape.h; y++)
            for (int32_t x = 0; x < shape.w; x++)
                *to++ = input_value(s, k, n, c, y, x);
}

/* The layer's output for image n by the reference; sums of an addition by themselves. */
static double *expected(const subject *s, int32_t n)
{
    size_t in = (size_t)cn_shape_count(s->from[0].shape);
    size_t out = (size_t)cn_shape_count(s->layer->shape);
    float *input = cn_calloc(in, sizeof *input);
    double *output = cn_calloc(out, sizeof *output);
    cn_weights none = {0};
    unpack(s, 0, n, input);
    if (s->layer->op == CN_OP_ADD) {
        float *sum = cn_calloc(in, sizeof *sum);
        for (int32_t k = 0; k < s->inputs; k++) {
            unpack(s, k, n, input);
            for (size_t i = 0; i < in; i++)
                sum[i] += input[i];
        }
        for (size_t i = 0; i < in; i++)
            output[i] = activate((double)sum[i], s->layer->activation);
        cn_free(sum);
    } else if (cn_reference_run(s->graph, &none, 1, input, output, NULL, NULL)) {
        abort();
    }
    cn_free(input);
    return output;
}

static bool matches(const subject *s, const planes *out)
{
    cn_shape shape = s->layer->shape;
    for (int32_t n = 0; n < s->batch; n++) {
        double *want = expected(s, n), *next = want;
        bool right = true;
        for (int32_t i = 0; i < shape.c * shape.h * shape.w && right; i++, next++) {
            int32_t c = i / (shape.h * shape.w), y = i / shape.w % shape.h, x = i % shape.w;
            if (!(s->to.levels.scale > 0)) {
                right = close_to(planes_get(out, n, c, y, x), *next, fabs(*next) + 1, 1e-5);
                continue;
            }
            /* Where a value is a middle between two levels, either will do. */
            double level = *next / (double)s->to.levels.scale + s->to.levels.zero;
            level = fmin(255, fmax(0, level));
            right = fabs(*slots_byte(out, n, c, y, x) - level) <= 0.5 + 1e-3;
        }
        cn_free(want);
        if (!right) return false;
    }
    return true;
}

static bool moves(cn_op op)
{
    return op == CN_OP_MAX_POOL || op == CN_OP_FLATTEN || op == CN_OP_PAD ||
           op == CN_OP_PIXEL_SHUFFLE || op == CN_OP_RESIZE || op == CN_OP_CONCAT;
}

static void run(const cn_int8_simple *simple, const subject *s, const planes *out, int32_t threads)
{
    cn_view views[MOST_INPUTS];
    for (int32_t k = 0; k < s->inputs; k++)
        views[k] = s->in[k].view;
    size_t tasks = threads > 1 ? (size_t)threads : cn_int8_simple_tasks(simple, s->batch, 1);
    guarded scratch = guarded_new(cn_int8_simple_scratch(simple) / sizeof(float), GUARD_AFTER, 0);
    for (size_t i = tasks; i-- > 0;)
        cn_int8_simple_task(simple, views, &out->view, i, tasks, scratch.data);
    guarded_free(&scratch);
}

static planes output_of(const subject *s, guard side, const int32_t halo[4], cn_random *r)
{
    if (s->to.levels.scale > 0)
        return slots_new(s->batch, s->to.shape, halo, 1, side, PLANES_OUTPUT, 0, r);
    return planes_new(s->batch, s->to.shape, halo, 1, side, 0, PLANES_OUTPUT, r);
}

/* `floats`: the output is of floats, and some inputs may be. */
static subject subject_new(const cn_graph *graph, int32_t inputs, bool floats, cn_random *r)
{
    subject s = {.layer = &graph->layers[graph->count - 1],
                 .graph = graph,
                 .inputs = inputs,
                 .batch = between(r, 1, 3)};
    int32_t halo[4] = {1, 2, 0, 1};
    s.to = (cn_int8_tensor){s.layer->shape, slots_scale(r)};
    for (int32_t k = 0; k < inputs; k++) {
        s.from[k] = (cn_int8_tensor){graph->layers[0].shape, slots_scale(r)};
        if (moves(s.layer->op)) s.from[k].levels = s.to.levels;
        if (s.layer->op == CN_OP_INPUT || (floats && k > 0)) s.from[k].levels.scale = 0;
        bool levels = s.from[k].levels.scale > 0;
        s.in[k] =
            levels ? slots_new(s.batch, s.from[k].shape, halo, 0, GUARD_AFTER, PLANES_INPUT,
                               s.from[k].levels.zero, r)
                   : planes_new(s.batch, s.from[k].shape, halo, 0, GUARD_AFTER, 0, PLANES_INPUT, r);
    }
    if (floats) s.to.levels.scale = 0;
    return s;
}

static void check_layer(cn_op op, bool floats, cn_isa isa, cn_random *r)
{
    cn_graph graph = {0};
    int32_t inputs = op == CN_OP_ADD ? between(r, 2, MOST_INPUTS) : 1;
    while (!graph.count) {
        cn_shape shape = {between(r, 1, 21), between(r, 1, 20), between(r, 1, 40)};
        if (op == CN_OP_PIXEL_SHUFFLE) shape.c = 4 * between(r, 1, 4);
        graph = graph_of(op, shape, inputs, r);
    }
    subject s = subject_new(&graph, inputs, floats, r);
    int32_t halo[4] = {1, 0, 2, 1}, none[4] = {0};
    planes one = output_of(&s, GUARD_AFTER, none, r), many = output_of(&s, GUARD_BEFORE, halo, r);
    cn_int8_simple *simple = NULL;
    bool ok =
        cn_int8_simple_new(&simple, s.layer, NULL, s.from, inputs, s.to, 0, isa, NULL) == CN_OK;
    if (ok) {
        run(simple, &s, &one, 1);
        run(simple, &s, &many, between(r, 2, 5));
        ok = matches(&s, &one) && matches(&s, &many) && planes_untouched(&one) &&
             planes_untouched(&many);
    }
    cn_shape shape = s.from[0].shape;
    report(ok, "%s: %s on %d x %d x %d at level %s%s", simple ? cn_int8_simple_kernel(simple) : "?",
           cn_op_name(op), shape.c, shape.h, shape.w, cn_isa_name(isa),
           floats ? ", to floats" : "");
    cn_int8_simple_free(simple);
    for (int32_t k = 0; k < inputs; k++)
        planes_free(&s.in[k]);
    planes_free(&one);
    planes_free(&many);
    cn_graph_clear(&graph);
}

/* A concat's copy into channels that do not begin a slot leaves the others as they are. */
static void check_join(cn_isa isa, cn_random *r)
{
    cn_layer concat = cn_layer_defaults(CN_OP_CONCAT);
    cn_shape part = {5, 3, 7}, whole = {13, 3, 7};
    cn_int8_tensor from = {part, slots_scale(r)}, to = {whole, from.levels};
    int32_t none[4] = {0}, wrong = 0;
    planes in = slots_new(1, part, none, 0, GUARD_AFTER, PLANES_INPUT, 0, r);
    cn_random again = *r;
    planes out = slots_new(1, whole, none, 0, GUARD_AFTER, PLANES_INPUT, 0, r);
    planes before = slots_new(1, whole, none, 0, GUARD_AFTER, PLANES_INPUT, 0, &again);
    cn_int8_simple *simple = NULL;
    if (cn_int8_simple_new(&simple, &concat, NULL, &from, 1, to, 6, isa, NULL)) abort();
    for (size_t i = 0; i < 3; i++)
        cn_int8_simple_task(simple, &in.view, &out.view, i, 3, NULL);
    for (int32_t c = 0; c < whole.c; c++)
        for (int32_t p = 0; p < 21; p++) {
            uint8_t got = *slots_byte(&out, 0, c, p / 7, p % 7);
            const planes *source = c >= 6 && c < 11 ? &in : &before;
            wrong += got != *slots_byte(source, 0, source == &in ? c - 6 : c, p / 7, p % 7);
        }
    report(!wrong, "%s: channels 6 .. 10 of 13", cn_int8_simple_kernel(simple));
    cn_int8_simple_free(simple);
    planes_free(&in);
    planes_free(&out);
    planes_free(&before);
}

/* Rounding, with middles between levels and what is no number; and back. */
static void check_rounding(cn_isa isa, cn_random *r)
{
    enum { COUNT = 203 };
    const cn_kernels *k = cn_kernels_for(isa);
    float x[COUNT], slots[COUNT], back[COUNT];
    int32_t wrong = 0;
    for (int again = 0; again < 20; again++) {
        cn_int8_scale scale = slots_scale(r);
        if (again % 2) scale.scale = 0.25f; /* exact middles */
        for (int i = 0; i < COUNT; i++)
            x[i] = again % 2 ? (float)between(r, -900, 900) * 0.125f
                             : (float)cn_random_normal(r) * scale.scale * 100;
        const float special[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-40f, -0.0f};
        memcpy(x + between(r, 0, 100), special, sizeof special);
        cn_i8_convert c = {.in = x,
                           .out = slots,
                           .channels = 1,
                           .count = COUNT,
                           .by = 1 / scale.scale,
                           .zero = scale.zero};
        k->i8_quantize.run(&c);
        cn_i8_convert b = {.in = slots,
                           .out = back,
                           .channels = 1,
                           .count = COUNT,
                           .by = scale.scale,
                           .zero = scale.zero};
        k->i8_expand.run(&b);
        for (int i = 0; i < COUNT; i++) {
            int32_t level = slots_level(x[i], scale);
            wrong += ((const uint8_t *)(const void *)(slots + i))[0] != level;
            wrong += back[i] != (float)(level - scale.zero) * scale.scale;
        }
    }
    report(!wrong, "%s and %s: %d wrong", k->i8_quantize.name, k->i8_expand.name, wrong);
}

void test_int8_simple(cn_isa isa)
{
    static const cn_op ops[] = {
        CN_OP_INPUT, CN_OP_MAX_POOL, CN_OP_AVG_POOL,      CN_OP_GLOBAL_AVG_POOL,
        CN_OP_LRN,   CN_OP_RELU,     CN_OP_RELU6,         CN_OP_SIGMOID,
        CN_OP_TANH,  CN_OP_ADD,      CN_OP_SOFTMAX,       CN_OP_FLATTEN,
        CN_OP_PAD,   CN_OP_RESIZE,   CN_OP_PIXEL_SHUFFLE, CN_OP_CONCAT};
    cn_random r = cn_random_named(1, "kernel test: simple operators of integers");
    check_rounding(isa, &r);
    check_join(isa, &r);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        for (int again = 0; again < 12; again++)
            check_layer(ops[i], i && again >= 9, isa, &r);
}
