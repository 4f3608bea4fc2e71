/* Timing training: the parts of a step add up to it, and looking changes nothing. */
#include <string.h>

#include "condense/clock.h"
#include "measure/training.h"
#include "train_fixture.h"

static cn_fit_options short_run(void)
{
    cn_fit_options options = cn_fit_defaults();
    options.epochs = 3;
    options.schedule.rate = 0.05;
    options.average = 0.9f;
    return options;
}

static void run(cn_trainer *trainer, const fixture *f, const cn_fit_options *options)
{
    cn_error error = {0};
    cr_assert_eq(cn_fit(trainer, &f->examples, &(cn_examples){0}, options, &error), CN_OK, "%s",
                 error.message);
}

Test(step_parts, add_up_to_the_time_of_the_steps)
{
    fixture f;
    fixture_make(&f);
    cn_trainer *trainer = fixture_trainer(&f);
    const cn_fit_options options = short_run();
    int64_t ns[CN_STEP_PARTS] = {0}, sum = 0, begin = cn_clock_ns();
    cn_trainer_clock(trainer, ns);
    run(trainer, &f, &options);
    cn_trainer_lap(trainer, CN_STEP_OTHER);
    int64_t whole = cn_clock_ns() - begin;
    for (int i = 0; i < CN_STEP_PARTS; i++) {
        cr_expect_geq(ns[i], 0);
        if (i != CN_STEP_JOINS) cr_expect_gt(ns[i], 0, "%s", st_step_part_name((cn_step_part)i));
        sum += ns[i];
    }
    cr_expect_eq(ns[CN_STEP_JOINS], 0, "a chain of layers has none");
    cr_expect_leq(sum, whole);
    cr_expect_gt((double)sum, 0.5 * (double)whole);
    cn_trainer_clock(trainer, NULL);
    int64_t before[CN_STEP_PARTS];
    memcpy(before, ns, sizeof before);
    run(trainer, &f, &options);
    cr_expect_arr_eq(ns, before, sizeof ns, "the clock was taken away");
    cn_trainer_free(trainer);
    fixture_clear(&f);
}

static void play_primitives(void *context, int64_t step, int64_t total, double loss)
{
    (void)step, (void)total, (void)loss;
    cn_error error = {0};
    cr_expect_eq(cn_trainer_primitives(context, &error), CN_OK, "%s", error.message);
}

Test(step_parts, primitives_alone_change_no_training)
{
    fixture f;
    fixture_make(&f);
    cn_trainer *plain = fixture_trainer(&f), *watched = fixture_trainer(&f);
    cn_fit_options options = short_run();
    run(plain, &f, &options);
    options.on_step = play_primitives;
    options.context = watched;
    run(watched, &f, &options);
    const cn_weights *a = cn_trainer_weights(plain), *b = cn_trainer_weights(watched);
    for (int32_t i = 0; i < a->count; i++)
        cr_expect_arr_eq(a->tensors[i].data, b->tensors[i].data,
                         (size_t)cn_tensor_count(&a->tensors[i]) * sizeof(float), "%s",
                         a->tensors[i].name);
    cn_trainer_free(plain);
    cn_trainer_free(watched);
    fixture_clear(&f);
}

Test(step_parts, are_measured_in_rounds)
{
    fixture f;
    fixture_make(&f);
    cn_trainer *trainer = fixture_trainer(&f);
    cn_fit_options options = short_run();
    st_training t;
    cn_error error = {0};
    cr_assert_eq(st_training_measure(trainer, &f.examples, &options, 1e-6, &t, &error), CN_OK, "%s",
                 error.message);
    cr_expect_eq(t.rounds, 7, "%d rounds", t.rounds);
    cr_expect_gt(t.share, 0);
    cr_expect_leq(t.alone.min, t.alone.median);
    for (int32_t round = 0; round < t.rounds; round++) {
        double sum = 0;
        for (int i = 0; i < CN_STEP_PARTS; i++)
            sum += t.parts_ms[round * CN_STEP_PARTS + i];
        cr_expect_float_eq(sum, t.step_ms[round], 1e-9);
        cr_expect_gt(t.alone_ms[round], 0);
    }
    st_training_clear(&t);

    /* A recipe that ends while steps still warm up. */
    options.epochs = 1;
    options.epoch_steps = 2;
    cr_expect_eq(st_training_measure(trainer, &f.examples, &options, 1e-6, &t, &error), CN_EINVAL);
    cr_expect(strstr(error.message, "after 2 steps"), "%s", error.message);
    st_training_clear(&t);
    cn_trainer_free(trainer);
    fixture_clear(&f);
}
