#include "study/calibration_file.h"

#include <stdio.h>
#include <string.h>

#include "condense/compact.h"
#include "condense/memory.h"
#include "data/json.h"

/* What is said of weights that are quantized: what their file says, else what the job knows. */
static void add_origin(cJSON *object, const cJSON *source, const st_calibration_facts *f)
{
    static const char *const more[] = {"rate", "levels", "bits", "start", "compression"};
    const char *scheme = st_json_text(source, "scheme"), *method = st_json_text(source, "method");
    bool pruned = scheme && strcmp(scheme, "none") != 0;
    cJSON_AddStringToObject(object, "variant", pruned ? "pruned+quantized" : "quantized");
    cJSON_AddStringToObject(object, "scheme", scheme ? scheme : f->scheme);
    cJSON_AddStringToObject(object, "method", method ? method : f->method);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        const char *text = st_json_text(source, more[i]);
        if (text) cJSON_AddStringToObject(object, more[i], text);
    }
    cJSON_AddStringToObject(object, "ranges", f->ranges);
    cJSON_AddStringToObject(object, "rounding", f->rounding);
    if (f->equalized) cJSON_AddStringToObject(object, "equalized", "yes");
}

static void add_pruning(cJSON *object, const st_calibration_facts *f)
{
    char rate[32];
    snprintf(rate, sizeof rate, "%g", f->rate_asked);
    cJSON_AddStringToObject(object, "variant", "pruned");
    cJSON_AddStringToObject(object, "scheme", f->scheme);
    cJSON_AddStringToObject(object, "method", f->method);
    cJSON_AddStringToObject(object, "rate", rate);
}

static char *metadata(const st_calibration_facts *f, const char *source)
{
    char seed[32], images[32];
    snprintf(seed, sizeof seed, "%lld", (long long)f->seed);
    snprintf(images, sizeof images, "%lld", (long long)f->calibration_images);
    const char *pairs[][2] = {{"correction", f->correction},
                              {"seed", seed},
                              {"calibration set", f->calibration_set},
                              {"calibration SHA-256", f->calibration_hash},
                              {"calibration images", images}};
    cJSON *object = cJSON_CreateObject(), *said = source ? cJSON_Parse(source) : NULL;
    cJSON_AddStringToObject(object, "model", f->model);
    cJSON_AddStringToObject(object, "scale", f->scale);
    cJSON_AddStringToObject(object, "weights", f->weights);
    if (f->bits)
        add_origin(object, said, f);
    else
        add_pruning(object, f);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        cJSON_AddStringToObject(object, pairs[i][0], pairs[i][1]);
    char *json = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    cJSON_Delete(said);
    return json;
}

cn_status st_calibration_write(const char *path, const cn_weights *weights,
                               const st_calibration_facts *facts, const char *source,
                               cn_error *error)
{
    size_t length = strlen(path);
    bool compact = length > 4 && !strcmp(path + length - 4, ".cnz");
    char *json = metadata(facts, source);
    if (!json) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_status status = compact ? cn_compact_write(path, weights, json, true, error)
                               : cn_safetensors_write(path, weights, json, error);
    cJSON_free(json);
    return status;
}
