/* Convolution and what it is made of: panel packing, the tile, the store, depthwise, weights
 * without their zeros. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "condense/memory.h"
#include "cpu/conv.h"

/* in_c, out_c, groups; in h, w; kernel; stride; dilation; pad top, bottom, left, right; batch */
typedef struct shape_case {
    int32_t in_c, out_c, groups, h, w, kh, kw, sh, sw, dh, dw, top, bottom, left, right, batch;
} shape_case;

static const shape_case edge_cases[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1},     /* one product */
    {3, 8, 1, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},     /* one pixel in its padding */
    {5, 9, 1, 7, 7, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1},     /* 49 pixels: a tile and one more */
    {16, 16, 1, 7, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 3},   /* tiles across images */
    {4, 17, 1, 14, 14, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0, 1},  /* strided 1x1 */
    {3, 16, 1, 31, 33, 7, 7, 2, 2, 1, 1, 3, 3, 3, 3, 1},  /* first layer, ResNet */
    {3, 8, 1, 35, 35, 11, 11, 4, 4, 1, 1, 2, 2, 2, 2, 1}, /* first layer, AlexNet */
    {1, 6, 1, 28, 28, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2, 2},   /* first layer, LeNet-5 */
    {4, 4, 1, 17, 17, 1, 7, 1, 1, 1, 1, 0, 0, 3, 3, 1},   /* Inception's rows */
    {4, 4, 1, 17, 17, 7, 1, 1, 1, 1, 1, 3, 3, 0, 0, 1},   /* and columns */
    {4, 6, 2, 9, 8, 3, 3, 1, 1, 2, 3, 2, 2, 3, 3, 2},     /* groups, dilation */
    {6, 6, 6, 13, 19, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},   /* depthwise */
    {6, 6, 6, 14, 33, 3, 3, 2, 2, 1, 1, 0, 1, 0, 1, 1},   /* "same" padding, stride 2 */
    {2, 2, 2, 5, 33, 3, 3, 2, 2, 1, 1, 0, 0, 0, 0, 1},    /* whole vectors up to the last float */
    {3, 3, 3, 9, 17, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2, 1},    /* depthwise 5x5 */
    {3, 6, 3, 12, 12, 5, 5, 2, 2, 1, 1, 2, 2, 2, 2, 1},   /* with a multiplier */
    {3, 3, 3, 16, 44, 5, 5, 2, 2, 1, 1, 2, 3, 3, 3, 2},   /* more padding than a vector */
    {3, 24, 3, 30, 30, 7, 7, 2, 2, 1, 1, 3, 3, 3, 3, 1},  /* first layer, Inception v2 */
    {2, 2, 2, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},     /* depthwise, one pixel */
    {3, 3, 3, 11, 50, 3, 5, 3, 1, 2, 2, 2, 2, 4, 4, 1},   /* one channel a group, any window */
    {2, 40, 2, 6, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},    /* one channel a group, many outputs */
    {8, 8, 1, 5, 100, 3, 3, 1, 1, 1, 1, 1, 0, 2, 0, 1},   /* long rows, lopsided padding */
    {9, 70, 1, 14, 14, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},  /* Winograd: several chunks */
    {3, 5, 1, 13, 200, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},  /* rows longer than a block of tiles */
    {4, 10, 2, 28, 9, 3, 3, 1, 1, 1, 1, 0, 2, 1, 0, 2},   /* blocks of tiles across rows, groups */
    {64, 10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1},   /* fully connected */
    {16, 120, 1, 5, 5, 5, 5, 1, 1, 1, 1, 0, 0, 0, 0, 1},  /* to a picture */
    {2, 21, 1, 3, 31, 3, 31, 1, 1, 1, 1, 0, 0, 0, 0, 4},  /* few pictures */
    {130, 33, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 17}, /* a vector of them and one more */
    {33, 40, 1, 1, 2, 1, 2, 1, 1, 1, 1, 0, 0, 0, 0, 64},  /* several tiles */
    {4, 8, 1, 8, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 3},     /* a gap among the pixels left over */
    {2, 17, 1, 40, 201, 7, 7, 2, 2, 1, 1, 3, 2, 3, 2, 2}, /* Winograd by phases: long rows */
    {4, 8, 2, 19, 18, 8, 8, 2, 2, 1, 1, 3, 3, 4, 2, 1},   /* no phase of fewer taps, groups */
    {2, 5, 1, 15, 16, 4, 4, 1, 1, 1, 1, 0, 3, 1, 2, 2},   /* four taps, one phase */
    {3, 9, 1, 37, 90, 5, 5, 2, 2, 1, 1, 2, 2, 2, 2, 1},   /* three taps in four phases */
    {2, 9, 1, 30, 31, 6, 6, 2, 2, 1, 1, 0, 0, 5, 1, 3},   /* in all of them */
    {2, 10, 1, 45, 200, 9, 9, 4, 4, 1, 1, 4, 4, 4, 4, 1}, /* three in one of sixteen phases */
    {2, 6, 1, 61, 50, 14, 14, 4, 4, 1, 1, 5, 6, 5, 6, 1}, /* four */
};
enum { EDGE_CASES = sizeof edge_cases / sizeof *edge_cases, RANDOM_CASES = 60 };

