/* The committed compressed weights: kernels that skip zeros name the same classes of the
 * Fashion-MNIST test set as dense ones that multiply with them. */
#include <criterion/criterion.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/session.h"
#include "data/catalog.h"
#include "data/dataset.h"
#include "data/store_weights.h"

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

/* Names a class for each picture; returns how many are right. *sparse: layers that skip zeros. */
static int32_t look(const subject *s, bool skips, int32_t *named, int32_t *sparse)
{
    cn_session_options options = cn_session_defaults();
    cn_session *session;
    cn_error error = {0};
    int32_t hits = 0, count;
    float output[BATCH * 16];
    options.sparse = skips;
    options.batch = BATCH;
    cr_assert_leq(s->classes, 16);
    cr_assert_eq(cn_session_new(&session, &s->model.graph, &s->weights, &options, &error), CN_OK,
                 "%s", error.message);
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    for (int32_t i = 0; i < count; i++)
        *sparse += strstr(profile[i].kernel, "sparse") != NULL;
    int64_t size = cn_shape_count(s->model.graph.layers[0].shape);
    for (int32_t i = 0; i < PICTURES; i++) {
        if (i % BATCH == 0)
            cr_assert_eq(cn_session_run(session, s->input + i * size, output, &error), CN_OK);
        const float *row = output + i % BATCH * s->classes;
        named[i] = 0;
        for (int32_t c = 1; c < s->classes; c++)
            if (row[c] > row[named[i]]) named[i] = c;
        hits += named[i] == s->labels[i];
    }
    cn_session_free(session);
    return hits;
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
    int32_t with[PICTURES], without[PICTURES], sparse = 0, none = 0;
    int32_t hits = look(&s, true, with, &sparse);
    look(&s, false, without, &none);
    cr_expect_eq(none, 0);
    cr_expect_gt(hits, PICTURES * 8 / 10, "%s: %d of %d are right", path, hits, (int)PICTURES);
    cr_expect(!strncmp(variant, "quantized", 9) || sparse > 0, "%s: no zeros are skipped", path);
    for (int32_t i = 0; i < PICTURES; i++)
        cr_expect_eq(with[i], without[i], "%s, picture %d: class %d, without zeros %d", path, i,
                     without[i], with[i]);
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
