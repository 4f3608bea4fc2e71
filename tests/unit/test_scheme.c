/* The projections: feasible, nearest, idempotent. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "condense/random.h"
#include "condense/scheme.h"

enum { MOST = 13 * 5 * 25 };

typedef struct sample {
    cn_weights set;
    cn_tensor *w;
    float to[MOST];
} sample;

static void make(sample *s, int32_t outputs, int32_t inputs, int32_t kernel)
{
    *s = (sample){0};
    const int32_t dims[] = {outputs, inputs, kernel, kernel};
    cn_error error;
    cr_assert_eq(cn_weights_add(&s->set, "w", kernel ? 4 : 2, dims, &s->w, &error), CN_OK);
    cn_random random = cn_random_seed((uint64_t)(outputs * 100 + inputs * 10 + kernel));
    for (int64_t i = 0; i < cn_tensor_count(s->w); i++)
        s->w->data[i] = (float)cn_random_normal(&random);
}

static cn_constraint constraint_of(cn_scheme scheme, double keep)
{
    return (cn_constraint){
        .scheme = scheme, .keep = keep, .patterns = {{0x1b, 0x36, 0xd8, 0x1b0, 0xba}, 4}};
}

static int64_t nonzero(const float *values, int64_t count)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += values[i] != 0;
    return sum;
}

static double distance(const float *a, const float *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum;
}

static void project(const sample *s, const cn_constraint *c, const float *from, float *to)
{
    cn_error error;
    cr_assert_eq(cn_project(s->w, c, from, to, &error), CN_OK);
}

/* What is kept is unchanged, what is removed zero, projecting again changes nothing, and no more is
 * kept than units allow. */
Test(scheme, projections_keep_whole_units)
{
    static const int32_t shapes[][3] = {{20, 7, 3}, {8, 3, 1}, {13, 5, 5}, {1, 1, 3}, {19, 6, 0}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int scheme = 0; scheme < CN_SCHEME_COUNT; scheme++)
            for (double keep = 0.05; keep < 1; keep += 0.3) {
                sample s;
                make(&s, shapes[i][0], shapes[i][1], shapes[i][2]);
                int64_t count = cn_tensor_count(s.w);
                cn_constraint c = constraint_of((cn_scheme)scheme, keep);
                float again[MOST];
                project(&s, &c, s.w->data, s.to);
                for (int64_t k = 0; k < count; k++)
                    cr_expect(s.to[k] == 0 || s.to[k] == s.w->data[k]);
                int64_t most = cn_scheme_units_kept(s.w, &c) * cn_scheme_unit_size(s.w, &c);
                cr_expect_leq(nonzero(s.to, count), most, "%s", cn_scheme_name((cn_scheme)scheme));
                project(&s, &c, s.to, again);
                cr_expect_eq(memcmp(s.to, again, sizeof(float) * (size_t)count), 0, "%s",
                             cn_scheme_name((cn_scheme)scheme));
                cn_weights_clear(&s.set);
            }
}

Test(scheme, unstructured_keeps_the_largest)
{
    sample s;
    make(&s, 20, 7, 3);
    cn_constraint c = constraint_of(CN_SCHEME_UNSTRUCTURED, 0.1);
    project(&s, &c, s.w->data, s.to);
    int64_t count = cn_tensor_count(s.w);
    float smallest = INFINITY, largest = 0;
    for (int64_t i = 0; i < count; i++) {
        float size = fabsf(s.w->data[i]);
        if (s.to[i] != 0 && size < smallest) smallest = size;
        if (s.to[i] == 0 && size > largest) largest = size;
    }
    cr_expect_geq(smallest, largest);
    cr_expect_eq(nonzero(s.to, count), count / 10);
    cn_weights_clear(&s.set);
}

/* Against every choice of units: 4 blocks of 8 outputs, of 3 inputs, of 1 place. */
Test(scheme, blocks_of_eight_are_the_nearest)
{
    sample s;
    make(&s, 16, 3, 1);
    cn_constraint c = constraint_of(CN_SCHEME_BLOCK8, 0.5);
    project(&s, &c, s.w->data, s.to);
    double ours = distance(s.w->data, s.to, 48), best = INFINITY;
    for (unsigned choice = 0; choice < 64; choice++) {
        if (__builtin_popcount(choice) != 3) continue;
        float other[48];
        for (int o = 0; o < 16; o++)
            for (int i = 0; i < 3; i++)
                other[o * 3 + i] = choice >> (o / 8 * 3 + i) & 1 ? s.w->data[o * 3 + i] : 0;
        best = fmin(best, distance(s.w->data, other, 48));
    }
    cr_expect_float_eq(ours, best, 1e-9);
    cn_weights_clear(&s.set);
}