static int32_t output_extent(int32_t in, int32_t k, int32_t s, int32_t d, int32_t pads)
{
    return (in + pads - (k - 1) * d - 1) / s + 1;
}

static cn_conv_problem to_problem(const shape_case *s, cn_activation activation, bool residual)
{
    return (cn_conv_problem){
        .window = {s->kh, s->kw, s->sh, s->sw, s->dh, s->dw, s->top, s->bottom, s->left, s->right},
        .in_c = s->in_c,
        .out_c = s->out_c,
        .groups = s->groups,
        .in = {s->in_c, s->h, s->w},
        .out = {s->out_c, output_extent(s->h, s->kh, s->sh, s->dh, s->top + s->bottom),
                output_extent(s->w, s->kw, s->sw, s->dw, s->left + s->right)},
        .activation = activation,
        .residual = residual,
    };
}

/* Windows, strides and paddings drawn at random, of a few thousand to a few hundred thousand
 * products; shrinks the window until it fits. */
static shape_case random_case(cn_random *r)
{
    static const int32_t group_counts[] = {1, 1, 1, 2, 3};
    int32_t groups = group_counts[cn_random_below(r, 5)], depthwise = !cn_random_below(r, 4);
    shape_case s = {.groups = groups,
                    .in_c = groups * between(r, 1, 9),
                    .out_c = groups * between(r, 1, 21),
                    .h = between(r, 1, 20),
                    .w = between(r, 1, 60),
                    .kh = between(r, 1, 5),
                    .kw = between(r, 1, 5),
                    .sh = between(r, 1, 3),
                    .sw = between(r, 1, 3),
                    .dh = between(r, 1, 2),
                    .dw = between(r, 1, 2),
                    .top = between(r, 0, 3),
                    .bottom = between(r, 0, 3),
                    .left = between(r, 0, 3),
                    .right = between(r, 0, 3),
                    .batch = between(r, 1, 3)};
    if (depthwise) s.groups = s.in_c = s.out_c = between(r, 2, 7);
    if (depthwise && cn_random_below(r, 2)) {
        s.kh = s.kw = cn_random_below(r, 2) ? 3 : 5;
        s.sh = s.sw = between(r, 1, 2);
        s.dh = s.dw = 1;
    }
    while ((s.kh - 1) * s.dh >= s.h + s.top + s.bottom)
        s.kh--;
    while ((s.kw - 1) * s.dw >= s.w + s.left + s.right)
        s.kw--;
    return s;
}

/* Rounding errors that an algorithm may make, relative to the sum of the magnitudes; of Winograd's
 * the transforms have their share. */
static double tolerance_of(cn_conv_algorithm algorithm)
{
    switch (algorithm) {
    case CN_CONV_WINOGRAD4:
        return 1e-4;
    case CN_CONV_WINOGRAD6:
        return 5e-4;
    default:
        return 1e-5;
    }
}

/* What the algorithm leaves open, drawn at random. */
static cn_conv_way random_way(const cn_conv_problem *p, cn_conv_algorithm algorithm, cn_random *r)
{
    cn_conv_way way;
    do
        way = (cn_conv_way){algorithm, between(r, 0, 2), cn_random_below(r, 2),
                            (cn_conv_split)cn_random_below(r, CN_SPLIT_CHANNELS + 1),
                            (cn_conv_input)cn_random_below(r, CN_INPUT_PACKED + 1)};
    while (!cn_conv_can(p, way));
    return way;
}

static bool is_winograd(cn_conv_algorithm algorithm)
{
    return algorithm >= CN_CONV_WINOGRAD2 && algorithm <= CN_CONV_WINOGRAD6;
}

