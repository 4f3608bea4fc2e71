#include "measure/tuner.h"

#include <math.h>
#include <string.h>

#include "condense/clock.h"
#include "condense/memory.h"
#include "condense/random.h"

enum {
    LEAST_ROUNDS = 3,
    MOST_ROUNDS = 32,
    LEAST_RUNS = 3, /* of a session in a round */
    MOST_RUNS = 16,
    LEAST_DUELS = 10, /* runs of the static and of the tuned plan */
    MOST_DUELS = 500
};
static const double worthwhile = 0.97;

/* What the steps of st_tune share. */
typedef struct work {
    const st_tuner *tuner;
    const cn_graph *graph;
    const cn_weights *weights;
    st_tuning *tuning;
    float *input, *output;
    int32_t layers;      /* of the planned network */
    int32_t *signatures; /* of each layer; -1: none */
    double *fastest;     /* [rank][layer]: ms */
} work;

static cn_status out_of_memory(cn_error *error)
{
    return cn_fail(error, CN_ENOMEM, "out of memory");
}

static int32_t find(const st_tuning *tuning, const char *signature)
{
    int32_t i = 0;
    while (i < tuning->count && strcmp(tuning->layers[i].signature, signature) != 0)
        i++;
    return i;
}

static cn_wisdom_key key_of(const work *w, const char *signature)
{
    const cn_session_options *o = &w->tuner->session;
    return (cn_wisdom_key){cn_isa_of_floats(cn_isa_available(o->isa)), o->threads, o->batch,
                           signature};
}

/* Sets what is known of the signature: the ways, and the choice if it was made already. */
static cn_status add_signature(work *w, const cn_session *session, int32_t layer,
                               const char *signature, cn_error *error)
{
    st_tuned_layer *t = &w->tuning->layers[w->tuning->count];
    t->signature = cn_strdup(signature);
    if (!t->signature) return out_of_memory(error);
    w->tuning->count++;
    t->ways = cn_session_ways(session, layer, t->names);
    for (int32_t i = 0; i < CN_MOST_WAYS; i++)
        t->ms[i] = NAN;
    cn_wisdom_key key = key_of(w, signature);
    const char *choice = w->tuner->known ? cn_wisdom_find(w->tuner->known, &key) : NULL;
    for (int32_t i = 0; choice && i < t->ways; i++)
        if (!strcmp(t->names[i], choice)) {
            t->best = i;
            t->known = true;
        }
    return CN_OK;
}

/* The network's signatures, from a session without wisdom. */
static cn_status list_signatures(work *w, cn_error *error)
{
    cn_session_options options = w->tuner->session;
    cn_session *session = NULL;
    options.wisdom = NULL;
    cn_status status = cn_session_new(&session, w->graph, w->weights, &options, error);
    if (status) return status;
    const cn_layer_profile *profile = cn_session_profile(session, &w->layers);
    w->tuning->layers = cn_calloc((size_t)w->layers, sizeof *w->tuning->layers);
    w->signatures = cn_calloc((size_t)w->layers, sizeof *w->signatures);
    if (!w->tuning->layers || !w->signatures) status = out_of_memory(error);
    for (int32_t i = 0; i < w->layers && !status; i++) {
        w->signatures[i] = -1;
        if (!profile[i].signature) continue;
        int32_t at = find(w->tuning, profile[i].signature);
        if (at == w->tuning->count)
            status = add_signature(w, session, i, profile[i].signature, error);
        if (status) break;
        w->tuning->layers[at].layers++;
        w->signatures[i] = at;
    }
    cn_session_free(session);
    return status;
}

/* The way that a signature goes in the session of `rank`; the last rank is the best of each. */
static int32_t way_of(const st_tuned_layer *t, int32_t rank)
{
    if (t->known || rank == CN_MOST_WAYS) return t->best;
    return rank < t->ways ? rank : 0;
}

static cn_status open_rank(const work *w, int32_t rank, bool profile, cn_session **session,
                           cn_error *error)
{
    cn_wisdom *wisdom = NULL;
    cn_session_options options = w->tuner->session;
    cn_status status = cn_wisdom_new(&wisdom, "this", error);
    for (int32_t i = 0; i < w->tuning->count && !status; i++) {
        const st_tuned_layer *t = &w->tuning->layers[i];
        cn_wisdom_key key = key_of(w, t->signature);
        status = cn_wisdom_add(wisdom, &key, t->names[way_of(t, rank)], 0, error);
    }
    options.profile = profile;
    options.wisdom = wisdom;
    if (!status) status = cn_session_new(session, w->graph, w->weights, &options, error);
    cn_wisdom_free(wisdom);
    return status;
}

