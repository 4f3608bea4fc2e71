/* Trained networks see the same in the Fashion-MNIST test set at every instruction-set level that
 * the processor has: levels differ in rounding, not in the class they name. */
#include <criterion/criterion.h>

#include "condense/memory.h"
#include "condense/session.h"
#include "data/catalog.h"
#include "data/dataset.h"
#include "data/store_weights.h"

/* Under the sanitizers a scalar run is thirty times slower: there are fewer pictures. */
#ifdef __SANITIZE_ADDRESS__
enum { SHARE = 40 };
#else
enum { SHARE = 1 };
#endif

enum { BATCH = 25 };

typedef struct subject {
    cn_model model;
    cn_weights weights;
    st_dataset *pictures;
    int32_t count; /* of pictures that are looked at, evenly from all over the set */
    float *input, *output;
} subject;

static subject take(const char *name, int32_t pictures)
{
    subject s = {.count = pictures / SHARE / BATCH * BATCH};
    cn_error error = {0};
    cr_assert_eq(st_catalog_load(name, "fashion", NULL, 0, &s.model, &error), CN_OK, "%s",
                 error.message);
    cn_shape input = s.model.graph.layers[0].shape;
    cn_status status = st_dataset_open(&s.pictures, "fashion-mnist", ST_SPLIT_TEST,
                                       &s.model.preprocess, input, &error);
    if (status == CN_ENOTFOUND) {
        cn_model_clear(&s.model);
        cr_skip_test("%s", error.message);
    }
    cr_assert_eq(status, CN_OK, "%s", error.message);
    cr_assert_eq(st_weights_load(&s.model, NULL, &s.weights, &error), CN_OK, "%s", error.message);
    cr_assert_str_neq(s.weights.label, "random", "%s has no trained weights", name);
    s.input = cn_calloc((size_t)(BATCH * cn_shape_count(input)), sizeof *s.input);
    s.output = cn_calloc((size_t)(BATCH * st_dataset_classes(s.pictures)), sizeof *s.output);
    return s;
}

static void give(subject *s)
{
    st_dataset_free(s->pictures);
    cn_weights_clear(&s->weights);
    cn_model_clear(&s->model);
    cn_free(s->input);
    cn_free(s->output);
}

static int32_t largest(const float *values, int32_t count)
{
    int32_t best = 0;
    for (int32_t i = 1; i < count; i++)
        if (values[i] > values[best]) best = i;
    return best;
}

/* The classes that the network names at the level; the caller's to free. `hits`: how many are
 * right. */
static int32_t *look(const subject *s, cn_isa isa, int32_t *hits)
{
    cn_session_options options = cn_session_defaults();
    cn_session *session;
    cn_error error = {0};
    int32_t classes = st_dataset_classes(s->pictures), total = st_dataset_count(s->pictures);
    int64_t size = cn_shape_count(s->model.graph.layers[0].shape);
    int32_t *named = cn_calloc((size_t)s->count, sizeof *named), labels[BATCH];
    options.isa = isa;
    options.batch = BATCH;
    cr_assert_eq(cn_session_new(&session, &s->model.graph, &s->weights, &options, &error), CN_OK,
                 "%s", error.message);
    cr_assert_eq(cn_session_isa(session), isa);
    *hits = 0;
    for (int32_t first = 0; first < s->count; first += BATCH) {
        for (int32_t i = 0; i < BATCH; i++)
            cr_assert_eq(st_dataset_get(s->pictures,
                                        (int32_t)((int64_t)(first + i) * total / s->count),
                                        s->input + i * size, &labels[i], &error),
                         CN_OK, "%s", error.message);
        cr_assert_eq(cn_session_run(session, s->input, s->output, NULL), CN_OK);
        for (int32_t i = 0; i < BATCH; i++) {
            named[first + i] = largest(s->output + i * classes, classes);
            *hits += named[first + i] == labels[i];
        }
    }
    cn_session_free(session);
    return named;
}

static void check(const char *name, int32_t pictures)
{
    subject s = take(name, pictures);
    int32_t hits, others, *named = look(&s, CN_ISA_SCALAR, &hits);
    cr_expect_gt(hits, s.count * 8 / 10, "%s is right %d times of %d", name, hits, s.count);
    for (int isa = CN_ISA_SCALAR + 1; isa < CN_ISA_BEST; isa++) {
        if (cn_isa_of_floats(cn_isa_available((cn_isa)isa)) != (cn_isa)isa) continue;
        int32_t *other = look(&s, (cn_isa)isa, &others);
        for (int32_t i = 0; i < s.count; i++)
            cr_expect_eq(named[i], other[i], "%s, picture %d of %d: class %d, %s says %d", name, i,
                         s.count, named[i], cn_isa_name((cn_isa)isa), other[i]);
        cn_free(other);
    }
    cn_free(named);
    give(&s);
}

Test(levels, lenet5_names_the_same_classes)
{
    check("lenet5", 10000);
}

Test(levels, mobilenet_v2_names_the_same_classes) /* depthwise, residuals */
{
    check("mobilenet_v2", 1000);
}

Test(levels, squeezenet_names_the_same_classes) /* Winograd, concatenation */
{
    check("squeezenet_v1.1", 1000);
}
