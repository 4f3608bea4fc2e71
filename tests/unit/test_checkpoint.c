/* A run that stops and goes on ends with the same bits; bad checkpoints are refused. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "condense/memory.h"
#include "train_fixture.h"

static char path[64];

static void name_checkpoint(void)
{
    snprintf(path, sizeof path, "/tmp/condense-checkpoint-%d", (int)getpid());
    unlink(path);
}

static void remove_checkpoint(void)
{
    unlink(path);
}

static volatile sig_atomic_t stop;
static int64_t stop_at;

static void stop_here(void *context, int64_t step, int64_t total, double loss)
{
    (void)context, (void)total, (void)loss;
    if (step == stop_at) stop = 1;
}

static cn_fit_options recipe(void)
{
    cn_fit_options options = cn_fit_defaults();
    options.epochs = 3;
    options.augment = (cn_augment){1, true, 0.5f};
    options.average = 0.9f;
    options.label_smoothing = 0.1f;
    return options;
}

static cn_status fit(cn_trainer *trainer, const fixture *f, const cn_fit_options *options,
                     cn_error *error)
{
    return cn_fit(trainer, &f->examples, &f->examples, options, error);
}

static void expect_same(const cn_weights *a, const cn_weights *b)
{
    cr_assert_eq(a->count, b->count);
    for (int32_t i = 0; i < a->count; i++)
        cr_expect_eq(memcmp(a->tensors[i].data, b->tensors[i].data,
                            (size_t)cn_tensor_count(&a->tensors[i]) * sizeof(float)),
                     0, "%s differs", a->tensors[i].name);
}

TestSuite(checkpoint, .init = name_checkpoint, .fini = remove_checkpoint);

Test(checkpoint, resumed_run_is_bit_identical)
{
    fixture f;
    fixture_make(&f);
    cn_fit_options options = recipe();
    cn_error error = {0};
    cn_trainer *whole = fixture_trainer(&f);
    cr_assert_eq(fit(whole, &f, &options, &error), CN_OK, "%s", error.message);
    options.checkpoint = path;
    options.stop = &stop;
    options.on_step = stop_here;
    options.resume = true;
    /* Stops after the first step, inside the second epoch and at its end. */
    const int64_t stops[] = {1, 8, 12};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        cn_trainer *part = fixture_trainer(&f);
        stop = 0;
        stop_at = stops[i];
        cr_expect_eq(fit(part, &f, &options, &error), CN_EINTERRUPTED, "stop %zu: %s", i,
                     error.message);
        cn_trainer_free(part);
    }
    stop = 0;
    stop_at = -1;
    cn_trainer *last = fixture_trainer(&f);
    cr_assert_eq(fit(last, &f, &options, &error), CN_OK, "%s", error.message);
    expect_same(cn_trainer_weights(whole), cn_trainer_weights(last));
    cn_trainer_free(whole);
    cn_trainer_free(last);
    fixture_clear(&f);
}

Test(checkpoint, another_recipe_is_refused)
{
    fixture f;
    fixture_make(&f);
    cn_fit_options options = recipe();
    options.checkpoint = path;
    options.resume = true;
    cn_error error = {0};
    cn_trainer *trainer = fixture_trainer(&f);
    cr_assert_eq(fit(trainer, &f, &options, &error), CN_OK, "%s", error.message);
    options.schedule.rate *= 2;
    cr_expect_eq(fit(trainer, &f, &options, &error), CN_EINVAL);
    cr_expect(strstr(error.message, "another recipe"), "%s", error.message);
    cn_trainer_free(trainer);
    fixture_clear(&f);
}

Test(checkpoint, damaged_files_are_refused)
{
    fixture f;
    fixture_make(&f);
    cn_fit_options options = recipe();
    options.checkpoint = path;
    options.resume = true;
    cn_error error = {0};
    cn_trainer *trainer = fixture_trainer(&f);
    cr_assert_eq(fit(trainer, &f, &options, &error), CN_OK, "%s", error.message);
    struct stat info;
    cr_assert_eq(stat(path, &info), 0);
    for (off_t size = info.st_size - 1; size >= 0; size -= info.st_size / 16 + 1) {
        cr_assert_eq(truncate(path, size), 0);
        cr_expect_neq(fit(trainer, &f, &options, &error), CN_OK, "%lld bytes were accepted",
                      (long long)size);
    }
    cr_assert_eq(cn_safetensors_write(path, &f.weights, NULL, &error), CN_OK);
    cr_expect_eq(fit(trainer, &f, &options, &error), CN_EFORMAT);
    cr_expect(strstr(error.message, "not a checkpoint"), "%s", error.message);
    cn_trainer_free(trainer);
    fixture_clear(&f);
}

Test(checkpoint, divergence_keeps_the_last_one)
{
    fixture f;
    fixture_make(&f);
    cn_fit_options options = recipe();
    options.checkpoint = path;
    cn_error error = {0};
    cn_trainer *trainer = fixture_trainer(&f);
    cr_assert_eq(fit(trainer, &f, &options, &error), CN_OK, "%s", error.message);
    struct stat before, after;
    cr_assert_eq(stat(path, &before), 0);
    cn_weights_of(cn_trainer_weights(trainer), "fc", "weight")->data[3] = NAN;
    cr_expect_eq(fit(trainer, &f, &options, &error), CN_EDIVERGED);
    cr_expect(strstr(error.message, "step 0") && strstr(error.message, "and fc is"), "%s",
              error.message);
    cn_trainer_free(trainer);
    trainer = fixture_trainer(&f);
    options.schedule.rate = 1e30;
    cr_expect_eq(fit(trainer, &f, &options, &error), CN_EDIVERGED, "%s", error.message);
    cr_assert_eq(stat(path, &after), 0);
    cr_expect_eq(before.st_ino, after.st_ino);
    cn_trainer_free(trainer);
    fixture_clear(&f);
}
