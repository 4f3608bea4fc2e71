/* The trainer as a whole: it learns, repeats itself, infers as the reference does, and refuses. */
#include <math.h>
#include <string.h>

#include "condense/session.h"
#include "train_fixture.h"

Test(train, learns_a_small_problem_twice_alike)
{
    fixture f;
    fixture_make(&f);
    cn_fit_options options = cn_fit_defaults();
    options.epochs = 30;
    options.schedule.rate = 0.05;
    float first[24];
    for (int round = 0; round < 2; round++) {
        cn_trainer *trainer = fixture_trainer(&f);
        cn_error error = {0};
        double loss, accuracy;
        cr_assert_eq(cn_fit(trainer, &f.examples, &f.examples, &options, &error), CN_OK, "%s",
                     error.message);
        cr_assert_eq(cn_evaluate(trainer, &f.examples, &loss, &accuracy, &error), CN_OK);
        cr_expect_gt(accuracy, 0.95);
        const cn_tensor *w = cn_weights_of(cn_trainer_weights(trainer), "fc", "weight");
        if (round == 0)
            memcpy(first, w->data, sizeof first);
        else
            cr_expect_eq(memcmp(first, w->data, sizeof first), 0);
        cn_trainer_free(trainer);
    }
    fixture_clear(&f);
}

Test(train, inference_matches_the_reference)
{
    fixture f;
    fixture_make(&f);
    cn_trainer *trainer = fixture_trainer(&f);
    cn_fit_options options = cn_fit_defaults();
    options.epochs = 2;
    cn_error error = {0};
    cr_assert_eq(cn_fit(trainer, &f.examples, &(cn_examples){0}, &options, &error), CN_OK, "%s",
                 error.message);
    float logits[FIXTURE_BATCH * 3];
    double expected[FIXTURE_BATCH * 3];
    cr_assert_eq(cn_trainer_forward(trainer, f.images, logits, &error), CN_OK);
    cr_assert_eq(cn_reference_run(&f.graph, cn_trainer_weights(trainer), FIXTURE_BATCH, f.images,
                                  expected, NULL, &error),
                 CN_OK, "%s", error.message);
    for (int b = 0; b < FIXTURE_BATCH; b++) {
        double sum = 0;
        for (int c = 0; c < 3; c++)
            sum += exp((double)logits[b * 3 + c]);
        for (int c = 0; c < 3; c++)
            cr_expect_float_eq(exp((double)logits[b * 3 + c]) / sum, expected[b * 3 + c], 1e-5);
    }
    cn_trainer_free(trainer);
    fixture_clear(&f);
}

/* With the mask of one step fixed, dropout is a linear map: its gradient is a difference too. */
Test(train, dropout_follows_the_step_and_has_its_gradient)
{
    fixture f;
    fixture_make(&f);
    cn_trainer *trainer = fixture_trainer(&f);
    cn_tensor *bias = cn_weights_of(cn_trainer_weights(trainer), "bn", "bias");
    const cn_tensor *gradient = cn_weights_of(cn_trainer_gradients(trainer), "bn", "bias");
    double losses[3], above, below;
    int32_t hits;
    for (int i = 0; i < 3; i++) {
        cn_trainer_set_step(trainer, i == 2 ? 8 : 7);
        cr_assert_eq(cn_trainer_backward(trainer, f.images, f.labels, 0, &losses[i], &hits, NULL),
                     CN_OK);
    }
    cr_expect_eq(losses[0], losses[1]);
    cr_expect_neq(losses[0], losses[2]);
    float expected = gradient->data[0], old = bias->data[0];
    bias->data[0] = old + 1e-2f;
    cn_trainer_backward(trainer, f.images, f.labels, 0, &above, &hits, NULL);
    bias->data[0] = old - 1e-2f;
    cn_trainer_backward(trainer, f.images, f.labels, 0, &below, &hits, NULL);
    cr_expect_float_eq((above - below) / 2e-2, expected, 2e-3 + 0.02 * fabs((double)expected));
    cn_trainer_free(trainer);
    fixture_clear(&f);
}

Test(train, refuses_what_it_cannot_do)
{
    fixture f;
    fixture_make(&f);
    cn_trainer *trainer = fixture_trainer(&f), *none;
    cn_error error = {0};
    double loss;
    int32_t hits, labels[FIXTURE_BATCH] = {0, 1, 2, 3};
    cr_expect_eq(cn_trainer_backward(trainer, f.images, labels, 0, &loss, &hits, &error),
                 CN_EINVAL);
    cr_expect(strstr(error.message, "label 3"), "%s", error.message);
    cr_expect_eq(cn_trainer_new(&none, &f.graph, &f.weights, 0, 1, &error), CN_EINVAL);
    cr_expect_null(none);
    cn_weights empty = {0};
    cr_expect_neq(cn_trainer_new(&none, &f.graph, &empty, 1, 1, &error), CN_OK);
    f.graph.layers[1].activation = CN_ACT_RELU;
    cr_expect_eq(cn_trainer_new(&none, &f.graph, &f.weights, 1, 1, &error), CN_EINVAL);
    cr_expect(strstr(error.message, "conv"), "%s", error.message);
    cn_fit_options options = cn_fit_defaults();
    cn_examples few = {f.images, f.labels, FIXTURE_BATCH - 1};
    cr_expect_eq(cn_fit(trainer, &few, &few, &options, &error), CN_EINVAL);
    cn_trainer_free(trainer);
    fixture_clear(&f);
}

Test(train, augmentation_moves_and_mirrors)
{
    const cn_shape shape = {2, 3, 4};
    float from[24], to[24];
    for (int i = 0; i < 24; i++)
        from[i] = (float)(i + 1);
    cn_random random = cn_random_seed(1);
    cn_augment none = {0}, flip = {.flip = true}, crop = {.crop = 1}, erase = {.erase = 1};
    cn_augment_image(&none, &random, shape, from, to);
    cr_expect_eq(memcmp(from, to, sizeof to), 0);
    int mirrored = 0, moved = 0, erased = 0;
    for (int i = 0; i < 200; i++) {
        cn_augment_image(&flip, &random, shape, from, to);
        bool is_mirrored = to[0] == from[3];
        mirrored += is_mirrored;
        for (int k = 0; k < 24; k++)
            cr_expect_eq(to[k], from[is_mirrored ? k / 4 * 4 + 3 - k % 4 : k]);
        cn_augment_image(&crop, &random, shape, from, to);
        moved += to[5] != from[5];
        cr_expect(to[5] == 0 || (to[5] >= 1 && to[5] <= 12), "a pixel of another channel");
        cn_augment_image(&erase, &random, shape, from, to);
        for (int k = 0; k < 12; k++) {
            erased += to[k] == 0;
            cr_expect_eq(to[k] == 0, to[k + 12] == 0, "channels are erased together");
        }
    }
    cr_expect(mirrored > 60 && mirrored < 140);
    cr_expect(moved > 140);
    cr_expect(erased > 100);
}
