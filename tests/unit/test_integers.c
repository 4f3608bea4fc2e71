/* Sessions of quantized networks: to the bit what plain integers give, at every level of
 * instruction sets, with any threads and batch; and near the emulation in float. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/session.h"
#include "integers.h"
#include "nets.h"

enum { IMAGES = 3 };

typedef struct quantized {
    cn_graph graph, folded;
    cn_weights folded_weights, weights; /* the latter of `graph`, with scales */
    cn_quantization quantization;
    int64_t in, out;
    float *input, *output, *right;
} quantized;

/* Weights with scales, as 'condense calibrate' writes them: unfolded. */
static quantized quantize(cn_graph graph)
{
    quantized q = {.graph = graph, .weights = test_weights(&graph, 3)};
    cn_error error = {0};
    cr_assert_eq(cn_post_fold(&graph, &q.weights, &q.folded, &q.folded_weights, NULL), CN_OK);
    cn_quantize_layer *layers = cn_calloc((size_t)graph.count, sizeof *layers);
    q.in = cn_shape_count(graph.layers[0].shape);
    q.out = cn_shape_count(graph.layers[graph.count - 1].shape);
    q.input = test_values(IMAGES * q.in, 4);
    q.output = test_values(IMAGES * q.out, 5);
    q.right = test_values(IMAGES * q.out, 6);
    cn_calibration calibration = {.images = IMAGES, .input = q.input, .threads = 1};
    cn_quantize_options options = {CN_RANGE_MINMAX, false, CN_CORRECT_BIAS};
    cr_assert_eq(cn_quantize(&q.folded, &q.folded_weights, &calibration, &options, &q.quantization,
                             layers, &error),
                 CN_OK, "%s", error.message);
    cr_assert_eq(cn_post_unfold(&graph, &q.weights, &q.folded, &q.folded_weights, &error), CN_OK);
    cr_assert_eq(cn_quantization_store(&q.quantization, &q.folded, &q.weights, &error), CN_OK);
    cn_free(layers);
    return q;
}

static void give(quantized *q)
{
    cn_quantization_clear(&q->quantization);
    cn_graph_clear(&q->graph);
    cn_graph_clear(&q->folded);
    cn_weights_clear(&q->weights);
    cn_weights_clear(&q->folded_weights);
    cn_free(q->input);
    cn_free(q->output);
    cn_free(q->right);
}

/* Runs twice: the second run finds the arena as the first left it. */
static void run(const quantized *q, const cn_session_options *options, const float *input,
                float *output)
{
    cn_session *session;
    cn_error error = {0};
    cr_assert_eq(cn_session_new(&session, &q->graph, &q->weights, options, &error), CN_OK, "%s",
                 error.message);
    for (int round = 0; round < 2; round++)
        cr_assert_eq(cn_session_run(session, input, output, &error), CN_OK);
    cn_session_memory memory = cn_session_memory_use(session);
    cr_assert_geq(memory.arena, memory.live_peak);
    cn_session_free(session);
}

/* Whether the plain integers of all images are there; `right` then has what they give. */
static bool work_out(quantized *q)
{
    bool exact = true;
    for (int64_t i = 0; i < IMAGES; i++) {
        integers n =
            integers_run(&q->folded, &q->folded_weights, &q->quantization, q->input + i * q->in);
        memcpy(q->right + i * q->out, n.floats[q->folded.count - 1],
               (size_t)q->out * sizeof *q->right);
        exact = exact && n.exact;
        integers_free(&n);
    }
    return exact;
}

/* With every rule of the contract and no operator that may be rounded otherwise: additions by
 * themselves and fused, concats of odd widths, groups of odd widths, strides, pads. */
