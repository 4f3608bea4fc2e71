/* Engines that run quantized networks give what ours gives, but for some levels, or say that they
 * cannot. */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <math.h>
#include <string.h>

#include "adapters/engine.h"
#include "condense/memory.h"
#include "condense/session.h"
#include "integers.h"
#include "nets.h"

static void run_ours(test_quantized *q)
{
    cn_session *session;
    cn_session_options options = cn_session_defaults();
    options.batch = TEST_IMAGES;
    cr_assert_eq(cn_session_new(&session, &q->graph, &q->weights, &options, NULL), CN_OK);
    cr_assert_eq(cn_session_run(session, q->input, q->right, NULL), CN_OK);
    cn_session_free(session);
}

/* The largest difference of outputs over their largest. */
static double difference(const test_quantized *q)
{
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < q->out * TEST_IMAGES; i++) {
        if (!isfinite(q->output[i])) return INFINITY;
        worst = fmax(worst, fabs((double)q->output[i] - (double)q->right[i]));
        largest = fmax(largest, fabs((double)q->right[i]));
    }
    return worst / largest;
}

/* Of the largest output. oneDNN rounds where we do; readers of ONNX round before additions, too,
 * and these networks are noise, in which a level (1/255 of a tensor's range) goes a long way. */
static double allowed(const st_engine_kind *kind)
{
    return kind == &st_engine_onednn_int8 ? 0.01 : 0.1;
}

/* OpenVINO pads averages that count their padding with level 0, whatever level stands for zero. */
static bool is_known_to_differ(const st_engine_kind *kind, const char *name)
{
    return kind == &st_engine_openvino_int8 && !strcmp(name, "branches");
}

/* Whether the engine ran the network; it must then have been right. */
static bool agrees(const st_engine_kind *kind, test_quantized *q, const char *name, int32_t threads)
{
    st_engine_options options = {threads, TEST_IMAGES};
    st_engine *engine = NULL;
    cn_error error = {0};
    cn_status status = kind->open(&engine, &q->graph, &q->weights, &options, &error);
    if (status) {
        cr_assert_eq(status, CN_EUNSUPPORTED, "%s", error.message);
        cr_log_info("%s on %s: %s", name, kind->name, error.message);
        return false;
    }
    cr_assert_eq(kind->bind(engine, q->input, q->output, &error), CN_OK, "%s", error.message);
    for (int round = 0; round < 2; round++)
        cr_assert_eq(kind->run(engine, &error), CN_OK, "%s", error.message);
    if (kind->read) cr_assert_eq(kind->read(engine, &error), CN_OK, "%s", error.message);
    double found = difference(q);
    cr_log_info("%s on %s: within %g of the largest", name, kind->name, found);
    if (!is_known_to_differ(kind, name)) cr_assert_lt(found, allowed(kind));
    kind->close(engine);
    return true;
}

static int run_all(const st_engine_kind *kind, cn_graph graph, const char *name)
{
    test_quantized q = test_quantize(graph);
    int ran = 0;
    run_ours(&q);
    for (int32_t threads = 1; threads <= 2; threads++)
        ran += agrees(kind, &q, name, threads);
    test_quantized_free(&q);
    return ran;
}

static void check(const st_engine_kind *kind)
{
    int ran = 0;
    if (kind->missing()) cr_skip_test("%s: %s", kind->name, kind->missing());
    ran += run_all(kind, test_integer_net(), "every rule");
    for (const test_net *net = test_nets; net->name; net++)
        ran += run_all(kind, net->make(), net->name);
    cr_assert_geq(ran, 8, "%s ran %d times", kind->name, ran);
}

Test(int8_engines, onednn_agrees_with_ours)
{
    check(&st_engine_onednn_int8);
}

Test(int8_engines, onnxruntime_agrees_with_ours)
{
    check(&st_engine_onnxruntime_int8);
}

Test(int8_engines, openvino_agrees_with_ours)
{
    check(&st_engine_openvino_int8);
}

Test(int8_engines, want_scales)
{
    cn_graph graph = test_integer_net();
    cn_weights weights = test_weights(&graph, 3);
    st_engine_options options = {1, 1};
    for (int i = 0; st_engine_kinds[i]; i++) {
        st_engine *engine = NULL;
        cn_error error = {0};
        if (!st_engine_kinds[i]->integers || st_engine_kinds[i]->missing()) continue;
        cr_assert_eq(st_engine_kinds[i]->open(&engine, &graph, &weights, &options, &error),
                     CN_ENOTFOUND);
        cr_assert(strstr(error.message, "not quantized"), "%s", error.message);
    }
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
}
