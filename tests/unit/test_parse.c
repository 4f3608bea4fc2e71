/* The model language: what it builds, and that every wrong text is refused at its place. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "condense/model.h"
#include "condense/random.h"
#include "data/catalog.h"

static cn_status parse(const char *text, cn_model *model, cn_error *error)
{
    *error = (cn_error){0};
    return cn_model_parse(model, text, strlen(text), "m.lr", NULL, NULL, 0, error);
}

/* Every text begins with these two lines, so that its third line is the first of its own. */
#define HEAD "model m\nscale s(dataset=\"d\")\n"
#define INPUT HEAD "input(3, 8, 8)\n"

static const struct wrong {
    const char *text, *message; /* the beginning of it */
} wrongs[] = {
    /* characters */
    {"", "m.lr:1:1: a model text begins with: model NAME"},
    {"modle m", "m.lr:1:1: a model text begins with: model NAME"},
    {HEAD "input(3, 8, 8) !", "m.lr:3:16: '!' means nothing here"},
    {HEAD "input(3, 8, \x80)", "m.lr:3:13: byte 0x80 is not text"},
    {HEAD "\"abc\nrelu", "m.lr:3:1: the string has no end"},
    {HEAD "let x = 1e", "m.lr:3:9: the number's exponent has no digits"},
    {HEAD "let x = 3a", "m.lr:3:9: a number runs into a name"},
    {HEAD "input(3, 8, 8]", "m.lr:3:14: ']' where '(' is still open"},
    {HEAD "input)", "m.lr:3:6: ')' closes nothing"},
    /* grammar */
    {HEAD "input(3, 8, 8", "m.lr:3:14: ',' or ')' expected and the end found"},
    {HEAD "let x 3", "m.lr:3:7: '=' expected and '3' found"},
    {HEAD "input(3, 8, 8) relu", "m.lr:3:16: the end of the line expected and 'relu' found"},
    {HEAD "for i of [1] { }", "m.lr:3:7: 'in' expected and 'of' found"},
    {HEAD "if true { ", "m.lr:3:11: a statement or '}' expected and the end found"},
    {HEAD "let x = if true 1", "m.lr:3:17: 'then' expected and '1' found"},
    {HEAD "input(channels=3, 8, 8)", "m.lr:3:19: a value without a name after one with"},
    {HEAD "block b(x, x) { }", "m.lr:3:12: argument x is there twice"},
    {HEAD "block b() { }\nblock b() { }", "m.lr:4:7: block b is there already, in line 3"},
    {HEAD "param p = 1\nparam p = 2", "m.lr:4:7: parameter p is there already, in line 3"},
    {HEAD "let x = \"a{1\"", "m.lr:3:12: '{' in the string is never closed"},
    {HEAD "let x = \"a{1 2}\"", "m.lr:3:14: '}' expected and '2' found"},
    /* kinds and values */
    {HEAD "input(3, 8, 8.5)", "m.lr:3:13: 8.5 is not a whole number"},
    {HEAD "input(3, true, 8)", "m.lr:3:10: a whole number expected and this is true or false"},
    {HEAD "let x = 1 + true", "m.lr:3:13: a number expected and this is true or false"},
    {HEAD "let x = 1 / 0", "m.lr:3:11: the result for 1 and 0 is not a finite number"},
    {HEAD "let x = 10 ^ 400", "m.lr:3:12: the result for 10 and 400 is not a finite number"},
    {HEAD "let x = [1, 2][2]", "m.lr:3:16: index 2 of a list of 2"},
    {HEAD "let x = [1] == [1]", "m.lr:3:13: lists cannot be compared"},
    {HEAD "if 1 { }", "m.lr:3:4: true or false expected and this is a number"},
    {HEAD "for i in 3 { }", "m.lr:3:10: a list or a range like 1..3 expected and this is a number"},
    {HEAD "for i, j in [[1, 2], [3]] { }", "m.lr:3:13: every item must be a list of 2"},
    {HEAD "let x = maxx(1, 2)", "m.lr:3:9: there is no function 'maxx'; did you mean 'max'?"},
    {HEAD "let x = min(1)", "m.lr:3:9: min takes 2 values and got 1"},
    {HEAD "let x = channels(3)", "m.lr:3:18: a layer expected and this is a number"},
    /* names */
    {HEAD "input(3, 8, 8)\nrelo",
     "m.lr:4:1: there is no operator or block 'relo'; did you mean 'relu'?"},
    {HEAD "param width = 3\ninput(widht, 8, 8)",
     "m.lr:4:7: there is no value or layer 'widht' here; did you mean 'width'?"},
    {INPUT "conv(4, kernal=3)", "m.lr:4:9: conv takes no 'kernal'; did you mean 'kernel'?"},
    {INPUT "conv(4)", "m.lr:4:1: conv needs 'kernel'; write kernel=VALUE"},
    {INPUT "relu(1)", "m.lr:4:6: relu takes 0 arguments at most"},
    {INPUT "conv(4, 3, out=5)", "m.lr:4:12: 'out' is given twice"},
    {INPUT "conv(4, [1, 2, 3])", "m.lr:4:9: a list of 3; it should have 2"},
    {INPUT "conv(4, 3, pad=[1, 2, 3])", "m.lr:4:16: a list of 3; it should have 2 or 4"},
    {INPUT "conv(4, 3, pad=\"valid\")",
     "m.lr:4:16: the padding is \"valid\"; write numbers or same"},
    {INPUT "resize(4, mode=\"cubic\")", "m.lr:4:16: \"nearest\" or \"bilinear\" expected"},
    {INPUT "block b(x) { relu }\nb", "m.lr:5:1: block b needs 'x'"},
    {INPUT "block b(x) { relu }\nb(y=1)", "m.lr:5:3: block b takes no 'y'; did you mean 'x'?"},
    {INPUT "a: relu\na: relu", "m.lr:5:4: layer 'a' (relu): the name is taken"},
    {INPUT "a: { a: relu }\na: relu", "m.lr:5:1: the name 'a' is taken"},
    {INPUT "let a = 1\na: relu", "m.lr:5:1: 'a' is already the name of a value"},
    {INPUT "a: relu\nlet a = 1", "m.lr:5:1: 'a' is already the name of a layer"},
    {INPUT "\"a b\": relu", "m.lr:4:1: 'a b' is no layer name"},
    {INPUT "\"\": relu", "m.lr:4:1: '' is no layer name"},
    {INPUT "relu from x", "m.lr:4:11: there is no value or layer 'x' here"},
    {INPUT "relu from \"x\"", "m.lr:4:11: there is no layer 'x' before this line"},
    {INPUT "block b() { relu }\nb from input, input", "m.lr:5:15: a block reads one layer"},
    /* networks */
    {HEAD, "m.lr:3:1: the network has no layer after its input"},
    {HEAD "relu", "m.lr:3:1: layer 'relu' (relu): the first layer, and no other, is the input"},
    {INPUT "a: relu\nrelu from input", "m.lr:4:4: nothing reads layer 'a'"},
    {INPUT "conv(4, 9)", "m.lr:4:1: layer 'conv' (conv): the 9x9 window"},
    {INPUT "a: conv(4, 1); add from a, input", "m.lr:4:16: layer 'add' (add): 'a' is 4x8x8 and"},
    {INPUT "block b() { b }\nb", "m.lr:4:13: more than 32 blocks inside one another"},
    /* scales */
    {"model m\ninput(3, 8, 8)\nrelu", "m.lr:3:5: the text has no scale"},
    {"model m\nscale s()\ninput(3, 8, 8)\nrelu", "m.lr:2:7: scale s names no data set"},
    {"model m\nscale s(dataset=\"d\", widht=3)\nparam width = 3",
     "m.lr:2:22: there is no parameter 'widht'; did you mean 'width'?"},
    {"model m\nscale s(\"d\")", "m.lr:2:9: a scale's values have names"},
    {"model m\nscale s(dataset=\"d\", p=true)\nparam p = 3",
     "m.lr:2:24: a number expected and this is true or false"},
    {HEAD "preprocess t(resize=3)", "m.lr:3:12: there is no scale 't'"},
    {HEAD "preprocess(std=0)", "m.lr:3:11: std is 0; it must be positive"},
    {HEAD "preprocess(order=\"rbg\")", "m.lr:3:18: \"rgb\" or \"bgr\" expected"},
};

