#include "measure/layers.h"

#include "condense/clock.h"
#include "condense/memory.h"
#include "measure/stats.h"

enum { LEAST_RUNS = 3, MOST_RUNS = 10 };

/* Names and counts from the session's profile. */
static cn_status describe(st_layer_plan *plan, const cn_layer_profile *profile, int32_t count,
                          cn_error *error)
{
    plan->layers = cn_calloc((size_t)count, sizeof *plan->layers);
    if (!plan->layers) return cn_fail(error, CN_ENOMEM, "out of memory");
    plan->count = count;
    for (int32_t i = 0; i < count; i++) {
        st_layer_time *layer = &plan->layers[i];
        layer->name = cn_strdup(profile[i].name);
        layer->kernel = cn_strdup(profile[i].kernel);
        if (!layer->name || !layer->kernel) return cn_fail(error, CN_ENOMEM, "out of memory");
        layer->op = profile[i].op;
        layer->macs = profile[i].macs;
        layer->nonzero = profile[i].nonzero;
        layer->bytes = profile[i].bytes;
        layer->activation_bytes = profile[i].activation_bytes;
        layer->packed_bytes = profile[i].packed_bytes;
        layer->products = profile[i].products;
    }
    return CN_OK;
}

static cn_status run_profiled(cn_session *session, const float *input, float *output,
                              double seconds, st_layer_plan *plan, cn_error *error)
{
    cn_status status = cn_session_run(session, input, output, error);
    int32_t count = 0, runs = 0;
    const cn_layer_profile *profile = status ? NULL : cn_session_profile(session, &count);
    if (!status) status = describe(plan, profile, count, error);
    double *times = cn_calloc((size_t)count * MOST_RUNS, sizeof *times), outside[MOST_RUNS];
    if (!status && !times) status = cn_fail(error, CN_ENOMEM, "out of memory");
    int64_t begin = cn_clock_ns();
    while (!status && runs < MOST_RUNS) {
        int64_t start = cn_clock_ns();
        status = cn_session_run(session, input, output, error);
        outside[runs] = (double)(cn_clock_ns() - start) * 1e-6;
        profile = cn_session_profile(session, &count);
        for (int32_t i = 0; i < count; i++) {
            times[i * MOST_RUNS + runs] = (double)profile[i].ns * 1e-6;
            outside[runs] -= (double)profile[i].ns * 1e-6;
        }
        runs++;
        if (runs >= LEAST_RUNS && (double)(cn_clock_ns() - begin) * 1e-9 > seconds) break;
    }
    for (int32_t i = 0; i < count && !status; i++)
        plan->layers[i].ms = st_percentile(times + i * MOST_RUNS, (size_t)runs, 50);
    plan->outside_ms = status ? 0 : st_percentile(outside, (size_t)runs, 50);
    cn_free(times);
    return status;
}

cn_status st_layers_measure(const cn_graph *graph, const cn_weights *weights,
                            const cn_session_options *options, const float *input, double seconds,
                            st_layer_plan *plan, cn_error *error)
{
    cn_session_options profiled = *options;
    profiled.profile = true;
    *plan = (st_layer_plan){0};
    cn_session *session = NULL;
    cn_status status = cn_session_new(&session, graph, weights, &profiled, error);
    if (status) return status;
    size_t outputs =
        (size_t)options->batch * (size_t)cn_shape_count(cn_session_output_shape(session));
    float *output = cn_calloc(outputs, sizeof *output);
    status = output ? run_profiled(session, input, output, seconds, plan, error)
                    : cn_fail(error, CN_ENOMEM, "out of memory");
    cn_free(output);
    cn_session_free(session);
    if (status) st_layer_plan_clear(plan);
    return status;
}

void st_layer_plan_clear(st_layer_plan *plan)
{
    for (int32_t i = 0; i < plan->count; i++) {
        cn_free(plan->layers[i].name);
        cn_free(plan->layers[i].kernel);
    }
    cn_free(plan->layers);
    *plan = (st_layer_plan){0};
}
