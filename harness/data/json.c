#include "data/json.h"

#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "data/file.h"

enum { JSON_LIMIT = 16 << 20 };

/* Line and column (from 1) of byte `at`. */
static void position(const char *text, size_t at, int *line, int *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < at; i++) {
        bool end = text[i] == '\n';
        *line += end;
        *column = end ? 1 : *column + 1;
    }
}

cn_status st_json_read(const char *path, cJSON **json, cn_error *error)
{
    uint8_t *bytes;
    size_t size;
    cn_status status = st_file_read(path, JSON_LIMIT, &bytes, &size, error);
    if (status) return status;
    const char *end = (const char *)bytes;
    *json = cJSON_ParseWithLengthOpts((const char *)bytes, size, &end, 0);
    if (!cJSON_IsObject(*json)) {
        int line, column;
        size_t at = *json ? 0 : (size_t)(end - (const char *)bytes);
        position((const char *)bytes, at < size ? at : size, &line, &column);
        status = cn_fail(error, CN_EFORMAT, "%s:%d:%d: not a JSON object, or malformed here", path,
                         line, column);
        cJSON_Delete(*json);
        *json = NULL;
    }
    cn_free(bytes);
    return status;
}

const char *st_json_text(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

int64_t st_json_whole(const cJSON *object, const char *key, int64_t fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item)) return fallback;
    double value = item->valuedouble;
    bool whole = value >= 0 && value <= 0x1p53 && floor(value) == value;
    return whole ? (int64_t)value : fallback;
}