Test(parse, wrong_texts_are_refused_at_their_place)
{
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        cn_model model;
        cn_error error;
        cr_expect_neq(parse(wrongs[i].text, &model, &error), CN_OK, "accepted: %s", wrongs[i].text);
        cr_expect(!strncmp(error.message, wrongs[i].message, strlen(wrongs[i].message)),
                  "for:\n%s\nthe message is\n  %s\nand should begin\n  %s", wrongs[i].text,
                  error.message, wrongs[i].message);
        cr_expect_eq(model.graph.count, 0);
    }
}

/* The layers' names in order, with spaces between. */
static void expect_names(const char *text, const char *names)
{
    cn_model model;
    cn_error error;
    char found[512] = "";
    cr_assert_eq(parse(text, &model, &error), CN_OK, "%s", error.message);
    for (int32_t i = 0; i < model.graph.count; i++) {
        strncat(found, i ? " " : "", sizeof found - strlen(found) - 1);
        strncat(found, model.graph.layers[i].name, sizeof found - strlen(found) - 1);
    }
    cr_expect_str_eq(found, names);
    cn_model_clear(&model);
}

Test(parse, names_are_hierarchical_and_stable)
{
    expect_names(INPUT "relu; relu; relu2x: relu", "input relu relu2 relu2x");
    expect_names(INPUT "relu2: relu; relu; relu", "input relu2 relu relu3");
    expect_names(INPUT "block b() { relu }\nx: b; b; y: { z: b; relu }",
                 "input x.relu relu y.z.relu y.relu");
    expect_names(INPUT "for i in 1..2 { for j in [0, 5] { \"l{i}.{j + i}\": relu } }",
                 "input l1.1 l1.6 l2.2 l2.7");
    expect_names(INPUT
                 "for i in 1..0 { relu }\nif 1 < 2 and not false { a: relu }\nelse { b: relu }",
                 "input a");
}

