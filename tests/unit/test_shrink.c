/* Channels that vanish: which ones, and that the network stays the same. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/passes.h"
#include "condense/random.h"
#include "condense/session.h"
#include "data/catalog.h"
#include "nets.h"

/* A network before and after. */
typedef struct shrunk {
    cn_graph before, after;
    cn_weights weights, own;
} shrunk;

static void shrink(shrunk *s, unsigned mask)
{
    cn_error error = {0};
    cr_assert_eq(cn_passes_apply(&s->before, &s->weights, mask, &s->after, &s->own, &error), CN_OK,
                 "%s", error.message);
    cr_assert_eq(cn_weights_check(&s->own, &s->after, &error), CN_OK, "%s", error.message);
}

static double *outputs(const cn_graph *graph, const cn_weights *weights, const float *input)
{
    int64_t count = cn_shape_count(graph->layers[graph->count - 1].shape);
    double *output = cn_calloc((size_t)count, sizeof *output);
    cn_error error = {0};
    cr_assert_eq(cn_reference_run(graph, weights, 1, input, output, NULL, &error), CN_OK, "%s",
                 error.message);
    return output;
}

static void expect_same(const shrunk *s, const char *name)
{
    int64_t count = cn_shape_count(s->before.layers[s->before.count - 1].shape);
    float *input = test_values(cn_shape_count(s->before.layers[0].shape), 2);
    double *right = outputs(&s->before, &s->weights, input);
    double *got = outputs(&s->after, &s->own, input), largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(right[i]));
    for (int64_t i = 0; i < count; i++)
        cr_assert_leq(fabs(got[i] - right[i]), 2e-6 * fmax(1, largest), "%s, output %d: %g and %g",
                      name, (int)i, got[i], right[i]);
    cn_free(input);
    cn_free(right);
    cn_free(got);
}

static void give(shrunk *s)
{
    cn_graph_clear(&s->before);
    cn_graph_clear(&s->after);
    cn_weights_clear(&s->weights);
    cn_weights_clear(&s->own);
}

static int32_t channels_of(const cn_graph *graph, const char *name)
{
    int32_t index = cn_graph_find(graph, name);
    cr_assert_geq(index, 0, "there is no layer '%s'", name);
    return graph->layers[index].shape.c;
}

/* Zeroes filter `o` of a layer, or with `input` its weights for input channel `o`. */
static void zero(cn_tensor *weight, int32_t o, bool input)
{
    int64_t row = cn_tensor_count(weight) / weight->dims[0], taps = row / weight->dims[1];
    if (!input) {
        memset(weight->data + o * row, 0, (size_t)row * sizeof *weight->data);
        return;
    }
    for (int64_t f = 0; f < weight->dims[0]; f++)
        memset(weight->data + f * row + o * taps, 0, (size_t)taps * sizeof *weight->data);
}

static void zero_in(cn_weights *weights, const char *layer, int32_t o, bool input)
{
    zero(cn_weights_of(weights, layer, "weight"), o, input);
}

/* Random filters and input channels of random layers go, and some biases are zero. */
static void prune(const cn_graph *graph, cn_weights *weights, uint64_t seed, double share)
{
    cn_random random = cn_random_seed(seed);
    for (int32_t i = 0; i < graph->count; i++) {
        if (!cn_op_is_tensor(graph->layers[i].op)) continue;
        cn_tensor *weight = cn_weights_of(weights, graph->layers[i].name, "weight");
        cn_tensor *bias = cn_weights_of(weights, graph->layers[i].name, "bias");
        for (int32_t o = 0; o < weight->dims[0]; o++) {
            if (cn_random_uniform(&random) < share) zero(weight, o, false);
            if (bias && cn_random_below(&random, 2)) bias->data[o] = 0;
        }
        for (int32_t c = 0; c < weight->dims[1]; c++)
            if (cn_random_uniform(&random) < share / 2) zero(weight, c, true);
    }
}

