/* Weights of the compressed variants. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "data/json.h"
#include "data/store_weights.h"

bool st_variant_is_compressed(const char *variant)
{
    static const char *const variants[] = {"pruned", "quantized", "pruned+quantized"};
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (!strcmp(variant, variants[i])) return true;
    return false;
}

/* What was asked for. */
typedef struct wanted {
    const cn_model *model;
    const char *variant, *scheme;
    double rate;
} wanted;

static const char *text_of(const cJSON *json, const char *key)
{
    const char *text = st_json_text(json, key);
    return text ? text : "";
}

/* Compares a file's metadata with what was asked for; the message names the first difference. */
static cn_status compare(const wanted *w, const char *path, const char *metadata,
                         st_compressed *found, cn_error *error)
{
    char rate[32] = "";
    if (isfinite(w->rate)) snprintf(rate, sizeof rate, "%.15g", w->rate);
    const struct {
        const char *key, *asked; /* empty: anything */
    } rows[] = {{"model", w->model->name},
                {"scale", w->model->scale},
                {"variant", w->variant},
                {"scheme", w->scheme},
                {"rate", rate}};
    cJSON *json = metadata ? cJSON_Parse(metadata) : NULL;
    cn_status status = CN_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !status; i++)
        if (*rows[i].asked && strcmp(text_of(json, rows[i].key), rows[i].asked) != 0)
            status = cn_fail(error, CN_EINVAL, "%s: its %s is '%s', not '%s'", path, rows[i].key,
                             text_of(json, rows[i].key), rows[i].asked);
    bool pruned = strcmp(text_of(json, "scheme"), "none") != 0;
    snprintf(found->scheme, sizeof found->scheme, "%s", pruned ? text_of(json, "scheme") : "");
    found->rate = pruned ? strtod(text_of(json, "rate"), NULL) : NAN;
    cJSON_Delete(json);
    return status;
}

static cn_status read_file(const wanted *w, const char *path, cn_weights *weights,
                           st_compressed *found, cn_error *error)
{
    char *metadata = NULL;
    cn_status status = cn_weights_read(path, weights, &metadata, error);
    if (!status) status = compare(w, path, metadata, found, error);
    if (!status) {
        status = cn_weights_check(weights, &w->model->graph, error);
        if (status) cn_fail_in(error, status, "%s", weights->label);
    }
    if (status) cn_weights_clear(weights);
    cn_free(metadata);
    return status;
}

static cn_status missing(const wanted *w, cn_error *error)
{
    char asked[96] = "";
    if (*w->scheme || isfinite(w->rate))
        snprintf(asked, sizeof asked, " with scheme '%.31s' and rate %g",
                 *w->scheme ? w->scheme : "any", w->rate);
    return cn_fail(
        error, CN_ENOTFOUND,
        "there are no %s weights of %s at scale %s%s; make them with 'condense compress' "
        "or give --weights",
        w->variant, w->model->name, w->model->scale, asked);
}

cn_status st_weights_load_compressed(const cn_model *model, const char *variant, const char *scheme,
                                     double rate, const char *path, cn_weights *weights,
                                     st_compressed *found, cn_error *error)
{
    const wanted w = {model, variant, scheme, rate};
    *found = (st_compressed){.rate = NAN};
    if (path) return read_file(&w, path, weights, found, error);
    char *names[] = {
        cn_sprintf("experiments/weights/%s-%s-%s.cnz", model->name, model->scale, variant),
        cn_sprintf("results/compressed/%s-%s-%s-admm-%gx.cnz", model->name, model->scale, scheme,
                   rate)};
    cn_status status = CN_ENOTFOUND;
    cn_error problem; /* of a file that is something else than asked for: the next may fit */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *file = names[i] ? st_home_path(names[i]) : NULL;
        bool there = file && access(file, F_OK) == 0;
        if (status && there) status = read_file(&w, file, weights, found, &problem);
        if (status && there && status != CN_EINVAL)
            status = cn_fail(error, status, "%s", problem.message);
        cn_free(file);
        cn_free(names[i]);
    }
    return status == CN_ENOTFOUND || status == CN_EINVAL ? missing(&w, error) : status;
}
