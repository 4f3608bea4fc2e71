/* Our own session as one engine among others. */
#include "adapters/engine.h"
#include "condense/memory.h"
#include "condense/session.h"

#ifndef CN_VERSION
#define CN_VERSION "0.1.0"
#endif

struct st_engine {
    cn_session *session;
    const float *input;
    float *output;
};

static const char *version(void)
{
    return CN_VERSION;
}

static const char *missing(void)
{
    return NULL;
}

static cn_status open_session(st_engine **out, const cn_graph *graph, const cn_weights *weights,
                              const st_engine_options *options, bool integers, cn_error *error)
{
    st_engine *engine = cn_calloc(1, sizeof *engine);
    if (!engine) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_session_options own = cn_session_defaults();
    own.threads = options->threads;
    own.batch = options->batch;
    own.integers = integers;
    cn_status status = cn_session_new(&engine->session, graph, weights, &own, error);
    if (status)
        cn_free(engine);
    else
        *out = engine;
    return status;
}

static cn_status open_net(st_engine **out, const cn_graph *graph, const cn_weights *weights,
                          const st_engine_options *options, cn_error *error)
{
    return open_session(out, graph, weights, options, true, error);
}

static cn_status open_floats(st_engine **out, const cn_graph *graph, const cn_weights *weights,
                             const st_engine_options *options, cn_error *error)
{
    return open_session(out, graph, weights, options, false, error);
}

static cn_status bind_net(st_engine *engine, const float *input, float *output, cn_error *error)
{
    (void)error;
    engine->input = input;
    engine->output = output;
    return CN_OK;
}

static cn_status run_net(st_engine *engine, cn_error *error)
{
    return cn_session_run(engine->session, engine->input, engine->output, error);
}

static void close_net(st_engine *engine)
{
    cn_session_free(engine->session);
    cn_free(engine);
}

const st_engine_kind st_engine_condense = {.name = "condense",
                                           .version = version,
                                           .missing = missing,
                                           .open = open_net,
                                           .bind = bind_net,
                                           .run = run_net,
                                           .close = close_net};
const st_engine_kind st_engine_floats = {.name = "floats",
                                         .version = version,
                                         .missing = missing,
                                         .open = open_floats,
                                         .bind = bind_net,
                                         .run = run_net,
                                         .close = close_net};
