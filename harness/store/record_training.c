#include <math.h>

#include "store/record.h"

static cn_status record_all(st_recorder *r, const st_training_facts *facts, const st_training *t,
                            cn_error *error)
{
    char now[32];
    st_utc_now(now);
    cn_status status = st_store_write(
        r->store, error,
        "INSERT INTO training (environment, started_utc, model, scale, dataset, recipe, threads, "
        "batch, seed, step_ms, alone_ms, share, mean_share, mean_share_low, mean_share_high) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "itttttiiirrrrrr", r->environment, now, facts->model->name, facts->model->scale,
        facts->model->dataset, facts->recipe, facts->threads, facts->batch, r->seed, t->step.median,
        t->alone.median, t->share, t->mean_share, t->mean_share_low, t->mean_share_high);
    int64_t row = sqlite3_last_insert_rowid(r->store->db);
    for (int i = 0; i < CN_STEP_PARTS && !status; i++)
        status =
            st_store_write(r->store, error, "INSERT INTO training_part VALUES (?, ?, ?, ?)", "iitr",
                           row, (int64_t)i, st_step_part_name((cn_step_part)i), t->part_ms[i]);
    for (int32_t i = 0; i < t->rounds && !status; i++)
        status = st_store_write(r->store, error, "INSERT INTO training_round VALUES (?, ?, ?, ?)",
                                "iiii", row, (int64_t)i, (int64_t)llround(t->step_ms[i] * 1e6),
                                (int64_t)llround(t->alone_ms[i] * 1e6));
    return status;
}

cn_status st_record_training(st_recorder *r, const st_training_facts *facts,
                             const st_training *training, cn_error *error)
{
    cn_status status = st_record_begin(r, error);
    if (!status) status = record_all(r, facts, training, error);
    return st_record_end(r, status, error);
}
