/* condense storage: compact containers against compressed sparse rows, for every scheme. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "commands/commands.h"
#include "commands/recording.h"
#include "condense/memory.h"
#include "data/catalog.h"
#include "data/store_weights.h"
#include "measure/storage.h"

static const double shares[] = {0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15,
                                0.2,  0.25, 0.3,  0.4,  0.5,  0.6};
enum { SHARES = sizeof shares / sizeof *shares, MOST_POINTS = SHARES * CN_SCHEME_COUNT };

typedef struct request {
    const char *models, *scale, *weights, *db;
    bool record, json;
} request;

/* Measures every scheme at every share; the scheme "pattern" has but one share. */
static cn_status measure(const cn_model *model, const cn_weights *weights, st_storage *points,
                         int32_t *count, cn_error *error)
{
    cn_status status = CN_OK;
    *count = 0;
    for (int scheme = CN_SCHEME_NONE + 1; scheme < CN_SCHEME_COUNT && !status; scheme++)
        for (int i = 0; i < (scheme == CN_SCHEME_PATTERN ? 1 : SHARES) && !status; i++)
            status = st_storage_measure(model, weights, (cn_scheme)scheme,
                                        scheme == CN_SCHEME_PATTERN ? 1 : shares[i],
                                        &points[(*count)++], error);
    return status;
}

static void print(const cn_model *model, const st_storage *p)
{
    printf("%-16s %-8s %-20s %8.2f %12lld %12lld %12lld %12lld %6.3f %6.3f\n", model->name,
           model->scale, cn_scheme_name(p->scheme), 100.0 * (double)p->nonzero / (double)p->weights,
           (long long)p->csr_bytes, (long long)p->compact_bytes, (long long)p->index_bytes,
           (long long)p->value_bytes, (double)p->compact_bytes / (double)p->csr_bytes, p->worst);
}

static cJSON *to_json(const cn_model *model, const char *weights, const st_storage *p)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"keep", p->keep},
                   {"weights", (double)p->weights},
                   {"nonzero", (double)p->nonzero},
                   {"csr_bytes", (double)p->csr_bytes},
                   {"compact_bytes", (double)p->compact_bytes},
                   {"index_bytes", (double)p->index_bytes},
                   {"value_bytes", (double)p->value_bytes},
                   {"worst", p->worst}};
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "model", model->name);
    cJSON_AddStringToObject(row, "scale", model->scale);
    cJSON_AddStringToObject(row, "label", weights);
    cJSON_AddStringToObject(row, "scheme", cn_scheme_name(p->scheme));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        cJSON_AddNumberToObject(row, numbers[i].name, numbers[i].value);
    return row;
}

static cn_status do_model(const request *r, const char *name, st_recorder *recorder, cJSON *rows,
                          cn_error *error)
{
    cn_model model = {0};
    cn_weights weights = {0};
    st_storage points[MOST_POINTS];
    int32_t count = 0;
    cn_status status = st_catalog_load(name, r->scale, NULL, 0, &model, error);
    if (!status) status = st_weights_load(&model, r->weights, &weights, error);
    if (!status) status = measure(&model, &weights, points, &count, error);
    const char *label = weights.label ? weights.label : "unknown";
    for (int32_t i = 0; i < count && !status; i++) {
        if (rows)
            cJSON_AddItemToArray(rows, to_json(&model, label, &points[i]));
        else
            print(&model, &points[i]);
    }
    fflush(stdout);
    if (!status && recorder)
        status = st_record_storage(recorder, &model, label, points, count, error);
    cn_weights_clear(&weights);
    cn_model_clear(&model);
    return status;
}

static cn_status do_models(const request *r, st_recorder *recorder, cn_error *error)
{
    char *list = st_catalog_list(r->models), *rest = list, *name;
    if (!list) return cn_fail(error, CN_ENOMEM, "out of memory");
    cJSON *rows = r->json ? cJSON_CreateArray() : NULL;
    cn_status status = CN_OK;
    if (!rows)
        printf("%-16s %-8s %-20s %8s %12s %12s %12s %12s %6s %6s\n", "network", "scale", "scheme",
               "stays %", "CSR bytes", "compact", "indices", "values", "share", "worst");
    while (!status && (name = strsep(&rest, ",")))
        status = do_model(r, name, recorder, rows, error);
    char *text = rows && !status ? cJSON_Print(rows) : NULL;
    if (text) puts(text);
    free(text);
    cJSON_Delete(rows);
    cn_free(list);
    return status;
}

static cn_status do_and_record(const request *r, const char *command, cn_error *error)
{
    st_recording recording;
    cn_status status = st_recording_open(&recording, r->db, command, 0, error);
    if (!status) {
        st_environment_hash(&recording.environment, recording.recorder.environment_hash);
        status = do_models(r, &recording.recorder, error);
    }
    st_recording_finish(&recording);
    if (!status) fprintf(stderr, "database: %s\n", recording.path);
    st_recording_close(&recording);
    return status;
}

int st_command_storage(int argc, char **argv)
{
    request r = {.models = "resnet18", .scale = "fashion"};
    const st_option options[] = {
        {"model", ST_TEXT, &r.models, "NAMES", "comma list or 'all'; default resnet18", 0, 0},
        {"scale", ST_TEXT, &r.scale, "NAME", "default fashion", 0, 0},
        {"weights", ST_TEXT, &r.weights, "FILE", "weight file, or 'random'", 0, 0},
        {"record", ST_FLAG, &r.record, NULL, "keep the results in the database", 0, 0},
        {"db", ST_TEXT, &r.db, "FILE", "database of --record; default results/study.db", 0, 0},
        {"json", ST_FLAG, &r.json, NULL, "an array with an object for each row", 0, 0},
        {0}};
    static const char about[] =
        "What a network's weights take in a compact container when 1 to 60 % of them stay, for\n"
        "every pruning scheme, beside compressed sparse rows with 32-bit indices. The weights "
        "with\n"
        "the largest magnitudes stay; nothing is trained. Columns: the share of weights that is\n"
        "left, bytes of compressed sparse rows, of the compact container and of its indices and\n"
        "values, compact over compressed sparse rows, and the same of the worst layer.\n\n"
        "example: condense storage --model lenet5,resnet18,mobilenet_v1 --record";
    const st_usage usage = {
        "storage", "condense storage [--model M] [--record] [...]", about, options, 0, 0};
    int code = st_options_parse(&usage, argc, argv, NULL);
    if (code >= 0) return code;
    cn_error error = {0};
    char *command = st_command_line("storage", argc, argv);
    cn_status status = !command   ? cn_fail(&error, CN_ENOMEM, "out of memory")
                       : r.record ? do_and_record(&r, command, &error)
                                  : do_models(&r, NULL, &error);
    cn_free(command);
    return status ? st_complain("storage", st_exit_status(status), "%s", error.message)
                  : ST_EXIT_OK;
}
