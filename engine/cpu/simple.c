#include "cpu/simple.h"

#include <math.h>

#include "condense/memory.h"
#include "cpu/kernels/kernels.h"
#include "cpu/move.h"
#include "lr/operators.h"

/* What an operator's tasks are cut along. */
typedef enum unit { OUT_PLANES, IN_PLANES, ROWS } unit;

struct cn_simple {
    cn_op op;
    cn_simple_params params;
    cn_f32_simple_kernel *run;
    const char *kernel;
    unit unit;
    float *norm; /* mean, scale and shift of batch norm, one after the other */
};

static const struct mover {
    cn_f32_simple_kernel *run;
    const char *name;
    unit unit;
} movers[CN_OP_COUNT] = {
    [CN_OP_INPUT] = {cn_move_copy, "copy", OUT_PLANES},
    [CN_OP_CONCAT] = {cn_move_copy, "copy", OUT_PLANES},
    [CN_OP_DROPOUT] = {cn_move_copy, "copy", OUT_PLANES},
    [CN_OP_FLATTEN] = {cn_move_flatten, "flatten", IN_PLANES},
    [CN_OP_PAD] = {cn_move_pad, "pad", OUT_PLANES},
    [CN_OP_RESIZE] = {cn_move_resize, "resize", OUT_PLANES},
    [CN_OP_PIXEL_SHUFFLE] = {cn_move_shuffle, "pixel_shuffle", IN_PLANES},
};

#define USE(slot, by)                                                                              \
    do {                                                                                           \
        simple->run = kernels->f32_##slot.run;                                                     \
        simple->kernel = kernels->f32_##slot.name;                                                 \
        simple->unit = by;                                                                         \
    } while (0)

static cn_status choose_kernel(cn_simple *simple, const cn_layer *layer, cn_isa isa,
                               cn_error *error)
{
    const cn_kernels *kernels = cn_kernels_for(isa);
    const struct mover *mover = &movers[layer->op];
    switch (layer->op) {
    case CN_OP_MAX_POOL:
        USE(max_pool, OUT_PLANES);
        break;
    case CN_OP_AVG_POOL:
        USE(avg_pool, OUT_PLANES);
        break;
    case CN_OP_GLOBAL_AVG_POOL:
        USE(global_pool, OUT_PLANES);
        break;
    case CN_OP_BATCH_NORM:
        USE(affine, OUT_PLANES);
        break;
    case CN_OP_RELU:
    case CN_OP_RELU6:
    case CN_OP_SIGMOID:
    case CN_OP_TANH:
        USE(activate, OUT_PLANES);
        break;
    case CN_OP_ADD:
        USE(add, OUT_PLANES);
        break;
    case CN_OP_LRN:
        USE(lrn, ROWS);
        break;
    case CN_OP_SOFTMAX:
        USE(softmax, ROWS);
        break;
    default:
        if (!mover->run)
            return cn_fail(error, CN_EUNSUPPORTED, "layer '%s': no kernel for %s", layer->name,
                           cn_op_name(layer->op));
        simple->run = mover->run;
        simple->kernel = mover->name;
        simple->unit = mover->unit;
    }
    return CN_OK;
}

static cn_status take_norm(cn_simple *simple, const cn_layer *layer, const cn_norm_weights *weights,
                           cn_error *error)
{
    size_t channels = (size_t)layer->shape.c;
    float *mean = simple->norm = cn_calloc(channels, 3 * sizeof *simple->norm);
    if (!mean) return cn_fail(error, CN_ENOMEM, "layer '%s': out of memory", layer->name);
    float *scale = mean + channels, *shift = scale + channels;
    for (size_t c = 0; c < channels; c++) {
        mean[c] = weights->mean[c];
        scale[c] = (float)(weights->scale[c] / sqrt((double)weights->variance[c] + layer->epsilon));
        shift[c] = weights->shift[c];
    }
    simple->params.mean = mean;
    simple->params.scale = scale;
    simple->params.shift = shift;
    return CN_OK;
}