Test(shrink, random_networks_stay_the_same)
{
    static const unsigned masks[] = {CN_PASS_SHRINK, CN_PASS_FOLD_BATCH_NORM | CN_PASS_SHRINK,
                                     CN_PASS_ALL & ~CN_PASS_FUSE_ACTIVATION, CN_PASS_ALL};
    static const double shares[] = {0.2, 0.5, 0.8, 1.0};
    int shrunk_ones = 0;
    for (const test_net *net = test_nets; net->name; net++)
        for (uint64_t seed = 0; seed < 12; seed++) {
            shrunk s = {.before = net->make()};
            s.weights = test_weights(&s.before, seed);
            prune(&s.before, &s.weights, seed, shares[seed % 4]);
            shrink(&s, masks[seed / 4 % 4]);
            expect_same(&s, net->name);
            shrunk_ones += cn_graph_parameters(&s.after) < cn_graph_parameters(&s.before);
            give(&s);
        }
    cr_assert_geq(shrunk_ones, 40, "%d of 108", shrunk_ones);
}

Test(shrink, networks_without_zeros_stay_whole)
{
    for (const test_net *net = test_nets; net->name; net++) {
        shrunk s = {.before = net->make()};
        s.weights = test_weights(&s.before, 3);
        shrink(&s, CN_PASS_SHRINK);
        cr_assert_eq(cn_graph_parameters(&s.after), cn_graph_parameters(&s.before), "%s",
                     net->name);
        give(&s);
    }
}

/* input(3) - first(8, `kernel`) - relu - second(6, `kernel`, `pad`) - last(4). */
static shrunk chain(int32_t pad)
{
    shrunk s = {.before = test_graph(3, 9, 8)};
    cn_layer first = test_conv(8, 3, 1, pad), second = test_conv(6, 3, 1, pad);
    first.bias = true;
    int32_t x = test_add(&s.before, first, "first", READS(0));
    x = test_add(&s.before, cn_layer_defaults(CN_OP_RELU), "relu", READS(x));
    x = test_add(&s.before, second, "second", READS(x));
    test_add(&s.before, test_conv(4, 1, 1, 0), "last", READS(x));
    s.weights = test_weights(&s.before, 5);
    return s;
}

Test(shrink, a_constant_goes_where_nothing_pads)
{
    shrunk s = chain(0);
    float *bias = cn_weights_of(&s.weights, "first", "bias")->data;
    for (int32_t o = 0; o < 4; o++) {
        zero_in(&s.weights, "first", o, false);
        bias[o] = o % 2 ? 0.75f : -0.25f; /* after the activation: 0.75 and 0 */
    }
    shrink(&s, CN_PASS_SHRINK);
    cr_assert_eq(channels_of(&s.after, "first"), 4);
    cr_assert_eq(channels_of(&s.after, "relu"), 4);
    cr_assert_not_null(cn_weights_of(&s.own, "second", "bias"), "takes what the constants add");
    expect_same(&s, "chain");
    give(&s);
}

Test(shrink, one_constant_stays_for_all_where_a_reader_pads)
{
    shrunk s = chain(1);
    float *bias = cn_weights_of(&s.weights, "first", "bias")->data;
    for (int32_t o = 0; o < 5; o++) {
        zero_in(&s.weights, "first", o, false);
        bias[o] = o % 2 ? 0.75f : o * 0.5f; /* 0, 0.75, 1, 0.75, 2 */
    }
    shrink(&s, CN_PASS_SHRINK);
    cr_assert_eq(channels_of(&s.after, "first"), 4);
    cr_assert_eq(cn_weights_of(&s.own, "first", "bias")->data[0], 2, "the largest one stays");
    expect_same(&s, "padded chain");
    give(&s);
}

Test(shrink, what_nobody_reads_goes_and_what_only_that_read_follows)
{
    shrunk s = chain(1);
    zero_in(&s.weights, "last", 1, true); /* nobody reads filters 1 and 4 of second ... */
    zero_in(&s.weights, "last", 4, true);
    cn_tensor *second = cn_weights_of(&s.weights, "second", "weight");
    for (int32_t o = 0; o < 6; o++) /* ... which alone read channel 7 of first */
        for (int32_t t = 0; t < 9 && o != 1 && o != 4; t++)
            second->data[(o * 8 + 7) * 9 + t] = 0;
    shrink(&s, CN_PASS_SHRINK);
    cr_assert_eq(channels_of(&s.after, "second"), 4);
    cr_assert_eq(channels_of(&s.after, "first"), 7);
    cr_assert_eq(channels_of(&s.after, "last"), 4, "the output stays whole");
    expect_same(&s, "unread");
    give(&s);
}

