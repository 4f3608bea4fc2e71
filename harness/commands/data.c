/* condense data: what data sets there are, which are at hand, and getting them. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "commands/commands.h"
#include "condense/memory.h"
#include "data/fetch.h"
#include "data/file.h"
#include "data/load.h"

/* Whether the files of any split of `source` are at hand; `where` receives the folder of the first
 * or what to do. */
static bool at_hand(const st_source *source, char *where, size_t size)
{
    for (int split = 0; split < ST_SPLIT_COUNT; split++) {
        if (!source->splits[split].count) continue;
        char *path = st_source_find(source, source->splits[split].files[0].name);
        if (!path) continue;
        snprintf(where, size, "%.*s", (int)(strrchr(path, '/') - path), path);
        cn_free(path);
        return true;
    }
    st_source_advice(source, where, size);
    return false;
}

/* A choice is at hand where any of its sets is; `where` receives all their names. */
static bool any_at_hand(const st_source *choice, char *where, size_t size)
{
    size_t used = (size_t)snprintf(where, size, "first of");
    bool here = false;
    for (int split = ST_SPLIT_COUNT - 1; split >= 0; split--)
        for (int32_t i = 0; i < choice->splits[split].count; i++) {
            const char *name = choice->splits[split].files[i].name;
            st_source source;
            char folder[512];
            if (st_source_read(&source, name, NULL)) continue;
            here |= at_hand(&source, folder, sizeof folder);
            st_source_clear(&source);
            if (used < size) used += (size_t)snprintf(where + used, size - used, " %s", name);
        }
    return here;
}

static cn_status list(bool json, cn_error *error)
{
    char **names;
    cn_status status = st_source_names(&names, error);
    if (status) return status;
    cJSON *rows = cJSON_CreateArray();
    for (int i = 0; !status && names[i]; i++) {
        st_source source;
        char where[512];
        if ((status = st_source_read(&source, names[i], error))) break;
        bool choice = source.format == ST_FORMAT_CHOICE;
        bool here = (choice ? any_at_hand : at_hand)(&source, where, sizeof where);
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "name", source.name);
        cJSON_AddStringToObject(row, "about", source.about);
        cJSON_AddStringToObject(row, "licence", source.licence);
        cJSON_AddStringToObject(row, "homepage", source.homepage);
        cJSON_AddNumberToObject(row, "classes", source.classes);
        cJSON_AddBoolToObject(row, "at_hand", here);
        cJSON_AddStringToObject(row, here ? "folder" : "advice", where);
        cJSON_AddItemToArray(rows, row);
        if (!json)
            printf("%-17s %s\n%17s licence: %s\n%17s %s: %s\n", source.name, source.about, "",
                   source.licence, "", here ? "found" : "not here", where);
        st_source_clear(&source);
    }
    char *text = json && !status ? cJSON_Print(rows) : NULL;
    if (text) puts(text);
    cJSON_free(text);
    cJSON_Delete(rows);
    cn_free(names);
    return status;
}

/* Opens every split: that reads and verifies it. */
static cn_status verify(const char *name, bool json, cn_error *error)
{
    static const cn_preprocess as_it_is = {.std = {1, 1, 1}};
    cJSON *rows = cJSON_CreateArray();
    cn_status status = CN_OK;
    int opened = 0;
    for (int split = 0; !status && split < ST_SPLIT_COUNT; split++) {
        st_dataset *dataset;
        status =
            st_dataset_open(&dataset, name, (st_split)split, &as_it_is, (cn_shape){3, 1, 1}, error);
        if (status == CN_ENOTFOUND) {
            status = CN_OK; /* another split may be there */
            continue;
        }
        if (status) break;
        opened++;
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "name", st_dataset_name(dataset));
        cJSON_AddStringToObject(row, "split", st_split_name((st_split)split));
        cJSON_AddNumberToObject(row, "pictures", st_dataset_count(dataset));
        cJSON_AddNumberToObject(row, "classes", st_dataset_classes(dataset));
        cJSON_AddStringToObject(row, "sha256", st_dataset_hash(dataset));
        cJSON_AddItemToArray(rows, row);
        if (!json)
            printf("%-17s %-12s %7d pictures  %4d classes  %s\n", st_dataset_name(dataset),
                   st_split_name((st_split)split), st_dataset_count(dataset),
                   st_dataset_classes(dataset), st_dataset_hash(dataset));
        st_dataset_free(dataset);
    }
    char *text = json && !status ? cJSON_Print(rows) : NULL;
    if (text && opened) puts(text);
    cJSON_free(text);
    cJSON_Delete(rows);
    return status || opened ? status : error->code;
}

static cn_status prepare(const char *name, bool fetch, bool json, cn_error *error)
{
    st_source source;
    cn_status status = st_source_read(&source, name, error);
    if (status) return status;
    if (fetch && source.format != ST_FORMAT_CHOICE) status = st_source_fetch(&source, error);
    st_source_clear(&source);
    return status ? status : verify(name, json, error);
}

int st_command_data(int argc, char **argv)
{
    bool fetch = false, check = false, json = false;
    const st_option options[] = {
        {"fetch", ST_FLAG, &fetch, NULL, "get what is missing from the network (needs curl)"},
        {"check", ST_FLAG, &check, NULL, "forget remembered checksums and verify everything again"},
        {"json", ST_FLAG, &json, NULL, "print JSON instead of a table"},
        {0}};
    const st_usage usage = {
        "data",
        "condense data [NAME] [--fetch] [--check] [--json]",
        "Without a name: the data sets, their licences, and where each was found or how to get it. "
        "With a name: reads and verifies that set and prints its splits with their hashes. Files "
        "are looked for in $CONDENSE_DATA, the project's data folder and where Debian puts them. "
        "Example:\n\n  condense data mnist --fetch",
        options,
        0,
        1};
    int operands = 0;
    int status = st_options_parse(&usage, argc, argv, &operands);
    if (status >= 0) return status;
    cn_error error = {0};
    if (check) st_checksum_forget();
    cn_status result = operands ? prepare(argv[0], fetch, json, &error) : list(json, &error);
    return result ? st_complain("data", st_exit_status(result), "%s", error.message) : ST_EXIT_OK;
}
