/* Convolution on 8-bit integers against straight loops: to the bit, but for activations that are
 * curves, which may take the next level. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "condense/memory.h"
#include "cpu/int8_methods.h"
#include "cpu/kernels/kernels.h"
#include "slots.h"

/* in_c, out_c, groups; in h, w; kernel; stride; dilation; pad top, bottom, left, right; batch; one
 * more than the zero point of a problem that settle() makes, 0 for one drawn at random */
typedef struct shape_case {
    int32_t in_c, out_c, groups, h, w, kh, kw, sh, sw, dh, dw, top, bottom, left, right, batch,
        zero;
} shape_case;

static const shape_case edge_cases[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1},     /* one product */
    {3, 8, 1, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},     /* one pixel in its padding */
    {5, 9, 1, 7, 7, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1},     /* 49 pixels: a tile and one more */
    {16, 16, 1, 7, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 3},   /* tiles across images */
    {8, 40, 1, 16, 15, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1},  /* rows that touch: whole vectors */
    {4, 17, 1, 14, 14, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0, 1},  /* strided 1x1 */
    {3, 16, 1, 31, 33, 7, 7, 2, 2, 1, 1, 3, 3, 3, 3, 1},  /* first layer, ResNet */
    {3, 8, 1, 35, 35, 11, 11, 4, 4, 1, 1, 2, 2, 2, 2, 1}, /* first layer, AlexNet */
    {4, 4, 1, 17, 17, 1, 7, 1, 1, 1, 1, 0, 0, 3, 3, 1},   /* Inception's rows */
    {4, 4, 1, 17, 17, 7, 1, 1, 1, 1, 1, 3, 3, 0, 0, 1},   /* and columns */
    {4, 6, 2, 9, 8, 3, 3, 1, 1, 2, 3, 2, 2, 3, 3, 2},     /* groups that cut quads, dilation */
    {16, 24, 2, 9, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},   /* groups of quads */
    {6, 6, 6, 13, 19, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},   /* depthwise */
    {6, 6, 6, 14, 33, 3, 3, 2, 2, 1, 1, 0, 1, 0, 1, 1},   /* "same" padding, stride 2 */
    {5, 5, 5, 7, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},    /* a vector, a row without another */
    {4, 4, 4, 4, 35, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0, 1},    /* and without padding */
    {3, 3, 3, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},     /* one pixel */
    {8, 8, 8, 9, 64, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1},    /* stride 2 in whole vectors */
    {4, 4, 4, 6, 131, 3, 3, 2, 2, 1, 1, 1, 0, 0, 1, 1},   /* and beyond */
    {3, 3, 3, 9, 17, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2, 1},    /* depthwise 5x5 */
    {9, 9, 9, 12, 12, 5, 5, 2, 2, 1, 1, 2, 2, 2, 2, 1},   /* and stride 2 */
    {3, 6, 3, 12, 12, 5, 5, 2, 2, 1, 1, 2, 2, 2, 2, 1},   /* with a multiplier */
    {3, 3, 3, 11, 50, 3, 5, 3, 1, 2, 2, 2, 2, 4, 4, 1},   /* depthwise, any window */
    {2, 2, 2, 20, 20, 4, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1},   /* a stride without a word */
    {8, 8, 1, 5, 100, 3, 3, 1, 1, 1, 1, 1, 0, 2, 0, 1},   /* long rows, lopsided padding */
    {64, 10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1},   /* fully connected */
    {16, 120, 1, 5, 5, 5, 5, 1, 1, 1, 1, 0, 0, 0, 0, 1},  /* to a picture */
    {2, 21, 1, 3, 31, 3, 31, 1, 1, 1, 1, 0, 0, 0, 0, 4},  /* few pictures */
    {130, 33, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 17}, /* a vector of them and one more */
    {3, 97, 1, 1, 3, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1},    /* three pixels, many blocks */
    {61, 70, 1, 9, 11, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1},  /* many slots to be missing */
    {45, 50, 1, 5, 10, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
};