cn_status cn_simple_new(cn_simple **out, const cn_layer *layer, const cn_norm_weights *weights,
                        cn_isa isa, cn_error *error)
{
    cn_simple *simple = cn_calloc(1, sizeof *simple);
    if (!simple) return cn_fail(error, CN_ENOMEM, "layer '%s': out of memory", layer->name);
    cn_activation own = cn_op_activation(layer->op);
    simple->op = layer->op;
    simple->params = (cn_simple_params){
        .activation = own != CN_ACT_NONE ? own : layer->activation,
        .input_count = layer->op == CN_OP_ADD ? layer->input_count : 1,
        .window = layer->window,
        .count_padding = layer->count_padding,
        .lrn_size = layer->lrn_size,
        .lrn_scale = layer->lrn_size ? layer->lrn_alpha / (float)layer->lrn_size : 0.0f,
        .lrn_beta = layer->lrn_beta,
        .lrn_k = layer->lrn_k,
        .resize = layer->resize,
        .factor = layer->factor,
    };
    cn_status status = choose_kernel(simple, layer, isa, error);
    if (!status && layer->op == CN_OP_BATCH_NORM) status = take_norm(simple, layer, weights, error);
    if (status) {
        cn_simple_free(simple);
        return status;
    }
    *out = simple;
    return CN_OK;
}

const char *cn_simple_kernel(const cn_simple *simple)
{
    return simple->kernel;
}

bool cn_simple_in_place(const cn_simple *simple)
{
    switch (simple->op) {
    case CN_OP_RELU:
    case CN_OP_RELU6:
    case CN_OP_SIGMOID:
    case CN_OP_TANH:
    case CN_OP_BATCH_NORM:
    case CN_OP_ADD:
    case CN_OP_SOFTMAX:
        return true;
    default:
        return false;
    }
}

size_t cn_simple_scratch(const cn_simple *simple, cn_shape in, cn_shape out)
{
    enum { SLACK = 64 }; /* floats: two vectors past the end, and rounding */
    const cn_window *w = &simple->params.window;
    size_t floats = 0;
    if (simple->op == CN_OP_MAX_POOL || simple->op == CN_OP_AVG_POOL)
        floats = CN_POOL_ROWS * (((size_t)out.w + SLACK) * (size_t)w->stride_w + (size_t)in.w +
                                 (size_t)(w->kernel_w + w->pad_left) + 2 * SLACK) +
                 (size_t)out.w + SLACK;
    else if (simple->op == CN_OP_SOFTMAX)
        floats = (size_t)in.c + SLACK;
    return floats * sizeof(float);
}

static size_t units_of(const cn_simple *simple, const cn_view *in, const cn_view *out)
{
    switch (simple->unit) {
    case OUT_PLANES:
        return (size_t)out->n * (size_t)out->c;
    case IN_PLANES:
        return (size_t)in->n * (size_t)in->c;
    case ROWS:
        return (size_t)out->n * (size_t)out->h;
    }
    return 1;
}

bool cn_simple_by_planes(const cn_simple *simple)
{
    return simple->unit != ROWS;
}

size_t cn_simple_tasks(const cn_simple *simple, const cn_view *in, const cn_view *out,
                       int32_t threads)
{
    enum { TASK_VALUES = 16384 }; /* fewer are not worth waking a thread for */
    size_t units = units_of(simple, in, out), most = (size_t)threads * 4;
    double values =
        (double)in->n * in->c * in->h * in->w + (double)out->n * out->c * out->h * out->w;
    size_t worth = (size_t)(values / TASK_VALUES) + 1;
    if (threads == 1) return 1;
    if (most > worth) most = worth;
    return units < most ? units : most;
}

void cn_simple_task(const cn_simple *simple, const cn_view *in, const cn_view *out, size_t index,
                    size_t tasks, void *scratch)
{
    size_t units = units_of(simple, in, out);
    cn_simple_args args = {.op = &simple->params,
                           .in = in,
                           .out = out,
                           .first = units * index / tasks,
                           .end = units * (index + 1) / tasks,
                           .scratch = scratch};
    simple->run(&args);
}

void cn_simple_free(cn_simple *simple)
{
    if (!simple) return;
    cn_free(simple->norm);
    cn_free(simple);
}
