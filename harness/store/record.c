#include "store/record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "condense/clock.h"
#include "condense/memory.h"

void st_utc_now(char text[32])
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static cn_status record_environment(st_recorder *r, cn_error *error)
{
    char now[32];
    st_utc_now(now);
    cn_status status = st_store_write(
        r->store, error, "INSERT INTO environment (hash, captured_utc, command) VALUES (?, ?, ?)",
        "ttt", r->environment_hash, now, r->command);
    if (status) return status;
    int64_t id = sqlite3_last_insert_rowid(r->store->db);
    for (int32_t i = 0; i < r->facts->count && !status; i++) {
        const st_fact *fact = &r->facts->facts[i];
        status = st_store_write(r->store, error, "INSERT INTO environment_fact VALUES (?, ?, ?, ?)",
                                "ittt", id, fact->key, fact->value,
                                fact->value    ? NULL
                                : fact->reason ? fact->reason
                                               : "not known");
    }
    if (!status) r->environment = id;
    return status;
}

cn_status st_record_begin(st_recorder *r, cn_error *error)
{
    r->before = r->environment;
    cn_status status = st_store_begin(r->store, error);
    return status || r->environment ? status : record_environment(r, error);
}

cn_status st_record_end(st_recorder *r, cn_status status, cn_error *error)
{
    if (!status) status = st_store_commit(r->store, error);
    if (!status) return CN_OK;
    st_store_rollback(r->store);
    r->environment = r->before;
    return status;
}

static cn_status record_cell(st_store *store, const st_cell *cell, cn_error *error)
{
    const st_identity *identity = &cell->identity;
    const st_request *request = &cell->request;
    const st_dataset *dataset = cell->dataset;
    cn_status status =
        st_store_write(store, error, "INSERT OR IGNORE INTO model VALUES (?, ?, ?, ?, ?)", "tttit",
                       identity->model_hash, cell->model.name, cell->model.scale,
                       (int64_t)cell->model.classes, identity->canonical);
    if (!status)
        status = st_store_write(store, error, "INSERT OR IGNORE INTO weight_set VALUES (?, ?)",
                                "tt", identity->weights_digest, identity->weights_label);
    if (!status && dataset)
        status = st_store_write(
            store, error, "INSERT OR IGNORE INTO dataset_split VALUES (?, ?, ?, ?, ?)", "tttii",
            st_dataset_hash(dataset), st_dataset_name(dataset), st_split_name(ST_SPLIT_TEST),
            (int64_t)st_dataset_count(dataset), (int64_t)st_dataset_classes(dataset));
    if (status) return status;
    const char *name = dataset             ? st_dataset_name(dataset)
                       : *request->dataset ? request->dataset
                                           : cell->model.dataset;
    return st_store_write(
        store, error, "INSERT OR IGNORE INTO cell VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "tttttttttrttittiiitt", identity->id, identity->config, identity->name, cell->model.name,
        cell->model.scale, identity->model_hash, identity->weights_digest, request->variant,
        *request->scheme ? request->scheme : NULL, request->rate, request->backend,
        cn_isa_name(identity->isa), (int64_t)request->fuse, request->device, identity->machine,
        (int64_t)identity->emulated, request->threads, request->batch, name,
        dataset ? st_dataset_hash(dataset) : NULL);
}

static cn_status record_samples(st_store *store, int64_t attempt, int64_t start,
                                const st_series *series, cn_error *error)
{
    cn_status status = CN_OK;
    for (int32_t i = 0; i < series->block_count && !status; i++) {
        const st_block *b = &series->blocks[i];
        status = st_store_write(store, error, "INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                                "iiiiiiii", attempt, (int64_t)i, (int64_t)b->round,
                                b->begin_ns - start, b->end_ns - start, b->probe_before_ns,
                                b->probe_after_ns, (int64_t)b->slowed);
    }
    for (int32_t i = 0; i < series->sample_count && !status; i++) {
        const st_sample *s = &series->samples[i];
        status =
            st_store_write(store, error, "INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?)",
                           "iiiiiii", attempt, (int64_t)i, (int64_t)s->block, s->begin_ns - start,
                           s->duration_ns, (int64_t)s->warmup, (int64_t)s->outlier);
    }
    return status;
}

