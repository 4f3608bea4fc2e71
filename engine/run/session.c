#include "condense/session.h"

#include <math.h>

#include "condense/clock.h"
#include "condense/memory.h"
#include "condense/passes.h"
#include "run/build.h"

enum { MAX_BATCH = 4096 };

cn_session_options cn_session_defaults(void)
{
    return (cn_session_options){.threads = 1,
                                .batch = 1,
                                .passes = CN_PASS_ALL,
                                .isa = CN_ISA_BEST,
                                .sparse = true,
                                .reorder = true,
                                .integers = true};
}

cn_status cn_session_new(cn_session **out, const cn_graph *graph, const cn_weights *weights,
                         const cn_session_options *options, cn_error *error)
{
    *out = NULL;
    if (options->batch < 1 || options->batch > MAX_BATCH)
        return cn_fail(error, CN_EINVAL, "batch %d: give 1 to %d", options->batch, MAX_BATCH);
    if (graph->count < 1) return cn_fail(error, CN_EINVAL, "the network has no layers");
    cn_session *session = cn_calloc(1, sizeof *session);
    if (!session) return cn_fail(error, CN_ENOMEM, "no memory for a session");
    session->options = *options;
    cn_status status = cn_session_build(session, graph, weights, error);
    if (status) {
        cn_session_free(session);
        return status;
    }
    *out = session;
    return CN_OK;
}

static void run_step(cn_session *session, const cn_step *step)
{
    int64_t start = session->options.profile ? cn_clock_ns() : 0;
    cn_step_run(step, session->pool, session->scratch, session->scratch_pitch);
    if (session->options.profile) session->profile[step->layer].ns += cn_clock_ns() - start;
}

static void run_steps(void *context)
{
    cn_session *session = context;
    for (int32_t i = 0; i < session->step_count; i++)
        run_step(session, &session->steps[i]);
}

cn_status cn_session_run(cn_session *session, const float *input, float *output, cn_error *error)
{
    if (!input || !output) return cn_fail(error, CN_EINVAL, "a run needs an input and an output");
    int32_t last = session->step_count - 1;
    /* The view is one for inputs and outputs; the first step only reads it. */
    session->steps[0].in[0].data = (float *)(uintptr_t)input;
    session->steps[last].out.data = output;
    for (int32_t i = 0; i < session->graph.count; i++)
        session->profile[i].ns = 0;
    cn_pool_hold(session->pool, run_steps, session);
    return CN_OK;
}

static bool all_finite(const cn_view *view)
{
    for (int32_t n = 0; n < view->n; n++)
        for (int32_t c = 0; c < view->c; c++)
            for (int32_t y = 0; y < view->h; y++) {
                const float *row = view->data + n * view->image + c * view->plane + y * view->row;
                for (int32_t x = 0; x < view->w; x++)
                    if (!isfinite(row[x])) return false;
            }
    return true;
}

cn_status cn_session_find_nonfinite(cn_session *session, const float *input, const char **layer,
                                    cn_error *error)
{
    if (!input) return cn_fail(error, CN_EINVAL, "a run needs an input");
    *layer = NULL;
    session->steps[0].in[0].data = (float *)(uintptr_t)input;
    if (!all_finite(session->steps[0].in)) { /* integers would not show it */
        *layer = session->graph.layers[0].name;
        return CN_OK;
    }
    for (int32_t i = 0; i < session->step_count - 1; i++) { /* the last step copies to the caller */
        const cn_step *step = &session->steps[i];
        run_step(session, step);
        if (step->slots || all_finite(&step->out)) continue;
        *layer = session->graph.layers[step->layer].name;
        return CN_OK;
    }
    return CN_OK;
}

cn_shape cn_session_input_shape(const cn_session *session)
{
    return session->graph.layers[0].shape;
}

cn_shape cn_session_output_shape(const cn_session *session)
{
    return session->graph.layers[session->graph.count - 1].shape;
}

const cn_layer_profile *cn_session_profile(const cn_session *session, int32_t *count)
{
    *count = session->graph.count;
    return session->profile;
}

int32_t cn_session_ways(const cn_session *session, int32_t layer,
                        char names[CN_MOST_WAYS][CN_WAY_SIZE])
{
    _Static_assert((int)CN_WAY_SIZE == (int)CN_CONV_NAME_SIZE, "a way's name");
    for (int32_t i = 0; i < session->step_count; i++) {
        const cn_step *step = &session->steps[i];
        if (step->layer != layer || !step->choice) continue;
        for (int32_t k = 0; k < step->choice->count; k++)
            cn_conv_way_name(step->choice->ways[k], names[k]);
        return step->choice->count;
    }
    return 0;
}

cn_session_memory cn_session_memory_use(const cn_session *session)
{
    return session->memory;
}

cn_isa cn_session_isa(const cn_session *session)
{
    return session->options.isa;
}

void cn_session_free(cn_session *session)
{
    if (!session) return;
    for (int32_t i = 0; i < session->step_count; i++)
        cn_step_clear(&session->steps[i]);
    cn_free(session->steps);
    cn_free(session->profile);
    cn_free(session->choices);
    cn_free(session->scratch);
    cn_free(session->arena);
    cn_memory_plan_clear(&session->plan);
    cn_integers_clear(&session->integers);
    cn_pool_free(session->pool);
    cn_graph_clear(&session->graph);
    cn_free(session);
}
