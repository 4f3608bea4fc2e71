/* Studies of compression: every combination in order, refusals that name the entry; rates of
 * layers. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "data/catalog.h"
#include "study/compression_study.h"
#include "study/layer_rates.h"

typedef struct seen {
    char text[512]; /* words of each combination, "|" after it */
    int count, stop_at;
} seen;

static cn_status note(void *context, int argc, char **argv, cn_error *error)
{
    seen *s = context;
    if (++s->count == s->stop_at) return cn_fail(error, CN_EDIVERGED, "it is enough");
    for (int i = 1; i < argc; i++) {
        size_t used = strlen(s->text);
        snprintf(s->text + used, sizeof s->text - used, "%s%s", i > 1 ? " " : "", argv[i]);
    }
    strncat(s->text, "|", sizeof s->text - strlen(s->text) - 1);
    return CN_OK;
}

static cn_status run(const char *json, seen *s, cn_error *error)
{
    char path[] = "/tmp/condense-study-XXXXXX";
    int file = mkstemp(path);
    cr_assert(file >= 0);
    ssize_t length = (ssize_t)strlen(json);
    cr_assert_eq(write(file, json, (size_t)length), length);
    close(file);
    cn_status status = st_compression_study(path, note, s, error);
    unlink(path);
    return status;
}

Test(compression_study, lists_make_every_combination_the_last_key_fastest)
{
    seen s = {.count = 0};
    cn_error error = {0};
    cr_assert_eq(run("{\"about\": \"x\", \"runs\": ["
                     "{\"model\": [\"a\", \"b\"], \"rate\": \"2,4\", \"seed\": [1, 2]},"
                     "{\"layer_rates\": \"c=1.5\", \"rho\": 0.1, \"per_channel\": true}, {}]}",
                     &s, &error),
                 CN_OK, "%s", error.message);
    cr_expect_str_eq(s.text, "--model=a --rate=2,4 --seed=1|--model=a --rate=2,4 --seed=2|"
                             "--model=b --rate=2,4 --seed=1|--model=b --rate=2,4 --seed=2|"
                             "--layer-rates=c=1.5 --rho=0.1 --per-channel||");
}

Test(compression_study, the_first_failure_stops_and_names_its_entry)
{
    seen s = {.stop_at = 3};
    cn_error error = {0};
    cr_expect_eq(run("{\"runs\": [{\"x\": 1}, {\"x\": [2, 3, 4]}]}", &s, &error), CN_EDIVERGED);
    cr_expect_str_eq(s.text, "--x=1|--x=2|");
    cr_expect(strstr(error.message, "entry 2 of 'runs': it is enough"), "%s", error.message);
}

Test(compression_study, malformed_files_are_refused)
{
    char many[1024] = "{\"runs\": [{\"k0\": 1";
    for (int i = 1; i < 33; i++) {
        size_t used = strlen(many);
        snprintf(many + used, sizeof many - used, ", \"k%d\": 1", i);
    }
    strcat(many, "}]}");
    const struct {
        const char *json, *words;
    } wrong[] = {{"", "not a JSON object"},
                 {"[]", "not a JSON object"},
                 {"{}", "no list called 'runs'"},
                 {"{\"runs\": {}}", "no list called 'runs'"},
                 {"{\"runs\": [[]]}", "entry 1 of 'runs': it is no object"},
                 {"{\"runs\": [{\"a\": []}]}", "'a' is an empty list"},
                 {"{\"runs\": [{\"a\": null}]}", "the value of 'a'"},
                 {"{\"runs\": [{\"a\": false}]}", "the value of 'a'"},
                 {"{\"runs\": [{\"a\": {\"b\": 1}}]}", "the value of 'a'"},
                 {"{\"runs\": [{\"a\": [\"x\", [1]]}]}", "the value of 'a'"},
                 {many, "over 32 keys"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        seen s = {.count = 0};
        cn_error error = {0};
        cr_expect_eq(run(wrong[i].json, &s, &error), CN_EFORMAT, "%s", wrong[i].json);
        cr_expect(strstr(error.message, wrong[i].words), "%s: %s", wrong[i].json, error.message);
    }
}

Test(compression_study, rates_of_layers_make_a_rate)
{
    cn_model model;
    cn_error error = {0};
    cr_assert_eq(st_catalog_load("lenet5", "fashion", NULL, 0, &model, &error), CN_OK, "%s",
                 error.message);
    double keep[64], rate = 0;
    cr_assert_eq(st_layer_rates_parse(&model, "fc2=1,conv2=2,fc1=8,conv1=4", keep, &rate, &error),
                 CN_OK, "%s", error.message);
    cr_expect(keep[0] == 0.25 && keep[1] == 0.5 && keep[2] == 0.125 && keep[3] == 1);
    cr_expect_float_eq(rate, 430500 / (125 + 12500 + 50000 + 5000.0), 1e-4);
    static const char *const wrong[] = {"",
                                        "conv1=1",
                                        "conv1=1,conv2=1,fc1=1,fc2=0.5",
                                        "conv1=1,conv2=1,fc1=1,fc2=nan",
                                        "conv1=1,conv2=1,fc1=1,fc2=inf",
                                        "conv1=1,conv2=1,fc1=1,fc2=",
                                        "conv1=1,conv2=1,fc1=1x,fc2=1",
                                        "conv1=1,conv2=1,fc1=1,fc2=1,fc3=1",
                                        "conv1=1,conv2=1,fc1=1,fc2=1,",
                                        "xconv1=1,conv2=1,fc1=1,fc2=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_eq(st_layer_rates_parse(&model, wrong[i], keep, &rate, &error), CN_EINVAL, "%s",
                     wrong[i]);
    cn_model_clear(&model);
}
