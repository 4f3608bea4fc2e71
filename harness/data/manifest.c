#include "data/manifest.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "data/json.h"

#define MANIFEST "experiments/datasets.json"

static const char *const format_names[] = {"idx", "cifar", "folder", "choice"};

static cn_status read_manifest(cJSON **json, cn_error *error)
{
    char *path = st_home_path(MANIFEST);
    cn_status status =
        path ? st_json_read(path, json, error) : cn_fail(error, CN_ENOMEM, "out of memory");
    cn_free(path);
    return status;
}

/* "a, b, c": the keys of `object`. */
static void list_keys(const cJSON *object, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (const cJSON *item = object->child; item && used < size; item = item->next)
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", item->string);
}

static st_source_file read_file(const cJSON *item)
{
    if (cJSON_IsString(item)) return (st_source_file){.name = item->valuestring};
    return (st_source_file){.name = st_json_text(item, "file"),
                            .bytes = st_json_whole(item, "bytes", 0),
                            .sha256 = st_json_text(item, "sha256"),
                            .url = st_json_text(item, "url")};
}

static cn_status read_split(st_source_split *split, const cJSON *list, const char *name,
                            cn_error *error)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (split->count == ST_SPLIT_FILES_MAX)
            return cn_fail(error, CN_EFORMAT, MANIFEST ": '%s': more than %d files in a split",
                           name, ST_SPLIT_FILES_MAX);
        st_source_file file = read_file(item);
        if (!file.name)
            return cn_fail(error, CN_EFORMAT, MANIFEST ": '%s': a file without a name", name);
        split->files[split->count++] = file;
    }
    return CN_OK;
}

static cn_status read_format(st_source *source, const cJSON *entry, cn_error *error)
{
    const char *format = st_json_text(entry, "format");
    for (int i = 0; format && i <= ST_FORMAT_CHOICE; i++)
        if (!strcmp(format, format_names[i])) {
            source->format = (st_format)i;
            return CN_OK;
        }
    return cn_fail(error, CN_EFORMAT,
                   MANIFEST ": '%s': format '%s' is not one of idx, cifar, folder, choice",
                   source->name, format ? format : "");
}

static cn_status read_entry(st_source *source, const cJSON *entry, cn_error *error)
{
    source->name = entry->string;
    source->about = st_json_text(entry, "about");
    source->homepage = st_json_text(entry, "homepage");
    source->licence = st_json_text(entry, "licence");
    source->package = st_json_text(entry, "package");
    source->classes = (int32_t)st_json_whole(entry, "classes", 0);
    source->calibration = (int32_t)st_json_whole(entry, "calibration", 0);
    source->prepared = (int32_t)st_json_whole(entry, "prepared", 0);
    if (!source->about || !source->homepage || !source->licence || source->classes < 1 ||
        source->classes > CN_MAX_EXTENT || source->prepared > CN_MAX_EXTENT)
        return cn_fail(error, CN_EFORMAT,
                       MANIFEST ": '%s' needs about, homepage, licence and classes", entry->string);
    cn_status status = read_format(source, entry, error);

    const cJSON *item, *folders = cJSON_GetObjectItemCaseSensitive(entry, "folders");
    cJSON_ArrayForEach(item, folders)
    {
        if (cJSON_IsString(item) && source->folder_count < ST_SPLIT_FILES_MAX)
            source->folders[source->folder_count++] = item->valuestring;
    }
    const cJSON *archive = cJSON_GetObjectItemCaseSensitive(entry, "archive");
    if (archive) {
        source->archive = read_file(archive);
        source->archive_into = st_json_text(archive, "into");
    }
    const char *key = source->format == ST_FORMAT_CHOICE ? "choices" : "splits";
    const cJSON *splits = cJSON_GetObjectItemCaseSensitive(entry, key);
    for (int i = 0; !status && i < ST_SPLIT_COUNT; i++)
        status = read_split(&source->splits[i],
                            cJSON_GetObjectItemCaseSensitive(splits, st_split_name((st_split)i)),
                            source->name, error);
    return status;
}

cn_status st_source_read(st_source *source, const char *name, cn_error *error)
{
    *source = (st_source){0};
    cn_status status = read_manifest(&source->json, error);
    if (status) return status;
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(source->json, name);
    if (entry) {
        status = read_entry(source, entry, error);
    } else {
        char known[512];
        list_keys(source->json, known, sizeof known);
        status = cn_fail(error, CN_EINVAL, "there is no data set '%s'; known: %s", name, known);
    }
    if (status) st_source_clear(source);
    return status;
}

void st_source_clear(st_source *source)
{
    cJSON_Delete(source->json);
    *source = (st_source){0};
}

cn_status st_source_names(char ***names, cn_error *error)
{
    cJSON *json;
    cn_status status = read_manifest(&json, error);
    if (status) return status;
    size_t count = (size_t)cJSON_GetArraySize(json), bytes = 0;
    for (const cJSON *item = json->child; item; item = item->next)
        bytes += strlen(item->string) + 1;
    *names = cn_calloc((count + 1) * sizeof **names + bytes, 1);
    if (!*names) {
        status = cn_fail(error, CN_ENOMEM, "out of memory");
    } else {
        char *text = (char *)(*names + count + 1);
        size_t i = 0;
        for (const cJSON *item = json->child; item; item = item->next) {
            (*names)[i++] = text;
            text = stpcpy(text, item->string) + 1;
        }
    }
    cJSON_Delete(json);
    return status;
}

/* folder/file where it exists, else NULL; the folder may be absolute or relative to either data
 * folder ($CONDENSE_DATA and the project's own). */
static char *existing(const char *folder, const char *file)
{
    for (int place = 0; place < 2; place++) {
        char *relative = cn_sprintf("%s/%s", folder, file), *path = relative;
        if (relative && folder[0] != '/') {
            char *own = place ? cn_sprintf("data/%s", relative) : NULL;
            path = place ? (own ? st_home_path(own) : NULL) : st_data_path(relative);
            cn_free(own);
            cn_free(relative);
        }
        if (path && access(path, R_OK) == 0) return path;
        cn_free(path);
    }
    return NULL;
}

char *st_source_find(const st_source *source, const char *file)
{
    size_t length = strlen(file);
    char *plain = cn_strdup(file), *path = NULL;
    bool packed = plain && length > 3 && !strcmp(file + length - 3, ".gz");
    if (packed) plain[length - 3] = '\0';
    for (int32_t i = 0; !path && i < source->folder_count; i++) {
        path = existing(source->folders[i], file);
        if (!path && packed) path = existing(source->folders[i], plain);
    }
    cn_free(plain);
    return path;
}

void st_source_advice(const st_source *source, char *text, size_t size)
{
    bool fetchable = source->archive.url;
    for (int i = 0; i < ST_SPLIT_COUNT; i++)
        fetchable |= source->splits[i].count && source->splits[i].files[0].url;
    const char *folder = source->folder_count ? source->folders[0] : source->name;
    if (source->package)
        snprintf(text, size, "install the Debian package %s, or run 'make data DATASET=%s'",
                 source->package, source->name);
    else if (fetchable)
        snprintf(text, size,
                 "run 'make data DATASET=%s' where there is a network, or put the files under "
                 "data/%s or $CONDENSE_DATA/%s",
                 source->name, folder, folder);
    else
        snprintf(text, size,
                 "put the pictures and a labels.csv under data/%s or $CONDENSE_DATA/%s (see %s; "
                 "docs/datasets.md tells the format)",
                 folder, folder, source->homepage);
}
