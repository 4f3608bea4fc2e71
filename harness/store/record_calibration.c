#include "store/record_calibration.h"

#include <math.h>

/* What is NULL where nothing was quantized. */
static const char *if_bits(const st_calibration_facts *f, const char *text)
{
    return f->bits ? text : NULL;
}

static cn_status record_run(st_recorder *r, const st_calibration_facts *f, cn_error *error)
{
    char now[32];
    st_utc_now(now);
    return st_store_write(
        r->store, error,
        "INSERT INTO calibration (environment, started_utc, model, scale, dataset, weights, "
        "scheme, "
        "method, rate_asked, rate, bits, ranges, rounding, equalized, correction, seed, threads, "
        "calibration_set, calibration_hash, calibration_images, test_hash, images, top1_before, "
        "top5_before, top1, top5, seconds, output) VALUES "
        "(?,?,?,?,?,?,?,?,?,?,nullif(?,0),?,?,iif(?<0,NULL,?14),?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "ittttttt"
        "rrittitii"
        "ttitirrrrrt",
        r->environment, now, f->model, f->scale, f->dataset, f->weights, f->scheme, f->method,
        f->rate_asked, f->rate, f->bits, if_bits(f, f->ranges), if_bits(f, f->rounding),
        (int64_t)(f->bits ? f->equalized : -1), f->correction, f->seed, f->threads,
        f->calibration_set, f->calibration_hash, f->calibration_images, f->test_hash, f->images,
        f->before.top1, f->before.top5, f->after.top1, f->after.top5, f->seconds, f->output);
}

static cn_status record_all(st_recorder *r, const st_calibration_facts *f, cn_error *error)
{
    cn_status status = record_run(r, f, error);
    int64_t row = sqlite3_last_insert_rowid(r->store->db);
    for (int32_t i = 0; i < f->layer_count && !status; i++) {
        const st_calibration_layer *l = &f->layers[i];
        status = st_store_write(r->store, error,
                                "INSERT INTO calibration_layer VALUES (?,?,?,?,?,?,?,?,?,?)",
                                "iitttiirrr", row, (int64_t)i, l->layer, l->scheme, l->rule,
                                l->weights, l->nonzero, l->power, l->error, l->floor);
    }
    return status;
}

cn_status st_record_calibration(st_recorder *r, const st_calibration_facts *facts, cn_error *error)
{
    cn_status status = st_record_begin(r, error);
    if (!status) status = record_all(r, facts, error);
    return st_record_end(r, status, error);
}

cn_status st_calibration_recorded(const st_store *store, const st_calibration_facts *f,
                                  bool *recorded, cn_error *error)
{
    static const char sql[] =
        "SELECT 1 FROM calibration WHERE model = ? AND scale = ? AND weights = ? AND scheme = ? "
        "AND "
        "method = ? AND rate_asked IS ? AND bits IS nullif(?, 0) AND ranges IS ? AND rounding IS ? "
        "AND equalized IS iif(? < 0, NULL, ?10) AND correction = ? AND seed = ? AND "
        "calibration_hash = ? AND calibration_images = ? AND test_hash = ? AND images = ?";
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &s, NULL) != SQLITE_OK)
        return st_store_fail(store, error);
    const char *texts[] = {f->model, f->scale, f->weights, f->scheme, f->method};
    for (int i = 0; i < 5; i++)
        sqlite3_bind_text(s, i + 1, texts[i], -1, SQLITE_STATIC);
    if (isfinite(f->rate_asked)) sqlite3_bind_double(s, 6, f->rate_asked);
    sqlite3_bind_int64(s, 7, f->bits);
    sqlite3_bind_text(s, 8, if_bits(f, f->ranges), -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 9, if_bits(f, f->rounding), -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 10, f->bits ? f->equalized : -1);
    sqlite3_bind_text(s, 11, f->correction, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 12, f->seed);
    sqlite3_bind_text(s, 13, f->calibration_hash, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 14, f->calibration_images);
    sqlite3_bind_text(s, 15, f->test_hash, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 16, f->images);
    int code = sqlite3_step(s);
    sqlite3_finalize(s);
    *recorded = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? CN_OK : st_store_fail(store, error);
}
