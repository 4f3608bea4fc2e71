/* condense weights: trained weights that are known (experiments/weights.json), and importing them.
 */
#include <cjson/cJSON.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/home.h"
#include "cli/options.h"
#include "commands/commands.h"
#include "condense/file.h"
#include "condense/memory.h"
#include "data/file.h"
#include "data/import.h"
#include "data/json.h"
#include "data/place.h"

/* Compares a file with the manifest's entry; prints what the entry does not know. */
static cn_status verify(const char *path, const void *context, cn_error *error)
{
    const cJSON *entry = context;
    const char *known = st_json_text(entry, "sha256");
    struct stat about;
    char digest[ST_DIGEST_SIZE];
    if (stat(path, &about) || !SHA256File(path, digest))
        return cn_fail(error, CN_EIO, "%s: reading failed", path);
    if (!known)
        fprintf(stderr, "%s: %lld bytes, SHA-256 %s; nothing is known to compare with\n",
                entry->string, (long long)about.st_size, digest);
    else if (strcmp(known, digest) != 0)
        return cn_fail(error, CN_EFORMAT, "%s: SHA-256 is %s, should be %s", path, digest, known);
    return CN_OK;
}

/* weights/NAME in either data folder; NULL where it is in neither. */
static char *find(const char *name)
{
    char *relative = cn_sprintf("weights/%s", name), *own = cn_sprintf("data/weights/%s", name);
    char *paths[] = {relative ? st_data_path(relative) : NULL, own ? st_home_path(own) : NULL};
    cn_free(relative);
    cn_free(own);
    char *found = NULL;
    for (int i = 0; i < 2; i++)
        if (!found && paths[i] && access(paths[i], R_OK) == 0)
            found = paths[i];
        else
            cn_free(paths[i]);
    return found;
}

/* Unpacks the .xz copy of the entry's file where there is one; *path stays NULL where not. */
static cn_status unpack(const cJSON *entry, char **path, cn_error *error)
{
    char *packed_name = cn_sprintf("%s.xz", entry->string);
    char *packed = packed_name ? find(packed_name) : NULL, *place = NULL;
    cn_status status = CN_OK;
    if (packed) {
        char *relative = cn_sprintf("weights/%s", entry->string);
        status = relative ? st_place_new(relative, &place, error)
                          : cn_fail(error, CN_ENOMEM, "out of memory");
        cn_free(relative);
        const char *arguments[] = {"xz", "--decompress", "--stdout", packed, NULL};
        cn_new_file file;
        if (!status && !(status = cn_new_file_begin(&file, place, error)))
            status =
                cn_new_file_end(&file, st_run_program(arguments, file.temporary, error), error);
    }
    cn_free(packed_name);
    cn_free(packed);
    if (status)
        cn_free(place);
    else
        *path = place;
    return status;
}

/* The entry's file: at hand, packed, or from the network where `may_fetch`. *path stays NULL where
 * it is to be had nowhere. */
static cn_status obtain(const cJSON *entry, bool may_fetch, char **path, cn_error *error)
{
    *path = find(entry->string);
    cn_status status = *path ? CN_OK : unpack(entry, path, error);
    const char *url = st_json_text(entry, "url");
    if (*path) status = verify(*path, entry, error);
    if (status || *path || !may_fetch || !url) return status;
    char *relative = cn_sprintf("weights/%s", entry->string);
    status =
        relative ? st_place_new(relative, path, error) : cn_fail(error, CN_ENOMEM, "out of memory");
    cn_free(relative);
    return status ? status : st_fetch(url, *path, verify, entry, error);
}

/* *done where the entry was imported. */
static cn_status prepare(const cJSON *entry, bool may_fetch, bool *done, cn_error *error)
{
    char *path, *written = NULL;
    const char *map = st_json_text(entry, "map");
    cn_status status = obtain(entry, may_fetch, &path, error);
    if (!status && path) {
        char *relative = cn_sprintf("experiments/maps/%s", map ? map : "");
        char *map_path = relative ? st_home_path(relative) : NULL;
        st_import_job job = {.weights = path,
                             .map = map_path ? map_path : "",
                             .model = st_json_text(entry, "model"),
                             .scale = st_json_text(entry, "scale")};
        status = job.model && job.scale
                     ? st_import_file(&job, &written, error)
                     : cn_fail(error, CN_EFORMAT, "%s: needs model and scale", entry->string);
        cn_free(relative);
        cn_free(map_path);
    }
    *done = written;
    if (written) puts(written);
    cn_free(written);
    cn_free(path);
    return status;
}

static void list(const cJSON *entry)
{
    const char *url = st_json_text(entry, "url"), *reason = st_json_text(entry, "reason");
    char *packed_name = cn_sprintf("%s.xz", entry->string), *path = find(entry->string);
    if (!path && packed_name) path = find(packed_name);
    printf("%-17s %-9s %s\n%27s %s; licence: %s\n%27s %s\n", st_json_text(entry, "model"),
           st_json_text(entry, "scale"), entry->string, "", st_json_text(entry, "about"),
           st_json_text(entry, "licence"), "",
           path  ? path
           : url ? url
                 : reason);
    cn_free(path);
    cn_free(packed_name);
}

/* Goes over the entries for `model`, or all. With `get` imports those that can be had. */
static cn_status go_over(const cJSON *manifest, const char *model, bool get, bool may_fetch,
                         cn_error *error)
{
    const cJSON *entry;
    int seen = 0;
    bool done = false; /* of several entries for one model the first that can be had is enough */
    cJSON_ArrayForEach(entry, manifest)
    {
        const char *of = st_json_text(entry, "model");
        if (!of || (model && strcmp(of, model) != 0)) continue;
        seen++;
        if (!get) list(entry);
        cn_status status = get ? prepare(entry, may_fetch && model, &done, error) : CN_OK;
        if (status || (done && model)) return status;
    }
    return seen ? CN_OK
                : cn_fail(error, CN_ENOTFOUND, "no trained weights are known for '%s'", model);
}

int st_command_weights(int argc, char **argv)
{
    bool get = false, fetch = false;
    const st_option options[] = {
        {"import", ST_FLAG, &get, NULL, "import what is at hand into the data folder"},
        {"fetch", ST_FLAG, &fetch, NULL, "with --import and a MODEL: get it from the network"},
        {0}};
    const st_usage usage = {
        "weights",
        "condense weights [MODEL] [--import] [--fetch]",
        "Trained ImageNet weights that are known, with their licences and where they were found. "
        "With --import, those under weights/ of a data folder are verified and imported (.xz files "
        "are unpacked first), so that the imagenet scale reports real accuracy. Example:\n\n"
        "  condense weights resnet50 --import --fetch",
        options,
        0,
        1};
    int operands = 0;
    int status = st_options_parse(&usage, argc, argv, &operands);
    if (status >= 0) return status;
    cn_error error = {0};
    cJSON *manifest = NULL;
    char *path = st_home_path("experiments/weights.json");
    cn_status result = path ? st_json_read(path, &manifest, &error) : CN_ENOMEM;
    if (!result) result = go_over(manifest, operands ? argv[0] : NULL, get, fetch, &error);
    cJSON_Delete(manifest);
    cn_free(path);
    return result ? st_complain("weights", st_exit_status(result), "%s", error.message)
                  : ST_EXIT_OK;
}
