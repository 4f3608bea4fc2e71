/* Convolution on 8-bit integers: checks, what is common to the methods, and the choice. */
#include "cpu/int8_conv.h"

#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "cpu/int8_methods.h"

/* Products are at most 255 * 127 in magnitude and sums of them are kept in 32 bits, with as much
 * again for zero points and offsets. */
enum { MOST_PRODUCTS = INT32_MAX / (255 * 127) / 2 };

void cn_int8_conv_halo(const cn_conv_problem *problem, int32_t halo[4])
{
    cn_conv_reach(problem, halo);
}

static bool is_depthwise(const cn_int8_problem *p)
{
    const cn_conv_problem *c = &p->conv;
    return c->groups > 1 && c->groups == c->in_c && c->groups == c->out_c && p->out.scale > 0;
}

cn_status cn_int8_allocate(cn_int8_conv *c, size_t slots, size_t outputs, cn_error *error)
{
    enum { SLOT = 4 };
    size_t padded, bytes, numbers;
    if (!cn_add_size(slots, CN_PANEL_SLACK, &padded) || !cn_mul_size(padded, SLOT, &bytes) ||
        !cn_mul_size(outputs, 2 * sizeof(float) + sizeof(int32_t), &numbers) ||
        !cn_add_size(bytes, numbers, &c->weight_bytes) || !(c->weight = cn_calloc(bytes, 1)) ||
        !(c->start = cn_calloc(outputs, sizeof *c->start)) ||
        !(c->factor = cn_calloc(outputs, 2 * sizeof *c->factor)))
        return cn_fail(error, CN_ENOMEM, "no memory for the weights of a convolution");
    c->bias = c->factor + outputs;
    return CN_OK;
}

bool cn_int8_level(float weight, float scale, int8_t *level)
{
    static const float whole = 12582912; /* 1.5 * 2^23: floats there are integers */
    float exact = weight / scale;
    if (!(fabsf(exact) <= 127 + CN_INT8_NEAR)) return false;
    float nearest = (exact + whole) - whole;
    if (fabsf(exact - nearest) > CN_INT8_NEAR) return false;
    *level = (int8_t)nearest;
    return true;
}

cn_status cn_int8_no_level(const float *scales, size_t output, cn_error *error)
{
    return cn_fail(error, CN_EFORMAT,
                   "a weight of output channel %zu is no multiple of %g up to 127", output,
                   (double)scales[output]);
}

/* Whether the levels end where the activation does. */
static bool ends_levels(const cn_requantize *to)
{
    switch (to->activation) {
    case CN_ACT_NONE:
        return true;
    case CN_ACT_RELU:
        return !to->zero;
    case CN_ACT_RELU6:
        return !to->zero && rintf(to->six) >= 255;
    default:
        return false;
    }
}

/* Whether no sum, with bias and residual, is more than 2^30. */
static bool within_reach(const cn_int8_conv *c, float factor, float bias)
{
    double sum = (double)INT32_MAX * (double)factor;
    double residual = 255.0 * (double)c->to.residual_factor;
    return sum + fabs((double)bias) + residual <= (double)(1 << 30);
}

void cn_int8_describe(cn_int8_conv *c, size_t packed, int32_t sum, float scale, float bias)
{
    c->start[packed] = (c->slots.kernels->i8_offset - c->problem.in.zero) * sum;
    c->factor[packed] = c->problem.in.scale * scale * c->unit;
    c->bias[packed] = bias * c->unit - (float)c->problem.residual.zero * c->to.residual_factor;
}

/* The first channel that the problem's output `output` reads, in its group as it is done. */
static size_t first_input(const cn_int8_conv *c, size_t output)
{
    const cn_conv_problem *p = &c->problem.conv;
    size_t inputs = (size_t)(p->in_c / p->groups), outputs = (size_t)(p->out_c / p->groups);
    return output / outputs * inputs - output / (size_t)c->group_out * (size_t)c->group_in;
}

