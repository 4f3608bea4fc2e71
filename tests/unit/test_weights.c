/* Weight sets: names and shapes, the check against a graph, the start of training. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "condense/graph.h"
#include "condense/weights.h"

/* input 3 x 8 x 8, conv of 64 filters 3 x 3 with bias, batch norm, fc of 10. */
static cn_graph small_graph(void)
{
    cn_graph graph = {0};
    cn_layer layer = cn_layer_defaults(CN_OP_INPUT);
    layer.shape = (cn_shape){3, 8, 8};
    cr_assert_eq(cn_graph_add(&graph, &layer, "input", NULL, 0, NULL, NULL), CN_OK);
    layer = cn_layer_defaults(CN_OP_CONV);
    layer.units = 64;
    layer.bias = true;
    layer.window.kernel_h = layer.window.kernel_w = 3;
    cr_assert_eq(cn_graph_add(&graph, &layer, "conv", (int32_t[]){0}, 1, NULL, NULL), CN_OK);
    layer = cn_layer_defaults(CN_OP_BATCH_NORM);
    cr_assert_eq(cn_graph_add(&graph, &layer, "norm", (int32_t[]){1}, 1, NULL, NULL), CN_OK);
    layer = cn_layer_defaults(CN_OP_FC);
    layer.units = 10;
    cr_assert_eq(cn_graph_add(&graph, &layer, "fc", (int32_t[]){2}, 1, NULL, NULL), CN_OK);
    return graph;
}

static void moments(const cn_tensor *tensor, double *mean, double *variance)
{
    double sum = 0, squares = 0, count = (double)cn_tensor_count(tensor);
    for (int64_t i = 0; i < cn_tensor_count(tensor); i++) {
        sum += (double)tensor->data[i];
        squares += (double)tensor->data[i] * (double)tensor->data[i];
    }
    *mean = sum / count;
    *variance = squares / count - *mean * *mean;
}

Test(weights, random_start_has_the_variance_of_he_and_neutral_batch_norm)
{
    cn_graph graph = small_graph();
    cn_weights weights;
    cr_assert_eq(cn_weights_random(&weights, &graph, 1, NULL), CN_OK);
    cr_assert_str_eq(weights.label, "random");
    cr_assert_eq(cn_weights_check(&weights, &graph, NULL), CN_OK);
    double mean, variance;
    moments(cn_weights_of(&weights, "conv", "weight"), &mean, &variance);
    cr_expect_float_eq(mean, 0, 0.03);
    cr_expect_float_eq(variance / (2.0 / 27), 1, 0.12); /* 1,728 values: 3.5 standard errors */
    moments(cn_weights_of(&weights, "fc", "weight"), &mean, &variance);
    cr_expect_float_eq(variance / (2.0 / 2304), 1, 0.04);
    cr_expect_eq(cn_weights_find(&weights, "norm.running_var")->data[63], 1);
    cr_expect_eq(cn_weights_find(&weights, "norm.weight")->data[0], 1);
    cr_expect_eq(cn_weights_find(&weights, "norm.bias")->data[0], 0);
    cr_expect_eq(cn_weights_find(&weights, "norm.running_mean")->data[0], 0);
    cr_expect_eq(cn_weights_find(&weights, "conv.bias")->data[0], 0);
    cn_weights_clear(&weights);
    cn_graph_clear(&graph);
}

Test(weights, seed_and_name_alone_decide_the_numbers)
{
    cn_graph graph = small_graph();
    cn_weights one, same, other;
    cr_assert_eq(cn_weights_random(&one, &graph, 1, NULL), CN_OK);
    cr_assert_eq(cn_weights_random(&same, &graph, 1, NULL), CN_OK);
    cr_assert_eq(cn_weights_random(&other, &graph, 2, NULL), CN_OK);
    const cn_tensor *tensor = cn_weights_find(&one, "fc.weight");
    size_t bytes = (size_t)cn_tensor_count(tensor) * sizeof(float);
    cr_expect_eq(memcmp(tensor->data, cn_weights_find(&same, "fc.weight")->data, bytes), 0);
    cr_expect_neq(memcmp(tensor->data, cn_weights_find(&other, "fc.weight")->data, bytes), 0);
    cn_weights_clear(&one);
    cn_weights_clear(&same);
    cn_weights_clear(&other);
    cn_graph_clear(&graph);
}

Test(weights, check_names_the_layer_and_what_it_wants)
{
    cn_graph graph = small_graph();
    cn_weights weights;
    cn_error error;
    cr_assert_eq(cn_weights_random(&weights, &graph, 1, NULL), CN_OK);
    cn_tensor *tensor = cn_weights_find(&weights, "conv.weight");

    tensor->data[5] = NAN;
    cr_expect_eq(cn_weights_check(&weights, &graph, &error), CN_EFORMAT);
    cr_expect(strstr(error.message, "'conv'") && strstr(error.message, "value 5"), "%s",
              error.message);
    tensor->data[5] = 0;
    tensor->dims[0] = 32;
    cr_expect_eq(cn_weights_check(&weights, &graph, &error), CN_EFORMAT);
    cr_expect(strstr(error.message, "[64, 3, 3, 3]") && strstr(error.message, "[32, 3, 3, 3]"),
              "%s", error.message);
    tensor->dims[0] = 64;
    tensor->name[0] = 'k';
    cr_expect_eq(cn_weights_check(&weights, &graph, &error), CN_ENOTFOUND);
    cr_expect(strstr(error.message, "'conv.weight'"), "%s", error.message);
    cn_weights_clear(&weights);
    cn_graph_clear(&graph);
}

Test(weights, impossible_shapes_and_second_names_are_refused)
{
    cn_weights weights = {0};
    cn_tensor *tensor;
    cr_expect_eq(cn_weights_add(&weights, "a", 5, (int32_t[]){1, 1, 1, 1, 1}, &tensor, NULL),
                 CN_EINVAL);
    cr_expect_eq(cn_weights_add(&weights, "a", 1, (int32_t[]){0}, &tensor, NULL), CN_EINVAL);
    cr_expect_eq(cn_weights_add(&weights, "a", 1, (int32_t[]){-1}, &tensor, NULL), CN_EINVAL);
    int32_t huge[4] = {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
    cr_expect_eq(cn_weights_add(&weights, "a", 4, huge, &tensor, NULL), CN_EINVAL);
    cr_expect_eq(cn_weights_add(&weights, "a", 1, (int32_t[]){2}, &tensor, NULL), CN_OK);
    cr_expect_eq(cn_weights_add(&weights, "a", 1, (int32_t[]){2}, &tensor, NULL), CN_EINVAL);
    cr_expect_eq(weights.count, 1);
    cn_weights_clear(&weights);
}

Test(weights, a_copy_is_equal_and_its_own)
{
    cn_graph graph = small_graph();
    cn_weights weights, copy;
    cr_assert_eq(cn_weights_random(&weights, &graph, 1, NULL), CN_OK);
    cr_assert_eq(cn_weights_copy(&weights, &copy, NULL), CN_OK);
    cr_expect_str_eq(copy.label, "random");
    cr_expect_eq(copy.count, weights.count);
    float kept = weights.tensors[0].data[0];
    copy.tensors[0].data[0] = kept + 1;
    cr_expect_eq(weights.tensors[0].data[0], kept);
    cn_weights_clear(&weights);
    cn_weights_clear(&copy);
    cn_graph_clear(&graph);
}
