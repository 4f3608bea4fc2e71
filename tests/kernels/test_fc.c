/* Fully connected layers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "condense/memory.h"
#include "cpu/fc.h"

static const struct {
    cn_shape in;
    int32_t out_c, batch;
} cases[] = {
    {{1, 1, 1}, 1, 1},    {{17, 1, 1}, 5, 1},  {{64, 1, 1}, 10, 1}, {{100, 1, 1}, 33, 2},
    {{16, 5, 5}, 120, 1}, {{3, 7, 7}, 9, 5},   {{2, 3, 31}, 21, 4}, {{130, 1, 1}, 16, 17},
    {{9, 2, 1}, 4, 3},    {{33, 1, 2}, 40, 8},
};
enum { CASES = sizeof cases / sizeof *cases };

static size_t count(cn_shape s)
{
    return (size_t)s.c * (size_t)s.h * (size_t)s.w;
}

static bool output_matches(const cn_fc_problem *p, const planes *in, const planes *residual,
                           const float *weight, const float *bias, const planes *out)
{
    size_t inputs = count(p->in);
    for (int32_t n = 0; n < out->view.n; n++)
        for (int32_t o = 0; o < p->out_c; o++) {
            double sum = bias ? bias[o] : 0, scale = fabs(sum) + 1;
            for (size_t k = 0; k < inputs; k++) {
                size_t w = (size_t)p->in.w, h = (size_t)p->in.h;
                double product =
                    (double)weight[(size_t)o * inputs + k] *
                    planes_get(in, n, (int32_t)(k / w / h), (int32_t)(k / w % h), (int32_t)(k % w));
                sum += product;
                scale += fabs(product);
            }
            if (residual) sum += planes_get(residual, n, o, 0, 0);
            if (!close_to(planes_get(out, n, o, 0, 0), activate(sum, p->activation), scale, 1e-5))
                return false;
        }
    return true;
}

static void run(const cn_fc *fc, const planes *in, const planes *residual, planes *out,
                int32_t threads)
{
    size_t tasks = cn_fc_tasks(fc, in->view.n, threads);
    guarded scratch = guarded_new(cn_fc_scratch(fc, in->view.n) / sizeof(float), GUARD_AFTER, 0);
    for (size_t i = 0; i < tasks; i++)
        cn_fc_task(fc, &in->view, &out->view, residual ? &residual->view : NULL, i, tasks,
                   scratch.data);
    guarded_free(&scratch);
}

static float *random_floats(cn_random *r, size_t count)
{
    float *f = cn_calloc(count, sizeof *f);
    for (size_t i = 0; f && i < count; i++)
        f[i] = (float)cn_random_normal(r);
    if (!f) abort();
    return f;
}

static void check_case(int which, cn_isa isa, cn_random *r, bool special)
{
    cn_fc_problem p = {.in = cases[which].in,
                       .out_c = cases[which].out_c,
                       .activation = (cn_activation)cn_random_below(r, CN_ACT_TANH + 1),
                       .residual = !cn_random_below(r, 3)};
    int32_t batch = cases[which].batch, halo[4] = {0}, none[4] = {0};
    for (int i = 0; i < 4; i++)
        halo[i] = between(r, 0, 2);
    cn_shape out_shape = {p.out_c, 1, 1};
    float *weight = random_floats(r, (size_t)p.out_c * count(p.in));
    float *bias = cn_random_below(r, 4) ? random_floats(r, (size_t)p.out_c) : NULL;
    guard side = cn_random_below(r, 2) ? GUARD_AFTER : GUARD_BEFORE;
    planes in = planes_new(batch, p.in, halo, 0, side, cn_random_below(r, 3), PLANES_INPUT, r);
    planes other = planes_new(batch, out_shape, halo, 0, side, 0, PLANES_INPUT, r);
    planes one = planes_new(batch, out_shape, none, 0, side, 0, PLANES_OUTPUT, r);
    planes many = planes_new(batch, out_shape, halo, 0, side, 0, PLANES_OUTPUT, r);
    if (special)
        planes_set(&in, batch - 1, p.in.c - 1, p.in.h - 1, p.in.w - 1,
                   cn_random_below(r, 2) ? NAN : INFINITY);
    cn_fc *fc = NULL;
    if (cn_fc_new(&fc, &p, weight, bias, isa, NULL) == CN_OK) {
        const planes *residual = p.residual ? &other : NULL;
        run(fc, &in, residual, &one, 1);
        run(fc, &in, residual, &many, between(r, 2, 5));
        report(output_matches(&p, &in, residual, weight, bias, &one) && planes_untouched(&one) &&
                   planes_untouched(&many) && planes_equal(&one, &many),
               "%s: %d x %d x %d to %d, batch %d", cn_fc_kernel(fc), p.in.c, p.in.h, p.in.w,
               p.out_c, batch);
    } else {
        report(false, "cn_fc_new");
    }
    cn_fc_free(fc);
    planes_free(&in);
    planes_free(&other);
    planes_free(&one);
    planes_free(&many);
    cn_free(weight);
    cn_free(bias);
}

void test_fc(cn_isa isa)
{
    cn_random r = cn_random_named(1, "kernel test: fully connected");
    for (int i = 0; i < CASES; i++)
        for (int again = 0; again < 4; again++)
            check_case(i, isa, &r, again == 3);
    cn_fc *fc = NULL;
    cn_fc_problem bad = {.in = {1 << 20, 1 << 20, 1 << 20}, .out_c = 1};
    report(cn_fc_new(&fc, &bad, NULL, NULL, isa, NULL) == CN_EINVAL && !fc,
           "fully connected layer too large to count");
}
