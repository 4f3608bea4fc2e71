#include "env/environment.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"
#include "data/file.h"
#include "env/facts.h"
#include "env/sysfs.h"

static st_fact *new_fact(st_environment *environment)
{
    if (environment->count == environment->capacity) {
        int32_t capacity = environment->capacity ? 2 * environment->capacity : 64;
        st_fact *facts = cn_recalloc(environment->facts, (size_t)environment->capacity,
                                     (size_t)capacity, sizeof *facts);
        if (!facts) return NULL;
        environment->facts = facts;
        environment->capacity = capacity;
    }
    st_fact *fact = &environment->facts[environment->count++];
    *fact = (st_fact){0};
    return fact;
}

void st_fact_add(st_environment *environment, const char *key, const char *value,
                 const char *reason, st_constancy constancy)
{
    st_fact *fact = new_fact(environment);
    if (!fact) {
        environment->failed = true;
        return;
    }
    bool known = value && *value;
    fact->varies = constancy == ST_VARIES;
    fact->key = cn_strdup(key);
    if (known) fact->value = cn_strdup(value);
    if (!known) fact->reason = cn_strdup(reason ? reason : "empty");
    if (!fact->key || !(fact->value || fact->reason)) environment->failed = true;
}

void st_fact_format(st_environment *environment, const char *key, st_constancy constancy,
                    const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    st_fact_add(environment, key, text, NULL, constancy);
}

void st_fact_file(st_environment *environment, const char *key, const char *sysfs, const char *path,
                  st_constancy constancy)
{
    char *text = st_sysfs_read(sysfs, path);
    char reason[256];
    snprintf(reason, sizeof reason, "%s: %s", path, text ? "empty" : strerror(errno));
    st_fact_add(environment, key, text, reason, constancy);
    cn_free(text);
}

void st_fact_list(st_environment *environment, const char *key, const char *sysfs,
                  const st_listing *listing, st_constancy constancy)
{
    char **names, *list = NULL, reason[256];
    size_t count = st_sysfs_list(sysfs, listing->folder, listing->prefix, &names);
    for (size_t i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", listing->folder, names[i]);
        char *text = listing->describe(sysfs, path, names[i]);
        char *longer = !text  ? NULL
                       : list ? cn_sprintf("%s%s%s", list, listing->separator, text)
                              : cn_strdup(text);
        if (text && !longer) environment->failed = true;
        if (longer) {
            cn_free(list);
            list = longer;
        }
        cn_free(text);
    }
    cn_free(names);
    snprintf(reason, sizeof reason, "nothing in %s can be read", listing->folder);
    st_fact_add(environment, key, list, reason, constancy);
    cn_free(list);
}

cn_status st_environment_capture(st_environment *environment, const char *sysfs, cn_error *error)
{
    *environment = (st_environment){0};
    st_facts_processor(environment, sysfs);
    st_facts_system(environment, sysfs);
    st_facts_load(environment, sysfs);
    st_facts_build(environment);
    if (environment->failed)
        return cn_fail(error, CN_ENOMEM, "out of memory while the environment was captured");
    return CN_OK;
}

const char *st_environment_get(const st_environment *environment, const char *key)
{
    for (int32_t i = 0; i < environment->count; i++)
        if (!strcmp(environment->facts[i].key, key)) return environment->facts[i].value;
    return NULL;
}

/* The digest is over "key\tvalue\n" for every fact that does not vary, in the order of capture; a
 * value that is not known is an empty one. */
void st_environment_hash(const st_environment *environment, char hash[65])
{
    size_t size = 0, used = 0;
    for (int32_t i = 0; i < environment->count; i++) {
        const st_fact *fact = &environment->facts[i];
        size += strlen(fact->key) + (fact->value ? strlen(fact->value) : 0) + 2;
    }
    char *text = cn_calloc(size + 1, 1);
    hash[0] = '\0';
    if (!text) return;
    for (int32_t i = 0; i < environment->count; i++) {
        const st_fact *fact = &environment->facts[i];
        if (fact->varies) continue;
        used += (size_t)snprintf(text + used, size + 1 - used, "%s\t%s\n", fact->key,
                                 fact->value ? fact->value : "");
    }
    st_digest(text, used, hash);
    cn_free(text);
}

void st_environment_clear(st_environment *environment)
{
    for (int32_t i = 0; i < environment->count; i++) {
        cn_free(environment->facts[i].key);
        cn_free(environment->facts[i].value);
        cn_free(environment->facts[i].reason);
    }
    cn_free(environment->facts);
    *environment = (st_environment){0};
}