/* Four input channels of eight output channels go or stay together at each place: inputs in units
 * of 4, 4 and 1, outputs of 8 and 5. */
Test(scheme, blocks_of_eight_by_four_share_a_bit)
{
    sample s;
    make(&s, 13, 9, 3);
    cn_constraint c = constraint_of(CN_SCHEME_BLOCK8X4, 0.5);
    cr_expect_eq(cn_scheme_units(s.w, &c), 2 * 3 * 9);
    cr_expect_eq(cn_scheme_unit_size(s.w, &c), 32);
    project(&s, &c, s.w->data, s.to);
    double norms[2][3][9] = {{{0}}}, least = INFINITY, most = 0;
    bool stays[2][3][9];
    int kept = 0;
    for (int i = 0; i < 13 * 9 * 9; i++) {
        int o = i / 81 / 8, in = i / 9 % 9 / 4, place = i % 9;
        norms[o][in][place] += (double)s.w->data[i] * (double)s.w->data[i];
        if (i / 81 % 8 == 0 && i / 9 % 9 % 4 == 0) {
            stays[o][in][place] = s.to[i] != 0;
            kept += s.to[i] != 0;
        }
        cr_expect_eq(s.to[i] != 0, stays[o][in][place], "weight %d", i);
    }
    cr_expect_eq(kept, 2 * 3 * 9 / 2);
    for (int i = 0; i < 2 * 3 * 9; i++) {
        double norm = norms[i / 27][i / 9 % 3][i % 9];
        if (stays[i / 27][i / 9 % 3][i % 9])
            least = fmin(least, norm);
        else
            most = fmax(most, norm);
    }
    cr_expect_geq(least, most);
    cn_weights_clear(&s.set);
}

Test(scheme, patterns_come_from_the_set_and_are_shared)
{
    sample s;
    make(&s, 19, 5, 3);
    cn_constraint c = constraint_of(CN_SCHEME_PATTERN8, 1);
    project(&s, &c, s.w->data, s.to);
    for (int64_t o = 0; o < 19; o++)
        for (int64_t i = 0; i < 5; i++) {
            unsigned mask = 0, first = 0;
            for (int place = 0; place < 9; place++) {
                mask |= (unsigned)(s.to[(o * 5 + i) * 9 + place] != 0) << place;
                first |= (unsigned)(s.to[(o / 8 * 8 * 5 + i) * 9 + place] != 0) << place;
            }
            cr_expect_eq(mask, first, "output %d", (int)o);
            cr_expect(mask == 0x1b || mask == 0x36 || mask == 0xd8 || mask == 0x1b0, "%x", mask);
        }
    cn_weights_clear(&s.set);
}

Test(scheme, names_are_found)
{
    for (int i = 0; i < CN_SCHEME_COUNT; i++) {
        cn_scheme scheme;
        cr_assert(cn_scheme_find(cn_scheme_name((cn_scheme)i), &scheme));
        cr_expect_eq(scheme, (cn_scheme)i);
    }
    cn_levels levels;
    cr_expect_not(cn_levels_find("ternary", &levels));
    cr_expect(cn_levels_find("codebook", &levels));
    cr_expect_null(cn_scheme_name(CN_SCHEME_COUNT));
}

static int distinct(const float *values, int64_t count)
{
    int found = 0;
    for (int64_t i = 0; i < count; i++) {
        bool seen = values[i] == 0;
        for (int64_t k = 0; k < i && !seen; k++)
            seen = values[k] == values[i];
        found += !seen;
    }
    return found;
}

/* At most 2^b values, and none of the kinds further away than equally spaced levels over the range,
 * which is where they start from. */
Test(scheme, levels_are_few_and_near)
{
    sample s;
    make(&s, 20, 7, 3);
    int64_t count = cn_tensor_count(s.w);
    for (int64_t i = 0; i < count; i += 3)
        s.w->data[i] = 0;
    for (int32_t bits = 1; bits <= 8; bits++)
        for (int kind = CN_LEVELS_LINEAR; kind < CN_LEVELS_COUNT; kind++) {
            cn_constraint c = {
                .scheme = CN_SCHEME_NONE, .keep = 1, .levels = (cn_levels)kind, .bits = bits};
            project(&s, &c, s.w->data, s.to);
            cr_expect_leq(distinct(s.to, count), 1 << bits);
            cr_expect_eq(nonzero(s.to, count), nonzero(s.w->data, count));
            double largest = 0, plain = 0;
            for (int64_t i = 0; i < count; i++)
                largest = fmax(largest, fabs((double)s.w->data[i]));
            double q = largest / (ldexp(1, bits - 1) - 0.5);
            for (int64_t i = 0; i < count; i++) {
                double w = fabs((double)s.w->data[i]);
                double level = fmin(floor(w / q), ldexp(1, bits - 1) - 1) + 0.5;
                plain += w > 0 ? (w - level * q) * (w - level * q) : 0;
            }
            if (kind != CN_LEVELS_POWERS)
                cr_expect_leq(distance(s.w->data, s.to, count), plain * (1 + 1e-6), "%s, %d bits",
                              cn_levels_name((cn_levels)kind), bits);
            c.per_channel = true;
            float own[MOST];
            project(&s, &c, s.w->data, own);
            if (kind != CN_LEVELS_POWERS && bits > 1)
                cr_expect_leq(distance(s.w->data, own, count),
                              distance(s.w->data, s.to, count) * 1.02, "%s, %d bits",
                              cn_levels_name((cn_levels)kind), bits);
        }
    cn_weights_clear(&s.set);
}