/* Opens the network with every signature going its way of `rank` and times its layers. */
static cn_status time_rank(work *w, int32_t rank, cn_error *error)
{
    cn_session *session = NULL;
    int32_t count, runs = 0;
    cn_status status = open_rank(w, rank, true, &session, error);
    if (!status) status = cn_session_run(session, w->input, w->output, error);
    int64_t begin = cn_clock_ns();
    for (; !status && runs < MOST_RUNS; runs++) {
        if (runs >= LEAST_RUNS && cn_clock_ns() - begin > 10000000) break;
        status = cn_session_run(session, w->input, w->output, error);
        const cn_layer_profile *profile = cn_session_profile(session, &count);
        double *fastest = w->fastest + rank * w->layers;
        for (int32_t i = 0; i < count; i++)
            fastest[i] = fmin(fastest[i], (double)profile[i].ns * 1e-6);
    }
    cn_session_free(session);
    return status;
}

/* The mean, over the layers of a signature, of their fastest times. */
static double mean_time(const work *w, int32_t signature, int32_t rank)
{
    double sum = 0;
    for (int32_t i = 0; i < w->layers; i++)
        if (w->signatures[i] == signature) sum += w->fastest[rank * w->layers + i];
    return sum / w->tuning->layers[signature].layers;
}

/* The fastest way of each signature, or the static one where that is nearly as fast. */
static void choose(const work *w)
{
    for (int32_t i = 0; i < w->tuning->count; i++) {
        st_tuned_layer *t = &w->tuning->layers[i];
        if (t->known || t->ways < 2) continue;
        for (int32_t k = 0; k < t->ways; k++) {
            t->ms[k] = mean_time(w, i, k);
            if (t->ms[k] < t->ms[t->best]) t->best = k;
        }
        if (t->ms[t->best] > worthwhile * t->ms[0]) t->best = 0;
    }
}

static void tell(const work *w, double fraction)
{
    if (w->tuner->progress) w->tuner->progress(w->tuner->context, fmin(fraction, 1));
}

static cn_status time_ways(work *w, cn_error *error)
{
    int32_t ranks = 0;
    for (int32_t i = 0; i < w->tuning->count; i++)
        if (!w->tuning->layers[i].known && w->tuning->layers[i].ways > ranks)
            ranks = w->tuning->layers[i].ways;
    if (ranks < 2) return CN_OK;
    w->fastest = cn_calloc((size_t)ranks * (size_t)w->layers, sizeof *w->fastest);
    cn_status status = w->fastest ? CN_OK : out_of_memory(error);
    for (int32_t i = 0; i < ranks * w->layers && !status; i++)
        w->fastest[i] = INFINITY;
    int64_t begin = cn_clock_ns();
    for (int32_t round = 0; round < MOST_ROUNDS && !status; round++) {
        double by_time = (double)(cn_clock_ns() - begin) * 1e-9 / w->tuner->seconds;
        if (round >= LEAST_ROUNDS && by_time >= 1) break;
        for (int32_t rank = 0; rank < ranks && !status; rank++) {
            double done = (double)round + (double)rank / ranks;
            tell(w, 0.8 * fmin(done / LEAST_ROUNDS, fmax(by_time, done / MOST_ROUNDS)));
            status = time_rank(w, rank, error);
        }
    }
    if (!status) choose(w);
    return status;
}

static cn_status timed_run(const work *w, cn_session *session, double *ms, cn_error *error)
{
    int64_t begin = cn_clock_ns();
    cn_status status = cn_session_run(session, w->input, w->output, error);
    *ms = (double)(cn_clock_ns() - begin) * 1e-6;
    return status;
}

