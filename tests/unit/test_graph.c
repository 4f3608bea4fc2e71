/* Shape inference and counts against values worked out by hand. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "condense/graph.h"
#include "condense/memory.h"

static cn_graph graph;

static void with_input(int32_t c, int32_t h, int32_t w)
{
    cn_layer input = cn_layer_defaults(CN_OP_INPUT);
    input.shape = (cn_shape){c, h, w};
    graph = (cn_graph){0};
    cr_assert_eq(cn_graph_add(&graph, &input, "input", NULL, 0, NULL, NULL), CN_OK);
}

static void done(void)
{
    cn_graph_clear(&graph);
}

/* Adds `layer` after the last one. */
static cn_status follow(const cn_layer *layer, const char *name, cn_error *error)
{
    int32_t last = graph.count - 1;
    return cn_graph_add(&graph, layer, name, &last, 1, NULL, error);
}

static cn_layer window(cn_op op, int32_t kh, int32_t kw, int32_t sh, int32_t sw)
{
    cn_layer layer = cn_layer_defaults(op);
    layer.window.kernel_h = kh;
    layer.window.kernel_w = kw;
    layer.window.stride_h = sh;
    layer.window.stride_w = sw;
    if (op == CN_OP_CONV) layer.units = 8;
    return layer;
}

static void expect_shape(const cn_layer *layer, int32_t c, int32_t h, int32_t w)
{
    cn_error error = {0};
    cr_assert_eq(follow(layer, "layer", &error), CN_OK, "%s", error.message);
    cn_shape s = graph.layers[graph.count - 1].shape;
    cr_expect(s.c == c && s.h == h && s.w == w, "%dx%dx%d instead of %dx%dx%d", s.c, s.h, s.w, c, h,
              w);
}

static void expect_refusal(const cn_layer *layer, const char *part)
{
    cn_error error = {0};
    int32_t before = graph.count;
    cr_expect_eq(follow(layer, "odd", &error), CN_EINVAL, "accepted; expected: %s", part);
    cr_expect(strstr(error.message, part), "'%s' does not say '%s'", error.message, part);
    cr_expect(strstr(error.message, "layer 'odd'"), "'%s' names no layer", error.message);
    cr_expect_eq(graph.count, before);
}

Test(graph, windows_round_down, .fini = done)
{
    with_input(3, 224, 223);
    cn_layer conv = window(CN_OP_CONV, 7, 5, 2, 3);
    conv.window.pad_top = conv.window.pad_bottom = 3;
    conv.window.pad_right = 1;
    expect_shape(&conv, 8, 112, 74); /* (224+6-7)/2+1 = 112.5, (223+1-5)/3+1 = 74 */
    cr_expect_eq(cn_layer_parameters(&graph, 1), 8 * 3 * 7 * 5);
    cr_expect_eq(cn_layer_macs(&graph, 1), (int64_t)8 * 3 * 7 * 5 * 112 * 74);
}

Test(graph, dilation_widens_the_window, .fini = done)
{
    with_input(4, 20, 20);
    cn_layer conv = window(CN_OP_CONV, 3, 3, 1, 1);
    conv.window.dilation_h = 4;
    conv.window.dilation_w = 2;
    expect_shape(&conv, 8, 12, 16); /* 20 - 9 + 1, 20 - 5 + 1 */
}

Test(graph, same_pads_the_odd_pixel_at_the_end, .fini = done)
{
    with_input(3, 224, 7);
    cn_layer conv = window(CN_OP_CONV, 3, 4, 2, 3);
    conv.same = true;
    expect_shape(&conv, 8, 112, 3);
    const cn_window *w = &graph.layers[1].window;
    cr_expect(w->pad_top == 0 && w->pad_bottom == 1); /* 111*2+3 - 224 = 1 */
    cr_expect(w->pad_left == 1 && w->pad_right == 2); /* 2*3+4 - 7 = 3 */
}

Test(graph, same_with_a_stride_beyond_the_window_pads_nothing, .fini = done)
{
    with_input(3, 9, 9);
    cn_layer conv = window(CN_OP_CONV, 1, 1, 2, 2);
    conv.same = true;
    expect_shape(&conv, 8, 5, 5);
    cr_expect_eq(graph.layers[1].window.pad_bottom, 0);
}

Test(graph, ceil_pooling_takes_the_overhanging_window, .fini = done)
{
    with_input(2, 112, 111);
    cn_layer pool = window(CN_OP_MAX_POOL, 3, 3, 2, 2);
    pool.ceil_mode = true;
    expect_shape(&pool, 2, 56, 55); /* (112-3)/2 = 54.5 up; (111-3)/2 = 54 exactly */
    cr_expect_eq(graph.layers[1].window.pad_bottom, 0);
}

