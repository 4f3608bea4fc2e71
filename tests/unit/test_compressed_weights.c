/* Which file a compressed variant gets, and what is refused. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "condense/compact.h"
#include "data/catalog.h"
#include "data/store_weights.h"

Test(compressed_weights, variants_have_names)
{
    cr_expect(st_variant_is_compressed("pruned"));
    cr_expect(st_variant_is_compressed("pruned+quantized"));
    cr_expect_not(st_variant_is_compressed("dense"));
    cr_expect_not(st_variant_is_compressed("quantized+pruned"));
}

Test(compressed_weights, a_file_must_be_what_is_asked_for)
{
    static const char metadata[] =
        "{\"model\":\"lenet5\",\"scale\":\"fashion\",\"variant\":\"pruned\","
        "\"scheme\":\"block8\",\"rate\":\"8\"}";
    static const struct {
        const char *variant, *scheme;
        double rate;
        const char *words; /* NULL: it loads */
    } rows[] = {{"pruned", "", NAN, NULL},
                {"pruned", "block8", 8, NULL},
                {"quantized", "", NAN, "its variant is 'pruned', not 'quantized'"},
                {"pruned", "filter", NAN, "its scheme is 'block8', not 'filter'"},
                {"pruned", "block8", 16, "its rate is '8', not '16'"}};
    char path[] = "/tmp/compressed-XXXXXX";
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    close(file);
    cn_model model;
    cn_weights random = {0};
    cn_error error = {0};
    cr_assert_eq(st_catalog_load("lenet5", "fashion", NULL, 0, &model, &error), CN_OK, "%s",
                 error.message);
    cr_assert_eq(cn_weights_random(&random, &model.graph, 1, &error), CN_OK);
    cr_assert_eq(cn_compact_write(path, &random, metadata, false, &error), CN_OK, "%s",
                 error.message);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cn_weights weights = {0};
        st_compressed found;
        cn_status status = st_weights_load_compressed(&model, rows[i].variant, rows[i].scheme,
                                                      rows[i].rate, path, &weights, &found, &error);
        cr_expect_eq(status, rows[i].words ? CN_EINVAL : CN_OK, "row %zu: %s", i, error.message);
        if (rows[i].words) {
            cr_expect(strstr(error.message, rows[i].words), "%s", error.message);
        } else {
            cr_expect_str_eq(found.scheme, "block8");
            cr_expect_eq(found.rate, 8);
        }
        cn_weights_clear(&weights);
    }
    unlink(path);
    cn_weights_clear(&random);
    cn_model_clear(&model);
}
