#include "run/step.h"

#include <string.h>

#include "condense/memory.h"
#include "cpu/denormals.h"
#include "plan/generate.h"
#include "run/halo.h"

cn_conv_problem cn_step_conv_problem(const cn_graph *graph, const cn_layer *layer)
{
    cn_shape in = graph->layers[layer->inputs[0]].shape;
    cn_window whole = {in.h, in.w, 1, 1, 1, 1, 0, 0, 0, 0};
    return (cn_conv_problem){.window = layer->op == CN_OP_FC ? whole : layer->window,
                             .in_c = in.c,
                             .out_c = layer->units,
                             .groups = layer->op == CN_OP_FC ? 1 : layer->groups,
                             .in = in,
                             .out = layer->shape,
                             .activation = layer->activation,
                             .residual = layer->residual >= 0};
}

cn_memory_need cn_step_need(const cn_graph *graph, int32_t index, const cn_integers *integers)
{
    const cn_layer *layer = &graph->layers[index];
    cn_memory_need need = {0};
    /* Floats from integers lie elsewhere. */
    if (cn_integers_touch(integers, graph, index) &&
        !(cn_integers_levels(integers, index).scale > 0))
        return need;
    switch (layer->op) {
    case CN_OP_CONV:
    case CN_OP_FC: /* reads the residual just before it writes the same pixel */
        if (layer->residual < 0) break;
        need.share_first = layer->residual;
        need.share_end = layer->residual + 1;
        need.apart = true;
        break;
    case CN_OP_ADD:
        need.share_end = layer->input_count;
        break;
    case CN_OP_RELU:
    case CN_OP_RELU6:
    case CN_OP_SIGMOID:
    case CN_OP_TANH:
    case CN_OP_BATCH_NORM:
    case CN_OP_SOFTMAX:
        need.share_end = 1;
        break;
    default:
        break;
    }
    return need;
}

void cn_step_ask_halo(const cn_graph *graph, int32_t index, const cn_integers *integers,
                      cn_memory_need *needs)
{
    const cn_layer *layer = &graph->layers[index];
    if (layer->op != CN_OP_CONV) return;
    cn_conv_problem problem = cn_step_conv_problem(graph, layer);
    int32_t halo[4], *wanted = needs[layer->inputs[0]].halo;
    if (cn_integers_levels(integers, layer->inputs[0]).scale > 0)
        cn_int8_conv_halo(&problem, halo);
    else
        cn_conv_halo(&problem, halo);
    for (int k = 0; k < 4; k++)
        if (halo[k] > wanted[k]) wanted[k] = halo[k];
}

static const float *data_of(const cn_weights *weights, const cn_layer *layer, const char *suffix)
{
    const cn_tensor *tensor = cn_weights_of(weights, layer->name, suffix);
    return tensor ? tensor->data : NULL;
}

static void give_free(cn_weights *weights, const cn_layer *layer, const char *suffix)
{
    cn_tensor *tensor = cn_weights_of(weights, layer->name, suffix);
    if (!tensor) return;
    cn_free(tensor->data);
    tensor->data = NULL;
}

/* The mask of weights of which at least one in twenty is zero; else NULL, as where zeros are not to
 * be skipped. */
static cn_status make_mask(cn_mask **mask, const cn_conv_problem *p, const float *weight,
                           const cn_session_options *options, cn_error *error)
{
    size_t depth =
        (size_t)(p->in_c / p->groups) * (size_t)p->window.kernel_h * (size_t)p->window.kernel_w;
    size_t count = (size_t)p->out_c * depth, zeros = 0;
    *mask = NULL;
    for (size_t i = 0; i < count && options->sparse; i++)
        zeros += weight[i] == 0;
    if (zeros == 0 || zeros < count / 20) return CN_OK;
    return cn_mask_new(mask, weight, p->groups, p->out_c / p->groups, depth, options->reorder,
                       error);
}

/* The way that a convolution goes, and what else there was. A fully connected layer goes by panels
 * unless it has zeros to skip. */
static cn_status choose(cn_step *step, const cn_layer *layer, const cn_conv_problem *problem,
                        const cn_session_options *options, cn_conv_way *way, cn_error *error)
{
    *way = (cn_conv_way){CN_CONV_PANEL};
    if (layer->op == CN_OP_FC && !problem->mask) return CN_OK;
    const cn_plan_setting setting = {options->isa, options->batch, options->threads,
                                     options->generator != NULL};
    cn_step_choice *c = step->choice = cn_calloc(1, sizeof *c);
    if (!c) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_plan_signature(problem, c->signature);
    c->count = cn_plan_candidates(problem, setting, c->ways);
    c->dense_products = cn_conv_dense_products(problem, options->isa);
    cn_wisdom_key key = {options->isa, options->threads, options->batch, NULL};
    *way = cn_plan_choose(problem, options->wisdom, key);
    if (way->generated && !options->generator) *way = (cn_conv_way){CN_CONV_AUTO};
    if (way->generated) step->generator = options->generator;
    return CN_OK;
}

