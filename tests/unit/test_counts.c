/* Parameters and multiply-accumulates of every published network against the reference table,
 * experiments/reference/models.csv. Nothing is known here: names, numbers, tolerances and inputs
 * come from that file. */
#include <criterion/criterion.h>
#include <csv.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "data/catalog.h"

enum { NAME, INPUT, CLASSES, PARAMETERS, MACS, PARAMETERS_PCT, MACS_PCT, FIELDS };

typedef struct table {
    char fields[FIELDS][64];
    int column, row;
    int seen; /* rows checked */
} table;

static void on_field(void *text, size_t length, void *context)
{
    table *t = context;
    if (t->column < FIELDS)
        snprintf(t->fields[t->column], sizeof t->fields[0], "%.*s", (int)length, (char *)text);
    t->column++;
}

static void expect_within(const char *model, const char *what, int64_t got, const char *want,
                          const char *percent)
{
    double wanted = strtod(want, NULL), tolerance = strtod(percent, NULL);
    cr_assert_gt(wanted, 0);
    double off = fabs((double)got - wanted) / wanted * 100;
    cr_expect(off <= tolerance, "%s: %" PRId64 " %s, %s wanted: off by %.3f %%, %s %% allowed",
              model, got, what, want, off, percent);
}

static void on_row(int end, void *context)
{
    (void)end;
    table *t = context;
    t->column = 0;
    if (t->row++ == 0) return; /* the header */
    cn_model model;
    cn_error error = {0};
    cn_status status = st_catalog_load(t->fields[NAME], "imagenet", NULL, 0, &model, &error);
    cr_assert_eq(status, CN_OK, "%s", error.message);
    cn_shape in = model.graph.layers[0].shape;
    char input[64];
    snprintf(input, sizeof input, "%dx%dx%d", in.c, in.h, in.w);
    cr_expect_str_eq(input, t->fields[INPUT], "%s", model.name);
    cr_expect_eq(model.classes, atoi(t->fields[CLASSES]), "%s", model.name);
    expect_within(model.name, "parameters", cn_graph_parameters(&model.graph),
                  t->fields[PARAMETERS], t->fields[PARAMETERS_PCT]);
    expect_within(model.name, "macs", cn_graph_macs(&model.graph), t->fields[MACS],
                  t->fields[MACS_PCT]);
    cn_model_clear(&model);
    t->seen++;
}

Test(counts, every_network_has_the_published_size)
{
    char *path = st_home_path("experiments/reference/models.csv"), bytes[16384];
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s is missing", path);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    cn_free(path);
    cr_assert_lt(size, sizeof bytes);

    struct csv_parser parser;
    table t = {0};
    cr_assert_eq(csv_init(&parser, CSV_STRICT | CSV_APPEND_NULL), 0);
    cr_assert_eq(csv_parse(&parser, bytes, size, on_field, on_row, &t), size);
    csv_fini(&parser, on_field, on_row, &t);
    csv_free(&parser);
    int models = 0;
    while (st_catalog_models[models])
        models++;
    cr_expect_eq(t.seen, models, "the table has %d rows and the catalogue %d models", t.seen,
                 models);
}

/* Sums over layers agree with the weights that a layer says it reads. */
Test(counts, trainable_weights_are_the_parameters)
{
    for (int m = 0; st_catalog_models[m]; m++) {
        cn_model model;
        cn_error error = {0};
        cr_assert_eq(st_catalog_load(st_catalog_models[m], "fashion", NULL, 0, &model, &error),
                     CN_OK, "%s", error.message);
        cn_shape in = model.graph.layers[0].shape;
        cr_expect(in.c == 1 && in.h == 28 && in.w == 28, "%s", model.name);
        cr_expect_eq(model.classes, 10, "%s", model.name);
        cr_expect_eq(model.graph.layers[model.graph.count - 1].op, CN_OP_SOFTMAX, "%s", model.name);
        int64_t total = 0;
        for (int32_t i = 0; i < model.graph.count; i++) {
            cn_weight_spec specs[4];
            int32_t count = cn_layer_weights(&model.graph, i, specs);
            for (int32_t k = 0; k < count; k++) {
                int64_t values = specs[k].trainable;
                for (int32_t d = 0; d < specs[k].rank; d++)
                    values *= specs[k].dims[d];
                total += values;
            }
        }
        cr_expect_eq(total, cn_graph_parameters(&model.graph), "%s", model.name);
        cn_model_clear(&model);
    }
}
