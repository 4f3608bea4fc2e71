/* Study files (experiments/studies/NAME.json):
 *   {"about": "what it is for",
 *    "settings": {"min_time": 1, "max_time": 60, "images": 0, "seed": 1, ...},
 *    "cells": [{"model": ["resnet18", "resnet50"], "scale": "imagenet", "threads": [1, 2]}, ...]}
 * Each entry of "cells" is a matrix: every combination of its values. Keys are the axes' names. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/nearest.h"
#include "data/json.h"
#include "study/request.h"

typedef struct setting {
    const char *key;
    size_t offset; /* of a double in st_settings, or of an int64_t */
    bool whole;
    double min, max;
} setting;

static const setting settings[] = {
    {"min_time", offsetof(st_settings, rule.min_seconds), false, 0, 3600},
    {"max_time", offsetof(st_settings, rule.max_seconds), false, 0.01, 86400},
    {"warmup_time", offsetof(st_settings, rule.warmup_seconds), false, 0, 3600},
    {"interval", offsetof(st_settings, rule.interval), false, 0.0001, 1},
    {"images", offsetof(st_settings, images), true, 0, 1e9},
    {"seed", offsetof(st_settings, seed), true, 0, 1e15},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

static cn_status unknown_key(const char *where, const char *key, const char *const *known,
                             size_t count, cn_error *error)
{
    const char *near = cn_nearest(key, known, count);
    return cn_fail(error, CN_EINVAL, "%s: there is no key '%.60s'%s%s%s", where, key,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static cn_status read_setting(st_settings *out, const char *path, const cJSON *item,
                              cn_error *error)
{
    const char *known[SETTINGS];
    for (int i = 0; i < SETTINGS; i++) {
        const setting *s = &settings[i];
        known[i] = s->key;
        if (strcmp(item->string, s->key) != 0) continue;
        double value = item->valuedouble;
        if (!cJSON_IsNumber(item) || !(value >= s->min && value <= s->max) ||
            (s->whole && value != floor(value)))
            return cn_fail(error, CN_EINVAL, "%s: settings.%s: give a %s from %g to %g", path,
                           s->key, s->whole ? "whole number" : "number", s->min, s->max);
        char *field = (char *)out + s->offset;
        if (s->whole)
            *(int64_t *)field = (int64_t)value;
        else
            *(double *)field = value;
        return CN_OK;
    }
    char where[512];
    snprintf(where, sizeof where, "%.400s: settings", path);
    return unknown_key(where, item->string, known, SETTINGS, error);
}

/* A value of the file as text: a string, a whole number, true or false. */
static char *text_of(const cJSON *value)
{
    if (cJSON_IsString(value) && *value->valuestring && !strchr(value->valuestring, ','))
        return cn_strdup(value->valuestring);
    if (cJSON_IsBool(value)) return cn_strdup(cJSON_IsTrue(value) ? "yes" : "no");
    if (cJSON_IsNumber(value)) return cn_sprintf("%.15g", value->valuedouble);
    return NULL;
}

/* A value or an array of values as a comma list; a new string. */
static cn_status list_of(const cJSON *item, const char *where, char **list, cn_error *error)
{
    const cJSON *value = cJSON_IsArray(item) ? item->child : item;
    *list = NULL;
    for (int i = 0; value; value = cJSON_IsArray(item) ? value->next : NULL, i++) {
        char *text = text_of(value);
        if (!text) {
            cn_free(*list);
            return cn_fail(error, CN_EINVAL,
                           "%s.%s[%d]: give a text without comma, a number, or "
                           "true or false",
                           where, item->string, i);
        }
        char *longer = cn_sprintf("%s%s%s", *list ? *list : "", *list ? "," : "", text);
        cn_free(text);
        cn_free(*list);
        *list = longer;
        if (!longer) return cn_fail(error, CN_ENOMEM, "out of memory");
    }
    if (*list) return CN_OK;
    return cn_fail(error, CN_EINVAL, "%s.%s: the list is empty", where, item->string);
}

static cn_status read_cells(st_plan *plan, const char *path, const cJSON *entry, int index,
                            cn_error *error)
{
    char where[512];
    snprintf(where, sizeof where, "%.400s: cells[%d]", path, index);
    if (!cJSON_IsObject(entry)) return cn_fail(error, CN_EINVAL, "%s: give an object", where);
    char *values[ST_AXIS_COUNT] = {0};
    cn_status status = CN_OK;
    for (const cJSON *item = entry->child; item && !status; item = item->next) {
        int axis = 0;
        while (axis < ST_AXIS_COUNT && strcmp(item->string, st_axis_names[axis]) != 0)
            axis++;
        if (axis == ST_AXIS_COUNT)
            status = unknown_key(where, item->string, st_axis_names, ST_AXIS_COUNT, error);
        else if (values[axis])
            status = cn_fail(error, CN_EINVAL, "%s: '%s' is given twice", where, item->string);
        else
            status = list_of(item, where, &values[axis], error);
    }
    if (!status) status = st_plan_add_matrix(plan, (const char *const *)values, where, error);
    for (int axis = 0; axis < ST_AXIS_COUNT; axis++)
        cn_free(values[axis]);
    return status;
}

static cn_status read_root(st_plan *plan, const char *path, const cJSON *root, cn_error *error)
{
    static const char *const known[] = {"about", "settings", "cells"};
    cn_status status = CN_OK;
    for (const cJSON *item = root->child; item && !status; item = item->next) {
        if (!strcmp(item->string, "about")) continue;
        if (!strcmp(item->string, "settings") && cJSON_IsObject(item)) {
            for (const cJSON *s = item->child; s && !status; s = s->next)
                status = read_setting(&plan->settings, path, s, error);
        } else if (!strcmp(item->string, "cells") && cJSON_IsArray(item)) {
            int index = 0;
            for (const cJSON *entry = item->child; entry && !status; entry = entry->next)
                status = read_cells(plan, path, entry, index++, error);
        } else if (!strcmp(item->string, "settings") || !strcmp(item->string, "cells")) {
            status = cn_fail(error, CN_EINVAL, "%s: %s: give an %s", path, item->string,
                             *item->string == 's' ? "object" : "array");
        } else {
            status = unknown_key(path, item->string, known, 3, error);
        }
    }
    if (!status && !plan->count)
        status = cn_fail(error, CN_EINVAL, "%s: there are no cells; give \"cells\": [{...}]", path);
    return status;
}

cn_status st_plan_read(st_plan *plan, const char *path, cn_error *error)
{
    cJSON *root = NULL;
    cn_status status = st_json_read(path, &root, error);
    if (status) return status;
    status = read_root(plan, path, root, error);
    cJSON_Delete(root);
    return status;
}