static cn_status record_latency(st_store *store, int64_t attempt, const st_subject *subject,
                                cn_error *error)
{
    const st_series *series = &subject->series;
    double *values;
    int32_t count, warmups = 0, slowed = 0;
    cn_status status = st_series_counted(series, &values, &count, error);
    if (status) return status;
    for (int32_t i = 0; i < series->sample_count; i++) {
        const st_sample *sample = &series->samples[i];
        warmups += sample->warmup;
        slowed += !sample->warmup && series->blocks[sample->block].slowed;
    }
    st_summary s = st_summarize(values, (size_t)count);
    cn_free(values);
    if (!count) return CN_OK;
    return st_store_write(
        store, error, "INSERT INTO latency VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "iiirrrrrrrrrriiit", attempt, (int64_t)count, (int64_t)warmups, s.mean, s.ci_low, s.ci_high,
        s.ci_relative, s.median, s.p90, s.min, s.max, s.stddev, s.lag1, (int64_t)s.effective_count,
        (int64_t)s.outliers, (int64_t)slowed, subject->stop_reason);
}

static cn_status record_confusion(st_store *store, int64_t attempt, const st_confusion *confusion,
                                  cn_error *error)
{
    cn_status status = CN_OK;
    int64_t classes = confusion->classes;
    for (int64_t i = 0; i < classes * classes && !status; i++)
        if (confusion->counts[i])
            status =
                st_store_write(store, error, "INSERT INTO confusion VALUES (?, ?, ?, ?)", "iiii",
                               attempt, i / classes, i % classes, confusion->counts[i]);
    return status;
}

static cn_status record_accuracy(st_store *store, int64_t attempt, const st_findings *findings,
                                 bool valid_output, cn_error *error)
{
    bool known = findings->has_accuracy && valid_output;
    const char *reason = findings->accuracy_reason;
    if (!known && !*reason) reason = "the cell has no valid output";
    st_metrics m = {NAN, NAN, NAN, NAN, NAN};
    if (known) m = st_metrics_of(&findings->confusion);
    cn_status status = st_store_write(
        store, error, "INSERT INTO accuracy VALUES (?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?)",
        "iirrrrrit", attempt, known ? findings->confusion.images : (int64_t)0, m.top1, m.top5,
        m.precision_macro, m.recall_macro, m.f1_macro, findings->outputs_checked,
        known ? NULL : reason);
    if (status || !known) return status;
    return record_confusion(store, attempt, &findings->confusion, error);
}

static cn_status record_size(st_store *store, int64_t attempt, const st_findings *f,
                             cn_error *error)
{
    const st_sizes *s = &f->sizes;
    bool measured = f->peak_memory >= 0;
    return st_store_write(
        store, error,
        "INSERT INTO size VALUES "
        "(?,?,?,?,?,?,?,?,?,?,?,?,nullif(?,-1),?,nullif(?,-1),nullif(?,-1),nullif(?,''))",
        "iiiiiiiiiiiiitiit", attempt, s->parameters, s->nonzero, s->macs, s->effective_macs,
        s->dense_bytes, s->stored_bytes, s->csr_bytes, (int64_t)f->memory.weights,
        (int64_t)f->memory.arena, (int64_t)f->memory.live_peak, (int64_t)f->memory.scratch,
        f->peak_memory, measured ? NULL : f->peak_memory_reason, s->compact_bytes,
        s->compact_value_bytes, s->compact_reason);
}

static cn_status record_energy(st_store *store, int64_t attempt, const st_findings *f,
                               cn_error *error)
{
    const st_energy_reading *e = &f->energy;
    double runs = (double)f->energy_inferences;
    double each = runs > 0 ? e->millijoule / runs : NAN;
    const char *reason = e->reason[0] ? e->reason : runs > 0 ? NULL : "nothing was sampled";
    return st_store_write(store, error, "INSERT INTO energy VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          "itrrrrirt", attempt, *f->energy_source ? f->energy_source : NULL, each,
                          e->idle_milliwatt, e->rate_asked_hz, e->rate_got_hz, e->distinct_readings,
                          e->coverage, reason);
}

