/* The reference against numbers worked out by hand. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/session.h"
#include "nets.h"

/* Runs the last layer's network on `input` and compares with `right`. */
static void expect(cn_graph *graph, cn_weights *weights, const float *input, const double *right,
                   double tolerance)
{
    int64_t count = cn_shape_count(graph->layers[graph->count - 1].shape);
    double *got = cn_calloc((size_t)count, sizeof *got);
    cn_error error = {0};
    cr_assert_eq(cn_reference_run(graph, weights, 1, input, got, NULL, &error), CN_OK, "%s",
                 error.message);
    for (int64_t i = 0; i < count; i++)
        cr_assert_float_eq(got[i], right[i], tolerance, "output %d: %g, not %g", (int)i, got[i],
                           right[i]);
    cn_free(got);
    cn_graph_clear(graph);
    cn_weights_clear(weights);
}

static void expect_layer(cn_layer layer, int32_t c, int32_t h, int32_t w, const float *input,
                         const double *right)
{
    cn_graph graph = test_graph(c, h, w);
    cn_weights weights = {0};
    test_add(&graph, layer, "it", READS(0));
    expect(&graph, &weights, input, right, 1e-12);
}

static const float nine[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

Test(reference, convolution_slides_pads_and_dilates)
{
    cn_graph graph = test_graph(1, 3, 3);
    cn_layer layer = test_conv(1, 2, 2, 0);
    layer.window.pad_left = layer.window.pad_top = 1;
    layer.bias = true;
    test_add(&graph, layer, "it", READS(0));
    cn_weights weights = test_weights(&graph, 1);
    memcpy(cn_weights_find(&weights, "it.weight")->data, (float[]){1, 10, 100, 1000}, 16);
    cn_weights_find(&weights, "it.bias")->data[0] = 0.5f;
    /* taps (0,0) (0,1) (1,0) (1,1) on the zero-padded plane */
    expect(&graph, &weights, nine, (double[]){1000.5, 3200.5, 7040.5, 9865.5}, 1e-12);

    graph = test_graph(1, 3, 3);
    layer = test_conv(1, 2, 1, 0);
    layer.window.dilation_h = layer.window.dilation_w = 2;
    test_add(&graph, layer, "it", READS(0));
    weights = test_weights(&graph, 1);
    memcpy(cn_weights_find(&weights, "it.weight")->data, (float[]){1, 10, 100, 1000}, 16);
    expect(&graph, &weights, nine, (double[]){1 + 30 + 700 + 9000}, 1e-12);
}

Test(reference, groups_see_their_own_channels)
{
    cn_graph graph = test_graph(2, 1, 2);
    cn_layer layer = test_conv(4, 1, 1, 0);
    layer.groups = 2;
    test_add(&graph, layer, "it", READS(0));
    cn_weights weights = test_weights(&graph, 1);
    memcpy(cn_weights_find(&weights, "it.weight")->data, (float[]){1, 2, 3, 4}, 16);
    expect(&graph, &weights, (float[]){1, 2, 10, 20}, (double[]){1, 2, 2, 4, 30, 60, 40, 80},
           1e-12);
}

Test(reference, fully_connected_flattens_channel_by_channel)
{
    cn_graph graph = test_graph(2, 1, 2);
    cn_layer layer = cn_layer_defaults(CN_OP_FC);
    layer.units = 2;
    layer.bias = true;
    test_add(&graph, layer, "it", READS(0));
    cn_weights weights = test_weights(&graph, 1);
    memcpy(cn_weights_find(&weights, "it.weight")->data, (float[]){1, 2, 3, 4, 0, 0, 0, 1}, 32);
    memcpy(cn_weights_find(&weights, "it.bias")->data, (float[]){100, 200}, 8);
    expect(&graph, &weights, (float[]){1, 10, 2, 20}, (double[]){207, 220}, 1e-12);
}

Test(reference, max_pool_ignores_padding)
{
    const float negative[] = {-1, -2, -3, -4, -5, -6, -7, -8, -9};
    expect_layer(test_pool(CN_OP_MAX_POOL, 2, 2, 1), 1, 3, 3, negative, (double[]){-1, -2, -4, -5});
    cn_layer ceil = test_pool(CN_OP_MAX_POOL, 2, 2, 0);
    ceil.ceil_mode = true;
    expect_layer(ceil, 1, 3, 3, nine, (double[]){5, 6, 8, 9});
    cn_layer same = test_pool(CN_OP_MAX_POOL, 2, 1, 0);
    same.same = true;
    expect_layer(same, 1, 3, 3, nine, (double[]){5, 6, 6, 8, 9, 9, 8, 9, 9});
}

/* Caffe and PyTorch count padding, but nothing past it, where the last window hangs over. */
Test(reference, average_pool_divides_as_told)
{
    cn_layer layer = test_pool(CN_OP_AVG_POOL, 2, 2, 1);
    expect_layer(layer, 1, 3, 3, nine, (double[]){1, 2.5, 5.5, 7});
    layer.count_padding = true;
    expect_layer(layer, 1, 3, 3, nine, (double[]){0.25, 1.25, 2.75, 7});
    layer = test_pool(CN_OP_AVG_POOL, 2, 2, 0);
    layer.ceil_mode = layer.count_padding = true;
    expect_layer(layer, 1, 3, 3, nine, (double[]){3, 4.5, 7.5, 9});
    expect_layer(cn_layer_defaults(CN_OP_GLOBAL_AVG_POOL), 1, 3, 3, nine, (double[]){5});
}

Test(reference, normalization)
{
    cn_layer lrn = cn_layer_defaults(CN_OP_LRN);
    lrn.lrn_size = 3;
    lrn.lrn_alpha = 3;
    lrn.lrn_beta = 0.5f;
    lrn.lrn_k = 2;
    expect_layer(lrn, 3, 1, 1, (float[]){1, 2, 3},
                 (double[]){1 / sqrt(2 + 5), 2 / sqrt(2 + 14), 3 / sqrt(2 + 13)});
    cn_graph graph = test_graph(1, 1, 2);
    cn_layer norm = cn_layer_defaults(CN_OP_BATCH_NORM);
    norm.epsilon = 0.25f;
    test_add(&graph, norm, "it", READS(0));
    cn_weights weights = test_weights(&graph, 1);
    cn_weights_find(&weights, "it.weight")->data[0] = 3;
    cn_weights_find(&weights, "it.bias")->data[0] = 10;
    cn_weights_find(&weights, "it.running_mean")->data[0] = 1;
    cn_weights_find(&weights, "it.running_var")->data[0] = 2;
    expect(&graph, &weights, (float[]){1, 2}, (double[]){10, 12}, 1e-12);
}

Test(reference, activations)
{
    const float x[] = {-1, 0.5f, 7};
    expect_layer(cn_layer_defaults(CN_OP_RELU), 1, 1, 3, x, (double[]){0, 0.5, 7});
    expect_layer(cn_layer_defaults(CN_OP_RELU6), 1, 1, 3, x, (double[]){0, 0.5, 6});
    expect_layer(cn_layer_defaults(CN_OP_TANH), 1, 1, 3, x,
                 (double[]){tanh(-1), tanh(0.5), tanh(7)});
    expect_layer(cn_layer_defaults(CN_OP_SIGMOID), 1, 1, 3, x,
                 (double[]){1 / (1 + exp(1)), 1 / (1 + exp(-0.5)), 1 / (1 + exp(-7))});
    expect_layer(cn_layer_defaults(CN_OP_SOFTMAX), 2, 1, 2, (float[]){1000, 0, 1000, 1},
                 (double[]){0.5, 1 / (1 + exp(1)), 0.5, 1 / (1 + exp(-1))});
}

Test(reference, pictures)
{
    const float four[] = {1, 2, 3, 4};
    cn_layer resize = cn_layer_defaults(CN_OP_RESIZE);
    resize.resize_h = 1;
    resize.resize_w = 3;
    expect_layer(resize, 1, 1, 4, four, (double[]){1, 3, 4});
    resize.resize = CN_RESIZE_BILINEAR;
    resize.resize_w = 2;
    expect_layer(resize, 1, 1, 4, four, (double[]){1.5, 3.5});
    resize.resize_w = 8;
    expect_layer(resize, 1, 1, 4, four, (double[]){1, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4});
    cn_layer shuffle = cn_layer_defaults(CN_OP_PIXEL_SHUFFLE);
    shuffle.factor = 2;
    expect_layer(shuffle, 4, 1, 2, (float[]){1, 2, 3, 4, 5, 6, 7, 8},
                 (double[]){1, 3, 2, 4, 5, 7, 6, 8});
    cn_layer pad = cn_layer_defaults(CN_OP_PAD);
    pad.window = (cn_window){.pad_top = 1, .pad_right = 1};
    expect_layer(pad, 1, 1, 2, four, (double[]){0, 0, 0, 1, 2, 0});
    expect_layer(cn_layer_defaults(CN_OP_FLATTEN), 2, 1, 2, four, (double[]){1, 2, 3, 4});
}

Test(reference, layers_are_handed_out)
{
    cn_graph graph = test_graph(1, 1, 2);
    cn_weights weights = {0};
    test_add(&graph, cn_layer_defaults(CN_OP_RELU), "a", READS(0));
    test_add(&graph, cn_layer_defaults(CN_OP_ADD), "b", READS(0, 1));
    double output[2], **layers;
    cr_assert_eq(cn_reference_run(&graph, &weights, 1, (float[]){-1, 3}, output, &layers, NULL),
                 CN_OK);
    cr_assert_eq(layers[1][0], 0);
    cr_assert_eq(layers[2][1], 6);
    cr_assert_eq(output[0], -1);
    for (int32_t i = 0; i < graph.count; i++)
        cn_free(layers[i]);
    cn_free(layers);
    cr_assert_eq(cn_reference_run(&graph, &weights, 0, nine, output, NULL, NULL), CN_EINVAL);
    cn_graph_clear(&graph);
}
