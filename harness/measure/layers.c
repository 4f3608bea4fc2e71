#include "measure/layers.h"

#include <string.h>

#include "condense/clock.h"
#include "condense/memory.h"
#include "measure/quiet.h"
#include "measure/stats.h"

enum { LEAST_TURNS = 3, TURN_RUNS = 10, MOST_RUNS = 30, MOST_PLANS = 8 };
enum { WARM_UP_NS = 20000000, TIMED_NS = 20000000 }; /* of a turn */

/* A planned network while it is timed. */
typedef struct subject {
    cn_session *session;
    st_layer_plan *plan;
    double *ms; /* [layer][run] */
    double outside_ms[MOST_RUNS];
    int32_t runs;
} subject;

static cn_status out_of_memory(cn_error *error)
{
    return cn_fail(error, CN_ENOMEM, "out of memory");
}

/* Names and counts from the session's profile. */
static cn_status describe(st_layer_plan *plan, const cn_session *session, int32_t batch,
                          cn_error *error)
{
    int32_t count;
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    plan->layers = cn_calloc((size_t)count, sizeof *plan->layers);
    if (!plan->layers) return out_of_memory(error);
    plan->count = count;
    for (int32_t i = 0; i < count; i++) {
        const cn_layer_profile *p = &profile[i];
        plan->layers[i] = (st_layer_time){
            .name = cn_strdup(p->name),
            .kernel = cn_strdup(p->kernel),
            .way = p->choice ? cn_strdup(p->choice) : NULL,
            .op = p->op,
            .shape = p->shape,
            .macs = p->macs,
            .nonzero = p->nonzero,
            .bytes = p->bytes,
            .activation_bytes = p->activation_bytes,
            .packed_bytes = p->packed_bytes,
            .products = p->products,
            .dense_products = p->dense_products,
            /* Every weight of a tensor layer meets every pixel of an output channel. */
            .nonzero_macs =
                cn_op_is_tensor(p->op) ? p->nonzero * p->shape.h * p->shape.w * batch : 0,
            .loads = p->loads,
            .imbalance = p->imbalance};
        const st_layer_time *l = &plan->layers[i];
        if (!l->name || !l->kernel || (p->choice && !l->way)) return out_of_memory(error);
    }
    return CN_OK;
}

static cn_status run_timed(subject *s, const float *input, float *output, cn_error *error)
{
    int32_t count, run = s->runs++;
    int64_t begin = cn_clock_ns();
    cn_status status = cn_session_run(s->session, input, output, error);
    s->outside_ms[run] = (double)(cn_clock_ns() - begin) * 1e-6;
    const cn_layer_profile *profile = cn_session_profile(s->session, &count);
    for (int32_t i = 0; i < count; i++) {
        double ms = (double)profile[i].ns * 1e-6;
        s->ms[i * MOST_RUNS + run] = ms;
        s->outside_ms[run] -= ms;
    }
    return status;
}

static cn_status take_turn(subject *s, const float *input, float *output, cn_error *error)
{
    st_wait_for_quiet();
    int64_t begin = cn_clock_ns();
    cn_status status = cn_session_run(s->session, input, output, error);
    while (!status && cn_clock_ns() - begin < WARM_UP_NS)
        status = cn_session_run(s->session, input, output, error);
    begin = cn_clock_ns();
    for (int32_t i = 0; i < TURN_RUNS && s->runs < MOST_RUNS && !status; i++) {
        if (i && cn_clock_ns() - begin > TIMED_NS) break;
        status = run_timed(s, input, output, error);
    }
    return status;
}

static cn_status time_all(subject *subjects, int32_t count, const float *input, float *output,
                          double seconds, cn_error *error)
{
    int64_t end = cn_clock_ns() + (int64_t)(seconds * 1e9);
    cn_status status = CN_OK;
    for (int32_t turn = 0; turn < MOST_RUNS && !status; turn++) {
        if (turn >= LEAST_TURNS && cn_clock_ns() > end) break;
        for (int32_t i = 0; i < count && !status; i++)
            if (subjects[i].runs < MOST_RUNS)
                status = take_turn(&subjects[i], input, output, error);
    }
    return status;
}

static cn_status open_subject(subject *s, const cn_graph *graph, const cn_weights *weights,
                              const cn_session_options *options, st_layer_plan *plan,
                              cn_error *error)
{
    cn_session_options profiled = *options;
    profiled.profile = true;
    s->plan = plan;
    cn_status status = cn_session_new(&s->session, graph, weights, &profiled, error);
    if (!status) status = describe(plan, s->session, options->batch, error);
    if (status) return status;
    s->ms = cn_calloc((size_t)plan->count * MOST_RUNS, sizeof *s->ms);
    return s->ms ? CN_OK : out_of_memory(error);
}

static void summarize(subject *s)
{
    for (int32_t i = 0; i < s->plan->count; i++) {
        const double *runs = s->ms + i * MOST_RUNS;
        s->plan->layers[i].ms = st_percentile(runs, (size_t)s->runs, 50);
        s->plan->layers[i].least_ms = st_percentile(runs, (size_t)s->runs, 0);
    }
    s->plan->outside_ms = st_percentile(s->outside_ms, (size_t)s->runs, 50);
}

cn_status st_layers_measure(const cn_graph *graph, const cn_weights *weights,
                            const cn_session_options *options, int32_t count, const float *input,
                            double seconds, st_layer_plan *plans, cn_error *error)
{
    subject subjects[MOST_PLANS] = {0};
    float *output = NULL;
    cn_status status =
        count <= MOST_PLANS ? CN_OK : cn_fail(error, CN_EINVAL, "at most %d plans", MOST_PLANS);
    for (int32_t i = 0; i < count; i++)
        plans[i] = (st_layer_plan){0};
    for (int32_t i = 0; i < count && !status; i++)
        status = open_subject(&subjects[i], graph, weights, &options[i], &plans[i], error);
    if (!status) {
        size_t values = (size_t)cn_shape_count(cn_session_output_shape(subjects[0].session));
        output = cn_calloc((size_t)options[0].batch * values, sizeof *output);
        status = output ? time_all(subjects, count, input, output, seconds, error)
                        : out_of_memory(error);
    }
    for (int32_t i = 0; i < count && i < MOST_PLANS; i++) {
        if (!status) summarize(&subjects[i]);
        cn_session_free(subjects[i].session);
        cn_free(subjects[i].ms);
    }
    cn_free(output);
    return status;
}

const st_layer_time *st_layers_find(const st_layer_plan *plan, const char *name)
{
    for (int32_t i = 0; i < plan->count; i++)
        if (!strcmp(plan->layers[i].name, name)) return &plan->layers[i];
    return NULL;
}

void st_layer_plan_clear(st_layer_plan *plan)
{
    for (int32_t i = 0; i < plan->count; i++) {
        cn_free(plan->layers[i].name);
        cn_free(plan->layers[i].kernel);
        cn_free(plan->layers[i].way);
    }
    cn_free(plan->layers);
    *plan = (st_layer_plan){0};
}
