/* The committed compressed weights: kernels that skip zeros, generated ones and the code that
 * trained them name the same classes of the Fashion-MNIST test set as dense kernels, which multiply
 * with the zeros. */
#include <criterion/criterion.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "condense/generate.h"
#include "condense/memory.h"
#include "condense/quantize.h"
#include "condense/session.h"
#include "condense/train.h"
#include "cpu/generated.h"
#include "data/catalog.h"
#include "data/dataset.h"
#include "data/store_weights.h"
#include "generating.h"

/* Fewer pictures where the sanitizers make them slow. */
#ifdef __SANITIZE_ADDRESS__
enum { PICTURES = 40 };
#else
enum { PICTURES = 400 };
#endif
enum { BATCH = 20 };

typedef struct subject {
    cn_model model;
    cn_weights weights;
    float *input; /* PICTURES of them */
    int32_t labels[PICTURES];
    int32_t classes;
} subject;

static void take_pictures(subject *s)
{
    st_dataset *set;
    cn_error error = {0};
    cn_shape shape = s->model.graph.layers[0].shape;
    cn_status status =
        st_dataset_open(&set, "fashion-mnist", ST_SPLIT_TEST, &s->model.preprocess, shape, &error);
    if (status == CN_ENOTFOUND) cr_skip_test("%s", error.message);
    cr_assert_eq(status, CN_OK, "%s", error.message);
    s->classes = st_dataset_classes(set);
    s->input = cn_calloc((size_t)(PICTURES * cn_shape_count(shape)), sizeof *s->input);
    for (int32_t i = 0; i < PICTURES; i++)
        cr_assert_eq(st_dataset_get(set, (int32_t)((int64_t)i * st_dataset_count(set) / PICTURES),
                                    s->input + i * cn_shape_count(shape), &s->labels[i], &error),
                     CN_OK, "%s", error.message);
    st_dataset_free(set);
}

static int32_t largest(const float *row, int32_t classes)
{
    int32_t best = 0;
    for (int32_t c = 1; c < classes; c++)
        if (row[c] > row[best]) best = c;
    return best;
}

/* Layers whose kernel's name has `part`. */
static int32_t count_kernels(const cn_session *session, const char *part)
{
    int32_t count, found = 0;
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    for (int32_t i = 0; i < count; i++)
        found += strstr(profile[i].kernel, part) != NULL;
    return found;
}

/* Names a class for each picture; returns how many are right. */
static int32_t look(const subject *s, cn_session *session, int32_t *named)
{
    int32_t hits = 0;
    float output[BATCH * 16];
    cr_assert_leq(s->classes, 16);
    int64_t size = cn_shape_count(s->model.graph.layers[0].shape);
    for (int32_t i = 0; i < PICTURES; i++) {
        if (i % BATCH == 0)
            cr_assert_eq(cn_session_run(session, s->input + i * size, output, NULL), CN_OK);
        named[i] = largest(output + i % BATCH * s->classes, s->classes);
        hits += named[i] == s->labels[i];
    }
    return hits;
}

static cn_session *new_session(const subject *s, const cn_session_options *options)
{
    cn_session *session;
    cn_error error = {0};
    cr_assert_eq(cn_session_new(&session, &s->model.graph, &s->weights, options, &error), CN_OK,
                 "%s", error.message);
    return session;
}

static cn_session_options options_with(bool sparse)
{
    cn_session_options options = cn_session_defaults();
    options.batch = BATCH;
    options.sparse = sparse;
    return options;
}

static void expect_same(const char *path, const char *what, const int32_t *got, const int32_t *want)
{
    for (int32_t i = 0; i < PICTURES; i++)
        cr_expect_eq(got[i], want[i], "%s, picture %d: class %d, %s %d", path, i, want[i], what,
                     got[i]);
}