static bool is_sparse(cn_conv_algorithm algorithm)
{
    return algorithm >= CN_CONV_SPARSE1;
}

/* Whether the weight of output `o` and tap `k` is zero: in one of the ways that masks may look. */
typedef enum mask_kind { FULL, EMPTY, ONE, SINGLE, BLOCKS, OUTPUTS, TAPS, MASK_KINDS } mask_kind;

static bool is_zero(mask_kind kind, double density, int32_t o, int32_t k, cn_random *single,
                    uint64_t seed)
{
    const int32_t unit = kind == BLOCKS ? o / 8 * 4096 + k : kind == OUTPUTS ? o : k;
    cn_random shared = cn_random_seed(seed + (uint64_t)unit);
    switch (kind) {
    case FULL:
        return false;
    case EMPTY:
        return true;
    case ONE:
        return o + k > 0;
    case SINGLE:
        return cn_random_uniform(single) >= density;
    default:
        return cn_random_uniform(&shared) >= density;
    }
}

/* Sets weights to zero by a mask drawn at random. */
static void prune(float *weight, int32_t outputs, int32_t depth, cn_random *r)
{
    mask_kind kind = (mask_kind)cn_random_below(r, MASK_KINDS);
    double density = cn_random_uniform(r);
    uint64_t seed = cn_random_below(r, 1 << 20);
    for (int32_t o = 0; o < outputs; o++)
        for (int32_t k = 0; k < depth; k++)
            if (is_zero(kind, density, o, k, r, seed)) weight[o * depth + k] = 0;
}

/* What a convolution is given. */
typedef struct given {
    cn_conv_problem problem;
    cn_conv_algorithm algorithm;
    bool special; /* some inputs are not finite */
    planes in, other;
    float *weight, *bias;
    cn_mask *mask;
} given;

/* One output pixel by the plain formula in double precision, and the sum of the magnitudes. */
static double pixel(const given *g, int32_t n, int32_t o, int32_t y, int32_t x, double *scale)
{
    const cn_conv_problem *p = &g->problem;
    const cn_window *w = &p->window;
    int32_t group_in = p->in_c / p->groups, group = o / (p->out_c / p->groups);
    double sum = g->bias ? g->bias[o] : 0;
    *scale = fabs(sum);
    for (int32_t c = 0; c < group_in; c++)
        for (int32_t i = 0; i < w->kernel_h; i++)
            for (int32_t j = 0; j < w->kernel_w; j++) {
                double weight =
                    (double)g->weight[((o * group_in + c) * w->kernel_h + i) * w->kernel_w + j];
                if (g->mask && weight == 0) continue; /* what is under it is not looked at */
                double product =
                    weight * planes_get(&g->in, n, group * group_in + c,
                                        y * w->stride_h + i * w->dilation_h - w->pad_top,
                                        x * w->stride_w + j * w->dilation_w - w->pad_left);
                sum += product;
                *scale += fabs(product);
            }
    if (p->residual) {
        double addend = planes_get(&g->other, n, o, y, x);
        sum += addend;
        *scale += fabs(addend);
    }
    return activate(sum, p->activation);
}

/* A NaN spreads over Winograd's tiles, but is never lost. Under a zero weight it is noticed by
 * blocks in which another output has a weight there. */
static bool pixel_matches(const given *g, float got, int32_t n, int32_t o, int32_t y, int32_t x)
{
    double scale, want = pixel(g, n, o, y, x, &scale);
    given all = *g;
    all.mask = NULL;
    if (is_winograd(g->algorithm) && g->special && isnan(got)) return true;
    if (g->mask && g->special && isnan(got)) want = pixel(&all, n, o, y, x, &scale);
    return close_to(got, want, scale + 1, tolerance_of(g->algorithm));
}

static bool output_matches(const given *g, const planes *out)
{
    const cn_conv_problem *p = &g->problem;
    for (int32_t n = 0; n < out->view.n; n++)
        for (int32_t o = 0; o < p->out_c; o++)
            for (int32_t y = 0; y < p->out.h; y++)
                for (int32_t x = 0; x < p->out.w; x++) {
                    float got = planes_get(out, n, o, y, x);
                    if (!pixel_matches(g, got, n, o, y, x)) {
                        printf("image %d channel %d pixel %d, %d: got %g\n", n, o, y, x, got);
                        return false;
                    }
                }
    return true;
}