Test(graph, ceil_pooling_drops_a_window_that_starts_in_the_far_padding, .fini = done)
{
    with_input(2, 4, 5);
    cn_layer pool = window(CN_OP_AVG_POOL, 2, 2, 2, 2);
    pool.window.pad_top = pool.window.pad_bottom = 1;
    pool.window.pad_left = pool.window.pad_right = 1;
    pool.ceil_mode = true;
    /* height: 4+2-2 = 4, exactly 3 windows; width: 5+2-2 = 5, a fourth would start at 6 = 5+1 */
    expect_shape(&pool, 2, 3, 3);
}

Test(graph, groups_divide_weights_and_work, .fini = done)
{
    with_input(96, 27, 27);
    cn_layer conv = window(CN_OP_CONV, 5, 5, 1, 1);
    conv.units = 256;
    conv.groups = 2;
    conv.bias = true;
    conv.same = true;
    expect_shape(&conv, 256, 27, 27);
    cn_weight_spec specs[4];
    cr_assert_eq(cn_layer_weights(&graph, 1, specs), 2);
    cr_expect(specs[0].dims[0] == 256 && specs[0].dims[1] == 48 && specs[0].dims[2] == 5);
    cr_expect_str_eq(specs[1].suffix, "bias");
    cr_expect_eq(cn_layer_parameters(&graph, 1), 256 * 48 * 25 + 256);
    cr_expect_eq(cn_layer_macs(&graph, 1), (int64_t)256 * 48 * 25 * 27 * 27);
}

Test(graph, batch_norm_has_statistics_that_are_no_parameters, .fini = done)
{
    with_input(5, 3, 3);
    cn_layer norm = cn_layer_defaults(CN_OP_BATCH_NORM);
    expect_shape(&norm, 5, 3, 3);
    cn_weight_spec specs[4];
    cr_expect_eq(cn_layer_weights(&graph, 1, specs), 4);
    cr_expect(!specs[2].trainable && !specs[3].trainable);
    cr_expect_eq(cn_layer_parameters(&graph, 1), 10);
    cr_expect_eq(cn_layer_macs(&graph, 1), 0);
}

Test(graph, shapes_that_no_window_decides, .fini = done)
{
    with_input(8, 6, 4);
    cn_layer shuffle = cn_layer_defaults(CN_OP_PIXEL_SHUFFLE);
    shuffle.factor = 2;
    expect_shape(&shuffle, 2, 12, 8);
    done();
    with_input(8, 6, 4);
    cn_layer resize = cn_layer_defaults(CN_OP_RESIZE);
    resize.resize_h = 9;
    resize.resize_w = 1;
    expect_shape(&resize, 8, 9, 1);
    done();
    with_input(8, 6, 4);
    cn_layer pad = cn_layer_defaults(CN_OP_PAD);
    pad.window = (cn_window){.pad_top = 1, .pad_left = 2, .pad_right = 3};
    expect_shape(&pad, 8, 7, 9);
    done();
    with_input(8, 6, 4);
    cn_layer flatten = cn_layer_defaults(CN_OP_FLATTEN), fc = cn_layer_defaults(CN_OP_FC);
    expect_shape(&flatten, 192, 1, 1);
    fc.units = 10;
    cr_assert_eq(follow(&fc, "fc", NULL), CN_OK);
    cr_expect_eq(cn_graph_parameters(&graph), 1920);
    cr_expect_eq(cn_graph_macs(&graph), 1920);
}

Test(graph, refuses_what_cannot_be, .fini = done)
{
    with_input(6, 5, 5);
    cn_layer conv = window(CN_OP_CONV, 7, 7, 1, 1);
    expect_refusal(&conv, "does not fit the 5x5 input");
    conv = window(CN_OP_CONV, 3, 3, 0, 1);
    expect_refusal(&conv, "stride");
    conv = window(CN_OP_CONV, 3, 3, 1, 1);
    conv.groups = 4;
    expect_refusal(&conv, "4 groups");
    conv.groups = 0;
    expect_refusal(&conv, "0 groups");
    conv = window(CN_OP_CONV, 3, 3, 1, 1);
    conv.window.pad_left = -1;
    expect_refusal(&conv, "padding");
    cn_layer pool = window(CN_OP_MAX_POOL, 2, 2, 2, 2);
    pool.window.pad_top = 2;
    expect_refusal(&pool, "smaller than the 2x2 window");
    pool = window(CN_OP_MAX_POOL, 2, 2, 2, 2);
    pool.same = pool.ceil_mode = true;
    expect_refusal(&pool, "exclude each other");
    cn_layer shuffle = cn_layer_defaults(CN_OP_PIXEL_SHUFFLE);
    shuffle.factor = 4;
    expect_refusal(&shuffle, "multiple of the factor's square");
    cn_layer add = cn_layer_defaults(CN_OP_ADD);
    expect_refusal(&add, "two or more");
    cn_layer input = cn_layer_defaults(CN_OP_INPUT);
    expect_refusal(&input, "no other, is the input");
    cn_layer dropout = cn_layer_defaults(CN_OP_DROPOUT);
    dropout.rate = 1;
    expect_refusal(&dropout, "rate");
    cn_layer huge = window(CN_OP_CONV, 4096, 4096, 1, 1);
    huge.units = CN_MAX_EXTENT;
    huge.same = true;
    expect_refusal(&huge, "more than this program handles");
}

