/* Compressed variants made for networks that are not trained here. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/quantize.h"
#include "condense/session.h"
#include "data/catalog.h"
#include "data/made_weights.h"

/* No data and no imported weights, whatever the machine has. */
static void leave_data_out(void)
{
    setenv("CONDENSE_DATA", "/nonexistent", 1);
}

TestSuite(made_weights, .init = leave_data_out);

static cn_model load(void)
{
    cn_model model;
    cn_error error = {0};
    cr_assert_eq(st_catalog_load("lenet5", "imagenet", NULL, 0, &model, &error), CN_OK, "%s",
                 error.message);
    return model;
}

static void make(const cn_model *model, const char *variant, const char *scheme, double rate,
                 cn_weights *weights, st_compressed *made)
{
    cn_error error = {0};
    cr_assert_eq(st_weights_make(model, variant, scheme, rate, NULL, weights, made, &error), CN_OK,
                 "%s: %s", variant, error.message);
}

/* Weights of convolutions and fully connected layers over those that are not zero. */
static double rate_of(const cn_model *model, const cn_weights *weights)
{
    double all = 0, left = 0;
    for (int32_t i = 0; i < model->graph.count; i++) {
        if (!cn_op_is_tensor(model->graph.layers[i].op)) continue;
        const cn_tensor *w = cn_weights_of(weights, model->graph.layers[i].name, "weight");
        for (int64_t k = 0; k < cn_tensor_count(w); k++)
            left += w->data[k] != 0;
        all += (double)cn_tensor_count(w);
    }
    return all / left;
}

/* Layers on kernels of integers, and those that skip zeros. */
static void count_kernels(const cn_model *model, const cn_weights *weights, int *integers,
                          int *sparse)
{
    cn_session *session;
    cn_error error = {0};
    int32_t count;
    const cn_session_options options = cn_session_defaults();
    cr_assert_eq(cn_session_new(&session, &model->graph, weights, &options, &error), CN_OK, "%s",
                 error.message);
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    *integers = *sparse = 0;
    for (int32_t i = 0; i < count; i++) {
        *integers += !strncmp(profile[i].kernel, "i8_", 3);
        *sparse += profile[i].products < profile[i].dense_products;
    }
    cn_session_free(session);
}

Test(made_weights, are_what_their_label_says)
{
    static const struct {
        const char *variant, *scheme;
        double rate;
        const char *made_scheme;
        double made_rate;
        const char *label;
    } rows[] = {
        {"pruned", "", NAN, "block8", 8, "random, block8 8x by magnitude"},
        {"pruned", "unstructured", 3, "unstructured", 3, "random, unstructured 3x by magnitude"},
        {"quantized", "", NAN, "", NAN, "random, 8-bit, ranges of 8 random pictures"},
        {"pruned+quantized", "", NAN, "block8x4", 8,
         "random, block8x4 8x by magnitude, 8-bit, ranges of 8 random pictures"},
        {"pruned+quantized", "block8", 4, "block8", 4,
         "random, block8 4x by magnitude, 8-bit, ranges of 8 random pictures"},
    };
    cn_model model = load();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cn_weights weights, again;
        st_compressed made;
        char digests[2][65];
        int integers, sparse;
        bool pruned = *rows[i].made_scheme, quantized = strstr(rows[i].variant, "quantized");
        make(&model, rows[i].variant, rows[i].scheme, rows[i].rate, &weights, &made);
        cr_expect_str_eq(weights.label, rows[i].label);
        cr_expect(st_weights_are_random(weights.label));
        cr_expect_str_eq(made.scheme, rows[i].made_scheme);
        cr_expect(pruned ? made.rate == rows[i].made_rate : isnan(made.rate));
        /* Rounding to integers may make a few more weights zero. */
        double rate = rate_of(&model, &weights), wanted = pruned ? made.rate : 1;
        cr_expect(rate > 0.97 * wanted && rate < 1.1 * wanted, "%s: rate %g", weights.label, rate);
        cr_expect_eq(cn_quantization_there(&weights), quantized);
        count_kernels(&model, &weights, &integers, &sparse);
        cr_expect_eq(integers > 0, quantized, "%s: %d layers", weights.label, integers);
        cr_expect_eq(sparse > 0, pruned, "%s: %d layers", weights.label, sparse);
        make(&model, rows[i].variant, rows[i].scheme, rows[i].rate, &again, &made);
        st_weights_digest(&weights, digests[0]);
        st_weights_digest(&again, digests[1]);
        cr_expect_str_eq(digests[0], digests[1]);
        cn_weights_clear(&weights);
        cn_weights_clear(&again);
    }
    cn_model_clear(&model);
}

/* Zeros of blocks stay zeros in integers. */
Test(made_weights, integers_keep_the_zeros)
{
    cn_model model = load();
    cn_weights pruned, both;
    st_compressed made;
    make(&model, "pruned", "block8x4", 8, &pruned, &made);
    make(&model, "pruned+quantized", "", NAN, &both, &made);
    for (int32_t i = 0; i < model.graph.count; i++) {
        if (!cn_op_is_tensor(model.graph.layers[i].op)) continue;
        const char *name = model.graph.layers[i].name;
        const cn_tensor *a = cn_weights_of(&pruned, name, "weight");
        const cn_tensor *b = cn_weights_of(&both, name, "weight");
        for (int64_t k = 0; k < cn_tensor_count(a); k++)
            cr_assert(a->data[k] != 0 || b->data[k] == 0, "%s, weight %ld", name, (long)k);
    }
    cn_weights_clear(&pruned);
    cn_weights_clear(&both);
    cn_model_clear(&model);
}

Test(made_weights, only_where_networks_are_not_trained)
{
    cr_expect_not(st_variants_are_made("fashion"));
    cr_expect(st_variants_are_made("imagenet"));
    cr_expect(st_weights_are_random("random"));
    cr_expect_not(st_weights_are_random("randomized.safetensors"));
    cr_expect_not(st_weights_are_random("lenet5-fashion.safetensors"));
}

Test(made_weights, what_cannot_be_is_refused)
{
    cn_model model = load();
    cn_weights weights;
    st_compressed made;
    cn_error error = {0};
    cr_expect_eq(st_weights_make(&model, "quantized", "block8", NAN, NULL, &weights, &made, &error),
                 CN_EINVAL);
    cr_expect(strstr(error.message, "no scheme"), "%s", error.message);
    cr_expect_eq(st_weights_make(&model, "pruned", "", 1e6, NULL, &weights, &made, &error),
                 CN_EINVAL);
    cr_expect(strstr(error.message, "at most"), "%s", error.message);
    cr_expect_eq(st_weights_make(&model, "pruned", "", 2, "no-such-set", &weights, &made, &error),
                 CN_OK, "pruning needs no pictures");
    cn_weights_clear(&weights);
    cr_expect_eq(
        st_weights_make(&model, "quantized", "", NAN, "no-such-set", &weights, &made, &error),
        CN_EINVAL);
    cn_model_clear(&model);
}
