#include "store/record.h"

static cn_status record_layer(st_store *store, int64_t choice, int64_t position,
                              const st_tuned_layer *t, cn_error *error)
{
    cn_status status = CN_OK;
    for (int32_t i = 0; i < t->ways && !status; i++)
        status = st_store_write(store, error, "INSERT INTO choice_way VALUES (?,?,?,?,?,?,?)",
                                "iiititr", choice, position, (int64_t)i, t->signature,
                                (int64_t)t->layers, t->names[i], t->ms[i]);
    return status;
}

static cn_status record_all(st_recorder *r, const st_choice_facts *f, const st_tuning *tuning,
                            cn_error *error)
{
    char now[32];
    st_utc_now(now);
    cn_status status = st_store_write(
        r->store, error,
        "INSERT INTO choice (environment, started_utc, model, scale, weights, scheme, rate_asked, "
        "rate, threads, batch, isa, seed, planned_ms, best_ms) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "itttttrriitirr", r->environment, now, f->model->name, f->model->scale, f->weights,
        cn_scheme_name(f->mask.scheme), f->mask.rate_asked, f->mask.rate, f->threads, f->batch,
        f->isa, r->seed, tuning->usual.median, tuning->tuned.median);
    int64_t row = sqlite3_last_insert_rowid(r->store->db);
    for (int32_t i = 0; i < tuning->count && !status; i++)
        status = record_layer(r->store, row, i, &tuning->layers[i], error);
    return status;
}

cn_status st_record_choices(st_recorder *r, const st_choice_facts *facts, const st_tuning *tuning,
                            cn_error *error)
{
    cn_status status = st_record_begin(r, error);
    if (!status) status = record_all(r, facts, tuning, error);
    return st_record_end(r, status, error);
}
