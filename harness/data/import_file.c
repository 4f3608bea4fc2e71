/* A file of foreign weights becomes a file of ours. */
#include <cjson/cJSON.h>
#include <sha2.h>
#include <string.h>

#include "condense/memory.h"
#include "data/catalog.h"
#include "data/file.h"
#include "data/import.h"
#include "data/place.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What the new file says of itself: the source's own words, its name and digest, and the map's
 * name. JSON text for cJSON_free. */
static char *describe(const st_import_job *job, const char *metadata)
{
    char digest[ST_DIGEST_SIZE] = "";
    SHA256File(job->weights, digest);
    cJSON *json = metadata ? cJSON_Parse(metadata) : cJSON_CreateObject();
    cJSON_AddStringToObject(json, "imported_from", base_name(job->weights));
    cJSON_AddStringToObject(json, "imported_sha256", digest);
    cJSON_AddStringToObject(json, "map", base_name(job->map));
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return text;
}

static cn_status write_imported(const st_import_job *job, const cn_model *model,
                                const cn_weights *weights, const char *metadata, char **written,
                                cn_error *error)
{
    cn_status status = CN_OK;
    if (job->output) {
        *written = cn_strdup(job->output);
    } else {
        char *relative = cn_sprintf("weights/%s-%s.safetensors", model->name, model->scale);
        if (relative) status = st_place_new(relative, written, error);
        cn_free(relative);
    }
    if (!status && !*written) status = cn_fail(error, CN_ENOMEM, "out of memory");
    if (status) return status;
    char *about = describe(job, metadata);
    status = cn_safetensors_write(*written, weights, about, error);
    cJSON_free(about);
    return status;
}

cn_status st_import_file(const st_import_job *job, char **written, cn_error *error)
{
    cn_model model;
    cn_weights source = {0}, weights = {0};
    char *metadata = NULL;
    *written = NULL;
    cn_status status = st_catalog_load(job->model, job->scale, NULL, 0, &model, error);
    if (status) return status;
    status = cn_weights_read(job->weights, &source, &metadata, error);
    if (!status) status = st_import(&model, &source, job->map, &weights, error);
    if (!status) status = write_imported(job, &model, &weights, metadata, written, error);
    cn_free(metadata);
    cn_weights_clear(&source);
    cn_weights_clear(&weights);
    cn_model_clear(&model);
    if (status) {
        cn_free(*written);
        *written = NULL;
    }
    return status;
}