Test(shrink, the_last_channel_of_a_tensor_stays)
{
    shrunk s = chain(1);
    for (int32_t o = 0; o < 8; o++)
        zero_in(&s.weights, "first", o, false);
    shrink(&s, CN_PASS_SHRINK);
    cr_assert_eq(channels_of(&s.after, "first"), 1);
    cr_assert_eq(channels_of(&s.after, "second"), 6, "not the same at the edges");
    expect_same(&s, "all zero");
    give(&s);
}

/* a(8) and b(8) are added, and c(4) is put behind their sum. */
static shrunk joined(void)
{
    shrunk s = {.before = test_graph(3, 6, 7)};
    cn_graph *g = &s.before;
    int32_t a = test_add(g, test_conv(8, 3, 1, 1), "a", READS(0));
    int32_t b = test_add(g, test_conv(8, 1, 1, 0), "b", READS(0));
    int32_t c = test_add(g, test_conv(4, 3, 1, 1), "c", READS(0));
    int32_t sum = test_add(g, cn_layer_defaults(CN_OP_ADD), "sum", READS(a, b));
    int32_t all = test_add(g, cn_layer_defaults(CN_OP_CONCAT), "all", READS(c, sum));
    test_add(g, test_conv(5, 3, 1, 1), "last", READS(all));
    s.weights = test_weights(g, 6);
    return s;
}

Test(shrink, operands_of_an_addition_go_together)
{
    static const unsigned masks[] = {CN_PASS_SHRINK, CN_PASS_ALL};
    for (int m = 0; m < 2; m++) {
        shrunk s = joined();
        for (int32_t o = 0; o < 5; o++)
            zero_in(&s.weights, "a", o, false);
        for (int32_t o = 3; o < 8; o++)
            zero_in(&s.weights, "b", o, false);
        zero_in(&s.weights, "c", 2, false);
        shrink(&s, masks[m]);
        cr_assert_eq(channels_of(&s.after, "a"), 6, "3 and 4 are zero in both");
        cr_assert_eq(channels_of(&s.after, "b"), 6);
        cr_assert_eq(channels_of(&s.after, "c"), 3);
        cr_assert_eq(channels_of(&s.after, "all"), 9);
        expect_same(&s, "joined");
        give(&s);
    }
}

/* input(2) - wide(6) - deep (depthwise, `multiplier` outputs each) - last(3). */
static shrunk separable(int32_t multiplier)
{
    shrunk s = {.before = test_graph(2, 7, 7)};
    cn_layer wide = test_conv(6, 1, 1, 0), deep = test_conv(6 * multiplier, 3, 1, 1);
    wide.bias = deep.bias = true;
    deep.groups = 6;
    int32_t x = test_add(&s.before, wide, "wide", READS(0));
    x = test_add(&s.before, deep, "deep", READS(x));
    test_add(&s.before, test_conv(3, 1, 1, 0), "last", READS(x));
    s.weights = test_weights(&s.before, 7);
    return s;
}

Test(shrink, depthwise_convolutions_lose_groups)
{
    for (int32_t multiplier = 1; multiplier <= 2; multiplier++) {
        shrunk s = separable(multiplier);
        float *bias = cn_weights_of(&s.weights, "wide", "bias")->data;
        for (int32_t o = 0; o < 3; o++)
            zero_in(&s.weights, "wide", o, false);
        bias[0] = bias[2] = 0;
        bias[1] = 1; /* not the same near the edges once deep has read it */
        for (int32_t o = 0; o < multiplier; o++)
            zero_in(&s.weights, "deep", 5 * multiplier + o, false);
        shrink(&s, CN_PASS_SHRINK);
        cr_assert_eq(channels_of(&s.after, "wide"), 3, "of 6, 0 and 2 are zero, 5 is not read");
        cr_assert_eq(channels_of(&s.after, "deep"), 3 * multiplier);
        cr_assert_eq(s.after.layers[cn_graph_find(&s.after, "deep")].groups, 3);
        expect_same(&s, "depthwise");
        give(&s);
    }
}