Test(parse, branches_read_what_they_name)
{
    cn_model model;
    cn_error error;
    cr_assert_eq(parse(INPUT "block two(n) {\n"
                             "  a: { conv(n, 1); relu }\n"
                             "  b: from in { conv(2 * n, 1) }\n"
                             "  let last = b\n"
                             "  concat from a, last\n"
                             "}\n"
                             "x: two(4); y: two(channels(x)) from x; add from y, \"y.concat\"",
                       &model, &error),
                 CN_OK, "%s", error.message);
    const cn_graph *g = &model.graph;
    int32_t concat = cn_graph_find(g, "x.concat"), b = cn_graph_find(g, "x.b.conv");
    cr_assert(concat > 0 && b > 0);
    cr_expect_eq(g->layers[b].inputs[0], 0);
    cr_expect_eq(g->layers[concat].inputs[1], b);
    cr_expect_eq(g->layers[concat].inputs[0], cn_graph_find(g, "x.a.relu"));
    cr_expect_eq(g->layers[concat].shape.c, 12);
    cr_expect_eq(g->layers[g->count - 1].shape.c, 36);
    cr_expect_eq(model.classes, 36);
    cn_model_clear(&model);
}

Test(parse, expressions_have_the_usual_precedence)
{
    static const struct {
        const char *expression;
        int channels;
    } rows[] = {{"2 + 3 * 4", 14},
                {"(2 + 3) * 4", 20},
                {"2 ^ 3 ^ 2 / 64", 8},
                {"20 - 5 - 3", 12},
                {"-2 ^ 2 + 9", 5},
                {"17 // 5 * 2 + 17 % 5", 8},
                {"if 1 == 2 then 3 else 4", 4},
                {"round(20 * 0.25, 8)", 8},
                {"max(1, min(7, 9)) + floor(2.9) + ceil(0.1)", 10},
                {"[[1, 2], [3, 4]][1][0]", 3},
                {"length([5, 6, 7])", 3},
                {"if \"a\" + 1 == \"a1\" or 1 / 0 > 0 then 6 else 7", 6}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[200];
        cn_model model;
        cn_error error;
        snprintf(text, sizeof text, HEAD "input(%s, 8, 8)\nrelu", rows[i].expression);
        cr_assert_eq(parse(text, &model, &error), CN_OK, "%s", error.message);
        cr_expect_eq(model.classes, rows[i].channels, "%s gave %d", rows[i].expression,
                     model.classes);
        cn_model_clear(&model);
    }
}

