/* Sessions against the double-precision reference, whatever is switched off. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/passes.h"
#include "condense/session.h"
#include "nets.h"

typedef struct sample {
    cn_graph graph;
    cn_weights weights;
    int32_t batch;
    int64_t in, out; /* values an image */
    float *input, *output;
    double *right;
} sample;

static sample take(const test_net *net, int32_t batch)
{
    sample s = {.graph = net->make(), .batch = batch};
    s.weights = test_weights(&s.graph, 7);
    s.in = cn_shape_count(s.graph.layers[0].shape);
    s.out = cn_shape_count(s.graph.layers[s.graph.count - 1].shape);
    s.input = test_values(s.in * batch, 3);
    s.output = test_values(s.out * batch, 4);
    s.right = cn_calloc((size_t)(s.out * batch), sizeof *s.right);
    cn_error error = {0};
    cr_assert_eq(cn_reference_run(&s.graph, &s.weights, batch, s.input, s.right, NULL, &error),
                 CN_OK, "%s: %s", net->name, error.message);
    return s;
}

static void give(sample *s)
{
    cn_graph_clear(&s->graph);
    cn_weights_clear(&s->weights);
    cn_free(s->input);
    cn_free(s->output);
    cn_free(s->right);
}

/* Runs twice: the second run finds the arena as the first left it. */
static void run(const sample *s, const cn_session_options *options, float *output)
{
    cn_session *session;
    cn_error error = {0};
    cr_assert_eq(cn_session_new(&session, &s->graph, &s->weights, options, &error), CN_OK, "%s",
                 error.message);
    for (int round = 0; round < 2; round++)
        cr_assert_eq(cn_session_run(session, s->input, output, &error), CN_OK);
    cn_session_memory memory = cn_session_memory_use(session);
    cr_assert_geq(memory.arena, memory.live_peak);
    cn_session_free(session);
}

static void check(const test_net *net, const sample *s, const cn_session_options *options)
{
    memset(s->output, 0xff, (size_t)(s->out * s->batch) * sizeof *s->output);
    run(s, options, s->output);
    double error = test_error(s->output, s->right, s->out * s->batch);
    cr_assert_lt(error, 1e-4, "%s, passes %#x, isa %s, %d threads: error %g", net->name,
                 options->passes, cn_isa_name(options->isa), options->threads, error);
}

Test(session, every_pass_can_be_switched_off)
{
    for (const test_net *net = test_nets; net->name; net++) {
        sample s = take(net, 2);
        cn_session_options options = cn_session_defaults();
        options.batch = 2;
        check(net, &s, &options);
        options.passes = 0;
        check(net, &s, &options);
        for (unsigned i = 0; cn_pass_name(i); i++) {
            options.passes = CN_PASS_ALL & ~(1u << i);
            check(net, &s, &options);
            options.passes = 1u << i;
            check(net, &s, &options);
        }
        give(&s);
    }
}

Test(session, every_level_agrees_with_the_reference)
{
    for (const test_net *net = test_nets; net->name; net++) {
        sample s = take(net, 1);
        for (int isa = CN_ISA_SCALAR; isa < CN_ISA_BEST; isa++) {
            if (cn_isa_available((cn_isa)isa) != (cn_isa)isa) continue;
            cn_session_options options = cn_session_defaults();
            options.isa = (cn_isa)isa;
            check(net, &s, &options);
        }
        give(&s);
    }
}

Test(session, threads_do_not_change_a_bit)
{
    for (const test_net *net = test_nets; net->name; net++) {
        sample s = take(net, 3);
        size_t bytes = (size_t)(s.out * s.batch) * sizeof(float);
        cn_session_options options = cn_session_defaults();
        options.batch = 3;
        run(&s, &options, s.output);
        float *other = test_values(s.out * s.batch, 5);
        for (options.threads = 2; options.threads <= 3; options.threads++) {
            run(&s, &options, other);
            cr_assert_arr_eq(other, s.output, bytes, "%s with %d threads", net->name,
                             options.threads);
        }
        cn_free(other);
        give(&s);
    }
}

