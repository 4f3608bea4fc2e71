#include "store/record.h"

static cn_status record_all(st_recorder *r, const cn_model *model, const char *weights,
                            const st_storage *points, int32_t count, cn_error *error)
{
    char now[32];
    st_utc_now(now);
    cn_status status = st_store_write(
        r->store, error,
        "INSERT INTO storage (environment, started_utc, model, scale, weights) VALUES (?,?,?,?,?)",
        "itttt", r->environment, now, model->name, model->scale, weights);
    int64_t row = sqlite3_last_insert_rowid(r->store->db);
    for (int32_t i = 0; i < count && !status; i++) {
        const st_storage *p = &points[i];
        status = st_store_write(
            r->store, error, "INSERT INTO storage_point VALUES (?,?,?,?,?,?,?,?,?,?)", "itriiiiiir",
            row, cn_scheme_name(p->scheme), p->keep, p->weights, p->nonzero, p->csr_bytes,
            p->compact_bytes, p->index_bytes, p->value_bytes, p->worst);
    }
    return status;
}

cn_status st_record_storage(st_recorder *r, const cn_model *model, const char *weights,
                            const st_storage *points, int32_t count, cn_error *error)
{
    cn_status status = st_record_begin(r, error);
    if (!status) status = record_all(r, model, weights, points, count, error);
    return st_record_end(r, status, error);
}
