#include "data/store_weights.h"

#include <sha2.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "cli/home.h"
#include "condense/memory.h"

/* The seed of weights that nobody trained. */
enum { RANDOM_SEED = 1 };

/* The first file of the search order that exists, for cn_free; NULL where there is none. */
static char *find_weights(const cn_model *model)
{
    static const struct {
        char *(*place)(const char *relative);
        const char *folder;
    } places[] = {{st_home_path, "experiments/weights"},
                  {st_data_path, "weights"},
                  {st_home_path, "data/weights"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *relative =
            cn_sprintf("%s/%s-%s.safetensors", places[i].folder, model->name, model->scale);
        char *path = relative ? places[i].place(relative) : NULL;
        cn_free(relative);
        if (path && access(path, F_OK) == 0) return path;
        cn_free(path);
    }
    return NULL;
}

cn_status st_weights_load_described(const cn_model *model, const char *path, cn_weights *weights,
                                    char **metadata, cn_error *error)
{
    *metadata = NULL;
    bool random = path && !strcmp(path, "random");
    char *found = path ? NULL : find_weights(model);
    const char *file = path ? path : found;
    cn_status status = file && !random
                           ? cn_weights_read(file, weights, metadata, error)
                           : cn_weights_random(weights, &model->graph, RANDOM_SEED, error);
    if (!status) {
        status = cn_weights_check(weights, &model->graph, error);
        if (status) cn_fail_in(error, status, "%s", weights->label);
        if (status) cn_weights_clear(weights);
    }
    cn_free(found);
    return status;
}

cn_status st_weights_load(const cn_model *model, const char *path, cn_weights *weights,
                          cn_error *error)
{
    char *metadata;
    cn_status status = st_weights_load_described(model, path, weights, &metadata, error);
    cn_free(metadata);
    return status;
}

bool st_weights_are_random(const char *label)
{
    static const char random[] = "random";
    size_t length = sizeof random - 1;
    return !strncmp(label, random, length) && (!label[length] || label[length] == ',');
}

void st_weights_digest(const cn_weights *weights, char digest[65])
{
    SHA2_CTX context;
    SHA256Init(&context);
    for (int32_t i = 0; i < weights->count; i++) {
        const cn_tensor *tensor = &weights->tensors[i];
        SHA256Update(&context, (const uint8_t *)tensor->name, strlen(tensor->name) + 1);
        SHA256Update(&context, (const uint8_t *)tensor->dims, sizeof tensor->dims);
        SHA256Update(&context, (const uint8_t *)tensor->data,
                     (size_t)cn_tensor_count(tensor) * sizeof *tensor->data);
    }
    SHA256End(&context, digest);
}
