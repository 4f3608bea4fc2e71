#include <math.h>

#include "store/record.h"

static cn_status record_layer(st_store *store, int64_t tuning, int64_t position,
                              const st_tuned_layer *t, cn_error *error)
{
    cn_status status = CN_OK;
    const char *reason = t->known      ? "the wisdom knew the choice"
                         : t->ways < 2 ? "the only way"
                                       : "not timed";
    for (int32_t i = 0; i < t->ways && !status; i++)
        status = st_store_write(store, error, "INSERT INTO tuning_way VALUES (?,?,?,?,?,?,?,?,?)",
                                "iiititirt", tuning, position, (int64_t)i, t->signature,
                                (int64_t)t->layers, t->names[i], (int64_t)(i == t->best), t->ms[i],
                                isfinite(t->ms[i]) ? NULL : reason);
    return status;
}

static cn_status record_all(st_recorder *r, const st_tuning_facts *facts, const st_tuning *tuning,
                            cn_error *error)
{
    char now[32];
    st_utc_now(now);
    cn_status status = st_store_write(
        r->store, error,
        "INSERT INTO tuning (environment, started_utc, model, scale, weights, threads, batch, isa, "
        "seed, samples, static_ms, tuned_ms, ratio, ratio_low, ratio_high, changed, "
        "kept) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "ittttiitiirrrrrii", r->environment, now, facts->model->name, facts->model->scale,
        facts->weights, facts->threads, facts->batch, facts->isa, r->seed,
        (int64_t)tuning->usual.count, tuning->usual.median, tuning->tuned.median, tuning->ratio,
        tuning->ratio_low, tuning->ratio_high, (int64_t)tuning->changed, (int64_t)tuning->kept);
    int64_t row = sqlite3_last_insert_rowid(r->store->db);
    for (int32_t i = 0; i < tuning->count && !status; i++)
        status = record_layer(r->store, row, i, &tuning->layers[i], error);
    return status;
}

cn_status st_record_tuning(st_recorder *r, const st_tuning_facts *facts, const st_tuning *tuning,
                           cn_error *error)
{
    cn_status status = st_record_begin(r, error);
    if (!status) status = record_all(r, facts, tuning, error);
    return st_record_end(r, status, error);
}