/* A convolution or fully connected layer. */
static cn_status make_conv(cn_step *step, const cn_graph *graph, const cn_layer *layer,
                           const float *weight, const float *bias,
                           const cn_session_options *options, cn_error *error)
{
    cn_conv_problem problem = cn_step_conv_problem(graph, layer);
    cn_conv_way way;
    cn_mask *mask;
    cn_status status = make_mask(&mask, &problem, weight, options, error);
    problem.mask = mask;
    if (!status) status = choose(step, layer, &problem, options, &way, error);
    if (!status)
        status = cn_conv_new(&step->conv, &problem, way, weight, bias, options->isa, error);
    cn_mask_free(mask);
    return status;
}

static cn_int8_tensor tensor_of(const cn_graph *graph, const cn_integers *integers, int32_t layer)
{
    return (cn_int8_tensor){graph->layers[layer].shape, cn_integers_levels(integers, layer)};
}

static cn_status make_int8_conv(cn_step *step, const cn_graph *graph, const float *weight,
                                const float *bias, const cn_integers *integers,
                                const cn_session_options *options, cn_error *error)
{
    const cn_layer *layer = &graph->layers[step->layer];
    cn_int8_problem problem = {.conv = cn_step_conv_problem(graph, layer),
                               .in = cn_integers_levels(integers, layer->inputs[0]),
                               .out = cn_integers_levels(integers, step->layer),
                               .sparse = options->sparse};
    if (layer->residual >= 0)
        problem.residual = cn_integers_levels(integers, layer->inputs[layer->residual]);
    return cn_int8_conv_new(&step->int8_conv, &problem, weight,
                            integers->quantization.weight_scales[step->layer], bias, options->isa,
                            error);
}

/* `part`: the input of a concat that is copied. */
static cn_status make_int8_simple(cn_step *step, const cn_graph *graph, int32_t part,
                                  const cn_norm_weights *norm, const cn_integers *integers,
                                  cn_isa isa, cn_error *error)
{
    const cn_layer *layer = &graph->layers[step->layer];
    bool join = layer->op == CN_OP_CONCAT;
    int32_t inputs = join || !layer->input_count ? 1 : layer->input_count, channel = 0;
    cn_int8_tensor *in = cn_calloc((size_t)inputs, sizeof *in);
    if (!in) return cn_fail(error, CN_ENOMEM, "out of memory");
    in[0].shape = layer->shape; /* of an input layer */
    for (int32_t k = 0; k < inputs && layer->input_count; k++)
        in[k] = tensor_of(graph, integers, layer->inputs[join ? part : k]);
    for (int32_t k = 0; k < part; k++)
        channel += graph->layers[layer->inputs[k]].shape.c;
    cn_status status =
        cn_int8_simple_new(&step->int8_simple, layer, norm, in, inputs,
                           tensor_of(graph, integers, step->layer), channel, isa, error);
    cn_free(in);
    return status;
}

cn_status cn_step_make(cn_step *step, const cn_graph *graph, int32_t index, int32_t part,
                       cn_weights *weights, const cn_integers *integers,
                       const cn_session_options *options, cn_error *error)
{
    const cn_layer *layer = &graph->layers[index];
    const float *weight = data_of(weights, layer, "weight"), *bias = NULL;
    bool touches = cn_integers_touch(integers, graph, index);
    cn_status status;
    step->layer = index;
    step->slots = cn_integers_levels(integers, index).scale > 0;
    step->zero = (uint8_t)cn_integers_levels(integers, index).zero;
    if (layer->bias || layer->op == CN_OP_BATCH_NORM) bias = data_of(weights, layer, "bias");
    cn_norm_weights norm = {weight, bias, data_of(weights, layer, "running_mean"),
                            data_of(weights, layer, "running_var")};
    if (cn_op_is_tensor(layer->op) && touches)
        status = make_int8_conv(step, graph, weight, bias, integers, options, error);
    else if (cn_op_is_tensor(layer->op))
        status = make_conv(step, graph, layer, weight, bias, options, error);
    else if (touches)
        status = make_int8_simple(step, graph, part, &norm, integers, options->isa, error);
    else
        status = cn_simple_new(&step->simple, layer, &norm, options->isa, error);
    if (status) return cn_fail_in(error, status, "layer '%s'", layer->name);
    give_free(weights, layer, "weight");
    give_free(weights, layer, "bias");
    return CN_OK;
}

