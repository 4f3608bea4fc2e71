/* Convolution on 8-bit integers: checks, what is common to the methods, and the choice. */
#include "cpu/int8_conv.h"

#include <math.h>

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
    float exact = weight / scale, nearest = rintf(exact);
    if (!(fabsf(nearest) <= 127) || fabsf(exact - nearest) > 0.01f) return false;
    *level = (int8_t)nearest;
    return true;
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
    c->to.saturates = c->to.saturates && within_reach(c, c->factor[packed], bias);
}

/* Output channel `output` of the problem. */
static bool pack_output(cn_int8_conv *c, size_t rows, cn_int8_place *place, size_t output,
                        const float *weight, float scale, float bias)
{
    const cn_conv_problem *p = &c->problem.conv;
    size_t group = output / (size_t)c->group_out, o = output % (size_t)c->group_out;
    size_t taps = (size_t)p->window.kernel_h * (size_t)p->window.kernel_w;
    size_t inputs = (size_t)(p->in_c / p->groups);
    /* The first channel it reads, in the group as it is done. */
    size_t first = output / (size_t)(p->out_c / p->groups) * inputs - group * (size_t)c->group_in;
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
            status = cn_fail(error, CN_EFORMAT,
                             "a weight of output channel %zu is no multiple of %g up to 127", o,
                             (double)scales[o]);
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
    c->to.saturates = ends_levels(&c->to);
    c->method = is_depthwise(p) ? &cn_int8_depthwise : &cn_int8_panel;
}

static void drop_weights(cn_int8_conv *c)
{
    cn_free(c->weight);
    cn_free(c->start);
    cn_free(c->factor); /* and bias */
    c->weight = NULL;
    c->start = NULL;
    c->factor = NULL;
}

cn_status cn_int8_conv_new(cn_int8_conv **out, const cn_int8_problem *problem, const float *weight,
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
    status = c->method->pack(c, weight, scales, bias, error);
    /* Only packing tells whether weights are sparse and whether sums saturate. */
    if (!status && c->method == &cn_int8_panel && !c->rows && c->to.saturates &&
        cn_int8_direct_suits(c)) {
        drop_weights(c);
        c->method = &cn_int8_direct;
        status = c->method->pack(c, weight, scales, bias, error);
    }
    if (!status)
        *out = c;
    else
        cn_int8_conv_free(c);
    return status;
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
    drop_weights(c);
    cn_free(c->rows);
    cn_free(c->first);
    cn_free(c);
}
