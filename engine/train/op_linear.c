/* Operators that are a fixed linear map of one image: pad, resize, pixel shuffle, and the average
 * pooling whose last windows hang over counted padding. Each is a list of taps, out += weight * in;
 * its derivative is the same list read backwards. */
#include <string.h>

#include "condense/memory.h"
#include "lr/operators.h"
#include "train/network.h"

typedef struct tap {
    int32_t out, in; /* positions in the image, C x H x W */
    float weight;
} tap;

/* Taps as they are found; with taps NULL they are only counted. */
typedef struct tap_list {
    tap *taps;
    int64_t count;
} tap_list;

static void add_tap(tap_list *list, int64_t out, int64_t in, double weight)
{
    if (list->taps) list->taps[list->count] = (tap){(int32_t)out, (int32_t)in, (float)weight};
    list->count++;
}

static int64_t at(cn_shape s, int64_t c, int64_t y, int64_t x)
{
    return (c * s.h + y) * s.w + x;
}

static void pad_taps(const cn_layer *l, cn_shape in, cn_shape o, tap_list *list)
{
    (void)o;
    for (int32_t c = 0; c < in.c; c++)
        for (int32_t y = 0; y < in.h; y++)
            for (int32_t x = 0; x < in.w; x++)
                add_tap(list, at(l->shape, c, y + l->window.pad_top, x + l->window.pad_left),
                        at(in, c, y, x), 1);
}

/* Output pixel (c*f + dy)*f + dx of the depth becomes pixel (dy, dx) of the plane. */
static void shuffle_taps(const cn_layer *l, cn_shape in, cn_shape o, tap_list *list)
{
    int32_t f = l->factor;
    for (int32_t c = 0; c < o.c; c++)
        for (int32_t y = 0; y < o.h; y++)
            for (int32_t x = 0; x < o.w; x++)
                add_tap(list, at(o, c, y, x),
                        at(in, ((int64_t)c * f + y % f) * f + x % f, y / f, x / f), 1);
}

/* The one or two input pixels that output pixel `o` blends. */
static cn_blend source(const cn_layer *l, int32_t o, int32_t in, int32_t out)
{
    if (l->resize == CN_RESIZE_BILINEAR) return cn_bilinear_source(o, in, out);
    int32_t nearest = cn_nearest_source(o, in, out);
    return (cn_blend){.low = nearest, .high = nearest};
}

static void resize_taps(const cn_layer *l, cn_shape in, cn_shape o, tap_list *list)
{
    for (int32_t c = 0; c < o.c; c++)
        for (int32_t y = 0; y < o.h; y++)
            for (int32_t x = 0; x < o.w; x++) {
                cn_blend v = source(l, y, in.h, o.h), h = source(l, x, in.w, o.w);
                for (int i = 0; i < 4; i++) {
                    double weight =
                        (i / 2 ? v.weight : 1 - v.weight) * (i % 2 ? h.weight : 1 - h.weight);
                    if (weight > 0)
                        add_tap(list, at(o, c, y, x),
                                at(in, c, i / 2 ? v.high : v.low, i % 2 ? h.high : h.low), weight);
                }
            }
}

static void average_taps(const cn_layer *l, cn_shape in, cn_shape o, tap_list *list)
{
    const cn_window *w = &l->window;
    for (int32_t c = 0; c < o.c; c++)
        for (int32_t y = 0; y < o.h; y++)
            for (int32_t x = 0; x < o.w; x++) {
                cn_span v = cn_pool_span(w, false, y, in.h), h = cn_pool_span(w, true, x, in.w);
                double weight = 1.0 / ((double)v.padded * h.padded);
                for (int32_t i = v.first; i < v.end; i++)
                    for (int32_t j = h.first; j < h.end; j++)
                        add_tap(list, at(o, c, y, x), at(in, c, i, j), weight);
            }
}

static void list_taps(const node *n, tap_list *list)
{
    const cn_layer *l = n->layer;
    cn_shape in = n->trainer->graph.layers[l->inputs[0]].shape;
    list->count = 0;
    if (l->op == CN_OP_PAD)
        pad_taps(l, in, l->shape, list);
    else if (l->op == CN_OP_PIXEL_SHUFFLE)
        shuffle_taps(l, in, l->shape, list);
    else if (l->op == CN_OP_RESIZE)
        resize_taps(l, in, l->shape, list);
    else
        average_taps(l, in, l->shape, list);
}

static void run_forward(void *context)
{
    const node *n = context;
    const tap *taps = n->extra;
    const float *in = tape_data(n->from);
    float *out = tape_data(n->to);
    int64_t in_size = cn_shape_count(n->trainer->graph.layers[n->layer->inputs[0]].shape);
    int64_t out_size = cn_shape_count(n->layer->shape);
    memset(out, 0, (size_t)(n->trainer->batch * out_size) * sizeof *out);
    for (int32_t image = 0; image < n->trainer->batch; image++, in += in_size, out += out_size)
        for (int64_t i = 0; i < n->extra_count; i++)
            out[taps[i].out] += taps[i].weight * in[taps[i].in];
}

static void run_backward(void *context)
{
    const node *n = context;
    const tap *taps = n->extra;
    const float *from = tape_data(n->from_back);
    float *to = tape_data(n->to_back);
    int64_t in_size = cn_shape_count(n->trainer->graph.layers[n->layer->inputs[0]].shape);
    int64_t out_size = cn_shape_count(n->layer->shape);
    memset(to, 0, (size_t)(n->trainer->batch * in_size) * sizeof *to);
    for (int32_t image = 0; image < n->trainer->batch; image++, to += in_size, from += out_size)
        for (int64_t i = 0; i < n->extra_count; i++)
            to[taps[i].in] += taps[i].weight * from[taps[i].out];
}

static cn_status linear_forward(tape *t, node *n)
{
    tap_list list = {0};
    list_taps(n, &list);
    list.taps = n->extra = cn_calloc((size_t)list.count, sizeof *list.taps);
    if (!list.taps) return cn_fail(t->error, CN_ENOMEM, "layer %s: out of memory", n->layer->name);
    list_taps(n, &list);
    n->extra_count = list.count;
    dnnl_memory_desc_t in, out;
    TRY(md_plain(t, 4, node_input(n, 0)->md.dims, &in));
    TRY(node_plain(t, n, n->layer->shape, &out));
    TRY(value_as(t, TAPE_FORWARD, node_input(n, 0), &in, &n->from));
    TRY(value_new(t, &out, &n->out));
    n->to = n->out.memory;
    return tape_call(t, TAPE_FORWARD, run_forward, n);
}

static cn_status linear_backward(tape *t, node *n, dnnl_memory_t gradient)
{
    value *in = node_input(n, 0);
    if (!in->wants_gradient) return CN_OK;
    dnnl_memory_desc_t plain;
    TRY(md_plain(t, 4, in->md.dims, &plain));
    TRY(tape_gradient_as(t, gradient, &n->out.md, &n->from_back));
    TRY(tape_scratch(t, &plain, &n->to_back));
    TRY(tape_call(t, TAPE_BACKWARD, run_backward, n));
    return value_add_gradient(t, in, n->to_back);
}

const train_op train_linear = {linear_forward, linear_backward};
