#include "study/cell.h"

#include <cjson/cJSON.h>
#include <sha256.h>
#include <stdio.h>
#include <string.h>

#include "cli/json.h"
#include "condense/memory.h"
#include "condense/quantize.h"
#include "data/catalog.h"
#include "data/made_weights.h"
#include "data/store_weights.h"

static void hash_text(const char *text, char hash[ST_HASH_SIZE])
{
    SHA256Data((const uint8_t *)text, strlen(text), hash);
}

/* Which machine: the same after a restart and with another build. */
static void hash_machine(const st_environment *environment, char machine[17])
{
    static const char *const keys[] = {"machine.model", "cpu.model", "cpu.online"};
    SHA2_CTX context;
    SHA256Init(&context);
    for (int i = 0; i < 3; i++) {
        const char *value = st_environment_get(environment, keys[i]);
        if (value) SHA256Update(&context, (const uint8_t *)value, strlen(value));
        SHA256Update(&context, (const uint8_t *)"", 1);
    }
    char hash[ST_HASH_SIZE];
    SHA256End(&context, hash);
    snprintf(machine, 17, "%.16s", hash);
}

static void add_text(cJSON *object, const char *key, const char *text)
{
    if (text && *text)
        cJSON_AddStringToObject(object, key, text);
    else
        cJSON_AddNullToObject(object, key);
}

/* Keys in alphabetical order, no white space. */
static char *config_of(const st_cell *cell)
{
    const st_request *r = &cell->request;
    const st_identity *identity = &cell->identity;
    cJSON *json = cJSON_CreateObject();
    add_text(json, "backend", r->backend);
    cJSON_AddNumberToObject(json, "batch", (double)r->batch);
    add_text(json, "dataset", cell->dataset ? st_dataset_hash(cell->dataset) : NULL);
    add_text(json, "device", r->device);
    cJSON_AddBoolToObject(json, "emulated", identity->emulated);
    add_text(json, "isa", cn_isa_name(identity->isa));
    add_text(json, "machine", identity->machine);
    add_text(json, "model", identity->model_hash);
    cJSON_AddNumberToObject(json, "passes", st_cell_session_options(cell).passes);
    st_json_number(json, "rate", r->rate);
    add_text(json, "scale", cell->model.scale);
    add_text(json, "scheme", r->scheme);
    cJSON_AddNumberToObject(json, "threads", (double)r->threads);
    add_text(json, "variant", r->variant);
    add_text(json, "weights", identity->weights_digest);
    char *printed = cJSON_PrintUnformatted(json);
    char *config = printed ? cn_strdup(printed) : NULL;
    cJSON_free(printed);
    cJSON_Delete(json);
    return config;
}

char *st_settings_json(const st_settings *settings)
{
    const st_rule *rule = &settings->rule;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "energy", settings->energy);
    cJSON_AddNumberToObject(json, "images", (double)settings->images);
    cJSON_AddNumberToObject(json, "interval", rule->interval);
    cJSON_AddNumberToObject(json, "max_time", rule->max_seconds);
    cJSON_AddNumberToObject(json, "min_samples", rule->min_samples);
    cJSON_AddNumberToObject(json, "min_time", rule->min_seconds);
    cJSON_AddStringToObject(json, "rail", settings->rail);
    cJSON_AddNumberToObject(json, "slow", rule->slow);
    cJSON_AddNumberToObject(json, "warmup_time", rule->warmup_seconds);
    char *printed = cJSON_PrintUnformatted(json);
    char *text = printed ? cn_strdup(printed) : NULL;
    cJSON_free(printed);
    cJSON_Delete(json);
    return text;
}

cn_session_options st_cell_session_options(const st_cell *cell)
{
    cn_session_options options = cn_session_defaults();
    options.threads = (int32_t)cell->request.threads;
    options.batch = (int32_t)cell->request.batch;
    options.isa = cell->request.isa;
    options.wisdom = cell->wisdom;
    options.integers = strcmp(cell->request.variant, "dense") != 0;
    options.generator = cell->generator;
    options.passes = cell->request.fuse ? CN_PASS_ALL : ST_PASSES_UNFUSED;
    return options;
}