/* The closed form: values that are levels already come back. */
Test(scheme, linear_levels_find_their_interval)
{
    sample s;
    make(&s, 20, 7, 3);
    int64_t count = cn_tensor_count(s.w);
    cn_random random = cn_random_seed(4);
    for (int64_t i = 0; i < count; i++)
        s.w->data[i] = 0.037f * ((float)cn_random_below(&random, 8) + 0.5f) *
                       (cn_random_below(&random, 2) ? 1 : -1);
    cn_constraint c = {.scheme = CN_SCHEME_NONE, .keep = 1, .levels = CN_LEVELS_LINEAR, .bits = 4};
    project(&s, &c, s.w->data, s.to);
    for (int64_t i = 0; i < count; i++)
        cr_expect_float_eq(s.to[i], s.w->data[i], 1e-6);
    cn_weights_clear(&s.set);
}

Test(scheme, powers_are_powers_of_two)
{
    sample s;
    make(&s, 20, 7, 3);
    cn_constraint c = {.scheme = CN_SCHEME_NONE, .keep = 1, .levels = CN_LEVELS_POWERS, .bits = 3};
    project(&s, &c, s.w->data, s.to);
    for (int64_t i = 0; i < cn_tensor_count(s.w); i++) {
        int exponent;
        cr_expect_eq(fabs(frexp((double)s.to[i], &exponent)), 0.5);
    }
    cn_weights_clear(&s.set);
}

static int32_t add(cn_graph *graph, cn_layer layer, const char *name)
{
    int32_t input = graph->count - 1, index;
    cn_error error = {0};
    cr_assert_eq(cn_graph_add(graph, &layer, name, &input, input >= 0, &index, &error), CN_OK, "%s",
                 error.message);
    return index;
}

static int32_t add_conv(cn_graph *graph, const char *name, int32_t units, int32_t kernel,
                        int32_t groups)
{
    cn_layer layer = cn_layer_defaults(CN_OP_CONV);
    layer.units = units;
    layer.groups = groups;
    layer.same = true;
    layer.window.kernel_h = layer.window.kernel_w = kernel;
    return add(graph, layer, name);
}

