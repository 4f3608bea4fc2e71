#include "train/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "condense/memory.h"

static cn_status no_memory(cn_error *error)
{
    return cn_fail(error, CN_ENOMEM, "out of memory for the checkpoint");
}

static char *metadata_text(const checkpoint *c)
{
    const struct {
        const char *key;
        int64_t value;
    } counters[] = {{"epoch", c->epoch},
                    {"batch", c->batch},
                    {"correct", c->correct},
                    {"optimizer_steps", c->optimizer_steps}};
    char text[64];
    cJSON *object = cJSON_CreateObject();
    bool made = object && cJSON_AddStringToObject(object, "recipe", c->recipe);
    for (size_t i = 0; made && i < sizeof counters / sizeof *counters; i++) {
        snprintf(text, sizeof text, "%" PRId64, counters[i].value);
        made = cJSON_AddStringToObject(object, counters[i].key, text);
    }
    snprintf(text, sizeof text, "%a", c->loss);
    made = made && cJSON_AddStringToObject(object, "loss", text);
    char *json = made ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    return json;
}

/* Appends the set's tensors to `all`, names behind the prefix. */
static cn_status gather(const checkpoint_set *set, cn_weights *all, cn_error *error)
{
    for (int32_t i = 0; i < set->weights->count; i++) {
        const cn_tensor *from = &set->weights->tensors[i];
        char *name = cn_sprintf("%s%s", set->prefix, from->name);
        if (!name) return no_memory(error);
        cn_tensor *to;
        cn_status status = cn_weights_add(all, name, from->rank, from->dims, &to, error);
        cn_free(name);
        if (status != CN_OK) return status;
        memcpy(to->data, from->data, (size_t)cn_tensor_count(from) * sizeof(float));
    }
    return CN_OK;
}

cn_status checkpoint_write(const char *path, const checkpoint *c, cn_error *error)
{
    cn_weights all = {0};
    cn_status status = CN_OK;
    for (int i = 0; i < c->set_count && status == CN_OK; i++)
        status = gather(&c->sets[i], &all, error);
    char *metadata = metadata_text(c);
    if (status == CN_OK && !metadata) status = no_memory(error);
    if (status == CN_OK) status = cn_safetensors_write(path, &all, metadata, error);
    cJSON_free(metadata);
    cn_weights_clear(&all);
    return status;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

static cn_status read_metadata(const char *path, const char *json, checkpoint *c, cn_error *error)
{
    cJSON *object = json ? cJSON_Parse(json) : NULL;
    cn_status status = CN_OK;
    if (!object || !*text_of(object, "recipe"))
        status = cn_fail(error, CN_EFORMAT,
                         "%s: not a checkpoint; name another file or train without --resume", path);
    else if (strcmp(text_of(object, "recipe"), c->recipe) != 0)
        status = cn_fail(error, CN_EINVAL,
                         "%s: a checkpoint of another recipe: it has \"%s\", this run \"%s\"; give "
                         "the same options or train without --resume",
                         path, text_of(object, "recipe"), c->recipe);
    if (status == CN_OK) {
        c->epoch = strtoll(text_of(object, "epoch"), NULL, 10);
        c->batch = strtoll(text_of(object, "batch"), NULL, 10);
        c->correct = strtoll(text_of(object, "correct"), NULL, 10);
        c->optimizer_steps = strtoll(text_of(object, "optimizer_steps"), NULL, 10);
        c->loss = strtod(text_of(object, "loss"), NULL);
        if (c->epoch < 0 || c->batch < 0 || c->correct < 0 || c->optimizer_steps < 0)
            status = cn_fail(error, CN_EFORMAT, "%s: a counter is negative", path);
    }
    cJSON_Delete(object);
    return status;
}

/* Copies the set's tensors out of `all`, or only checks that they are there. */
static cn_status scatter(const char *path, const cn_weights *all, const checkpoint_set *set,
                         bool copy, cn_error *error)
{
    for (int32_t i = 0; i < set->weights->count; i++) {
        cn_tensor *to = &set->weights->tensors[i];
        char *name = cn_sprintf("%s%s", set->prefix, to->name);
        if (!name) return no_memory(error);
        const cn_tensor *from = cn_weights_find(all, name);
        cn_free(name);
        if (!from || from->rank != to->rank || memcmp(from->dims, to->dims, sizeof to->dims) != 0)
            return cn_fail(error, CN_EFORMAT, "%s: tensor '%s%s' is %s; this is another network's",
                           path, set->prefix, to->name, from ? "of another shape" : "missing");
        if (copy) memcpy(to->data, from->data, (size_t)cn_tensor_count(to) * sizeof(float));
    }
    return CN_OK;
}

cn_status checkpoint_read(const char *path, checkpoint *c, bool *found, cn_error *error)
{
    *found = access(path, F_OK) == 0;
    if (!*found) return CN_OK;
    cn_weights all = {0};
    char *json = NULL;
    checkpoint loaded = *c;
    cn_status status = cn_weights_read(path, &all, &json, error);
    if (status == CN_OK) status = read_metadata(path, json, &loaded, error);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < c->set_count && status == CN_OK; i++)
            status = scatter(path, &all, &c->sets[i], pass == 1, error);
    if (status == CN_OK) *c = loaded;
    cn_free(json);
    cn_weights_clear(&all);
    return status;
}