Test(parse, parameters_are_set_by_scale_and_by_the_caller)
{
    static const char text[] = "model m\nparam n = 4\nparam wide = false\n"
                               "scale a(dataset=\"x\")\nscale b(dataset=\"y\", n=6)\n"
                               "input(if wide then 2 * n else n, 8, 8); relu";
    static const struct {
        const char *scale;
        cn_parameter parameters[2];
        int count, classes;
        const char *dataset;
    } rows[] = {{NULL, {{0}}, 0, 4, "x"},
                {"b", {{0}}, 0, 6, "y"},
                {"b", {{"n", 9}}, 1, 9, "y"},
                {"a", {{"n", 5}, {"wide", 1}}, 2, 10, "x"}};
    cn_model model;
    cn_error error = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(cn_model_parse(&model, text, strlen(text), "m.lr", rows[i].scale,
                                    rows[i].parameters, rows[i].count, &error),
                     CN_OK, "%s", error.message);
        cr_expect_eq(model.classes, rows[i].classes);
        cr_expect_str_eq(model.dataset, rows[i].dataset);
        cn_model_clear(&model);
    }
    cn_parameter unknown = {"m", 1}, half = {"wide", 0.5};
    cr_expect_eq(cn_model_parse(&model, text, strlen(text), "m.lr", "c", NULL, 0, &error),
                 CN_EINVAL);
    cr_expect_str_eq(error.message, "m.lr:1:7: m has no scale 'c'; there are: a, b");
    cr_expect_eq(cn_model_parse(&model, text, strlen(text), "m.lr", "a", &unknown, 1, &error),
                 CN_EINVAL);
    cr_expect_eq(cn_model_parse(&model, text, strlen(text), "m.lr", "a", &half, 1, &error),
                 CN_EINVAL);
}

/* The canonical text of a model parses to a model with the same canonical text. */
Test(parse, canonical_texts_are_fixed_points)
{
    for (int m = 0; st_catalog_models[m]; m++) {
        cn_model model, again;
        cn_error error = {0};
        char *text, *second;
        cr_assert_eq(st_catalog_load(st_catalog_models[m], "imagenet", NULL, 0, &model, &error),
                     CN_OK, "%s", error.message);
        cr_assert_eq(cn_model_canonical(&model, &text, &error), CN_OK);
        cr_assert_eq(parse(text, &again, &error), CN_OK, "%s", error.message);
        cr_assert_eq(cn_model_canonical(&again, &second, &error), CN_OK);
        cr_expect_str_eq(text, second, "%s", st_catalog_models[m]);
        cr_expect_eq(cn_graph_macs(&model.graph), cn_graph_macs(&again.graph));
        cn_free(text);
        cn_free(second);
        cn_model_clear(&model);
        cn_model_clear(&again);
    }
}

