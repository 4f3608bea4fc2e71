#include "study/compression_study.h"

#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "data/json.h"

enum { MOST_KEYS = 32 };

/* A value as the words of an option: NULL where it is false or nothing an option can have. */
static char *option_of(const char *key, const cJSON *value)
{
    char name[64], number[32];
    size_t i = 0;
    for (; key[i] && i < sizeof name - 1; i++)
        name[i] = key[i] == '_' ? '-' : key[i];
    name[i] = '\0';
    snprintf(number, sizeof number, "%.15g", value->valuedouble);
    if (cJSON_IsString(value)) return cn_sprintf("--%s=%s", name, value->valuestring);
    if (cJSON_IsNumber(value)) return cn_sprintf("--%s=%s", name, number);
    return cJSON_IsTrue(value) ? cn_sprintf("--%s", name) : NULL;
}

typedef struct matrix {
    const cJSON *keys[MOST_KEYS];   /* texts, numbers, true, or arrays of them */
    const cJSON *chosen[MOST_KEYS]; /* of an array: the value at hand */
    int count;
} matrix;

static cn_status open_entry(const cJSON *entry, matrix *m, cn_error *error)
{
    const cJSON *key;
    if (!cJSON_IsObject(entry)) return cn_fail(error, CN_EFORMAT, "it is no object");
    cJSON_ArrayForEach(key, entry)
    {
        if (m->count == MOST_KEYS)
            return cn_fail(error, CN_EFORMAT, "it has over %d keys", MOST_KEYS);
        m->chosen[m->count] = cJSON_IsArray(key) ? key->child : key;
        if (!m->chosen[m->count])
            return cn_fail(error, CN_EFORMAT, "'%s' is an empty list", key->string);
        m->keys[m->count++] = key;
    }
    return CN_OK;
}

static bool advance(matrix *m)
{
    for (int i = m->count - 1; i >= 0; i--) {
        if (!cJSON_IsArray(m->keys[i])) continue;
        m->chosen[i] = m->chosen[i]->next;
        if (m->chosen[i]) return true;
        m->chosen[i] = m->keys[i]->child;
    }
    return false;
}

typedef cn_status run_function(void *context, int argc, char **argv, cn_error *error);

/* One combination: its words, and `run` on them. */
static cn_status run_chosen(const matrix *m, const char *path, run_function *run, void *context,
                            cn_error *error)
{
    char *words[MOST_KEYS + 2] = {(char *)path};
    int count = 1;
    cn_status status = CN_OK;
    for (int i = 0; i < m->count && status == CN_OK; i++) {
        words[count] = option_of(m->keys[i]->string, m->chosen[i]);
        if (words[count])
            count++;
        else
            status =
                cn_fail(error, CN_EFORMAT, "the value of '%s' is no option's", m->keys[i]->string);
    }
    if (status == CN_OK) status = run(context, count, words, error);
    while (--count > 0)
        cn_free(words[count]);
    return status;
}

static cn_status run_entry(const cJSON *entry, const char *path, run_function *run, void *context,
                           cn_error *error)
{
    matrix m = {.count = 0};
    cn_status status = open_entry(entry, &m, error);
    if (status != CN_OK) return status;
    do
        status = run_chosen(&m, path, run, context, error);
    while (status == CN_OK && advance(&m));
    return status;
}

cn_status st_compression_study(const char *path,
                               cn_status (*run)(void *context, int argc, char **argv,
                                                cn_error *error),
                               void *context, cn_error *error)
{
    cJSON *json = NULL;
    cn_status status = st_json_read(path, &json, error);
    if (status != CN_OK) return status;
    const cJSON *runs = cJSON_GetObjectItemCaseSensitive(json, "runs"), *entry;
    int number = 0;
    if (!cJSON_IsArray(runs))
        status = cn_fail(error, CN_EFORMAT, "%s: there is no list called 'runs'", path);
    cJSON_ArrayForEach(entry, runs)
    {
        number++;
        status = run_entry(entry, path, run, context, error);
        if (status == CN_OK) continue;
        cn_fail_in(error, status, "%s: entry %d of 'runs'", path, number);
        break;
    }
    cJSON_Delete(json);
    return status;
}