static void run(cn_conv *conv, const planes *in, const planes *residual, planes *out,
                int32_t threads, guard side)
{
    cn_conv_bind(conv, &in->view);
    size_t tasks = cn_conv_tasks(conv, in->view.n, threads);
    size_t bytes = cn_conv_scratch(conv, in->view.n);
    /* Scratch is a multiple of the vector, so that its end may be guarded and it is still aligned.
     */
    guarded scratch = guarded_new(bytes / sizeof(float), side, 0);
    for (size_t i = tasks; i-- > 0;)
        cn_conv_task(conv, &in->view, &out->view, residual ? &residual->view : NULL, i, tasks,
                     scratch.data);
    guarded_free(&scratch);
}

static void random_halo(cn_random *r, int32_t halo[4])
{
    for (int i = 0; i < 4; i++)
        halo[i] += between(r, 0, 2);
}

static float *random_floats(cn_random *r, int32_t count)
{
    float *f = cn_calloc((size_t)count, sizeof *f);
    for (int32_t i = 0; f && i < count; i++)
        f[i] = (float)cn_random_normal(r);
    if (!f) abort();
    return f;
}

/* Takes weights away and makes the mask of the others. */
static void set_mask(given *g, cn_random *r)
{
    cn_conv_problem *p = &g->problem;
    int32_t depth = p->in_c / p->groups * p->window.kernel_h * p->window.kernel_w;
    prune(g->weight, p->out_c, depth, r);
    if (cn_mask_new(&g->mask, g->weight, p->groups, p->out_c / p->groups, (size_t)depth,
                    cn_random_below(r, 2), NULL) != CN_OK)
        abort();
    p->mask = g->mask;
}

/* Inputs, weights and residual for a case. */
static given given_new(const shape_case *s, cn_conv_algorithm algorithm, bool special, guard side,
                       cn_random *r)
{
    cn_activation activation = (cn_activation)cn_random_below(r, CN_ACT_TANH + 1);
    given g = {.problem = to_problem(s, activation, !cn_random_below(r, 3)),
               .algorithm = algorithm,
               .special = special};
    const cn_conv_problem *p = &g.problem;
    g.weight = random_floats(r, p->out_c * (p->in_c / p->groups) * s->kh * s->kw);
    g.bias = cn_random_below(r, 4) ? random_floats(r, p->out_c) : NULL;
    if (is_sparse(algorithm)) set_mask(&g, r);
    int32_t in_halo[4], other_halo[4] = {0};
    cn_conv_halo(p, in_halo);
    if (cn_random_below(r, 2)) random_halo(r, in_halo);
    if (cn_random_below(r, 2)) random_halo(r, other_halo);
    int32_t extra = between(r, 0, 3) * between(r, 0, 3);
    size_t shift = cn_random_below(r, 4) ? 0 : cn_random_below(r, 3);
    g.in = planes_new(s->batch, p->in, in_halo, extra, side, shift, PLANES_INPUT, r);
    g.other = planes_new(s->batch, p->out, other_halo, 0, side, 0, PLANES_INPUT, r);
    const float values[] = {NAN, INFINITY, -INFINITY};
    for (int32_t i = 0; special && i < 3; i++)
        planes_set(&g.in, between(r, 0, s->batch - 1), between(r, 0, p->in_c - 1),
                   between(r, 0, s->h - 1), between(r, 0, s->w - 1),
                   values[is_winograd(algorithm) ? 0 : i]);
    return g;
}

static void given_free(given *g)
{
    planes_free(&g->in);
    planes_free(&g->other);
    cn_free(g->weight);
    cn_free(g->bias);
    cn_mask_free(g->mask);
}

/* Whether a way's output is the same to the bit as that of its algorithm with its own rules. */
static bool same_bits(const given *g, cn_conv_way way, cn_isa isa, const planes *out)
{
    const int32_t none[4] = {0};
    const planes *other = g->problem.residual ? &g->other : NULL;
    cn_random r = cn_random_seed(1);
    planes usual =
        planes_new(out->view.n, g->problem.out, none, 0, GUARD_AFTER, 0, PLANES_OUTPUT, &r);
    cn_conv *conv = NULL;
    bool same = cn_conv_new(&conv, &g->problem, (cn_conv_way){way.algorithm}, g->weight, g->bias,
                            isa, NULL) == CN_OK;
    if (same) run(conv, &g->in, other, &usual, 1, GUARD_AFTER);
    same = same && planes_equal(&usual, out);
    cn_conv_free(conv);
    planes_free(&usual);
    return same;
}