Test(graph, additions_and_concatenations_compare_shapes, .fini = done)
{
    with_input(6, 5, 5);
    cn_layer conv = window(CN_OP_CONV, 1, 1, 1, 1), pool = window(CN_OP_MAX_POOL, 2, 2, 2, 2);
    int32_t inputs[] = {0, 1, 0}, index;
    cr_assert_eq(follow(&conv, "conv", NULL), CN_OK);
    cn_layer add = cn_layer_defaults(CN_OP_ADD), concat = cn_layer_defaults(CN_OP_CONCAT);
    cn_error error = {0};
    cr_expect_eq(cn_graph_add(&graph, &add, "sum", inputs, 2, NULL, &error), CN_EINVAL);
    cr_expect(strstr(error.message, "'input' is 6x5x5 and 'conv' is 8x5x5"), "%s", error.message);
    cr_assert_eq(cn_graph_add(&graph, &concat, "all", inputs, 3, &index, NULL), CN_OK);
    cr_expect_eq(graph.layers[index].shape.c, 20);
    cr_assert_eq(follow(&pool, "pool", NULL), CN_OK);
    inputs[1] = graph.count - 1;
    cr_expect_eq(cn_graph_add(&graph, &concat, "bad", inputs, 2, NULL, &error), CN_EINVAL);
    inputs[1] = graph.count;
    cr_expect_eq(cn_graph_add(&graph, &concat, "bad", inputs, 2, NULL, &error), CN_EINVAL);
    cr_expect_eq(follow(&conv, "conv", &error), CN_EINVAL);
    cr_expect(strstr(error.message, "the name is taken"), "%s", error.message);
}

Test(graph, a_fused_residual_must_have_the_output_shape, .fini = done)
{
    with_input(8, 5, 5);
    cn_layer conv = window(CN_OP_CONV, 3, 3, 1, 1);
    conv.residual = 1;
    int32_t inputs[] = {0, 0};
    cr_expect_eq(cn_graph_add(&graph, &conv, "conv", inputs, 2, NULL, NULL), CN_EINVAL);
    conv.same = true;
    cr_expect_eq(cn_graph_add(&graph, &conv, "conv", inputs, 2, NULL, NULL), CN_OK);
    cr_expect_eq(cn_graph_infer_shapes(&graph, NULL), CN_OK);
}

Test(graph, a_copy_is_its_own, .fini = done)
{
    with_input(8, 5, 5);
    cn_layer conv = window(CN_OP_CONV, 3, 3, 1, 1);
    cr_assert_eq(follow(&conv, "conv", NULL), CN_OK);
    cn_graph copy;
    cr_assert_eq(cn_graph_copy(&graph, &copy, NULL), CN_OK);
    graph.layers[0].shape.h = 3;
    cr_expect_eq(cn_graph_infer_shapes(&graph, NULL), CN_OK);
    cr_expect_eq(graph.layers[1].shape.h, 1);
    cr_expect_eq(copy.layers[1].shape.h, 3);
    cr_expect_eq(cn_graph_find(&copy, "conv"), 1);
    cr_expect_eq(cn_graph_find(&copy, "con"), -1);
    cn_graph_clear(&copy);
}

Test(graph, the_number_of_layers_is_bounded, .fini = done)
{
    with_input(1, 1, 1);
    cn_layer relu = cn_layer_defaults(CN_OP_RELU);
    char name[16];
    for (int i = 1; i < CN_MAX_LAYERS; i++) {
        snprintf(name, sizeof name, "%d", i);
        cr_assert_eq(follow(&relu, name, NULL), CN_OK);
    }
    cr_expect_eq(follow(&relu, "last", NULL), CN_EINVAL);
}
