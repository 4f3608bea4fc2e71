#include "store/record_compression.h"

#include <math.h>
#include <stdio.h>

static cn_status find_unfinished(const st_store *store, const char *hash, int64_t *row,
                                 cn_error *error)
{
    static const char sql[] = "SELECT max(id) FROM compression WHERE hash = ? AND top1 IS NULL";
    sqlite3_stmt *statement = NULL;
    *row = 0;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return st_store_fail(store, error);
    sqlite3_bind_text(statement, 1, hash, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW) *row = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return CN_OK;
}

static cn_status record_layers(st_store *store, int64_t row, const st_compression_facts *f,
                               cn_error *error)
{
    cn_status status = CN_OK;
    bool measured = f->request->rate > 1 && !f->request->layer_keep;
    for (int32_t i = 0; i < f->compression->count && !status; i++) {
        const cn_target *t = &f->compression->targets[i];
        status = st_store_write(
            store, error, "INSERT INTO compression_layer VALUES (?,?,?,?,?,?,?,?,NULL)", "iitttrii",
            row, (int64_t)i, f->graph->layers[t->layer].name, cn_scheme_name(t->constraint.scheme),
            t->rule, measured ? t->sensitivity : NAN, t->weights, t->kept);
    }
    return status;
}

static cn_status record_new(st_recorder *r, const st_compression_facts *f, int64_t *row,
                            cn_error *error)
{
    char now[32];
    st_utc_now(now);
    const cn_compression_request *q = f->request;
    cn_status status = st_store_write(
        r->store, error,
        "INSERT INTO compression (environment, hash, config, started_utc, model, scale, dataset, "
        "scheme, method, rate_asked, levels, bits, seed, threads, start, start_digest, images, "
        "top1_dense) VALUES (?,?,?,?,?,?,?,?,?,?,?,nullif(?,0),?,?,?,?,?,?)",
        "itttttttt"
        "rtiiittir",
        r->environment, f->hash, f->config, now, f->model, f->scale, f->dataset,
        cn_scheme_name(q->scheme), cn_method_name(f->method), q->rate, cn_levels_name(q->levels),
        (int64_t)(q->levels ? q->bits : 0), (int64_t)q->seed, f->threads, f->start, f->start_digest,
        f->images, f->top1_dense);
    *row = sqlite3_last_insert_rowid(r->store->db);
    return status ? status : record_layers(r->store, *row, f, error);
}

cn_status st_record_compression(st_recorder *r, const st_compression_facts *facts, int64_t *row,
                                cn_error *error)
{
    cn_status status = st_record_begin(r, error);
    if (!status) status = find_unfinished(r->store, facts->hash, row, error);
    if (!status && !*row) status = record_new(r, facts, row, error);
    return st_record_end(r, status, error);
}

cn_status st_record_compression_step(st_recorder *r, int64_t row, int32_t targets, int64_t images,
                                     double seconds, const cn_compress_step *step, cn_error *error)
{
    cn_status status = st_record_begin(r, error);
    if (!status)
        status =
            st_store_write(r->store, error,
                           "UPDATE compression SET seconds = coalesce(seconds, 0) + ? WHERE id = ?",
                           "ri", seconds, row);
    if (!status)
        status = st_store_write(
            r->store, error, "INSERT OR REPLACE INTO compression_step VALUES (?,?,?,?,?,?,?)",
            "itirirr", row, step->retraining ? "retrain" : "admm", (int64_t)step->number,
            step->retraining ? NAN : step->rho, images, step->before, step->after);
    for (int32_t i = 0; i < targets && step->residuals && !status; i++)
        status = st_store_write(r->store, error,
                                "INSERT OR REPLACE INTO compression_residual VALUES (?,?,?,?)",
                                "iiir", row, (int64_t)step->number, (int64_t)i, step->residuals[i]);
    return st_record_end(r, status, error);
}

/* Seconds of all calls that worked on the row. */
static cn_status read_seconds(const st_store *store, int64_t row, double *seconds, cn_error *error)
{
    static const char sql[] = "SELECT seconds FROM compression WHERE id = ?";
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return st_store_fail(store, error);
    sqlite3_bind_int64(statement, 1, row);
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    if (found) *seconds = sqlite3_column_double(statement, 0);
    cn_status status = found ? CN_OK : st_store_fail(store, error);
    sqlite3_finalize(statement);
    return status;
}

cn_status st_record_compression_result(st_recorder *r, int64_t row, int32_t targets,
                                       st_compression_result *s, cn_error *error)
{
    cn_status status = st_record_begin(r, error);
    if (!status)
        status = st_store_write(
            r->store, error,
            "UPDATE compression SET seconds = coalesce(seconds, 0) + ?, top1=?, weights=?, kept=?, "
            "dense_bytes=?, csr_bytes=?, compact_bytes=?, value_bytes=?, "
            "file_bytes=?, output=?, output_digest=? WHERE id=?",
            "rriiiiiiitti", s->seconds, s->top1, s->weights, s->kept, s->dense_bytes, s->csr_bytes,
            s->compact_bytes, s->value_bytes, s->file_bytes, s->output, s->output_digest, row);
    for (int32_t i = 0; i < targets && !status; i++)
        status = st_store_write(
            r->store, error,
            "UPDATE compression_layer SET kept = ? WHERE compression = ? AND position = ?", "iii",
            s->layer_kept[i], row, (int64_t)i);
    if (!status) status = read_seconds(r->store, row, &s->seconds, error);
    return st_record_end(r, status, error);
}

cn_status st_compression_recorded(const st_store *store, const char *hash, bool *done,
                                  char output_digest[65], cn_error *error)
{
    static const char sql[] =
        "SELECT output_digest FROM compression WHERE hash = ? AND top1 IS NOT NULL "
        "ORDER BY id DESC LIMIT 1";
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return st_store_fail(store, error);
    sqlite3_bind_text(statement, 1, hash, -1, SQLITE_STATIC);
    *done = sqlite3_step(statement) == SQLITE_ROW;
    if (*done) snprintf(output_digest, 65, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return CN_OK;
}