Test(parse, canonical_texts_differ_where_outputs_would)
{
    static const char *const texts[] = {
        INPUT "max_pool(3, pad=1)",
        INPUT "max_pool(3, pad=1, ceil=true)",
        INPUT "avg_pool(3, pad=1)",
        INPUT "avg_pool(3, pad=1, count_padding=true)",
        HEAD "preprocess(order=\"bgr\")\ninput(3, 8, 8)\nmax_pool(3, pad=1)",
        INPUT "batch_norm",
        INPUT "batch_norm(0.001)",
        INPUT "resize(4)",
        INPUT "resize(4, \"bilinear\")"};
    enum { COUNT = sizeof texts / sizeof *texts };
    char *canonical[COUNT];
    for (int i = 0; i < COUNT; i++) {
        cn_model model;
        cn_error error;
        cr_assert_eq(parse(texts[i], &model, &error), CN_OK, "%s", error.message);
        cr_assert_eq(cn_model_canonical(&model, &canonical[i], &error), CN_OK);
        cn_model_clear(&model);
        for (int k = 0; k < i; k++)
            cr_expect_str_neq(canonical[i], canonical[k]);
    }
    for (int i = 0; i < COUNT; i++)
        cn_free(canonical[i]);
}

/* Texts that ask for more than any machine has end soon, with a message. */
Test(parse, no_text_asks_for_too_much, .timeout = 60)
{
    static const char *const greedy[] = {
        INPUT "for i in 1..1000000 { for j in 1..1000000 { let x = i } }",
        INPUT "for i in 1..1000000 { relu }",
        INPUT "let x = [1]\nfor i in 1..100000 { let x = [x, x] }\nrelu",
        INPUT "let s = \"a\"\nfor i in 1..100 { let s = s + s }\nrelu",
        INPUT "block b() { c; c; c; c }\nblock c() { b; b; b; b }\nb",
        INPUT "for i in 1..20 { conv(1000000, 1) }\nresize(1000000)",
        INPUT "for i in 1..100 { \"{i}\": { for j in 1..100 { relu } } }",
    };
    for (size_t i = 0; i < sizeof greedy / sizeof *greedy; i++) {
        cn_model model;
        cn_error error;
        cr_expect_neq(parse(greedy[i], &model, &error), CN_OK, "accepted: %s", greedy[i]);
        cr_expect(!strncmp(error.message, "m.lr:", 5), "%s", error.message);
        cn_model_clear(&model);
    }
}

/* `piece` again and again, between a beginning and nothing. */
static void expect_refused_repetition(const char *begin, const char *piece)
{
    enum { SIZE = 300000 };
    char *text = cn_calloc(SIZE, 1);
    size_t used = strlen(begin), length = strlen(piece);
    memcpy(text, begin, used);
    for (; used + length < SIZE; used += length)
        memcpy(text + used, piece, length);
    cn_model model;
    cn_error error = {0};
    cr_expect_neq(cn_model_parse(&model, text, used, "m.lr", NULL, NULL, 0, &error), CN_OK,
                  "accepted: %s...", piece);
    cr_expect(!strncmp(error.message, "m.lr:", 5), "%s", error.message);
    cn_free(text);
}

Test(parse, deep_and_long_texts_are_refused, .timeout = 60)
{
    static const char *const pieces[] = {"(",   "[",   "{", "-",      "not ", "1+", "1^",    "x[0]",
                                         "[0]", "if ", "a", "max(1,", "\"",   "0,", "relu;", "a.b"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        expect_refused_repetition(INPUT "let x = ", pieces[i]);
        expect_refused_repetition(INPUT, pieces[i]);
    }
    expect_refused_repetition(INPUT, "if true { ");
    expect_refused_repetition(INPUT "relu\nif true { relu }", " else if true { relu }");
    expect_refused_repetition(HEAD, "param p = 1\n");
}

/* Cut at any byte, a model text gives a model or a message, and leaks nothing (the sanitizers
 * watch). */
