/* condense doctor: what is missing here for which feature. */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/options.h"
#include "commands/commands.h"
#include "env/checks.h"

static void print_table(const st_checks *checks, bool works)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    bool colour = st_wants_colour(1);
    int lacking = 0;
    for (size_t i = 0; i < checks->count; i++) {
        const st_check *check = &checks->items[i];
        printf("%s%-8s%s %-14s %-22s %s\n", colour ? colours[check->health] : "",
               st_health_name(check->health), colour ? "\033[0m" : "", check->feature, check->name,
               check->detail);
        if (*check->fix) printf("%-9s%-14s %-22s -> %s\n", "", "", "", check->fix);
        lacking += check->health != ST_HEALTH_FINE;
    }
    printf("\n%s", works ? "The core works" : "The core does not work");
    if (lacking)
        printf("; %d of %zu points could be better.\n", lacking, checks->count);
    else
        puts("; nothing is missing.");
}

/* {"core_works": true, "checks": [{"feature", "name", "state", "detail", "fix"}, ...]}; fix is null
 * where there is nothing to do. */
static bool print_json(const st_checks *checks, bool works)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddBoolToObject(root, "core_works", works)
                      ? cJSON_AddArrayToObject(root, "checks")
                      : NULL;
    bool good = list != NULL;
    for (size_t i = 0; good && i < checks->count; i++) {
        const st_check *check = &checks->items[i];
        cJSON *row = cJSON_CreateObject();
        good = cJSON_AddItemToArray(list, row) &&
               cJSON_AddStringToObject(row, "feature", check->feature) &&
               cJSON_AddStringToObject(row, "name", check->name) &&
               cJSON_AddStringToObject(row, "state", st_health_name(check->health)) &&
               cJSON_AddStringToObject(row, "detail", check->detail) &&
               (*check->fix ? cJSON_AddStringToObject(row, "fix", check->fix)
                            : cJSON_AddNullToObject(row, "fix"));
    }
    char *text = good ? cJSON_Print(root) : NULL;
    if (text) puts(text);
    cJSON_free(text);
    cJSON_Delete(root);
    return text != NULL;
}

int st_command_doctor(int argc, char **argv)
{
    bool json = false;
    const st_option options[] = {
        {"json", ST_FLAG, &json, NULL, "print one JSON object instead of a table"}, {0}};
    const st_usage usage = {
        "doctor",
        "condense doctor [--json]",
        "What is missing on this machine for which feature, each with the one command that helps. "
        "Nothing is changed. Exit status 0 where the core works, 1 where it does not.",
        options,
        0,
        0};
    int status = st_options_parse(&usage, argc, argv, NULL);
    if (status >= 0) return status;
    st_checks checks;
    cn_error error;
    if (st_checks_run(&checks, &error) == CN_OK) {
        bool works = true, printed = true;
        for (size_t i = 0; i < checks.count; i++)
            works &= checks.items[i].health != ST_HEALTH_BROKEN;
        if (json)
            printed = print_json(&checks, works);
        else
            print_table(&checks, works);
        status = works && printed ? ST_EXIT_OK : ST_EXIT_FAILED;
        if (!printed) st_complain("doctor", status, "out of memory for the JSON text");
    } else {
        status = st_complain("doctor", ST_EXIT_FAILED, "%s", error.message);
    }
    st_checks_clear(&checks);
    return status;
}