/* Output channel `output` of the problem. */
static bool pack_output(cn_int8_conv *c, size_t rows, cn_int8_place *place, size_t output,
                        const float *weight, float scale, float bias)
{
    const cn_conv_problem *p = &c->problem.conv;
    size_t group = output / (size_t)c->group_out, o = output % (size_t)c->group_out;
    size_t taps = (size_t)p->window.kernel_h * (size_t)p->window.kernel_w;
    size_t inputs = (size_t)(p->in_c / p->groups), first = first_input(c, output);
    int32_t sum = 0;
    for (size_t i = 0; i < inputs; i++)
        for (size_t t = 0; t < taps; t++) {
            int8_t *to = place(c, group, o, first + i, t);
            if (!cn_int8_level(weight[i * taps + t], scale, to)) return false;
            sum += *to;
        }
    cn_int8_describe(c, group * c->blocks * rows + o, sum, scale, bias);
    return true;
}

cn_status cn_int8_pack(cn_int8_conv *c, size_t rows, cn_int8_place *place, const float *weight,
                       const float *scales, const float *bias, cn_error *error)
{
    const cn_conv_problem *p = &c->problem.conv;
    size_t outputs = (size_t)c->groups * c->blocks * rows, slots;
    size_t row =
        (size_t)(p->in_c / p->groups) * (size_t)p->window.kernel_h * (size_t)p->window.kernel_w;
    if (!cn_mul_size(outputs, c->depth, &slots))
        return cn_fail(error, CN_ENOMEM, "no memory for the weights of a convolution");
    cn_status status = cn_int8_allocate(c, slots, outputs, error);
    for (size_t o = 0; o < (size_t)p->out_c && !status; o++)
        if (!pack_output(c, rows, place, o, weight + o * row, scales[o], bias ? bias[o] : 0))
            status = cn_int8_no_level(scales, o, error);
    return status;
}

cn_requantize cn_int8_to(const cn_int8_conv *c, size_t first)
{
    cn_requantize to = c->to;
    to.factor = c->factor + first;
    to.bias = c->bias + first;
    return to;
}

/* Everything but the weights. */
static void describe(cn_int8_conv *c, const cn_int8_problem *p, cn_isa isa)
{
    const cn_conv_problem *conv = &p->conv;
    const cn_window *w = &conv->window;
    int32_t groups = conv->groups;
    bool whole = conv->in_c / groups % 4 == 0 && conv->out_c / groups % 4 == 0;
    c->problem = *p;
    c->groups = whole ? groups : 1;
    c->group_in = conv->in_c / c->groups;
    c->group_out = conv->out_c / c->groups;
    c->slots = (cn_conv){.problem = *conv, .kernels = cn_kernels_for(isa)};
    c->slots.problem.in = cn_int8_stored(conv->in, p->in);
    c->slots.problem.out = cn_int8_stored(conv->out, p->out);
    c->slots.group_in = cn_quads(c->group_in);
    c->depth = (size_t)c->slots.group_in * (size_t)w->kernel_h * (size_t)w->kernel_w;
    size_t rows = (size_t)c->slots.kernels->i8_conv.rows;
    c->blocks = ((size_t)c->group_out + rows - 1) / rows;
    bool floats = !(p->out.scale > 0);
    float steps = floats ? 1 : 1 / p->out.scale;
    bool curve = conv->activation == CN_ACT_SIGMOID || conv->activation == CN_ACT_TANH;
    c->unit = curve ? 1 : steps;
    c->to = (cn_requantize){
        .activation = conv->activation,
        .residual_factor = conv->residual ? p->residual.scale * c->unit : 0,
        .six = 6 * c->unit,
        .inverse = steps,
        .zero = p->out.zero,
        .floats = floats,
    };
    c->method = is_depthwise(p) ? &cn_int8_depthwise : &cn_int8_panel;
}

