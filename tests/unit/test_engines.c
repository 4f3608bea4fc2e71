/* Every engine gives what the reference gives, or says that it cannot. */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <string.h>

#include "adapters/engine.h"
#include "condense/memory.h"
#include "condense/session.h"
#include "nets.h"

/* Whether the engine ran the network; it must then have been right. */
static bool agrees(const st_engine_kind *kind, const test_net *net, int32_t threads)
{
    enum { BATCH = 3 };
    cn_graph graph = net->make();
    cn_weights weights = test_weights(&graph, 8);
    st_engine_options options = {threads, BATCH};
    st_engine *engine = NULL;
    cn_error error = {0};
    cn_status status = kind->open(&engine, &graph, &weights, &options, &error);
    if (!status) {
        int64_t in = cn_shape_count(graph.layers[0].shape) * BATCH;
        int64_t out = cn_shape_count(graph.layers[graph.count - 1].shape) * BATCH;
        float *input = test_values(in, 1), *output = test_values(out, 2);
        double *right = cn_calloc((size_t)out, sizeof *right);
        cr_assert_eq(cn_reference_run(&graph, &weights, BATCH, input, right, NULL, &error), CN_OK);
        cr_assert_eq(kind->bind(engine, input, output, &error), CN_OK, "%s", error.message);
        for (int round = 0; round < 2; round++)
            cr_assert_eq(kind->run(engine, &error), CN_OK, "%s", error.message);
        if (kind->read) cr_assert_eq(kind->read(engine, &error), CN_OK, "%s", error.message);
        double worst = test_error(output, right, out);
        cr_assert_lt(worst, 1e-4, "%s on %s: error %g", net->name, kind->name, worst);
        kind->close(engine);
        cn_free(input);
        cn_free(output);
        cn_free(right);
    } else {
        cr_assert_eq(status, CN_EUNSUPPORTED, "%s", error.message);
        cr_log_info("%s on %s: %s", net->name, kind->name, error.message);
        cr_assert(strlen(error.message) > 10);
    }
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
    return !status;
}

Test(engines, agree_with_the_reference)
{
    for (int i = 0; st_engine_kinds[i]; i++) {
        int ran = 0;
        if (st_engine_kinds[i]->integers) continue;  /* test_int8_engines.c */
        if (st_engine_kinds[i]->missing()) continue; /* tests/cli/onnx.sh says so */
        for (const test_net *net = test_nets; net->name; net++)
            ran += agrees(st_engine_kinds[i], net, 1) && agrees(st_engine_kinds[i], net, 2);
        cr_assert_geq(ran, 4, "%s ran %d networks", st_engine_kinds[i]->name, ran);
    }
}

Test(engines, are_found_by_name)
{
    cr_assert_eq(st_engine_find("onednn"), &st_engine_onednn);
    cr_assert_eq(st_engine_find("condense"), &st_engine_condense);
    cr_assert_null(st_engine_find("none"));
}
