/* Optimizers and schedules against their formulas. */
#include <criterion/criterion.h>
#include <math.h>

#include "condense/train.h"

enum { COUNT = 3 };

/* A matrix and a vector of weights 1, 2, 3 with gradients 0.5, -0.25, 0. */
static void make(cn_weights *weights, cn_weights *gradients)
{
    static const float w[COUNT] = {1, 2, 3}, g[COUNT] = {0.5f, -0.25f, 0};
    const int32_t matrix[2] = {1, COUNT}, vector[1] = {COUNT};
    for (int k = 0; k < 2; k++) {
        cn_tensor *a, *b;
        const char *name = k ? "b" : "a";
        cr_assert_eq(cn_weights_add(weights, name, k ? 1 : 2, k ? vector : matrix, &a, NULL),
                     CN_OK);
        cr_assert_eq(cn_weights_add(gradients, name, k ? 1 : 2, k ? vector : matrix, &b, NULL),
                     CN_OK);
        for (int i = 0; i < COUNT; i++) {
            a->data[i] = w[i];
            b->data[i] = g[i];
        }
    }
}

/* Weights after `steps` steps with one gradient. */
static void run(const cn_optimizer_options *options, int steps, double rate, float matrix[COUNT],
                float vector[COUNT])
{
    cn_weights weights = {0}, gradients = {0};
    make(&weights, &gradients);
    cn_optimizer *optimizer;
    cr_assert_eq(cn_optimizer_new(&optimizer, options, &gradients, NULL), CN_OK);
    for (int i = 0; i < steps; i++)
        cn_optimizer_step(optimizer, &weights, &gradients, rate);
    cr_expect_eq(*cn_optimizer_steps(optimizer), steps);
    for (int i = 0; i < COUNT; i++) {
        matrix[i] = weights.tensors[0].data[i];
        vector[i] = weights.tensors[1].data[i];
    }
    cn_optimizer_free(optimizer);
    cn_weights_clear(&weights);
    cn_weights_clear(&gradients);
}

Test(optimizer, plain_momentum_accumulates)
{
    cn_optimizer_options o = cn_optimizer_defaults();
    o.nesterov = false;
    float m[COUNT], v[COUNT];
    run(&o, 2, 0.1, m, v);
    /* velocity 0.5, then 0.9 * 0.5 + 0.5 */
    cr_expect_float_eq(m[0], 1 - 0.1 * 0.5 - 0.1 * 0.95, 1e-6);
    cr_expect_float_eq(m[1], 2 + 0.1 * 0.25 + 0.1 * 0.475, 1e-6);
    cr_expect_eq(m[2], 3);
}

Test(optimizer, nesterov_looks_ahead)
{
    cn_optimizer_options o = cn_optimizer_defaults();
    float m[COUNT], v[COUNT];
    run(&o, 1, 0.1, m, v);
    cr_expect_float_eq(m[0], 1 - 0.1 * (0.5 + 0.9 * 0.5), 1e-6);
}

Test(optimizer, decay_spares_vectors)
{
    cn_optimizer_options o = cn_optimizer_defaults();
    o.nesterov = false;
    o.weight_decay = 0.1f;
    float m[COUNT], v[COUNT];
    run(&o, 1, 0.1, m, v);
    cr_expect_float_eq(m[2], 3 - 0.1 * 0.1 * 3, 1e-6);
    cr_expect_eq(v[2], 3);
}

Test(optimizer, adam_first_step_is_the_rate)
{
    cn_optimizer_options o = cn_optimizer_defaults();
    o.kind = CN_OPTIMIZER_ADAM;
    float m[COUNT], v[COUNT];
    run(&o, 1, 0.01, m, v);
    cr_expect_float_eq(m[0], 1 - 0.01, 1e-6);
    cr_expect_float_eq(m[1], 2 + 0.01, 1e-6);
    cr_expect_eq(m[2], 3);
}

/* Adam puts the decay into the gradient, where normalization swallows its size; AdamW does not. */
Test(optimizer, adamw_decays_apart)
{
    cn_optimizer_options o = cn_optimizer_defaults();
    o.kind = CN_OPTIMIZER_ADAMW;
    o.weight_decay = 0.1f;
    float m[COUNT], v[COUNT];
    run(&o, 1, 0.01, m, v);
    cr_expect_float_eq(m[2], 3 * (1 - 0.01 * 0.1), 1e-6);
    o.kind = CN_OPTIMIZER_ADAM;
    run(&o, 1, 0.01, m, v);
    cr_expect_float_eq(m[2], 3 - 0.01, 1e-6);
    cr_expect_eq(v[2], 3);
}

Test(schedule, shapes)
{
    const int64_t total = 100;
    cn_schedule s = {.kind = CN_SCHEDULE_ONE_CYCLE, .rate = 1, .warmup = 0.25};
    cr_expect_float_eq(cn_schedule_rate(&s, 24, total), 1, 1e-12);
    cr_expect_float_eq(cn_schedule_rate(&s, 25, total), 1, 1e-12);
    cr_expect_lt(cn_schedule_rate(&s, 0, total), 0.08);
    cr_expect_lt(cn_schedule_rate(&s, 99, total), 0.01);
    for (int64_t i = 26; i < total; i++)
        cr_expect_lt(cn_schedule_rate(&s, i, total), cn_schedule_rate(&s, i - 1, total));
    s = (cn_schedule){.kind = CN_SCHEDULE_COSINE, .rate = 2};
    cr_expect_float_eq(cn_schedule_rate(&s, 0, total), 2, 1e-12);
    cr_expect_float_eq(cn_schedule_rate(&s, 50, total), 1, 1e-12);
    s.kind = CN_SCHEDULE_STEP;
    cr_expect_float_eq(cn_schedule_rate(&s, 49, total), 2, 1e-12);
    cr_expect_float_eq(cn_schedule_rate(&s, 50, total), 0.2, 1e-12);
    cr_expect_float_eq(cn_schedule_rate(&s, 75, total), 0.02, 1e-12);
    s.kind = CN_SCHEDULE_CONSTANT;
    s.warmup = 0.1;
    cr_expect_float_eq(cn_schedule_rate(&s, 4, total), 1, 1e-12);
    cr_expect_float_eq(cn_schedule_rate(&s, 99, total), 2, 1e-12);
}