Test(parse, cut_texts_never_crash, .timeout = 300)
{
    for (int m = 0; st_catalog_models[m]; m++) {
        char *relative = cn_sprintf("experiments/models/%s.lr", st_catalog_models[m]);
        char *path = st_home_path(relative), text[16384];
        FILE *file = fopen(path, "rb");
        cr_assert(file, "%s is missing", path);
        size_t size = fread(text, 1, sizeof text, file);
        fclose(file);
        cn_free(relative);
        cn_free(path);
        for (size_t cut = 0; cut < size; cut++) {
            char *exact = malloc(cut + !cut); /* so that a read past the end is seen */
            memcpy(exact, text, cut);
            cn_model model;
            cn_error error = {0};
            cn_status status =
                cn_model_parse(&model, exact, cut, "m.lr", "fashion", NULL, 0, &error);
            cr_assert((status == CN_OK) == (error.message[0] == '\0'), "byte %zu", cut);
            cn_model_clear(&model);
            free(exact);
        }
    }
}

/* One random edit: a byte changed, a stretch taken out, or a stretch copied to another place. */
static size_t mutate(cn_random *random, char *text, size_t size, size_t room)
{
    size_t at = cn_random_below(random, (uint32_t)size), length = 1 + cn_random_below(random, 12);
    if (at + length > size) length = size - at;
    switch (cn_random_below(random, 3)) {
    case 0:
        text[at] = " \n(){}[],:=.;\"0129az#^-"[cn_random_below(random, 24)];
        return size;
    case 1:
        memmove(text + at, text + at + length, size - at - length);
        return size - length;
    default:
        break;
    }
    if (size + length > room) return size;
    char piece[12];
    size_t to = cn_random_below(random, (uint32_t)size);
    memcpy(piece, text + at, length);
    memmove(text + to + length, text + to, size - to);
    memcpy(text + to, piece, length);
    return size + length;
}

/* Texts with a few random edits give a model or a message that says where. */
Test(parse, edited_texts_never_crash, .timeout = 300)
{
    enum { ROOM = 8192, TIMES = 6000 };
    static const char begin[] =
        "model m\nparam n = 4\nparam l = [1, [2, 3]]\nscale s(dataset=\"d\", n=6)\n"
        "preprocess(mean=[1, 2, 3], std=2, order=\"bgr\", resize=9)\n"
        "block b(x, y=x + 1) { let z = in; a: conv(x, 3, pad=same)\n"
        "  if channels(z) == y and not false { add from a, z } else { c: from a { concat from z, a; relu6 } } }\n"
        "input(3, 9, 9)\nfor i, j in [l, [n // 2, \"k\"]] { \"s{i}\": b(i * 2 ^ 2) }\n"
        "for i in 0..2 { max_pool([2, 3], 1, ceil=true) }\nfc(max(n, 2), bias=true); softmax";
    char *text = malloc(ROOM);
    int models = 0;
    for (uint64_t seed = 0; seed < TIMES; seed++) {
        cn_random random = cn_random_seed(seed);
        size_t size = sizeof begin - 1;
        memcpy(text, begin, size);
        for (uint32_t edits = cn_random_below(&random, 4); edits && size; edits--)
            size = mutate(&random, text, size, ROOM);
        cn_model model;
        cn_error error = {0};
        cn_status status = cn_model_parse(&model, text, size, "m.lr", NULL, NULL, 0, &error);
        models += status == CN_OK;
        cr_assert((status == CN_OK) == (strncmp(error.message, "m.lr:", 5) != 0), "seed %d: %s",
                  (int)seed, error.message);
        cn_model_clear(&model);
    }
    cr_expect(models > TIMES / 10 && models < TIMES, "%d of %d were models", models, TIMES);
    free(text);
}

Test(parse, scales_are_listed_in_order)
{
    char *scales;
    cr_assert_eq(st_catalog_scales("lenet5", &scales, NULL), CN_OK);
    cr_expect_str_eq(scales, "imagenet,fashion,mnist,cifar10");
    cn_free(scales);
    cn_error error = {0};
    cr_expect_eq(st_catalog_scales("resnet5O", &scales, &error), CN_EINVAL);
    cr_expect_str_eq(error.message, "there is no model 'resnet5O'; did you mean 'resnet50'?");
    cr_expect_eq(cn_model_scales("no/such.lr", &scales, &error), CN_ENOTFOUND);
}