Test(scheme, what_does_not_fit_is_replaced_by_a_rule)
{
    cn_graph graph = {0};
    cn_layer layer = cn_layer_defaults(CN_OP_INPUT);
    layer.shape = (cn_shape){3, 8, 8};
    add(&graph, layer, "input");
    int32_t first = add_conv(&graph, "first", 16, 3, 1),
            point = add_conv(&graph, "point", 16, 1, 1);
    int32_t depth = add_conv(&graph, "depth", 16, 3, 16), half = add_conv(&graph, "half", 16, 3, 2);
    layer = cn_layer_defaults(CN_OP_FC);
    layer.units = 10;
    int32_t last = add(&graph, layer, "last");
    const struct {
        int32_t layer;
        cn_scheme asked, used;
    } rows[] = {
        {first, CN_SCHEME_PATTERN8, CN_SCHEME_PATTERN8},
        {point, CN_SCHEME_PATTERN8, CN_SCHEME_BLOCK8},
        {point, CN_SCHEME_PATTERN_CONNECTIVITY, CN_SCHEME_CONNECTIVITY},
        {point, CN_SCHEME_PATTERN, CN_SCHEME_NONE},
        {first, CN_SCHEME_CHANNEL, CN_SCHEME_NONE},
        {depth, CN_SCHEME_CHANNEL, CN_SCHEME_FILTER},
        {half, CN_SCHEME_CHANNEL, CN_SCHEME_CONNECTIVITY},
        {point, CN_SCHEME_CHANNEL, CN_SCHEME_CHANNEL},
        {first, CN_SCHEME_BLOCK8X4, CN_SCHEME_BLOCK8},
        {point, CN_SCHEME_BLOCK8X4, CN_SCHEME_BLOCK8X4},
        {depth, CN_SCHEME_BLOCK8X4, CN_SCHEME_BLOCK8},
        {half, CN_SCHEME_BLOCK8X4, CN_SCHEME_BLOCK8X4},
        {last, CN_SCHEME_BLOCK8X4, CN_SCHEME_BLOCK8X4},
        {last, CN_SCHEME_FILTER, CN_SCHEME_NONE},
        {depth, CN_SCHEME_FILTER, CN_SCHEME_FILTER},
        {last, CN_SCHEME_UNSTRUCTURED, CN_SCHEME_UNSTRUCTURED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *rule;
        cr_expect_eq(cn_scheme_for(&graph, rows[i].layer, rows[i].asked, &rule), rows[i].used,
                     "row %zu", i);
        cr_expect_eq(rule != NULL, rows[i].asked != rows[i].used, "row %zu", i);
    }
    cn_graph_clear(&graph);
}

Test(scheme, natural_patterns_are_counted)
{
    cn_graph graph = {0};
    cn_layer layer = cn_layer_defaults(CN_OP_INPUT);
    layer.shape = (cn_shape){2, 8, 8};
    add(&graph, layer, "input");
    add_conv(&graph, "conv", 4, 3, 1);
    cn_weights weights = {0};
    cn_error error;
    cr_assert_eq(cn_weights_random(&weights, &graph, 1, &error), CN_OK);
    float *w = cn_weights_of(&weights, "conv", "weight")->data;
    for (int kernel = 0; kernel < 8; kernel++)
        for (int place = 0; place < 9; place++) {
            unsigned mask = kernel < 5 ? 0x1b : kernel < 7 ? 0x1b0 : 0xba;
            w[kernel * 9 + place] = mask >> place & 1 ? 1.0f + (float)(place == 4) : 0.1f;
        }
    cn_patterns patterns;
    cn_patterns_learn(&graph, &weights, 2, &patterns);
    cr_expect_eq(patterns.count, 2);
    cr_expect_eq(patterns.masks[0], 0x1b);
    cr_expect_eq(patterns.masks[1], 0x1b0);
    cn_weights_clear(&weights);
    cn_graph_clear(&graph);
}

/* As in MobileNet: its only 3 x 3 kernels are depthwise, and need patterns all the same. */
Test(scheme, depthwise_kernels_have_patterns_where_there_are_no_others)
{
    cn_graph graph = {0};
    cn_layer layer = cn_layer_defaults(CN_OP_INPUT);
    layer.shape = (cn_shape){4, 8, 8};
    add(&graph, layer, "input");
    add_conv(&graph, "depthwise", 4, 3, 4);
    add_conv(&graph, "pointwise", 4, 1, 1);
    cn_weights weights = {0};
    cn_error error;
    cr_assert_eq(cn_weights_random(&weights, &graph, 1, &error), CN_OK);
    cn_patterns patterns;
    cn_patterns_learn(&graph, &weights, 8, &patterns);
    cr_expect_gt(patterns.count, 0);
    for (int32_t i = 0; i < patterns.count; i++)
        cr_expect_eq(__builtin_popcount(patterns.masks[i]), 4);
    cn_weights_clear(&weights);
    cn_graph_clear(&graph);
}

Test(scheme, no_patterns_are_refused)
{
    cn_tensor tensor = {.rank = 4, .dims = {2, 2, 3, 3}};
    float values[2 * 2 * 9] = {1};
    static const cn_scheme schemes[] = {CN_SCHEME_PATTERN, CN_SCHEME_PATTERN_CONNECTIVITY,
                                        CN_SCHEME_PATTERN8};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        const cn_constraint constraint = {.scheme = schemes[i], .keep = 0.4};
        cn_error error;
        cr_expect_eq(cn_project_scheme(&tensor, &constraint, values, values, &error), CN_EINVAL);
        cr_expect(strstr(error.message, cn_scheme_name(schemes[i])), "%s", error.message);
        cr_expect_eq(values[0], 1);
    }
}

Test(scheme, patterns_are_parsed)
{
    cn_patterns patterns;
    cr_assert(cn_patterns_parse("01b,036,0d8", &patterns));
    cr_expect_eq(patterns.count, 3);
    cr_expect_eq(patterns.masks[2], 0xd8);
    static const char *const wrong[] = {
        "",    ",",     "01b,",
        "01f", "2d8",   "xyz",
        "-1b", "1b 36", "1b,1b,1b,1b,1b,1b,1b,1b,1b,1b,1b,1b,1b,1b,1b,1b,1b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(cn_patterns_parse(wrong[i], &patterns), "%s", wrong[i]);
}