/* Straight from the planes. */
static const shape_case direct_cases[] = {
    {32, 32, 1, 14, 14, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}, /* padding on all sides */
    {30, 61, 1, 9, 29, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1,
     1}, /* with a stride, and runs of two lengths */
    {16, 64, 2, 9, 13, 5, 5, 1, 1, 2, 2, 4, 4, 4, 4, 1}, /* taps that no pixel of a row sees */
    {16, 32, 1, 2, 14, 5, 3, 1, 1, 1, 1, 4, 4, 1, 1, 1}, /* rows of nothing but padding */
    {32, 90, 1, 7, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},  /* several blocks, the last not full */
    {33, 64, 1, 4, 12, 3, 3, 1, 1, 1, 1, 2, 0, 2, 0, 2}, /* padding on two sides */
};
enum { DIRECT_CASES = sizeof direct_cases / sizeof *direct_cases };

/* For Winograd's filtering. */
static const shape_case winograd_cases[] = {
    {1, 1, 1, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},       /* one pixel in its padding */
    {4, 4, 1, 6, 6, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0, 1},       /* one whole tile */
    {9, 37, 1, 13, 14, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},    /* tiles with fewer rows, columns */
    {8, 70, 1, 5, 67, 3, 3, 1, 1, 1, 1, 2, 0, 0, 2, 1},     /* long rows, lopsided padding */
    {16, 24, 2, 9, 10, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 3},    /* groups, pictures */
    {3, 33, 1, 40, 41, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},    /* several runs of tiles */
    {115, 32, 1, 4, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, /* the largest sums */
    {120, 16, 1, 130, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},  /* a run less than a row of tiles */
};
enum { WINOGRAD_CASES = sizeof winograd_cases / sizeof *winograd_cases };
enum { EDGE_CASES = sizeof edge_cases / sizeof *edge_cases, RANDOM_CASES = 60 };

static int32_t output_extent(int32_t in, int32_t k, int32_t s, int32_t d, int32_t pads)
{
    return (in + pads - (k - 1) * d - 1) / s + 1;
}

static shape_case random_case(cn_random *r)
{
    int32_t groups = between(r, 0, 2) ? 1 : between(r, 2, 3);
    shape_case s = {.in_c = groups * between(r, 1, 13),
                    .out_c = groups * between(r, 1, 21),
                    .groups = groups,
                    .h = between(r, 1, 20),
                    .w = between(r, 1, 60),
                    .kh = between(r, 1, 5),
                    .kw = between(r, 1, 5),
                    .sh = between(r, 1, 3),
                    .sw = between(r, 1, 4),
                    .dh = between(r, 1, 2),
                    .dw = between(r, 1, 2),
                    .top = between(r, 0, 3),
                    .bottom = between(r, 0, 3),
                    .left = between(r, 0, 3),
                    .right = between(r, 0, 3),
                    .batch = between(r, 1, 3)};
    if (!cn_random_below(r, 4)) s.groups = s.in_c = s.out_c = between(r, 2, 9);
    while ((s.kh - 1) * s.dh >= s.h + s.top + s.bottom)
        s.kh--;
    while ((s.kw - 1) * s.dw >= s.w + s.left + s.right)
        s.kw--;
    return s;
}

/* What a convolution is given. */
typedef struct given {
    cn_int8_problem problem;
    int32_t batch;
    planes in, residual;
    float *weight, *scales, *bias;
} given;

static cn_int8_problem to_problem(const shape_case *s, cn_random *r)
{
    cn_int8_problem p = {
        .conv = {.window = {s->kh, s->kw, s->sh, s->sw, s->dh, s->dw, s->top, s->bottom, s->left,
                            s->right},
                 .in_c = s->in_c,
                 .out_c = s->out_c,
                 .groups = s->groups,
                 .in = {s->in_c, s->h, s->w},
                 .out = {s->out_c, output_extent(s->h, s->kh, s->sh, s->dh, s->top + s->bottom),
                         output_extent(s->w, s->kw, s->sw, s->dw, s->left + s->right)},
                 .activation = (cn_activation)cn_random_below(r, CN_ACT_TANH + 1),
                 .residual = !cn_random_below(r, 3)},
        .in = slots_scale(r),
        .residual = slots_scale(r),
        .out = slots_scale(r),
    };
    bool relu6 = p.conv.activation == CN_ACT_RELU6;
    if ((relu6 || p.conv.activation == CN_ACT_RELU) && cn_random_below(r, 3)) {
        p.out.zero = 0; /* then saturation does it */
        if (relu6) p.out.scale = 6.0f / 255;
    }
    if (!cn_random_below(r, 5)) p.out = (cn_int8_scale){0};
    p.sparse = cn_random_below(r, 4) > 0;
    return p;
}

static void *room(size_t count, size_t size)
{
    void *block = cn_calloc(count, size);
    if (!block) abort();
    return block;
}

/* How likely it is that four input channels have no weight for eight output channels: none, some,
 * most, and all of them. */
static int32_t density(cn_random *r)
{
    static const int32_t percent[] = {100, 100, 60, 20, 3, 0};
    return percent[cn_random_below(r, sizeof percent / sizeof *percent)];
}

/* Zeros in blocks of four by eight for a tap; the first of a channel's weights at times alone. */
static void prune(const given *g, int32_t row, int32_t percent, cn_random *r)
{
    const cn_conv_problem *p = &g->problem.conv;
    int32_t taps = p->window.kernel_h * p->window.kernel_w;
    for (int32_t o = 0; o < p->out_c; o += 8)
        for (int32_t k = 0; k < row; k++) {
            if (k / taps % 4 || between(r, 1, 100) <= percent) continue;
            for (int32_t i = o; i < o + 8 && i < p->out_c; i++)
                for (int32_t c = k; c < row && c < k + 4 * taps; c += taps)
                    g->weight[i * row + c] = 0;
        }
    if (!percent) g->weight[between(r, 0, p->out_c * row - 1)] = 5 * g->scales[0];
    if (!percent)
        for (int32_t o = 0; o < p->out_c; o++)
            g->scales[o] = g->scales[0];
}

/* Input with that zero point; all weights there, and saturation is all of the activation: what may
 * go straight from the planes. */
static void settle(cn_int8_problem *p, int32_t zero)
{
    p->in.zero = zero;
    p->conv.activation = CN_ACT_NONE;
    p->sparse = false;
    p->out.scale = fmaxf(p->out.scale, p->in.scale * 0.1f); /* levels, and no sum beyond reach */
}

/* The greatest level everywhere. */
static void fill(planes *p, int32_t batch, cn_shape s)
{
    for (int32_t n = 0; n < batch; n++)
        for (int32_t c = 0; c < s.c; c++)
            for (int32_t i = 0; i < s.h * s.w; i++)
                *slots_byte(p, n, c, i / s.w, i % s.w) = 255;
}

/* Weights and input are the extremes at times, so that sums are as large as they can be. */
static given given_new(const shape_case *s, guard side, cn_random *r)
{
    given g = {.problem = to_problem(s, r), .batch = s->batch};
    if (s->zero) settle(&g.problem, s->zero - 1);
    const cn_conv_problem *p = &g.problem.conv;
    int32_t row = p->in_c / p->groups * s->kh * s->kw, halo[4];
    g.weight = room((size_t)(p->out_c * row), sizeof *g.weight);
    g.scales = room((size_t)p->out_c, sizeof *g.scales);
    g.bias = cn_random_below(r, 4) ? room((size_t)p->out_c, sizeof *g.bias) : NULL;
    for (int32_t o = 0; o < p->out_c; o++) {
        g.scales[o] = (float)(0.001 + cn_random_uniform(r) * 0.02);
        if (g.bias) g.bias[o] = (float)cn_random_normal(r) * 3;
        bool extreme = !cn_random_below(r, 4);
        for (int32_t k = 0; k < row; k++)
            g.weight[o * row + k] = (float)(extreme ? -127 : between(r, -127, 127)) * g.scales[o];
    }
    prune(&g, row, density(r), r);
    cn_int8_conv_halo(p, halo);
    for (int i = 0; i < 4; i++)
        halo[i] += between(r, 0, 1);
    g.in = slots_new(s->batch, p->in, halo, between(r, 0, 2), side, PLANES_INPUT, g.problem.in.zero,
                     r);
    if (!g.problem.in.zero && cn_random_below(r, 2)) fill(&g.in, s->batch, p->in);
    g.residual = slots_new(s->batch, p->out, halo, 0, side, PLANES_INPUT, 0, r);
    return g;
}

static void given_free(given *g)
{
    planes_free(&g->in);
    planes_free(&g->residual);
    cn_free(g->weight);
    cn_free(g->scales);
    cn_free(g->bias);
}

/* The steps from zero at a place of the input. */
static int32_t steps_at(const given *g, int32_t n, int32_t c, int32_t y, int32_t x)
{
    cn_shape s = g->problem.conv.in;
    if (y < 0 || y >= s.h || x < 0 || x >= s.w) return 0;
    return *slots_byte(&g->in, n, c, y, x) - g->problem.in.zero;
}

static bool is_curve(cn_activation activation)
{
    return activation == CN_ACT_SIGMOID || activation == CN_ACT_TANH;
}

/* The unit of value(), in 1. */
static float unit(const given *g)
{
    float scale = g->problem.out.scale;
    return scale > 0 && !is_curve(g->problem.conv.activation) ? 1 / scale : 1;
}

/* One output by the words of condense/quantize.h. */
static float value(const given *g, int32_t n, int32_t o, int32_t y, int32_t x)
{
    const cn_conv_problem *p = &g->problem.conv;
    const cn_window *w = &p->window;
    int32_t inputs = p->in_c / p->groups, first = o / (p->out_c / p->groups) * inputs;
    int64_t sum = 0;
    for (int32_t c = 0; c < inputs; c++)
        for (int32_t i = 0; i < w->kernel_h; i++)
            for (int32_t j = 0; j < w->kernel_w; j++) {
                float weight = g->weight[((o * inputs + c) * w->kernel_h + i) * w->kernel_w + j];
                sum += (int64_t)rintf(weight / g->scales[o]) *
                       steps_at(g, n, first + c, y * w->stride_h + i * w->dilation_h - w->pad_top,
                                x * w->stride_w + j * w->dilation_w - w->pad_left);
            }
    float u = unit(g), f = p->residual ? g->problem.residual.scale * u : 0;
    float bias = (g->bias ? g->bias[o] : 0) * u - (float)g->problem.residual.zero * f;
    float v = fmaf((float)sum, g->problem.in.scale * g->scales[o] * u, bias);
    if (p->residual) v = fmaf((float)*slots_byte(&g->residual, n, o, y, x), f, v);
    if (p->activation == CN_ACT_RELU6) return fminf(fmaxf(v, 0), 6 * u);
    return (float)activate((double)v, p->activation);
}

static bool place_matches(const given *g, const planes *out, int32_t n, int32_t o, int32_t y,
                          int32_t x)
{
    float want = value(g, n, o, y, x);
    bool curve = is_curve(g->problem.conv.activation);
    if (!(g->problem.out.scale > 0)) {
        float got = planes_get(out, n, o, y, x);
        return curve ? close_to(got, (double)want, 1, 1e-6) : got == want;
    }
    int32_t zero = g->problem.out.zero, got = *slots_byte(out, n, o, y, x);
    if (curve) return abs(got - slots_level(want, g->problem.out)) <= 1;
    return got == slots_level(want, (cn_int8_scale){1, zero});
}

static bool output_matches(const given *g, const planes *out)
{
    cn_shape s = g->problem.conv.out;
    for (int32_t n = 0; n < g->batch; n++)
        for (int32_t o = 0; o < s.c; o++)
            for (int32_t y = 0; y < s.h; y++)
                for (int32_t x = 0; x < s.w; x++)
                    if (!place_matches(g, out, n, o, y, x)) return false;
    return true;
}

static void run(const cn_int8_conv *conv, const given *g, const planes *residual, planes *out,
                int32_t threads, guard side)
{
    size_t tasks = cn_int8_conv_tasks(conv, g->batch, threads);
    guarded scratch = guarded_new(cn_int8_conv_scratch(conv, g->batch) / sizeof(float), side, 0);
    for (size_t i = tasks; i-- > 0;)
        cn_int8_conv_task(conv, &g->in.view, &out->view, residual ? &residual->view : NULL, i,
                          tasks, scratch.data);
    guarded_free(&scratch);
}

static planes output_new(const given *g, const int32_t halo[4], guard side, cn_random *r)
{
    cn_shape s = g->problem.conv.out;
    if (g->problem.out.scale > 0)
        return slots_new(g->batch, s, halo, between(r, 0, 3), side, PLANES_OUTPUT, 0, r);
    return planes_new(g->batch, s, halo, between(r, 0, 3), side, 0, PLANES_OUTPUT, r);
}

/* By the method given; NULL: by the cheapest. */
static void check_case(const shape_case *s, const cn_int8_method *method, cn_isa isa, cn_random *r)
{
    guard side = cn_random_below(r, 2) ? GUARD_AFTER : GUARD_BEFORE;
    given g = given_new(s, side, r);
    const planes *residual = g.problem.conv.residual ? &g.residual : NULL;
    int32_t none[4] = {0}, halo[4] = {1, 0, 2, 1};
    planes one = output_new(&g, cn_random_below(r, 2) ? none : halo, side, r);
    planes many = output_new(&g, halo, GUARD_AFTER, r);
    cn_int8_conv *conv = NULL;
    cn_error error = {0};
    bool values = false, outside = false, agree = false;
    if (cn_int8_conv_new_by(&conv, method, &g.problem, g.weight, g.scales, g.bias, isa, &error) ==
        CN_OK) {
        run(conv, &g, residual, &one, 1, side);
        run(conv, &g, residual, &many, between(r, 2, 9), GUARD_BEFORE);
        values = output_matches(&g, &one);
        agree = output_matches(&g, &many);
        outside = planes_untouched(&one) && planes_untouched(&many);
    }
    report(values && outside && agree,
           "%s: %d x %d x %d to %d channels, groups %d, window %d x %d, stride %d %d, dilation %d "
           "%d, pads %d %d %d %d, batch %d, %s, activation %d%s%s: values %s, outside %s, tasks %s",
           conv ? cn_int8_conv_kernel(conv) : error.message, s->in_c, s->h, s->w, s->out_c,
           s->groups, s->kh, s->kw, s->sh, s->sw, s->dh, s->dw, s->top, s->bottom, s->left,
           s->right, s->batch, cn_isa_name(isa), g.problem.conv.activation,
           residual ? ", residual" : "", g.problem.out.scale > 0 ? "" : ", to floats",
           values ? "right" : "WRONG", outside ? "untouched" : "WRITTEN",
           agree ? "agree" : "DIFFER");
    cn_int8_conv_free(conv);
    planes_free(&one);
    planes_free(&many);
    given_free(&g);
}

/* The residual may be the output itself. */
static void check_in_place(const shape_case *s, cn_isa isa, cn_random *r)
{
    given g = given_new(s, GUARD_AFTER, r);
    g.problem.conv.residual = true;
    if (!(g.problem.out.scale > 0)) g.problem.out = slots_scale(r);
    cn_int8_conv *conv = NULL;
    int32_t none[4] = {0};
    cn_random again = *r;
    planes_free(&g.residual);
    g.residual = slots_new(s->batch, g.problem.conv.out, none, 0, GUARD_AFTER, PLANES_INPUT, 0, r);
    planes out =
        slots_new(s->batch, g.problem.conv.out, none, 0, GUARD_AFTER, PLANES_INPUT, 0, &again);
    bool ok = cn_int8_conv_new(&conv, &g.problem, g.weight, g.scales, g.bias, isa, NULL) == CN_OK;
    if (ok) run(conv, &g, &out, &out, 3, GUARD_AFTER);
    report(ok && output_matches(&g, &out), "%s onto its own residual",
           ok ? cn_int8_conv_kernel(conv) : "convolution");
    cn_int8_conv_free(conv);
    planes_free(&out);
    given_free(&g);
}

static void check_refusals(cn_isa isa, cn_random *r)
{
    const shape_case good = {4, 4, 1, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    given g = given_new(&good, GUARD_AFTER, r);
    float *weight = &g.weight[7], old = *weight;
    const float wrong[] = {g.scales[0] * 0.5f, g.scales[0] * 128, NAN, INFINITY};
    cn_error error = {0};
    cn_int8_conv *conv = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        *weight = wrong[i];
        report(cn_int8_conv_new(&conv, &g.problem, g.weight, g.scales, g.bias, isa, &error) ==
                       CN_EFORMAT &&
                   !conv && error.message[0],
               "a weight of %g steps", (double)(wrong[i] / g.scales[0]));
    }
    *weight = old;
    cn_int8_problem bad = g.problem;
    bad.conv.groups = 3;
    report(cn_int8_conv_new(&conv, &bad, g.weight, g.scales, g.bias, isa, &error) == CN_EINVAL,
           "groups that do not divide");
    bad = g.problem;
    bad.conv.in_c = bad.conv.in.c = 1 << 20;
    report(cn_int8_conv_new(&conv, &bad, NULL, NULL, NULL, isa, &error) == CN_EUNSUPPORTED,
           "more products than 32 bits hold");
    given_free(&g);
}

/* With padding that adds nothing, and with padding that does. */
static void check_direct(cn_isa isa, cn_random *r)
{
    int32_t offset = cn_kernels_for(isa)->i8_offset;
    for (int again = 0; again < 3; again++)
        for (int i = 0; i < DIRECT_CASES; i++) {
            shape_case s = direct_cases[i];
            s.zero = 1 + (again ? offset : 77);
            check_case(&s, &cn_int8_direct, isa, r);
        }
}

static void check_winograd(cn_isa isa, cn_random *r)
{
    static const int32_t zeros[] = {127, 0, 255, 3};
    for (int again = 0; again < 4; again++)
        for (int i = 0; i < WINOGRAD_CASES; i++) {
            shape_case s = winograd_cases[i];
            if (!s.zero)
                s.zero = 1 + (s.in_c > 115 ? 127 : zeros[again]); /* lest sums be too large */
            check_case(&s, &cn_int8_winograd, isa, r);
        }
    for (int i = 0; i < RANDOM_CASES; i++) {
        shape_case s = random_case(r);
        s.zero = 1 + between(r, 0, 255);
        s.kh = s.kw = 3;
        s.sh = s.sw = s.dh = s.dw = 1;
        s.top = s.bottom = s.left = s.right = 1;
        if (s.in_c / s.groups % 4 || s.out_c / s.groups % 4) s.groups = 1; /* would cut quads */
        check_case(&s, &cn_int8_winograd, isa, r);
    }
}

/* A problem of in_c channels, 3 x 3 windows and 8 x 60 pixels, all weights the greatest: whether it
 * goes by Winograd's filtering. */
static void check_choice(int32_t in_c, const cn_int8_method *method, cn_isa isa, bool winograd)
{
    enum { OUT_C = 128 };
    cn_int8_problem p = {
        .conv = {.window = {3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
                 .in_c = in_c,
                 .out_c = OUT_C,
                 .groups = 1,
                 .in = {in_c, 8, 60},
                 .out = {OUT_C, 8, 60}},
        .in = {.scale = 1e-3f},
        .out = {.scale = 1},
    };
    size_t count = (size_t)(OUT_C * in_c * 9);
    float *weight = room(count, sizeof *weight), scales[OUT_C];
    cn_int8_conv *conv = NULL;
    cn_error error = {0};
    for (size_t i = 0; i < count; i++)
        weight[i] = 127;
    for (int i = 0; i < OUT_C; i++)
        scales[i] = 1;
    cn_status status = cn_int8_conv_new_by(&conv, method, &p, weight, scales, NULL, isa, &error);
    bool is = conv && strstr(cn_int8_conv_kernel(conv), "i8_winograd");
    report(is == winograd && (conv || status == CN_EUNSUPPORTED), "%d channels: %s", in_c,
           conv ? cn_int8_conv_kernel(conv) : error.message);
    cn_int8_conv_free(conv);
    cn_free(weight);
}

/* Sums of 115 channels are less than 2^25, of 116 they may not be. */
static void check_reach(cn_isa isa)
{
    check_choice(115, &cn_int8_winograd, isa, true);
    check_choice(116, &cn_int8_winograd, isa, false);
    check_choice(115, NULL, isa, isa != CN_ISA_NEON_DOT);
    check_choice(116, NULL, isa, false);
}

void test_int8_conv(cn_isa isa)
{
    cn_random r = cn_random_named(1, "kernel test: convolution of integers");
    check_refusals(isa, &r);
    check_in_place(&edge_cases[3], isa, &r);
    check_in_place(&edge_cases[4], isa, &r);
    check_in_place(&edge_cases[12], isa, &r);
    for (int i = 0; i < EDGE_CASES; i++)
        for (int again = 0; again < 5; again++)
            check_case(&edge_cases[i], NULL, isa, &r);
    check_direct(isa, &r);
    check_winograd(isa, &r);
    check_reach(isa);
    for (int i = 0; i < RANDOM_CASES; i++) {
        shape_case s = random_case(&r);
        check_case(&s, NULL, isa, &r);
    }
}