/* Marks in `has` which slots of its block output `output` has weights for; how many are new. */
static size_t mark_slots(const cn_int8_conv *c, size_t output, const float *weight, bool *has)
{
    const cn_conv_problem *p = &c->problem.conv;
    size_t taps = (size_t)p->window.kernel_h * (size_t)p->window.kernel_w, marked = 0;
    size_t inputs = (size_t)(p->in_c / p->groups), first = first_input(c, output);
    for (size_t i = 0; i < inputs; i++)
        for (size_t t = 0; t < taps; t++) {
            bool *slot = &has[(first + i) / 4 * taps + t];
            if (*slot || weight[i * taps + t] == 0) continue;
            *slot = true;
            marked++;
        }
    return marked;
}

/* Whether enough slots of four weights are zero for a block of panels' channels to be worth a list
 * of those that are not. */
static cn_status find_gaps(cn_int8_conv *c, const float *weight, cn_error *error)
{
    static const double most = 0.9; /* of the slots stay: else all do */
    const cn_conv_problem *p = &c->problem.conv;
    size_t rows = (size_t)c->slots.kernels->i8_conv.rows, outputs = (size_t)c->group_out;
    size_t row =
        (size_t)(p->in_c / p->groups) * (size_t)p->window.kernel_h * (size_t)p->window.kernel_w;
    bool *has = cn_calloc(c->depth, sizeof *has);
    if (!has) return cn_fail(error, CN_ENOMEM, "no memory for a convolution");
    size_t kept = 0, marked = 0;
    for (size_t o = 0; o < (size_t)p->out_c; o++) {
        if (marked < c->depth) marked += mark_slots(c, o, weight + o * row, has);
        bool last = o % outputs % rows == rows - 1 || o % outputs == outputs - 1;
        if (!last) continue;
        kept += marked;
        marked = 0;
        memset(has, 0, c->depth * sizeof *has);
    }
    cn_free(has);
    size_t slots = (size_t)c->groups * c->blocks * c->depth;
    c->gaps = (double)kept <= most * (double)slots;
    return CN_OK;
}

/* Whether saturation is all of the activation for all channels. */
static bool saturates(const cn_int8_conv *c, const float *scales, const float *bias)
{
    bool does = ends_levels(&c->to) && !c->to.floats;
    for (int32_t o = 0; o < c->problem.conv.out_c && does; o++)
        does = within_reach(c, c->problem.in.scale * scales[o] * c->unit, bias ? bias[o] : 0);
    return does;
}

/* Whether the method is for such a problem; where weights have gaps, zeros fill them. */
static bool fits(const cn_int8_conv *c, const cn_int8_method *method, const float *weight,
                 const float *scales)
{
    if (method == &cn_int8_panel) return c->method == &cn_int8_panel;
    if (c->method != &cn_int8_panel || !c->to.saturates) return false;
    return method == &cn_int8_winograd ? cn_int8_winograd_fits(c, weight, scales)
                                       : method == &cn_int8_direct && cn_int8_direct_fits(c);
}

/* The cheapest method for weights without gaps. Winograd's filtering takes eight times as much
 * memory for its weights as the others, for which it has to be clearly cheaper. */
static const cn_int8_method *cheapest(const cn_int8_conv *c, const float *weight,
                                      const float *scales)
{
    static const double clearly = 0.9;
    const cn_int8_method *method = &cn_int8_panel;
    double least = cn_int8_panel_cost(c);
    if (!c->to.saturates) return method;
    if (cn_int8_direct_fits(c) && cn_int8_direct_cost(c) < least) {
        method = &cn_int8_direct;
        least = cn_int8_direct_cost(c);
    }
    bool wins = cn_int8_winograd_cost(c) < clearly * least;
    return wins && cn_int8_winograd_fits(c, weight, scales) ? &cn_int8_winograd : method;
}

