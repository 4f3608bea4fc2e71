/* Maps from foreign weights to ours: names, layouts, folded batch norm, background class. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "condense/memory.h"
#include "data/import.h"
#include "data/template.h"

/* conv 2 filters of 1 x 3 on 3 channels, batch norm, fc of 2. */
static const char text[] = "model tiny\n"
                           "scale imagenet(dataset=\"imagenet\")\n"
                           "preprocess(resize=4)\n"
                           "input(3, 4, 4)\n"
                           "block.1: conv(2, [1, 3]); bn1: batch_norm\n"
                           "global_avg_pool\n"
                           "fc: fc(2, bias=true)\n";

static cn_model tiny(void)
{
    cn_model model;
    cn_error error = {0};
    cr_assert_eq(cn_model_parse(&model, text, strlen(text), "tiny.lr", NULL, NULL, 0, &error),
                 CN_OK, "%s", error.message);
    return model;
}

static cn_tensor *add(cn_weights *weights, const char *name, int32_t rank, const int32_t *dims)
{
    cn_tensor *tensor;
    cr_assert_eq(cn_weights_add(weights, name, rank, dims, &tensor, NULL), CN_OK);
    for (int64_t i = 0; i < cn_tensor_count(tensor); i++)
        tensor->data[i] = (float)(i + 1);
    return tensor;
}

/* HWIO filters with a folded bias, and a last layer of three classes as a 1 x 1 convolution. */
static cn_weights foreign(void)
{
    cn_weights weights = {0};
    add(&weights, "05/weights.weight", 4, (int32_t[]){1, 3, 3, 2});
    add(&weights, "05/weights.bias", 1, (int32_t[]){2});
    add(&weights, "logits.weight", 4, (int32_t[]){3, 2, 1, 1});
    add(&weights, "logits.bias", 1, (int32_t[]){3});
    return weights;
}

static cn_status import(const char *map, cn_weights *weights, cn_error *error)
{
    char path[] = "/tmp/condense-test-XXXXXX";
    int file = mkstemp(path);
    cr_assert_eq(write(file, map, strlen(map)), (ssize_t)strlen(map));
    close(file);
    cn_model model = tiny();
    cn_weights source = foreign();
    cn_status status = st_import(&model, &source, path, weights, error);
    cn_weights_clear(&source);
    cn_model_clear(&model);
    unlink(path);
    return status;
}

#define CONV                                                                                       \
    "{\"for\": {\"i\": [1, 1]}, \"layer\": \"block.{i}\", \"from\": \"{3*i+2:02}/weights\","       \
    " \"layout\": \"HWIO\", \"into_norm\": \"bn{i}\"}"
#define FC "{\"layer\": \"fc\", \"from\": \"logits\", \"drop_class\": 0}"

Test(import, layouts_folded_norms_and_background_classes)
{
    cn_weights weights;
    cn_error error = {0};
    cr_assert_eq(
        import("{\"models\": [\"tiny\"], \"rules\": [" CONV ", " FC "]}", &weights, &error), CN_OK,
        "%s", error.message);
    const cn_tensor *conv = cn_weights_find(&weights, "block.1.weight");
    /* Ours [o][i][0][w] is theirs [0][w][i][o], counted 1, 2, 3 ... in their order. */
    for (int o = 0; o < 2; o++)
        for (int i = 0; i < 3; i++)
            for (int w = 0; w < 3; w++)
                cr_expect_eq(conv->data[(o * 3 + i) * 3 + w], (float)((w * 3 + i) * 2 + o + 1));
    cr_expect_eq(cn_weights_find(&weights, "bn1.weight")->data[1], 1);
    cr_expect_eq(cn_weights_find(&weights, "bn1.bias")->data[1], 2);
    cr_expect_eq(cn_weights_find(&weights, "bn1.running_mean")->data[1], 0);
    float variance = cn_weights_find(&weights, "bn1.running_var")->data[1];
    cr_expect_eq(variance + 1e-5f, 1.0f);
    const cn_tensor *fc = cn_weights_find(&weights, "fc.weight");
    cr_expect_eq(fc->rank, 2);
    cr_expect_eq(fc->data[0], 3); /* class 0 held 1 and 2 */
    cr_expect_eq(cn_weights_find(&weights, "fc.bias")->data[0], 2);
    cn_weights_clear(&weights);
}