Test(shrink, operators_that_count_channels_keep_them)
{
    cn_layer grouped = test_conv(6, 1, 1, 0), shuffle = cn_layer_defaults(CN_OP_PIXEL_SHUFFLE);
    grouped.groups = 2;
    shuffle.factor = 2;
    cn_layer readers[] = {cn_layer_defaults(CN_OP_LRN), cn_layer_defaults(CN_OP_SOFTMAX), grouped,
                          shuffle};
    for (int r = 0; r < 4; r++) {
        shrunk s = {.before = test_graph(2, 4, 4)};
        int32_t x = test_add(&s.before, test_conv(8, 1, 1, 0), "first", READS(0));
        x = test_add(&s.before, readers[r], "reader", READS(x));
        test_add(&s.before, test_conv(3, 1, 1, 0), "last", READS(x));
        s.weights = test_weights(&s.before, 8);
        for (int32_t o = 2; o < 6; o++)
            zero_in(&s.weights, "first", o, false);
        shrink(&s, CN_PASS_SHRINK);
        cr_assert_eq(channels_of(&s.after, "first"), 8, "%s", cn_op_name(readers[r].op));
        expect_same(&s, cn_op_name(readers[r].op));
        give(&s);
    }
}

/* Filters of a network of the study, but for its last layer's. */
static void prune_filters(const cn_graph *graph, cn_weights *weights, uint64_t seed)
{
    int32_t last = graph->count - 1;
    while (!cn_op_is_tensor(graph->layers[last].op))
        last--;
    for (int32_t i = 0; i < last; i++) {
        if (!cn_op_is_tensor(graph->layers[i].op)) continue;
        cn_tensor *weight = cn_weights_of(weights, graph->layers[i].name, "weight");
        cn_random random = cn_random_named(seed, weight->name);
        for (int32_t o = 0; o < weight->dims[0]; o++)
            if (cn_random_below(&random, 2)) zero(weight, o, false);
    }
}

static cn_session *session_of(const shrunk *s, unsigned passes)
{
    cn_session *session;
    cn_session_options options = cn_session_defaults();
    cn_error error = {0};
    options.passes = passes;
    cr_assert_eq(cn_session_new(&session, &s->before, &s->weights, &options, &error), CN_OK, "%s",
                 error.message);
    return session;
}

Test(shrink, pruned_networks_of_the_study_take_less_and_stay_the_same)
{
    static const char *const names[] = {"lenet5",       "resnet18",     "mobilenet_v1",
                                        "mobilenet_v2", "inception_v3", "squeezenet_v1.1"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        cn_model model;
        cn_error error = {0};
        cr_assert_eq(st_catalog_load(names[n], "fashion", NULL, 0, &model, &error), CN_OK, "%s",
                     error.message);
        shrunk s = {.before = model.graph};
        s.weights = test_weights(&s.before, 4);
        prune_filters(&s.before, &s.weights, 9);
        shrink(&s, CN_PASS_ALL);
        expect_same(&s, names[n]);
        cr_assert_lt(cn_graph_macs(&s.after), 3 * cn_graph_macs(&s.before) / 4, "%s", names[n]);
        cn_session *whole = session_of(&s, CN_PASS_ALL & ~CN_PASS_SHRINK);
        cn_session *small = session_of(&s, CN_PASS_ALL);
        cn_session_memory before = cn_session_memory_use(whole),
                          after = cn_session_memory_use(small);
        cr_assert_lt(after.arena, before.arena, "%s", names[n]);
        cr_assert_lt(after.weights, before.weights, "%s", names[n]);
        cn_session_free(whole);
        cn_session_free(small);
        cn_graph_clear(&s.after);
        cn_weights_clear(&s.weights);
        cn_weights_clear(&s.own);
        cn_model_clear(&model);
    }
}