void cn_step_cut(cn_step *step, int32_t threads, bool fresh)
{
    int32_t batch = step->out.n;
    if (step->conv) {
        cn_conv_bind(step->conv, step->in);
        if (step->generator) cn_generate(step->generator, step->conv, step->in);
        step->tasks = cn_conv_tasks(step->conv, batch, threads);
        step->by_planes = cn_conv_by_channels(step->conv, batch, step->tasks);
    } else if (step->int8_conv) {
        step->tasks = cn_int8_conv_tasks(step->int8_conv, batch, threads);
        step->by_planes = cn_int8_conv_by_channels(step->int8_conv, batch, step->tasks);
    } else if (step->int8_simple) {
        step->tasks = cn_int8_simple_tasks(step->int8_simple, batch, threads);
        step->by_planes = cn_int8_simple_by_planes(step->int8_simple);
    } else {
        step->tasks = cn_simple_tasks(step->simple, step->in, &step->out, threads);
        step->by_planes = cn_simple_by_planes(step->simple);
    }
    size_t shares = (size_t)threads < step->tasks ? (size_t)threads : step->tasks;
    step->halo_shares = fresh && cn_halo_any(&step->out) ? shares : 0;
}

static cn_shape shape_of(const cn_view *view)
{
    return (cn_shape){view->c, view->h, view->w};
}

size_t cn_step_scratch(const cn_step *step)
{
    if (step->conv) return cn_conv_scratch(step->conv, step->out.n);
    if (step->int8_conv) return cn_int8_conv_scratch(step->int8_conv, step->out.n);
    if (step->int8_simple) return cn_int8_simple_scratch(step->int8_simple);
    return cn_simple_scratch(step->simple, shape_of(step->in), shape_of(&step->out));
}

size_t cn_step_weight_bytes(const cn_step *step)
{
    if (step->conv) return cn_conv_weight_bytes(step->conv);
    if (step->int8_conv) return cn_int8_conv_weight_bytes(step->int8_conv);
    return 0;
}

const char *cn_step_kernel(const cn_step *step)
{
    if (step->conv) return cn_conv_kernel(step->conv);
    if (step->int8_conv) return cn_int8_conv_kernel(step->int8_conv);
    if (step->int8_simple) return cn_int8_simple_kernel(step->int8_simple);
    return cn_simple_kernel(step->simple);
}

typedef struct running {
    const cn_step *step;
    char *scratch;
    size_t scratch_pitch;
} running;

/* Each share of the zeros around the output goes with the first of the tasks that are about the
 * same planes or rows. The operator touches other memory. */
static void clear_halo(const cn_step *step, size_t index)
{
    for (size_t s = 0; s < step->halo_shares; s++)
        if (step->tasks * s / step->halo_shares == index)
            cn_halo_clear(&step->out, s, step->halo_shares, step->by_planes, step->zero);
}

static void run_task(void *context, size_t index, size_t thread)
{
    const running *r = context;
    const cn_step *step = r->step;
    uint64_t state = cn_denormals_off();
    void *scratch = r->scratch + thread * r->scratch_pitch;
    const cn_view *residual = step->residual.data ? &step->residual : NULL;
    clear_halo(step, index);
    if (step->conv)
        cn_conv_task(step->conv, step->in, &step->out, residual, index, step->tasks, scratch);
    else if (step->int8_conv)
        cn_int8_conv_task(step->int8_conv, step->in, &step->out, residual, index, step->tasks,
                          scratch);
    else if (step->int8_simple)
        cn_int8_simple_task(step->int8_simple, step->in, &step->out, index, step->tasks, scratch);
    else
        cn_simple_task(step->simple, step->in, &step->out, index, step->tasks, scratch);
    cn_denormals_restore(state);
}

void cn_step_run(const cn_step *step, cn_pool *pool, char *scratch, size_t scratch_pitch)
{
    running r = {step, scratch, scratch_pitch};
    cn_pool_run(pool, run_task, &r, step->tasks);
}

void cn_step_clear(cn_step *step)
{
    cn_conv_free(step->conv);
    cn_simple_free(step->simple);
    cn_free(step->choice);
    cn_int8_conv_free(step->int8_conv);
    cn_int8_simple_free(step->int8_simple);
    cn_free(step->in);
    *step = (cn_step){0};
}