static cn_status choose(cn_int8_conv *c, const cn_int8_method *method, const float *weight,
                        const float *scales, cn_error *error)
{
    if (method) {
        if (!fits(c, method, weight, scales))
            return cn_fail(error, CN_EUNSUPPORTED, "no convolution for this method");
        c->method = method;
        return CN_OK;
    }
    if (c->method != &cn_int8_panel) return CN_OK;
    cn_status status = c->problem.sparse ? find_gaps(c, weight, error) : CN_OK;
    if (!status && !c->gaps) c->method = cheapest(c, weight, scales);
    return status;
}

cn_status cn_int8_conv_new_by(cn_int8_conv **out, const cn_int8_method *method,
                              const cn_int8_problem *problem, const float *weight,
                              const float *scales, const float *bias, cn_isa isa, cn_error *error)
{
    const cn_conv_problem *p = &problem->conv;
    cn_status status = cn_conv_check(p, error);
    if (status) return status;
    size_t taps = (size_t)p->window.kernel_h * (size_t)p->window.kernel_w, products;
    if (!cn_mul_size((size_t)(p->in_c / p->groups), taps, &products) || products > MOST_PRODUCTS)
        return cn_fail(error, CN_EUNSUPPORTED,
                       "sums of more than %d products of bytes may not fit 32 bits", MOST_PRODUCTS);
    cn_int8_conv *c = cn_calloc(1, sizeof *c);
    if (!c) return cn_fail(error, CN_ENOMEM, "no memory for a convolution");
    describe(c, problem, isa);
    c->to.saturates = saturates(c, scales, bias);
    status = choose(c, method, weight, scales, error);
    if (!status) status = c->method->pack(c, weight, scales, bias, error);
    if (!status)
        *out = c;
    else
        cn_int8_conv_free(c);
    return status;
}

cn_status cn_int8_conv_new(cn_int8_conv **out, const cn_int8_problem *problem, const float *weight,
                           const float *scales, const float *bias, cn_isa isa, cn_error *error)
{
    return cn_int8_conv_new_by(out, NULL, problem, weight, scales, bias, isa, error);
}

const char *cn_int8_conv_kernel(const cn_int8_conv *c)
{
    return c->method->name(c);
}

size_t cn_int8_conv_scratch(const cn_int8_conv *c, int32_t batch)
{
    return c->method->scratch(c, batch);
}

size_t cn_int8_conv_weight_bytes(const cn_int8_conv *c)
{
    return c->weight_bytes;
}

int64_t cn_int8_conv_products(const cn_int8_conv *c)
{
    const cn_conv_problem *p = &c->problem.conv;
    int64_t all = (int64_t)(p->in_c / p->groups) * p->window.kernel_h * p->window.kernel_w *
                  p->out_c * p->out.h * p->out.w;
    if (c->method == &cn_int8_winograd) return cn_int8_winograd_products(c);
    if (!c->rows) return all;
    size_t blocks = (size_t)c->groups * c->blocks;
    return (int64_t)((double)all * (double)c->first[blocks] / (double)(blocks * c->depth));
}

size_t cn_int8_conv_tasks(const cn_int8_conv *c, int32_t batch, int32_t threads)
{
    return c->method->tasks(c, batch, threads);
}

bool cn_int8_conv_by_channels(const cn_int8_conv *c, int32_t batch, size_t tasks)
{
    return c->method->by_channels(c, batch, tasks);
}

void cn_int8_conv_task(const cn_int8_conv *c, const cn_view *in, const cn_view *out,
                       const cn_view *residual, size_t index, size_t tasks, void *scratch)
{
    c->method->task(c, in, out, residual, index, tasks, scratch);
}

void cn_int8_conv_free(cn_int8_conv *c)
{
    if (!c) return;
    cn_free(c->weight);
    cn_free(c->start);
    cn_free(c->factor); /* and bias */
    cn_free(c->rows);
    cn_free(c->first);
    cn_free(c);
}
