/* What --json writes and cJSON has no word for. */
#ifndef HARNESS_CLI_JSON_H
#define HARNESS_CLI_JSON_H

#include <cjson/cJSON.h>

/* A number, or null where it is not finite. */
void st_json_number(cJSON *object, const char *name, double value);

#endif
