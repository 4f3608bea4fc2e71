#include "env/device.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "data/json.h"
#include "env/sysfs.h"

/* A device record:
 *
 *   {"name": "tx2", "title": "...",
 *    "match": {"arch": "aarch64", "model": ["TX2"]},       both optional
 *    "threads": 4,                                          optional
 *    "energy": {"source": "ina3221", "rail": "VDD_IN"},     optional
 *    "notes": "..."}                                        optional
 */

#if defined __x86_64__
static const char BUILT_FOR[] = "x86_64";
#elif defined __aarch64__
static const char BUILT_FOR[] = "aarch64";
#else
static const char BUILT_FOR[] = "another architecture";
#endif

/* Copies a text of the record; *failed where it has another type or memory runs out. */
static char *copy_text(const cJSON *object, const char *key, bool *failed)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item) return NULL;
    char *copy = cJSON_IsString(item) ? cn_strdup(item->valuestring) : NULL;
    if (!copy) *failed = true;
    return copy;
}

static bool copy_models(st_device *device, const cJSON *models)
{
    if (!models) return true;
    if (!cJSON_IsArray(models)) return false;
    size_t count = (size_t)cJSON_GetArraySize(models);
    device->models = cn_calloc(count, sizeof *device->models);
    if (!device->models) return false;
    for (const cJSON *item = models->child; item; item = item->next) {
        char *copy = cJSON_IsString(item) ? cn_strdup(item->valuestring) : NULL;
        if (!copy) return false;
        device->models[device->model_count++] = copy;
    }
    return true;
}

static cn_status parse(st_device *device, const cJSON *json, const char *name, const char *path,
                       cn_error *error)
{
    bool failed = false;
    const cJSON *match = cJSON_GetObjectItemCaseSensitive(json, "match");
    const cJSON *energy = cJSON_GetObjectItemCaseSensitive(json, "energy");
    device->name = copy_text(json, "name", &failed);
    device->title = copy_text(json, "title", &failed);
    device->notes = copy_text(json, "notes", &failed);
    device->arch = copy_text(match, "arch", &failed);
    device->energy_source = copy_text(energy, "source", &failed);
    device->energy_rail = copy_text(energy, "rail", &failed);
    failed |= !copy_models(device, cJSON_GetObjectItemCaseSensitive(match, "model"));
    int64_t threads = st_json_whole(json, "threads", 0);
    failed |= threads > 4096;
    device->threads = (int32_t)threads;
    if (failed || !device->name || !device->title)
        return cn_fail(error, CN_EFORMAT,
                       "%s: a device record has texts 'name' and 'title' and may have 'match' "
                       "{arch, model: [...]}, 'threads', 'energy' {source, rail} and 'notes'",
                       path);
    if (strcmp(device->name, name) != 0)
        return cn_fail(error, CN_EFORMAT, "%s: it is called '%s'; name it as the file", path,
                       device->name);
    return CN_OK;
}

/* "there is no device 'x'; there are: host, tx2". */
static cn_status unknown(const char *name, cn_error *error)
{
    char known[512] = "", *folder = st_home_path("experiments/devices"), **names = NULL;
    size_t count = folder ? st_sysfs_list(folder, "/", "", &names) : 0, used = 0;
    for (size_t i = 0; i < count; i++) {
        char *dot = strrchr(names[i], '.');
        if (!dot || strcmp(dot, ".json") != 0) continue;
        *dot = '\0';
        if (used + strlen(names[i]) + 3 > sizeof known) break;
        used += (size_t)sprintf(known + used, "%s%s", used ? ", " : "", names[i]);
    }
    cn_free(names);
    cn_status status =
        cn_fail(error, CN_ENOTFOUND,
                "there is no device '%s' in %s; there are: %s (docs/devices.md says "
                "how to add one)",
                name, folder ? folder : "experiments/devices", used ? known : "none");
    cn_free(folder);
    return status;
}

cn_status st_device_load(st_device **out, const char *name, cn_error *error)
{
    *out = NULL;
    if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(name) ||
        *name == '.')
        return unknown(name, error);
    char *relative = cn_sprintf("experiments/devices/%s.json", name);
    char *path = relative ? st_home_path(relative) : NULL;
    cn_free(relative);
    st_device *device = cn_calloc(1, sizeof *device);
    cJSON *json = NULL;
    cn_status status;
    if (!path || !device)
        status = cn_fail(error, CN_ENOMEM, "out of memory for the device '%s'", name);
    else if (access(path, F_OK) != 0)
        status = unknown(name, error);
    else
        status = st_json_read(path, &json, error);
    if (status == CN_OK) status = parse(device, json, name, path, error);
    cJSON_Delete(json);
    cn_free(path);
    if (status != CN_OK) {
        st_device_free(device);
        return status;
    }
    *out = device;
    return CN_OK;
}

char *st_device_machine(const char *sysfs)
{
    static const char *const places[] = {"/proc/device-tree/model",
                                         "/sys/class/dmi/id/product_name"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *text = st_sysfs_read(sysfs, places[i]);
        if (text && *text) return text;
        cn_free(text);
    }
    char *info = st_sysfs_read(sysfs, "/proc/cpuinfo");
    char *name = info ? st_sysfs_field(info, "model name") : NULL;
    cn_free(info);
    return name;
}

bool st_device_matches(const st_device *device, const char *sysfs, cn_error *error)
{
    if (device->arch && strcmp(device->arch, BUILT_FOR) != 0) {
        cn_fail(error, CN_EUNSUPPORTED, "%s is a device with %s; this program is built for %s",
                device->name, device->arch, BUILT_FOR);
        return false;
    }
    if (device->model_count == 0) return true;
    char *machine = st_device_machine(sysfs);
    for (size_t i = 0; machine && i < device->model_count; i++) {
        if (!strstr(machine, device->models[i])) continue;
        cn_free(machine);
        return true;
    }
    cn_fail(error, CN_EUNSUPPORTED,
            "this machine calls itself '%s', which is not a %s (expected '%s' in the name)",
            machine ? machine : "nothing", device->title, device->models[0]);
    cn_free(machine);
    return false;
}

void st_device_free(st_device *device)
{
    if (!device) return;
    for (size_t i = 0; i < device->model_count; i++)
        cn_free(device->models[i]);
    char *texts[] = {device->name,          device->title,       device->arch,
                     device->energy_source, device->energy_rail, device->notes};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cn_free(texts[i]);
    cn_free(device->models);
    cn_free(device);
}
