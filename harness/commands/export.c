/* condense export: the database as text, a network as ONNX, or weights in another format. */
#include <cjson/cJSON.h>
#include <csv.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "adapters/onnx.h"
#include "cli/options.h"
#include "commands/commands.h"
#include "condense/compact.h"
#include "condense/file.h"
#include "condense/memory.h"
#include "condense/quantize.h"
#include "data/catalog.h"
#include "data/store_weights.h"
#include "store/store.h"

static void write_csv_row(FILE *file, sqlite3_stmt *row, bool names)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const char *text =
            names ? sqlite3_column_name(row, i) : (const char *)sqlite3_column_text(row, i);
        if (i) fputc(',', file);
        if (text && (names || sqlite3_column_type(row, i) == SQLITE_TEXT))
            csv_fwrite(file, text, strlen(text));
        else if (text)
            fputs(text, file); /* a number; NULL stays empty */
    }
    fputc('\n', file);
}

static void write_json_row(FILE *file, sqlite3_stmt *row, bool first)
{
    cJSON *object = cJSON_CreateObject();
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const char *name = sqlite3_column_name(row, i);
        const char *text = (const char *)sqlite3_column_text(row, i);
        switch (sqlite3_column_type(row, i)) {
        case SQLITE_NULL:
            cJSON_AddNullToObject(object, name);
            break;
        case SQLITE_TEXT:
            cJSON_AddStringToObject(object, name, text);
            break;
        default:
            cJSON_AddRawToObject(object, name, text); /* all digits, unrounded */
        }
    }
    char *text = cJSON_PrintUnformatted(object);
    fprintf(file, "%s%s", first ? "" : ",\n", text ? text : "null");
    cJSON_free(text);
    cJSON_Delete(object);
}

static cn_status write_view(const st_store *store, const char *view, bool json, FILE *file,
                            cn_error *error)
{
    sqlite3_stmt *row = NULL;
    char *sql = cn_sprintf("SELECT * FROM %s ORDER BY 1, 2, 3", view);
    if (!sql) return cn_fail(error, CN_ENOMEM, "out of memory");
    int code = sqlite3_prepare_v2(store->db, sql, -1, &row, NULL);
    cn_free(sql);
    bool first = true;
    if (code == SQLITE_OK && !json) write_csv_row(file, row, true);
    if (json) fputs("[\n", file);
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        if (json)
            write_json_row(file, row, first);
        else
            write_csv_row(file, row, false);
        first = false;
        code = SQLITE_OK;
    }
    if (json) fputs("\n]\n", file);
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? CN_OK : st_store_fail(store, error);
}

/* One view to DIR/VIEW.csv or .json. */
static cn_status export_view(const st_store *store, const char *view, const char *folder, bool json,
                             cn_error *error)
{
    char *path = cn_sprintf("%s/%s.%s", folder, view, json ? "json" : "csv");
    cn_new_file file;
    cn_status status =
        path ? cn_new_file_begin(&file, path, error) : cn_fail(error, CN_ENOMEM, "out of memory");
    if (!status)
        status = cn_new_file_end(&file, write_view(store, view, json, file.stream, error), error);
    if (!status) puts(path);
    cn_free(path);
    return status;
}

static cn_status export_views(const st_store *store, const char *folder, bool json, cn_error *error)
{
    sqlite3_stmt *views = NULL;
    if (sqlite3_prepare_v2(
            store->db,
            "SELECT name FROM sqlite_schema WHERE type = 'view' AND name LIKE 'v\\_%' "
            "ESCAPE '\\' ORDER BY name",
            -1, &views, NULL) != SQLITE_OK)
        return st_store_fail(store, error);
    cn_status status = CN_OK;
    while (!status && sqlite3_step(views) == SQLITE_ROW)
        status =
            export_view(store, (const char *)sqlite3_column_text(views, 0), folder, json, error);
    sqlite3_finalize(views);
    return status;
}

static cn_status export_all(const char *db, const char *folder, const char *format, cn_error *error)
{
    bool sql = !strcmp(format, "sql"), json = !strcmp(format, "json");
    if (!sql && !json && strcmp(format, "csv") != 0)
        return cn_fail(error, CN_EINVAL,
                       "--format takes sql, csv, json, onnx, safetensors or compact, not '%.40s'",
                       format);
    st_store store = {.lock = -1};
    cn_status status = st_store_open_results(&store, db, error);
    if (!status && mkdir(folder, 0777) && errno != EEXIST)
        status = cn_fail(error, CN_EIO, "%s: %s", folder, strerror(errno));
    if (!status && sql) {
        char *path = cn_sprintf("%s/study.sql", folder);
        status = path ? st_store_export_sql(&store, path, error)
                      : cn_fail(error, CN_ENOMEM, "out of memory");
        if (!status) puts(path);
        cn_free(path);
    } else if (!status) {
        status = export_views(&store, folder, json, error);
    }
    if (store.path) st_store_close(&store);
    return status;
}

