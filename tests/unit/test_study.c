/* Matrices of cells and study files. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "study/request.h"

static cn_status add(st_plan *plan, int axis, const char *list, cn_error *error)
{
    const char *values[ST_AXIS_COUNT] = {0};
    values[axis] = list;
    return st_plan_add_matrix(plan, values, "", error);
}

Test(study, lists_make_every_combination_once)
{
    st_plan plan = st_plan_new();
    const char *values[ST_AXIS_COUNT] = {[ST_AXIS_MODEL] = "lenet5,resnet18",
                                         [ST_AXIS_THREADS] = "1,2,4",
                                         [ST_AXIS_FUSE] = "yes,no"};
    cr_assert_eq(st_plan_add_matrix(&plan, values, "", NULL), CN_OK);
    cr_expect_eq(plan.count, 12);
    cr_assert_eq(st_plan_add_matrix(&plan, values, "", NULL), CN_OK);
    cr_expect_eq(plan.count, 12, "the same cells again");
    for (int32_t i = 0; i < plan.count; i++)
        for (int32_t j = 0; j < i; j++) {
            const st_request *a = &plan.requests[i], *b = &plan.requests[j];
            cr_expect(strcmp(a->model, b->model) || a->threads != b->threads || a->fuse != b->fuse);
        }
    st_plan_clear(&plan);
}

Test(study, all_models_are_sixteen)
{
    st_plan plan = st_plan_new();
    cr_assert_eq(add(&plan, ST_AXIS_MODEL, "all", NULL), CN_OK);
    cr_expect_eq(plan.count, 16);
    st_plan_clear(&plan);
}

Test(study, wrong_values_are_refused_and_leave_the_plan)
{
    static const struct {
        int axis;
        const char *list, *words;
    } wrong[] = {{ST_AXIS_VARIANT, "slimmed", "not in this version"},
                 {ST_AXIS_VARIANT, "pruned+slimmed", "not in this version"},
                 {ST_AXIS_VARIANT, "quantised", "did you mean 'quantized'"},
                 {ST_AXIS_BACKEND, "gpu", "not in this version"},
                 {ST_AXIS_BACKEND, "npu", "no backend"},
                 {ST_AXIS_THREADS, "1,zero", "whole numbers"},
                 {ST_AXIS_THREADS, "0", "whole numbers"},
                 {ST_AXIS_THREADS, "99999999999999999999", "whole numbers"},
                 {ST_AXIS_BATCH, "1,,2", "whole numbers"},
                 {ST_AXIS_ISA, "sse", "no instruction set"},
                 {ST_AXIS_RATE, "8", "compressed"},
                 {ST_AXIS_SCHEME, "block8", "compressed"},
                 {ST_AXIS_FUSE, "maybe", "yes or no"}};
    st_plan plan = st_plan_new();
    cr_assert_eq(add(&plan, ST_AXIS_MODEL, "lenet5", NULL), CN_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cn_error error = {0};
        cr_expect_eq(add(&plan, wrong[i].axis, wrong[i].list, &error), CN_EINVAL, "%s",
                     wrong[i].list);
        cr_expect(strstr(error.message, wrong[i].words), "%s", error.message);
        cr_expect_eq(plan.count, 1);
    }
    char longest[400];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (int axis = 0; axis < ST_AXIS_COUNT; axis++)
        cr_expect_eq(add(&plan, axis, longest, NULL), CN_EINVAL, "%s", st_axis_names[axis]);
    st_plan_clear(&plan);
}

/* Reads `text` as a study file; the message is left in *error. */
static cn_status read_study(const char *text, st_plan *plan, cn_error *error)
{
    char path[] = "/tmp/condense-study-XXXXXX";
    int file = mkstemp(path);
    cr_assert(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
    *plan = st_plan_new();
    *error = (cn_error){0};
    cn_status status = st_plan_read(plan, path, error);
    unlink(path);
    return status;
}

Test(study, file_gives_cells_and_settings)
{
    st_plan plan;
    cn_error error;
    cr_assert_eq(
        read_study("{\"about\": \"x\", \"settings\": {\"min_time\": 0.5, \"seed\": 9},"
                   " \"cells\": [{\"model\": [\"lenet5\", \"vgg16\"], \"threads\": [1, 2]},"
                   " {\"model\": \"resnet18\", \"fuse\": false}]}",
                   &plan, &error),
        CN_OK, "%s", error.message);
    cr_expect_eq(plan.count, 5);
    cr_expect_float_eq(plan.settings.rule.min_seconds, 0.5, 1e-12);
    cr_expect_eq(plan.settings.seed, 9);
    cr_expect_not(plan.requests[4].fuse);
    st_plan_clear(&plan);
}

Test(study, file_errors_say_where)
{
    static const char *const wrong[][2] = {
        {"{\"cells\": [{\"model\": \"lenet5\"},]}", ":1:"},
        {"{\"cells\": [\n{\"model\": }]}", ":2:"},
        {"{\"cells\": [{\"modle\": \"lenet5\"}]}", "did you mean 'model'"},
        {"{\"cell\": []}", "did you mean 'cells'"},
        {"{\"cells\": []}", "no cells"},
        {"{}", "no cells"},
        {"[]", "not a JSON object"},
        {"", ""},
        {"{\"cells\": {}}", "give an array"},
        {"{\"cells\": [7]}", "cells[0]: give an object"},
        {"{\"cells\": [{\"model\": []}]}", "the list is empty"},
        {"{\"cells\": [{\"model\": [{}]}]}", "cells[0].model[0]"},
        {"{\"cells\": [{\"model\": \"lenet5\", \"model\": \"vgg16\"}]}", "given twice"},
        {"{\"cells\": [{\"threads\": 1.5}]}", "whole numbers"},
        {"{\"cells\": [{\"model\": \"lenet5\"}, {\"backend\": \"gpu\"}]}", "cells[1]: backend"},
        {"{\"settings\": {\"min_time\": -1}, \"cells\": [{}]}", "settings.min_time"},
        {"{\"settings\": {\"images\": 1.5}, \"cells\": [{}]}", "settings.images: give a whole"},
        {"{\"settings\": {\"min_tim\": 1}, \"cells\": [{}]}", "did you mean 'min_time'"},
        {"{\"settings\": 1, \"cells\": [{}]}", "give an object"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        st_plan plan;
        cn_error error;
        cr_expect_neq(read_study(wrong[i][0], &plan, &error), CN_OK, "%s", wrong[i][0]);
        cr_expect(strstr(error.message, wrong[i][1]), "%s: %s", wrong[i][0], error.message);
        st_plan_clear(&plan);
    }
}

Test(study, file_cut_anywhere_is_refused)
{
    static const char text[] =
        "{\"settings\": {\"seed\": 3}, \"cells\": [{\"model\": \"lenet5\"}]}";
    for (size_t size = 0; size + 1 < sizeof text - 1; size++) {
        char cut[sizeof text] = "";
        memcpy(cut, text, size);
        st_plan plan;
        cn_error error;
        cr_expect_neq(read_study(cut, &plan, &error), CN_OK, "%s", cut);
        st_plan_clear(&plan);
    }
}