/* Runs both plans in turn; who begins changes. Each timed run follows one of the same plan. */
static cn_status duel(work *w, cn_session *plans[2], double *ms[2], cn_error *error)
{
    st_tuning *tuning = w->tuning;
    int32_t count = 0;
    cn_status status = CN_OK;
    int64_t begin = cn_clock_ns(), length = (int64_t)(w->tuner->seconds * 0.25e9);
    while (!status && count < MOST_DUELS &&
           (count < LEAST_DUELS || cn_clock_ns() - begin < length)) {
        for (int32_t turn = 0; turn < 2 && !status; turn++) {
            int32_t which = (turn + count) % 2;
            status = timed_run(w, plans[which], &ms[which][count], error);
            if (!status) status = timed_run(w, plans[which], &ms[which][count], error);
        }
        tell(w, 0.8 + 0.2 * ++count / LEAST_DUELS);
    }
    tuning->usual = st_summarize(ms[0], (size_t)count);
    tuning->tuned = st_summarize(ms[1], (size_t)count);
    st_ratio_interval(ms[1], ms[0], (size_t)count, &tuning->ratio, &tuning->ratio_low,
                      &tuning->ratio_high);
    return status;
}

static cn_status compare_plans(work *w, cn_error *error)
{
    cn_session *plans[2] = {NULL, NULL};
    double *ms[2] = {cn_calloc(MOST_DUELS, sizeof(double)), cn_calloc(MOST_DUELS, sizeof(double))};
    cn_session_options usual = w->tuner->session;
    usual.wisdom = NULL;
    cn_status status = ms[0] && ms[1] ? CN_OK : out_of_memory(error);
    if (!status) status = cn_session_new(&plans[0], w->graph, w->weights, &usual, error);
    if (!status) status = open_rank(w, CN_MOST_WAYS, false, &plans[1], error);
    if (!status) status = duel(w, plans, ms, error);
    for (int i = 0; i < 2; i++) {
        cn_session_free(plans[i]);
        cn_free(ms[i]);
    }
    return status;
}

/* Adds what was found, or, where it does not pay, the static choices. */
static cn_status keep(work *w, cn_error *error)
{
    st_tuning *tuning = w->tuning;
    cn_status status = CN_OK;
    for (int32_t i = 0; i < tuning->count; i++)
        tuning->changed += tuning->layers[i].best > 0 ? tuning->layers[i].layers : 0;
    tuning->kept = !tuning->changed || !(tuning->ratio_low > 1);
    for (int32_t i = 0; i < tuning->count && !status; i++) {
        st_tuned_layer *t = &tuning->layers[i];
        if (!tuning->kept && !t->known) t->best = 0;
        if (t->known || t->ways < 2) continue;
        cn_wisdom_key key = key_of(w, t->signature);
        status =
            cn_wisdom_add(w->tuner->found, &key, t->names[t->best], 1e3 * t->ms[t->best], error);
    }
    return status;
}

cn_status st_tune(const st_tuner *tuner, const cn_graph *graph, const cn_weights *weights,
                  st_tuning *tuning, cn_error *error)
{
    *tuning = (st_tuning){0};
    work w = {.tuner = tuner, .graph = graph, .weights = weights, .tuning = tuning};
    cn_random random = cn_random_seed(tuner->seed);
    size_t batch = (size_t)tuner->session.batch;
    size_t inputs = batch * (size_t)cn_shape_count(graph->layers[0].shape);
    size_t outputs = batch * (size_t)cn_shape_count(graph->layers[graph->count - 1].shape);
    w.input = cn_calloc(inputs, sizeof *w.input);
    w.output = cn_calloc(outputs, sizeof *w.output);
    cn_status status = w.input && w.output ? CN_OK : out_of_memory(error);
    for (size_t i = 0; i < inputs && !status; i++)
        w.input[i] = (float)cn_random_normal(&random);
    if (!status) status = list_signatures(&w, error);
    if (!status) status = time_ways(&w, error);
    if (!status) status = compare_plans(&w, error);
    if (!status) status = keep(&w, error);
    cn_free(w.input);
    cn_free(w.output);
    cn_free(w.signatures);
    cn_free(w.fastest);
    if (status) st_tuning_clear(tuning);
    return status;
}

void st_tuning_clear(st_tuning *tuning)
{
    for (int32_t i = 0; i < tuning->count; i++)
        cn_free(tuning->layers[i].signature);
    cn_free(tuning->layers);
    *tuning = (st_tuning){0};
}