static cn_graph exact_net(void)
{
    cn_graph g = test_graph(3, 23, 19);
    cn_layer conv = test_conv(10, 3, 2, 1), deep = test_conv(10, 3, 1, 1);
    cn_layer concat = cn_layer_defaults(CN_OP_CONCAT), sum = cn_layer_defaults(CN_OP_ADD);
    conv.bias = deep.bias = true;
    deep.groups = 10;
    test_add(&g, conv, "a", READS(0));
    test_add(&g, cn_layer_defaults(CN_OP_RELU), "a.relu", READS(1));
    test_add(&g, deep, "b", READS(2));
    test_add(&g, cn_layer_defaults(CN_OP_RELU6), "b.relu", READS(3));
    test_add(&g, test_conv(10, 1, 1, 0), "c", READS(4));
    test_add(&g, sum, "c.sum", READS(2, 5));
    test_add(&g, cn_layer_defaults(CN_OP_RELU), "c.relu", READS(6));
    cn_layer average = test_pool(CN_OP_AVG_POOL, 3, 1, 1);
    average.count_padding = true;
    test_add(&g, average, "average", READS(7));
    test_add(&g, test_pool(CN_OP_MAX_POOL, 3, 2, 1), "pool", READS(7));
    test_add(&g, sum, "three", READS(7, 8, 4));
    conv.groups = 2;
    test_add(&g, conv, "grouped", READS(10)); /* groups of five channels */
    test_add(&g, concat, "join", READS(9, 11, 9)); /* of ten channels each */
    cn_layer wide = test_conv(24, 5, 1, 2);
    test_add(&g, wide, "wide", READS(12));
    cn_layer shuffle = cn_layer_defaults(CN_OP_PIXEL_SHUFFLE);
    shuffle.factor = 2;
    test_add(&g, shuffle, "shuffle", READS(13));
    deep = test_conv(12, 3, 1, 2);
    deep.window.dilation_h = deep.window.dilation_w = 2;
    test_add(&g, deep, "dilated", READS(14));
    test_add(&g, cn_layer_defaults(CN_OP_GLOBAL_AVG_POOL), "mean", READS(15));
    cn_layer fc = cn_layer_defaults(CN_OP_FC);
    fc.units = 37;
    fc.bias = true;
    test_add(&g, fc, "fc1", READS(15));
    fc.units = 7;
    test_add(&g, fc, "fc2", READS(16));
    test_add(&g, fc, "fc3", READS(17));
    test_add(&g, concat, "ends", READS(18, 19, 16));
    return g;
}

static void check(quantized *q, const char *name)
{
    bool exact = work_out(q);
    cn_session_options options = cn_session_defaults();
    options.batch = IMAGES;
    for (int isa = CN_ISA_SCALAR; isa < CN_ISA_BEST; isa++) {
        if (cn_isa_available((cn_isa)isa) != (cn_isa)isa) continue;
        options.isa = (cn_isa)isa;
        run(q, &options, q->input, q->output);
        if (exact)
            for (int64_t i = 0; i < q->out * IMAGES; i++)
                cr_assert_eq(q->output[i], q->right[i], "%s at level %s: output %ld is %a, not %a",
                             name, cn_isa_name(options.isa), (long)i, (double)q->output[i],
                             (double)q->right[i]);
        else {
            double *right = cn_calloc((size_t)(q->out * IMAGES), sizeof *right);
            for (int64_t i = 0; i < q->out * IMAGES; i++)
                right[i] = (double)q->right[i];
            double error = test_error(q->output, right, q->out * IMAGES);
            cr_assert_lt(error, 0.02, "%s at level %s: off by %g", name, cn_isa_name(options.isa),
                         error);
            cn_free(right);
        }
    }
}

Test(integers, sessions_give_what_plain_integers_give)
{
    quantized q = quantize(exact_net());
    cr_assert(work_out(&q), "this network is to be exact");
    check(&q, "exact");
    give(&q);
    for (const test_net *net = test_nets; net->name; net++) {
        q = quantize(net->make());
        check(&q, net->name);
        give(&q);
    }
}

Test(integers, threads_and_batches_do_not_change_a_bit)
{
    quantized q = quantize(exact_net());
    cn_session_options options = cn_session_defaults();
    options.batch = IMAGES;
    run(&q, &options, q.input, q.right);
    for (options.threads = 2; options.threads <= 3; options.threads++) {
        run(&q, &options, q.input, q.output);
        cr_assert_arr_eq(q.output, q.right, (size_t)(q.out * IMAGES) * sizeof *q.output);
    }
    options.batch = options.threads = 1;
    for (int64_t i = 0; i < IMAGES; i++) {
        run(&q, &options, q.input + i * q.in, q.output);
        cr_assert_arr_eq(q.output, q.right + i * q.out, (size_t)q.out * sizeof *q.output);
    }
    give(&q);
}