typedef struct network_request {
    const char *model, *scale, *weights, *output;
    int64_t batch;
    bool entropy;
} network_request;

/* Rewrites a weight file, metadata and all. */
static cn_status export_weights(const network_request *r, bool compact, cn_error *error)
{
    if (!r->weights || !r->output)
        return cn_fail(error, CN_EINVAL, "--format %s needs --weights FILE and --output FILE",
                       compact ? "compact" : "safetensors");
    cn_weights weights;
    char *metadata;
    cn_status status = cn_weights_read(r->weights, &weights, &metadata, error);
    if (!status)
        status = compact ? cn_compact_write(r->output, &weights, metadata, r->entropy, error)
                         : cn_safetensors_write(r->output, &weights, metadata, error);
    if (!status) puts(r->output);
    cn_weights_clear(&weights);
    cn_free(metadata);
    return status;
}

static cn_status export_network(const network_request *r, cn_error *error)
{
    if (!r->model || !r->output)
        return cn_fail(error, CN_EINVAL, "--format onnx needs --model NAME and --output FILE");
    cn_model model = {0};
    cn_weights weights = {0};
    cn_status status = st_catalog_load(r->model, r->scale, NULL, 0, &model, error);
    if (!status) status = st_weights_load(&model, r->weights, &weights, error);
    if (!status)
        status = st_onnx_write(&(st_onnx){model.name, &model.graph, &weights, (int32_t)r->batch,
                                          cn_quantization_there(&weights)},
                               r->output, error);
    if (!status) {
        fprintf(stderr, "%s (%s), weights %s\n", model.name, model.scale,
                weights.label ? weights.label : "unknown");
        puts(r->output);
    }
    cn_weights_clear(&weights);
    cn_model_clear(&model);
    return status;
}

static cn_status export_as(const char *format, const char *db, const network_request *network,
                           cn_error *error)
{
    bool compact = !strcmp(format, "compact");
    if (compact || !strcmp(format, "safetensors")) return export_weights(network, compact, error);
    if (!strcmp(format, "onnx")) return export_network(network, error);
    return export_all(db, network->output ? network->output : ".", format, error);
}

int st_command_export(int argc, char **argv)
{
    const char *db = NULL, *format = "sql";
    network_request network = {0};
    const st_option options[] = {
        {"format", ST_TEXT, &format, "KIND",
         "sql (default): every row of every table, as read back by plot and report; csv or json: "
         "one file a view; onnx: a network; safetensors or compact: a weight file",
         0, 0},
        {"db", ST_TEXT, &db, "FILE", "database; default results/study.db", 0, 0},
        {"output", ST_TEXT, &network.output, "PATH",
         "folder for the files (default: the current one); networks and weights: the file", 0, 0},
        {"model", ST_TEXT, &network.model, "NAME", "onnx: the network", 0, 0},
        {"scale", ST_TEXT, &network.scale, "NAME",
         "onnx: its scale; default: the first of its text", 0, 0},
        {"weights", ST_TEXT, &network.weights, "FILE",
         "onnx: weight file, or 'random'; default: the committed or imported ones; safetensors and "
         "compact: the file to rewrite",
         0, 0},
        {"entropy", ST_FLAG, &network.entropy, NULL, "compact: with entropy coding", 0, 0},
        {"batch", ST_INT, &network.batch, "N", "onnx: images a run; 0 (default) leaves it open", 0,
         4096},
        {0}};
    const st_usage usage = {
        "export",
        "condense export [--format KIND] [--output PATH] [...]",
        "Writes the database as text, a network with its weights as ONNX (quantized where they "
        "have\n"
        "scales), or a weight file in another format, to the bit. The same contents give the same\n"
        "bytes. The paths go to stdout.\n\n"
        "  condense export --output results/reference      what a fresh clone's paper is made "
        "from\n"
        "  condense export --format csv --output /tmp/csv   v_latency.csv and so on\n"
        "  condense export --format onnx --model resnet50 --output resnet50.onnx\n"
        "  condense export --format compact --weights pruned.safetensors --output pruned.cnz",
        options,
        0,
        0};
    int code = st_options_parse(&usage, argc, argv, NULL);
    if (code >= 0) return code;
    cn_error error = {0};
    cn_status status = export_as(format, db, &network, &error);
    if (status == CN_OK) return ST_EXIT_OK;
    return st_complain("export", st_exit_status(status), "%s", error.message);
}
