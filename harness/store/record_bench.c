#include <math.h>

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

static cn_status record_all(st_recorder *r, const st_bench_facts *facts, const st_duel *duel,
                            cn_error *error)
{
    char now[32];
    st_utc_now(now);
    cn_status status = st_store_write(
        r->store, error,
        "INSERT INTO bench (environment, started_utc, model, scale, weights, threads, batch, isa, "
        "seed, macs, peak_gflops, memory_gbytes) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        "ittttiitiirr", r->environment, now, facts->model->name, facts->model->scale,
        facts->weights, facts->threads, facts->batch, facts->isa, r->seed, facts->macs,
        facts->peak.gflops, facts->peak.gbytes);
    int64_t bench = sqlite3_last_insert_rowid(r->store->db);
    for (int32_t i = 0; i < duel->count && !status; i++)
        status = record_engine(r->store, bench, i, duel, error);
    return status;
}

cn_status st_record_bench(st_recorder *r, const st_bench_facts *facts, const st_duel *duel,
                          cn_error *error)
{
    int64_t environment = r->environment;
    cn_status status = st_store_begin(r->store, error);
    if (!status && !environment) status = st_record_environment(r, error);
    if (!status) status = record_all(r, facts, duel, error);
    if (!status) status = st_store_commit(r->store, error);
    if (!status) return CN_OK;
    st_store_rollback(r->store);
    r->environment = environment;
    return status;
}
