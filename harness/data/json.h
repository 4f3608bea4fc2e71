/* JSON files (cJSON), with messages that say where they are wrong. */
#ifndef HARNESS_DATA_JSON_H
#define HARNESS_DATA_JSON_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "condense/status.h"

/* Parses the file at `path`, an object of at most 16 MiB. Free with cJSON_Delete. */
cn_status st_json_read(const char *path, cJSON **json, cn_error *error);

/* The text called `key` in `object`; NULL where it is missing or not a text. */
const char *st_json_text(const cJSON *object, const char *key);

/* The whole number called `key`, `fallback` where it is missing or not one in 0 .. 2^53. */
int64_t st_json_whole(const cJSON *object, const char *key, int64_t fallback);

#endif