static cn_status record_plan(st_store *store, int64_t attempt, int64_t fusion,
                             const st_findings *findings, cn_error *error)
{
    const st_layer_plan *plan = &findings->plans[fusion], *dense = &findings->dense[fusion];
    cn_status status = CN_OK;
    for (int32_t i = 0; i < plan->count && !status; i++) {
        const st_layer_time *l = &plan->layers[i], *d = st_layers_find(dense, l->name);
        status = st_store_write(
            store, error,
            "INSERT INTO layer_time (attempt, fusion, position, layer, op, tensor_layer, kernel, "
            "ms, macs, nonzero, bytes, nonzero_macs, products, dense_macs, dense_products, "
            "least_ms, dense_least_ms, packed_bytes, loads, imbalance) "
            "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,nullif(?,0),nullif(?,0))",
            "iiittitriiiiiiirrirr", attempt, fusion, (int64_t)i, l->name, cn_op_name(l->op),
            (int64_t)cn_op_is_tensor(l->op), l->kernel, l->ms, l->macs, l->nonzero, l->bytes,
            l->nonzero_macs, l->products, d ? d->macs : l->macs,
            d ? d->products : l->dense_products, l->least_ms, d ? d->least_ms : NAN,
            l->packed_bytes, l->loads, l->imbalance);
    }
    return status;
}

static cn_status record_layers(st_store *store, int64_t attempt, const st_findings *findings,
                               cn_error *error)
{
    cn_status status = record_plan(store, attempt, 0, findings, error);
    return status ? status : record_plan(store, attempt, 1, findings, error);
}

/* What is worth knowing beside the numbers. */
static cn_status record_events(st_store *store, int64_t attempt, const st_trial *trial,
                               const st_subject *subject, cn_error *error)
{
    static const char sql[] = "INSERT INTO event (attempt, at_ns, kind, text) VALUES (?, ?, ?, ?)";
    int64_t at = cn_clock_ns() - trial->begin_ns;
    cn_status status = CN_OK;
    if (subject->series.block_count && !subject->settled)
        status = st_store_write(store, error, sql, "iitt", attempt, at, "warm-up",
                                "the block medians did not settle in the time given");
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    int64_t wall_ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec - trial->begin_wall_ns;
    double jump = (double)(wall_ns - at) * 1e-9;
    if (status || fabs(jump) < 1) return status;
    char text[128];
    snprintf(text, sizeof text, "the wall clock moved by %.1f s against the monotonic clock", jump);
    return st_store_write(store, error, sql, "iitt", attempt, at, "clock", text);
}

static cn_status record_attempt(st_recorder *r, st_trial *trial, const st_subject *subject,
                                cn_error *error)
{
    st_store *store = r->store;
    const st_cell *cell = &trial->cell;
    char now[32];
    st_utc_now(now);
    bool valid = subject->verdict == ST_VALID;
    cn_status status = st_store_write(
        store, error,
        "INSERT INTO attempt (cell, environment, started_utc, started_ns, settings, seed, verdict, "
        "reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        "titititt", cell->identity.id, r->environment, now, trial->begin_ns, r->settings, r->seed,
        st_verdict_name(subject->verdict), valid ? NULL : subject->reason);
    if (status) return status;
    int64_t attempt = sqlite3_last_insert_rowid(store->db);
    bool output = subject->verdict != ST_INVALID_OUTPUT && subject->verdict != ST_FAILED;
    status = record_samples(store, attempt, trial->begin_ns, &subject->series, error);
    if (!status) status = record_latency(store, attempt, subject, error);
    if (!status) status = record_accuracy(store, attempt, &cell->findings, output, error);
    if (!status) status = record_size(store, attempt, &cell->findings, error);
    if (!status) status = record_energy(store, attempt, &cell->findings, error);
    if (!status) status = record_layers(store, attempt, &cell->findings, error);
    if (!status) status = record_events(store, attempt, trial, subject, error);
    return status;
}

cn_status st_record(st_recorder *r, st_trial *trial, const st_subject *subject, cn_error *error)
{
    cn_status status = st_record_begin(r, error);
    if (!status) status = record_cell(r->store, &trial->cell, error);
    if (!status) status = record_attempt(r, trial, subject, error);
    return st_record_end(r, status, error);
}

cn_status st_recorded(const st_recorder *r, const char *cell, bool *done, cn_error *error)
{
    static const char sql[] =
        "SELECT attempt.verdict = 'valid' AND settings = ?2 AND environment.hash = ?3 "
        "FROM current_attempt JOIN attempt ON attempt.id = current_attempt.attempt "
        "JOIN environment ON environment.id = attempt.environment WHERE current_attempt.cell = ?1";
    sqlite3_stmt *statement = NULL;
    *done = false;
    if (sqlite3_prepare_v2(r->store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return st_store_fail(r->store, error);
    sqlite3_bind_text(statement, 1, cell, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, r->settings, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, r->environment_hash, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW) *done = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return CN_OK;
}
