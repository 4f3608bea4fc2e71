/* condense env: the environment as it would be stored beside a result. */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/options.h"
#include "commands/commands.h"
#include "env/environment.h"

static void print_table(const st_environment *environment, const char *hash)
{
    for (int32_t i = 0; i < environment->count; i++) {
        const st_fact *fact = &environment->facts[i];
        printf("%-24s ", fact->key);
        if (fact->value)
            printf("%s\n", fact->value);
        else
            printf("- (%s)\n", fact->reason);
    }
    printf("%-24s %s\n", "hash", hash);
}

/* {"facts": {key: value or null}, "reasons": {key: why it is null}, "hash": "..."} */
static bool print_json(const st_environment *environment, const char *hash)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *facts = cJSON_AddObjectToObject(root, "facts");
    cJSON *reasons = cJSON_AddObjectToObject(root, "reasons");
    bool good = facts && reasons && cJSON_AddStringToObject(root, "hash", hash);
    for (int32_t i = 0; good && i < environment->count; i++) {
        const st_fact *fact = &environment->facts[i];
        good = fact->value ? cJSON_AddStringToObject(facts, fact->key, fact->value) != NULL
                           : cJSON_AddNullToObject(facts, fact->key) &&
                                 cJSON_AddStringToObject(reasons, fact->key, fact->reason);
    }
    char *text = good ? cJSON_Print(root) : NULL;
    if (text) puts(text);
    cJSON_free(text);
    cJSON_Delete(root);
    return text != NULL;
}

int st_command_env(int argc, char **argv)
{
    bool json = false;
    const st_option options[] = {
        {"json", ST_FLAG, &json, NULL, "print one JSON object instead of a table"}, {0}};
    const st_usage usage = {
        "env",
        "condense env [--json]",
        "What a measurement on this machine would run on: processor, memory, kernel, limits, load, "
        "build and libraries. Exactly this is stored beside every result. What is not known is "
        "shown as '-' with the reason. The hash leaves out what changes from minute to minute, so "
        "that the same machine and build always have the same one.",
        options,
        0,
        0};
    int status = st_options_parse(&usage, argc, argv, NULL);
    if (status >= 0) return status;
    st_environment environment;
    cn_error error;
    bool good = true;
    if (st_environment_capture(&environment, "/", &error) == CN_OK) {
        char hash[65];
        st_environment_hash(&environment, hash);
        if (json)
            good = print_json(&environment, hash);
        else
            print_table(&environment, hash);
        status = good ? ST_EXIT_OK
                      : st_complain("env", ST_EXIT_FAILED, "out of memory for the JSON text");
    } else {
        status = st_complain("env", ST_EXIT_FAILED, "%s", error.message);
    }
    st_environment_clear(&environment);
    return status;
}
