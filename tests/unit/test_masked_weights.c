/* Weights pruned by magnitude: the rate that was asked for, the scheme's structure, norms kept. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "data/masked_weights.h"
#include "nets.h"

/* Large enough that rounding to whole units hardly moves the rate. */
static cn_graph make_graph(void)
{
    cn_graph graph = test_graph(3, 12, 12);
    test_add(&graph, test_conv(16, 3, 1, 1), "first", READS(0));
    test_add(&graph, test_conv(128, 3, 1, 1), "wide", READS(1));
    test_add(&graph, test_conv(128, 1, 1, 0), "point", READS(2));
    cn_layer depthwise = test_conv(128, 3, 1, 1);
    depthwise.groups = 128;
    test_add(&graph, depthwise, "depthwise", READS(3));
    test_add(&graph, test_conv(4, 3, 1, 1), "last", READS(4));
    return graph;
}

static int64_t nonzero(const cn_weights *weights, const char *layer)
{
    const cn_tensor *tensor = cn_weights_of(weights, layer, "weight");
    int64_t count = 0;
    for (int64_t i = 0; i < cn_tensor_count(tensor); i++)
        count += tensor->data[i] != 0;
    return count;
}

static double norm(const cn_weights *weights, const char *layer)
{
    const cn_tensor *tensor = cn_weights_of(weights, layer, "weight");
    double sum = 0;
    for (int64_t i = 0; i < cn_tensor_count(tensor); i++)
        sum += (double)tensor->data[i] * (double)tensor->data[i];
    return sqrt(sum);
}

Test(masked_weights, reach_the_rate_by_every_scheme)
{
    for (int scheme = CN_SCHEME_NONE + 1; scheme < CN_SCHEME_COUNT; scheme++) {
        if (scheme == CN_SCHEME_PATTERN) continue; /* has but one rate */
        cn_graph graph = make_graph();
        cn_weights weights = test_weights(&graph, 3), before;
        cn_error error = {0};
        st_mask mask;
        cr_assert_eq(cn_weights_copy(&weights, &before, NULL), CN_OK);
        cr_assert_eq(st_weights_mask(&graph, &weights, (cn_scheme)scheme, 4, &mask, &error), CN_OK,
                     "%s: %s", cn_scheme_name((cn_scheme)scheme), error.message);
        cr_expect_float_eq(mask.rate, 4, 0.3, "%s: %g", cn_scheme_name((cn_scheme)scheme),
                           mask.rate);
        cr_expect_float_eq(mask.rate, (double)mask.weights / (double)mask.nonzero, 1e-12);
        static const char *const whole[] = {"first", "depthwise"};
        for (int i = 0; i < 2; i++)
            cr_expect_eq(nonzero(&weights, whole[i]), nonzero(&before, whole[i]), "%s of %s",
                         whole[i], cn_scheme_name((cn_scheme)scheme));
        cr_expect_lt(nonzero(&weights, "wide"), nonzero(&before, "wide") / 3);
        static const char *const layers[] = {"first", "wide", "point", "depthwise", "last"};
        for (int i = 0; i < 5; i++)
            cr_expect_float_eq(norm(&weights, layers[i]), norm(&before, layers[i]),
                               1e-5 * norm(&before, layers[i]));
        cn_graph_clear(&graph);
        cn_weights_clear(&weights);
        cn_weights_clear(&before);
    }
}

/* Eight successive output channels have their zeros at the same places. */
Test(masked_weights, blocks_share_their_mask)
{
    cn_graph graph = make_graph();
    cn_weights weights = test_weights(&graph, 3);
    st_mask mask;
    cr_assert_eq(st_weights_mask(&graph, &weights, CN_SCHEME_BLOCK8, 9.2, &mask, NULL), CN_OK);
    const cn_tensor *wide = cn_weights_of(&weights, "wide", "weight");
    int64_t row = 16 * 9;
    for (int64_t i = 0; i < cn_tensor_count(wide); i++)
        cr_assert_eq(wide->data[i] == 0, wide->data[i / row / 8 * 8 * row + i % row] == 0);
    cr_expect(strstr(weights.label, ", block8 9.2x by magnitude"), "%s", weights.label);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
}

Test(masked_weights, a_rate_out_of_reach_is_refused)
{
    cn_graph graph = make_graph();
    cn_weights weights = test_weights(&graph, 3);
    cn_error error = {0};
    st_mask mask;
    cr_expect_eq(st_weights_mask(&graph, &weights, CN_SCHEME_BLOCK8, 1e6, &mask, &error),
                 CN_EINVAL);
    cr_expect(strstr(error.message, "at most"), "%s", error.message);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
}