Test(import, what_does_not_fit_is_named)
{
    static const struct {
        const char *map, *word;
    } cases[] = {
        {"{\"models\": [\"other\"], \"rules\": []}", "'tiny'"},
        {"{\"models\": [\"tiny\"], \"rules\": [" CONV "]}", "'logits.weight'"},
        {"{\"models\": [\"tiny\"], \"ignore\": [\"logits.*\"], \"rules\": [" CONV "]}",
         "'fc.weight'"},
        {"{\"models\": [\"tiny\"], \"rules\": [" CONV ", " CONV ", " FC "]}",
         "rule 2: two rules fill 'block.1.weight'"},
        {"{\"models\": [\"tiny\"], \"rules\": [{\"layer\": \"none\", \"from\": \"logits\"}]}",
         "no layer 'none'"},
        {"{\"models\": [\"tiny\"], \"rules\": [{\"layer\": \"fc\", \"from\": \"gone\"}]}",
         "'gone.weight'"},
        {"{\"models\": [\"tiny\"], \"rules\": [{\"layer\": \"fc\", \"from\": \"logits\"}]}",
         "3 x 2 x 1 x 1"},
        {"{\"models\": [\"tiny\"], \"rules\": [{\"layer\": \"fc\"}]}", "'from'"},
        {"{\"models\": [\"tiny\"], \"rules\": [{\"layer\": \"fc\", \"from\": \"logits\", "
         "\"layout\": \"OIHX\"}]}",
         "OIHX"},
        {"{\"models\": [\"tiny\"], \"rules\": [{\"layer\": \"{i}\", \"from\": \"logits\"}]}",
         "'{i}'"},
        {"{\"models\": ", ":1:11:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cn_weights weights;
        cn_error error = {0};
        cr_expect_neq(import(cases[i].map, &weights, &error), CN_OK, "%s", cases[i].map);
        cr_expect(strstr(error.message, cases[i].word), "%s: %s", cases[i].map, error.message);
        cr_expect_eq(weights.count, 0);
    }
}

Test(import, holes_of_templates)
{
    static const struct {
        const char *pattern, *text;
        int64_t number;
        const char *name; /* NULL: refused */
    } cases[] = {
        {"plain", NULL, 3, "plain"},
        {"a{i}b{i}", NULL, 3, "a3b3"},
        {"{2*i-1:02}.x", NULL, 3, "05.x"},
        {"{i+10}", NULL, 3, "13"},
        {"{i}", "3a", 0, "3a"},
        {"{i+1}", "3a", 0, NULL},
        {"{j}", NULL, 3, NULL},
        {"{i", NULL, 3, NULL},
        {"{2*}", NULL, 3, NULL},
        {"{}", NULL, 3, NULL},
        {"{i:2}", NULL, 3, NULL},
        {"{99999999999999999999*i}", NULL, 3, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        st_binding binding = {.name = "i", .text = cases[i].text, .number = cases[i].number};
        char name[ST_NAME_SIZE];
        cn_status status = st_template_fill(cases[i].pattern, &binding, name, NULL);
        cr_expect_eq(status, cases[i].name ? CN_OK : CN_EFORMAT, "%s", cases[i].pattern);
        if (cases[i].name) cr_expect_str_eq(name, cases[i].name);
    }
    char longest[ST_NAME_SIZE + 1], name[ST_NAME_SIZE];
    memset(longest, 'x', ST_NAME_SIZE);
    longest[ST_NAME_SIZE] = '\0';
    cr_expect_eq(st_template_fill(longest, &(st_binding){0}, name, NULL), CN_EFORMAT);
}
