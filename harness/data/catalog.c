#include "data/catalog.h"

#include <string.h>
#include <unistd.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "condense/nearest.h"

const char *const st_catalog_models[] = {"lenet5",
                                         "alexnet",
                                         "vgg16",
                                         "vgg19",
                                         "inception_v1",
                                         "inception_v2",
                                         "inception_v3",
                                         "inception_v4",
                                         "resnet18",
                                         "resnet50",
                                         "resnet101",
                                         "resnet152",
                                         "mobilenet_v1",
                                         "mobilenet_v2",
                                         "squeezenet_v1.0",
                                         "squeezenet_v1.1",
                                         NULL};
enum { MODEL_COUNT = sizeof st_catalog_models / sizeof *st_catalog_models - 1 };

/* Path of the model's text; *path for cn_free. */
static cn_status find_text(const char *name, char **path, cn_error *error)
{
    size_t length = strlen(name);
    if (length > 3 && !strcmp(name + length - 3, ".lr")) {
        *path = cn_strdup(name);
        return *path ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory");
    }
    char *relative = cn_sprintf("experiments/models/%s.lr", name);
    *path = relative ? st_home_path(relative) : NULL;
    cn_free(relative);
    if (!*path) return cn_fail(error, CN_ENOMEM, "out of memory");
    if (length && !strchr(name, '/') && access(*path, R_OK) == 0) return CN_OK;

    const char *nearest = cn_nearest(name, st_catalog_models, MODEL_COUNT);
    cn_status status =
        nearest && strcmp(nearest, name) != 0
            ? cn_fail(error, CN_EINVAL, "there is no model '%s'; did you mean '%s'?", name, nearest)
            : cn_fail(error, CN_EINVAL,
                      "there is no model '%s' (no %s); 'condense models' lists "
                      "them",
                      name, *path);
    cn_free(*path);
    *path = NULL;
    return status;
}

cn_status st_catalog_load(const char *name, const char *scale, const cn_parameter *parameters,
                          int32_t parameter_count, cn_model *model, cn_error *error)
{
    char *path;
    *model = (cn_model){0};
    cn_status status = find_text(name, &path, error);
    if (status) return status;
    status = cn_model_load(model, path, scale, parameters, parameter_count, error);
    cn_free(path);
    return status;
}

cn_status st_catalog_scales(const char *name, char **scales, cn_error *error)
{
    char *path;
    *scales = NULL;
    cn_status status = find_text(name, &path, error);
    if (status) return status;
    status = cn_model_scales(path, scales, error);
    cn_free(path);
    return status;
}

char *st_catalog_list(const char *models)
{
    if (strcmp(models, "all") != 0) return cn_strdup(models);
    char *list = cn_strdup(st_catalog_models[0]);
    for (int i = 1; list && st_catalog_models[i]; i++) {
        char *longer = cn_sprintf("%s,%s", list, st_catalog_models[i]);
        cn_free(list);
        list = longer;
    }
    return list;
}