/* A network of integers may use levels that one of floats does not. */
static cn_isa level_of(const st_cell *cell)
{
    cn_isa isa = cn_isa_available(cell->request.isa);
    cn_session_options options = st_cell_session_options(cell);
    bool integers = options.integers && cell->request.fuse && cn_quantization_there(&cell->weights);
    return integers ? isa : cn_isa_of_floats(isa);
}

static cn_status identify(st_cell *cell, const st_environment *environment, cn_error *error)
{
    st_identity *identity = &cell->identity;
    const st_request *r = &cell->request;
    cn_status status = cn_model_canonical(&cell->model, &identity->canonical, error);
    if (status) return status;
    hash_text(identity->canonical, identity->model_hash);
    st_weights_digest(&cell->weights, identity->weights_digest);
    hash_machine(environment, identity->machine);
    snprintf(identity->weights_label, sizeof identity->weights_label, "%s", cell->weights.label);
    const char *emulated = st_environment_get(environment, "machine.emulated");
    identity->isa = level_of(cell);
    identity->emulated = emulated && !strcmp(emulated, "yes");
    identity->config = config_of(cell);
    if (!identity->config) return cn_fail(error, CN_ENOMEM, "out of memory");
    hash_text(identity->config, identity->id);
    snprintf(identity->name, sizeof identity->name,
             "%.63s %.31s %.31s %.7s, %d thread%s, batch %d%s", cell->model.name, cell->model.scale,
             r->variant, r->backend, (int)r->threads, r->threads == 1 ? "" : "s", (int)r->batch,
             r->fuse ? "" : ", no fusion");
    return CN_OK;
}

/* The weights of the variant; of a compressed one also its scheme and rate. */
static cn_status load_weights(st_cell *cell, cn_error *error)
{
    st_request *r = &cell->request;
    const char *path = *r->weights ? r->weights : NULL;
    const char *dataset = *r->dataset ? r->dataset : cell->model.dataset;
    if (!strcmp(r->variant, "dense"))
        return st_weights_load(&cell->model, path, &cell->weights, error);
    st_compressed found;
    cn_status status = st_weights_load_compressed(&cell->model, r->variant, r->scheme, r->rate,
                                                  path, &cell->weights, &found, error);
    if (status == CN_ENOTFOUND && !path && st_variants_are_made(cell->model.scale))
        status = st_weights_make(&cell->model, r->variant, r->scheme, r->rate, dataset,
                                 &cell->weights, &found, error);
    if (status) return status;
    strcpy(r->scheme, found.scheme);
    r->rate = found.rate;
    return CN_OK;
}

cn_status st_cell_open(st_cell *cell, const st_request *request, const st_environment *environment,
                       cn_error *error)
{
    *cell = (st_cell){.request = *request, .findings.peak_memory = -1};
    const char *scale = *request->scale ? request->scale : NULL;
    cn_status status = st_catalog_load(request->model, scale, NULL, 0, &cell->model, error);
    if (!status) status = load_weights(cell, error);
    if (!status) {
        const char *name = *request->dataset ? request->dataset : cell->model.dataset;
        cn_error problem;
        cn_status opened =
            st_dataset_open(&cell->dataset, name, ST_SPLIT_TEST, &cell->model.preprocess,
                            cell->model.graph.layers[0].shape, &problem);
        if (opened) {
            cell->dataset = NULL;
            snprintf(cell->dataset_reason, sizeof cell->dataset_reason, "%s", problem.message);
        }
        /* A missing data set leaves accuracy out; a damaged or misnamed one is a mistake. */
        if (opened && opened != CN_ENOTFOUND)
            status = cn_fail(error, opened, "%s", problem.message);
    }
    if (!status) status = identify(cell, environment, error);
    if (status) st_cell_close(cell);
    return status;
}

void st_cell_close(st_cell *cell)
{
    st_findings *findings = &cell->findings;
    st_confusion_clear(&findings->confusion);
    for (int i = 0; i < 2; i++) {
        st_layer_plan_clear(&findings->plans[i]);
        st_layer_plan_clear(&findings->dense[i]);
    }
    cn_free(cell->identity.config);
    cn_free(cell->identity.canonical);
    cn_weights_clear(&cell->weights);
    st_dataset_free(cell->dataset);
    cn_model_clear(&cell->model);
    *cell = (st_cell){0};
}