static void check_case(const shape_case *s, cn_conv_way way, cn_isa isa, cn_random *r, bool special)
{
    guard side = cn_random_below(r, 2) ? GUARD_AFTER : GUARD_BEFORE;
    given g = given_new(s, way.algorithm, special, side, r);
    const cn_conv_problem *p = &g.problem;
    const planes *other = p->residual ? &g.other : NULL;
    int32_t out_halo[4] = {0};
    if (cn_random_below(r, 2)) random_halo(r, out_halo);
    planes one = planes_new(s->batch, p->out, out_halo, between(r, 0, 3), side, between(r, 0, 2),
                            PLANES_OUTPUT, r);
    planes many = planes_new(s->batch, p->out, out_halo, 1, GUARD_BEFORE, 1, PLANES_OUTPUT, r);
    char name[CN_CONV_NAME_SIZE];
    cn_conv *conv = NULL;
    cn_error error = {0};
    cn_conv_way_name(way, name);
    if (cn_conv_new(&conv, p, way, g.weight, g.bias, isa, &error) != CN_OK) {
        report(false, "cn_conv_new: %s", error.message);
    } else {
        run(conv, &g.in, other, &one, 1, side);
        run(conv, &g.in, other, &many, between(r, 2, 9), GUARD_AFTER);
        bool values = output_matches(&g, &one);
        bool outside = planes_untouched(&one) && planes_untouched(&many) && planes_untouched(&g.in);
        bool agree = planes_equal(&one, &many) && same_bits(&g, way, isa, &one);
        report(values && outside && agree,
               "%s by %s%s: %d x %d x %d to %d channels, groups %d, window %d x %d, stride %d %d, "
               "dilation %d %d, pads %d %d %d %d, batch %d, %s%s: values %s, outside %s, "
               "thread counts and ways %s",
               cn_conv_kernel(conv), name, special ? " with NaN and infinities" : "", s->in_c, s->h,
               s->w, s->out_c, s->groups, s->kh, s->kw, s->sh, s->sw, s->dh, s->dw, s->top,
               s->bottom, s->left, s->right, s->batch, p->activation ? "activation" : "plain",
               other ? ", residual" : "", values ? "right" : "WRONG",
               outside ? "untouched" : "WRITTEN", agree ? "agree" : "DIFFER");
    }
    cn_conv_free(conv);
    planes_free(&one);
    planes_free(&many);
    given_free(&g);
}

/* By every algorithm that can do it, with its own rules and with others. */
static void check_case_all(const shape_case *s, cn_isa isa, cn_random *r, bool special)
{
    static const cn_mask any; /* only whether there is one is looked at */
    cn_conv_problem p = to_problem(s, CN_ACT_NONE, false);
    p.mask = &any;
    for (int a = CN_CONV_AUTO + 1; a < CN_CONV_ALGORITHMS; a++) {
        cn_conv_way own = {(cn_conv_algorithm)a};
        if (!cn_conv_can(&p, own)) continue;
        check_case(s, own, isa, r, special);
        check_case(s, random_way(&p, own.algorithm, r), isa, r, special);
    }
}

/* The residual may be the output itself. */
static void check_in_place(cn_conv_algorithm algorithm, cn_isa isa, cn_random *r)
{
    const shape_case s = {4, 11, 1, 9, 21, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2};
    int32_t halo[4] = {1, 1, 1, 1};
    given g = {.problem = to_problem(&s, CN_ACT_RELU, true), .algorithm = algorithm};
    g.weight = random_floats(r, g.problem.out_c * g.problem.in_c * 9);
    if (is_sparse(algorithm)) set_mask(&g, r);
    g.in = planes_new(s.batch, g.problem.in, halo, 0, GUARD_AFTER, 0, PLANES_INPUT, r);
    cn_random again = *r;
    planes sum = planes_new(s.batch, g.problem.out, halo, 0, GUARD_AFTER, 0, PLANES_INPUT, r);
    g.other = planes_new(s.batch, g.problem.out, halo, 0, GUARD_AFTER, 0, PLANES_INPUT, &again);
    cn_conv *conv = NULL;
    bool made = cn_conv_new(&conv, &g.problem, (cn_conv_way){algorithm}, g.weight, NULL, isa,
                            NULL) == CN_OK;
    if (made) run(conv, &g.in, &sum, &sum, 3, GUARD_AFTER);
    report(made && output_matches(&g, &sum) && planes_untouched(&sum),
           "convolution %d onto its own residual at level %s", algorithm, cn_isa_name(isa));
    cn_conv_free(conv);
    planes_free(&sum);
    given_free(&g);
}