Test(session, splitting_a_batch_does_not_change_a_bit)
{
    for (const test_net *net = test_nets; net->name; net++) {
        sample s = take(net, 5);
        cn_session_options options = cn_session_defaults();
        options.batch = 5;
        run(&s, &options, s.output);
        options.batch = 1;
        float *one = test_values(s.out, 5);
        for (int32_t i = 0; i < s.batch; i++) {
            sample image = s;
            image.input = s.input + i * s.in;
            run(&image, &options, one);
            cr_assert_arr_eq(one, s.output + i * s.out, (size_t)s.out * sizeof *one, "%s, image %d",
                             net->name, i);
        }
        cn_free(one);
        give(&s);
    }
}

Test(session, profile_tells_of_every_layer)
{
    sample s = take(&test_nets[0], 2);
    cn_session_options options = cn_session_defaults();
    options.batch = 2;
    options.profile = true;
    cn_session *session;
    cr_assert_eq(cn_session_new(&session, &s.graph, &s.weights, &options, NULL), CN_OK);
    cr_assert_eq(cn_session_run(session, s.input, s.output, NULL), CN_OK);
    int32_t count;
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    int64_t macs = 0, ns = 0;
    for (int32_t i = 0; i < count; i++) {
        cr_assert(profile[i].name && profile[i].kernel);
        cr_assert_gt(profile[i].bytes, 0);
        macs += profile[i].macs;
        ns += profile[i].ns;
    }
    cr_assert_eq(macs, 2 * cn_graph_macs(&s.graph));
    cr_assert_gt(ns, 0);
    cr_assert_lt(count, s.graph.count, "fusion leaves fewer layers");
    cn_session_free(session);
    give(&s);
}

Test(session, the_first_layer_that_is_not_finite_is_named)
{
    sample s = take(&test_nets[0], 1);
    cn_session_options options = cn_session_defaults();
    const char *layer = "?";
    cn_session *session;
    cr_assert_eq(cn_session_new(&session, &s.graph, &s.weights, &options, NULL), CN_OK);
    cr_assert_eq(cn_session_find_nonfinite(session, s.input, &layer, NULL), CN_OK);
    cr_assert_null(layer);
    s.input[11] = NAN;
    cr_assert_eq(cn_session_find_nonfinite(session, s.input, &layer, NULL), CN_OK);
    cr_assert_str_eq(layer, "input");
    cn_session_free(session);

    s.input[11] = 1;
    cn_tensor *weight = cn_weights_of(&s.weights, "conv8", "weight");
    cr_assert_not_null(weight);
    for (int64_t i = 0; i < cn_tensor_count(weight); i++)
        weight->data[i] = 3e38f;
    cr_assert_eq(cn_session_new(&session, &s.graph, &s.weights, &options, NULL), CN_OK);
    cr_assert_eq(cn_session_find_nonfinite(session, s.input, &layer, NULL), CN_OK);
    cr_assert_str_eq(layer, "conv8");
    cr_assert_eq(cn_session_run(session, s.input, s.output, NULL), CN_OK);
    cr_assert_not(isfinite(s.output[0]));
    cn_session_free(session);
    give(&s);
}

Test(session, refuses_what_it_cannot_do)
{
    sample s = take(&test_nets[0], 1);
    cn_session *session;
    cn_error error = {0};
    cn_session_options options = cn_session_defaults();
    options.batch = 0;
    cr_assert_eq(cn_session_new(&session, &s.graph, &s.weights, &options, &error), CN_EINVAL);
    cr_assert_null(session);
    options = cn_session_defaults();
    options.threads = -1;
    cr_assert_eq(cn_session_new(&session, &s.graph, &s.weights, &options, &error), CN_EINVAL);
    options = cn_session_defaults();
    cn_weights none = {0};
    cr_assert_eq(cn_session_new(&session, &s.graph, &none, &options, &error), CN_ENOTFOUND);
    cn_graph empty = {0};
    cr_assert_eq(cn_session_new(&session, &empty, &none, &options, &error), CN_EINVAL);
    give(&s);
}
