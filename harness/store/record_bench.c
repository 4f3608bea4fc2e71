#include <math.h>

#include "measure/bounds.h"
#include "store/record.h"

static cn_status record_engine(st_store *store, int64_t bench, int64_t position,
                               const st_duel *duel, cn_error *error)
{
    const st_contestant *c = &duel->contestants[position];
    const st_summary *s = &c->summary;
    bool timed = !c->excluded, other = position > 0;
    const st_engine_kind *kind = c->kind ? c->kind : &st_engine_condense;
    int64_t rounds = timed ? duel->rounds : 0;
    cn_status status = st_store_write(
        store, error, "INSERT INTO bench_engine VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "iittirrrrrrrrrt", bench, position, c->name, kind->missing() ? NULL : kind->version(),
        rounds, timed ? s->median : NAN, timed ? s->mean : NAN, timed ? s->ci_low : NAN,
        timed ? s->ci_high : NAN, timed ? s->min : NAN, timed && other ? c->ratio : NAN,
        timed && other ? c->ratio_low : NAN, timed && other ? c->ratio_high : NAN,
        c->compared ? c->difference : NAN, c->excluded);
    for (int64_t i = 0; i < rounds && !status; i++)
        status = st_store_write(store, error, "INSERT INTO bench_sample VALUES (?, ?, ?, ?)",
                                "iiii", bench, position, i, (int64_t)llround(c->ms[i] * 1e6));
    return status;
}

static cn_status record_plan(st_store *store, int64_t bench, int64_t own, const st_own_facts *f,
                             cn_error *error)
{
    bool known = f->peak_memory >= 0;
    return st_store_write(
        store, error, "INSERT INTO bench_plan VALUES (?,?,?,?,?,?,nullif(?,-1),?)", "iiriiiit",
        bench, own, f->plan_ms, (int64_t)f->memory.weights, (int64_t)f->memory.arena,
        (int64_t)f->memory.scratch, f->peak_memory, known ? NULL : f->peak_memory_reason);
}

static cn_status record_layers(st_store *store, int64_t bench, int64_t own,
                               const st_layer_plan *plan, const st_peak *peak, cn_error *error)
{
    cn_status status = CN_OK;
    for (int32_t i = 0; i < plan->count && !status; i++) {
        const st_layer_time *l = &plan->layers[i];
        double limit;
        st_bound bound = st_bound_of(plan, i, peak, &limit);
        status = st_store_write(
            store, error,
            "INSERT INTO bench_layer VALUES "
            "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,nullif(?,0),nullif(?,0),?,?)",
            "iiittttiiirriiiiiiirrtr", bench, own, (int64_t)i, l->name, cn_op_name(l->op),
            l->kernel, l->way, (int64_t)l->shape.c, (int64_t)l->shape.h, (int64_t)l->shape.w, l->ms,
            l->least_ms, l->macs, l->nonzero, l->nonzero_macs, l->products, l->dense_products,
            l->packed_bytes, l->activation_bytes, l->loads, l->imbalance, st_bound_name(bound),
            limit);
    }
    return status;
}

static cn_status record_execution(st_store *store, int64_t bench, const st_bench_facts *facts,
                                  cn_error *error)
{
    const st_execution_facts *e = facts->execution;
    const st_mask *m = &e->mask;
    cn_status status =
        st_store_write(store, error, "INSERT INTO bench_mask VALUES (?,?,?,?,?,?,?,?)", "itrriiir",
                       bench, cn_scheme_name(m->scheme), m->rate_asked, m->rate, m->weights,
                       m->nonzero, e->nonzero_macs, facts->peak.cache);
    for (int64_t own = 0; own < ST_OWN_COUNT && !status; own++) {
        status = record_plan(store, bench, own, &e->plans[own], error);
        if (!status)
            status = record_layers(store, bench, own, &e->layers[own], &facts->peak, error);
    }
    return status;
}

static cn_status record_all(st_recorder *r, const st_bench_facts *facts, const st_duel *duel,
                            cn_error *error)
{
    char now[32];
    st_utc_now(now);
    cn_status status = st_store_write(
        r->store, error,
        "INSERT INTO bench (environment, started_utc, model, scale, weights, threads, batch, isa, "
        "seed, macs, peak_gflops, memory_gbytes, bits) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "ittttiitiirri", r->environment, now, facts->model->name, facts->model->scale,
        facts->weights, facts->threads, facts->batch, facts->isa, r->seed, facts->macs,
        facts->peak.gflops, facts->peak.gbytes, facts->bits);
    int64_t bench = sqlite3_last_insert_rowid(r->store->db);
    for (int32_t i = 0; i < duel->count && !status; i++)
        status = record_engine(r->store, bench, i, duel, error);
    if (!status && facts->execution) status = record_execution(r->store, bench, facts, error);
    return status;
}

cn_status st_record_bench(st_recorder *r, const st_bench_facts *facts, const st_duel *duel,
                          cn_error *error)
{
    cn_status status = st_record_begin(r, error);
    if (!status) status = record_all(r, facts, duel, error);
    return st_record_end(r, status, error);
}