/* The code for training, in inference mode. */
static void train_look(const subject *s, int32_t *named)
{
    cn_trainer *trainer;
    cn_error error = {0};
    float logits[BATCH * 16];
    cr_assert_eq(cn_trainer_new(&trainer, &s->model.graph, &s->weights, BATCH, 1, &error), CN_OK,
                 "%s", error.message);
    int64_t size = cn_shape_count(s->model.graph.layers[0].shape);
    for (int32_t i = 0; i < PICTURES; i++) {
        if (i % BATCH == 0)
            cr_assert_eq(cn_trainer_forward(trainer, s->input + i * size, logits, &error), CN_OK);
        named[i] = largest(logits + i % BATCH * s->classes, s->classes);
    }
    cn_trainer_free(trainer);
}

/* Kernels generated for the weights' own zeros. */
static void generated_look(const subject *s, const char *path, const int32_t *want)
{
    char *folder = test_new_folder();
    cn_session_options options = options_with(true);
    cn_session *session = new_session(s, &options);
    cn_wisdom *wisdom = test_all_generated(session, 1, BATCH);
    cn_session_free(session);
    cr_assert_eq(cn_generator_new(&options.generator, test_compiler, folder, NULL), CN_OK);
    options.wisdom = wisdom;
    session = new_session(s, &options);
    cn_generator_counts counts = cn_generator_report(options.generator);
    int32_t named[PICTURES];
    look(s, session, named);
    expect_same(path, "generated", named, want);
    cr_expect_gt(counts.compiled, 0, "%s: nothing was generated: %s", path,
                 cn_generator_problem(options.generator));
    cn_session_free(session);
    cn_generator_free(options.generator);
    cn_wisdom_free(wisdom);
    test_drop_folder(folder);
}

static void check(const char *path, const char *model, const char *variant)
{
    subject s = {0};
    st_compressed found;
    cn_error error = {0};
    cr_assert_eq(st_catalog_load(model, "fashion", NULL, 0, &s.model, &error), CN_OK, "%s",
                 error.message);
    cr_assert_eq(
        st_weights_load_compressed(&s.model, variant, "", NAN, path, &s.weights, &found, &error),
        CN_OK, "%s", error.message);
    take_pictures(&s);
    int32_t with[PICTURES], without[PICTURES], trained[PICTURES];
    cn_session_options skips = options_with(true), dense = options_with(false);
    cn_session *session = new_session(&s, &skips);
    int32_t hits = look(&s, session, with), sparse = count_kernels(session, "sparse");
    cn_session_free(session);
    session = new_session(&s, &dense);
    look(&s, session, without);
    cr_expect_eq(count_kernels(session, "sparse"), 0);
    cn_session_free(session);
    cr_expect_gt(hits, PICTURES * 8 / 10, "%s: %d of %d are right", path, hits, (int)PICTURES);
    cr_expect(!strncmp(variant, "quantized", 9) || sparse > 0, "%s: no zeros are skipped", path);
    expect_same(path, "without zeros", with, without);
    if (cn_quantization_there(&s.weights)) { /* integers round activations; training does not */
        dense.integers = false;
        session = new_session(&s, &dense);
        look(&s, session, without);
        cn_session_free(session);
    }
    train_look(&s, trained);
    expect_same(path, "in training", trained, without);
    /* LeNet-5 keeps so many weights of its convolutions that code would be larger than they are. */
    bool small = !strcmp(model, "squeezenet_v1.1") && !strcmp(variant, "pruned");
    if (small && cn_generated_rows(cn_isa_available(CN_ISA_BEST)) > 0 && test_has_compiler())
        generated_look(&s, path, without);
    cn_free(s.input);
    cn_weights_clear(&s.weights);
    cn_model_clear(&s.model);
}

Test(variants, skipping_zeros_changes_no_class)
{
    glob_t files;
    cr_assert_eq(glob("experiments/weights/*-fashion-*.cnz", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s", strrchr(files.gl_pathv[i], '/') + 1);
        char *scale = strstr(name, "-fashion-"), *end = strstr(name, ".cnz");
        *scale = *end = 0;
        check(files.gl_pathv[i], name, scale + strlen("-fashion-"));
    }
    globfree(&files);
}