/* Rounding errors of a layer of ordinary size, as a share of the output's norm: the more outputs a
 * tile has, the larger are the factors of its transforms. */
static void check_norm(const shape_case *s, cn_conv_algorithm algorithm, double limit, cn_isa isa,
                       cn_random *r)
{
    given g = given_new(s, algorithm, false, GUARD_AFTER, r);
    int32_t none[4] = {0};
    g.problem.activation = CN_ACT_NONE;
    g.problem.residual = false;
    planes out = planes_new(1, g.problem.out, none, 0, GUARD_AFTER, 0, PLANES_OUTPUT, r);
    cn_conv *conv = NULL;
    double error = INFINITY, norm = 0;
    if (cn_conv_new(&conv, &g.problem, (cn_conv_way){algorithm}, g.weight, g.bias, isa, NULL) ==
        CN_OK) {
        run(conv, &g.in, NULL, &out, 1, GUARD_AFTER);
        error = 0;
        for (int32_t o = 0; o < g.problem.out.c; o++)
            for (int32_t y = 0; y < g.problem.out.h; y++)
                for (int32_t x = 0; x < g.problem.out.w; x++) {
                    double scale, want = pixel(&g, 0, o, y, x, &scale);
                    double difference = planes_get(&out, 0, o, y, x) - want;
                    error += difference * difference;
                    norm += want * want;
                }
    }
    report(sqrt(error / norm) < limit, "%s: error %.2g of the norm, %.2g allowed",
           conv ? cn_conv_kernel(conv) : "convolution", sqrt(error / norm), limit);
    cn_conv_free(conv);
    planes_free(&out);
    given_free(&g);
}

static void check_refusals(cn_isa isa)
{
    const shape_case good = {4, 4, 2, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    cn_conv_problem bad[5];
    for (int i = 0; i < 5; i++)
        bad[i] = to_problem(&good, CN_ACT_NONE, false);
    bad[0].groups = 3;
    bad[1].out.h++;
    bad[2].window.stride_w = 0;
    bad[3].window.pad_left = -1;
    bad[4].in.c = 5;
    for (int i = 0; i < 5; i++) {
        cn_conv *conv = NULL;
        cn_error error = {0};
        cn_status status =
            cn_conv_new(&conv, &bad[i], (cn_conv_way){CN_CONV_AUTO}, NULL, NULL, isa, &error);
        report(status == CN_EINVAL && !conv && error.message[0], "impossible convolution %d", i);
    }
}

void test_conv(cn_isa isa)
{
    static const cn_conv_algorithm in_place[] = {
        CN_CONV_PANEL,   CN_CONV_WINOGRAD2, CN_CONV_WINOGRAD4, CN_CONV_WINOGRAD6,
        CN_CONV_SPARSE1, CN_CONV_SPARSE2,   CN_CONV_SPARSE4,   CN_CONV_SPARSE8};
    static const shape_case middle = {96, 8, 1, 24, 24, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const shape_case first = {3, 8, 1, 48, 48, 7, 7, 2, 2, 1, 1, 3, 3, 3, 3, 1};
    cn_random r = cn_random_named(1, "kernel test: convolution");
    check_refusals(isa);
    for (size_t i = 0; i < sizeof in_place / sizeof *in_place; i++)
        check_in_place(in_place[i], isa, &r);
    check_norm(&middle, CN_CONV_PANEL, 1e-6, isa, &r);
    check_norm(&middle, CN_CONV_WINOGRAD2, 1e-6, isa, &r);
    check_norm(&middle, CN_CONV_WINOGRAD4, 1e-5, isa, &r);
    check_norm(&middle, CN_CONV_WINOGRAD6, 1e-5, isa, &r);
    check_norm(&first, CN_CONV_WINOGRAD4, 1e-5, isa, &r);
    for (int i = 0; i < EDGE_CASES; i++)
        for (int again = 0; again < 4; again++)
            check_case_all(&edge_cases[i], isa, &r, again == 3);
    for (int i = 0; i < RANDOM_CASES; i++) {
        shape_case s = random_case(&r);
        check_case_all(&s, isa, &r, i % 5 == 0);
    }
}
