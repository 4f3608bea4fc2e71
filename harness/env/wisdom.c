#include "env/wisdom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "condense/file.h"
#include "condense/memory.h"
#include "data/file.h"
#include "env/facts.h"

enum { MOST_BYTES = 1 << 24 };

char *st_wisdom_path(void)
{
    const char *file = getenv("CONDENSE_WISDOM"), *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (file && *file) return cn_strdup(file);
    if (cache && *cache) return cn_sprintf("%s/condense/wisdom", cache);
    return home && *home ? cn_sprintf("%s/.cache/condense/wisdom", home) : NULL;
}

static cn_status add_file(cn_wisdom *wisdom, const char *path, cn_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    cn_status status = st_file_read(path, MOST_BYTES, &bytes, &size, error);
    if (!status) status = cn_wisdom_parse(wisdom, (const char *)bytes, size, path, error);
    cn_free(bytes);
    return status;
}

cn_status st_wisdom_new(cn_wisdom **wisdom, cn_error *error)
{
    char *processor = st_processor_name("/");
    cn_status status = processor ? cn_wisdom_new(wisdom, processor, error)
                                 : cn_fail(error, CN_ENOMEM, "out of memory");
    cn_free(processor);
    return status;
}

cn_status st_wisdom_open(cn_wisdom **wisdom, cn_error *error)
{
    *wisdom = NULL;
    char *path = st_wisdom_path();
    cn_status status = st_wisdom_new(wisdom, error);
    if (!status && path) status = add_file(*wisdom, path, error);
    cn_free(path);
    if (status == CN_ENOTFOUND) status = CN_OK;
    if (status) {
        cn_wisdom_free(*wisdom);
        *wisdom = NULL;
    }
    return status;
}

cn_status st_wisdom_load(cn_wisdom **wisdom, cn_error *error)
{
    cn_error problem = {0};
    cn_status status = st_wisdom_open(wisdom, &problem);
    if (status == CN_EUNSUPPORTED) {
        fprintf(stderr, "%s; going on without\n", problem.message);
        return CN_OK;
    }
    if (status)
        return cn_fail(error, status, "%s ('condense tune' made it; --no-wisdom goes without)",
                       problem.message);
    if (cn_wisdom_count(*wisdom)) return CN_OK;
    cn_wisdom_free(*wisdom);
    *wisdom = NULL;
    return CN_OK;
}

static cn_status write_file(const char *path, const cn_wisdom *wisdom, cn_error *error)
{
    cn_new_file file;
    char *text = cn_wisdom_text(wisdom);
    if (!text) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_status status = cn_new_file_begin(&file, path, error);
    if (!status) {
        fputs(text, file.stream);
        status = cn_new_file_end(&file, CN_OK, error);
    }
    cn_free(text);
    return status;
}

/* Under the lock: what the file holds, then what is new, so that new entries win. */
static cn_status merge(const char *path, const cn_wisdom *wisdom, cn_error *error)
{
    cn_wisdom *whole = NULL;
    char *text = cn_wisdom_text(wisdom);
    cn_status status = st_wisdom_new(&whole, error);
    if (!status && !text) status = cn_fail(error, CN_ENOMEM, "out of memory");
    if (!status) status = add_file(whole, path, error);
    if (status == CN_ENOTFOUND) status = CN_OK;
    if (!status) status = cn_wisdom_parse(whole, text, strlen(text), "new wisdom", error);
    if (!status) status = write_file(path, whole, error);
    cn_wisdom_free(whole);
    cn_free(text);
    return status;
}

cn_status st_wisdom_save(const cn_wisdom *wisdom, cn_error *error)
{
    char *path = st_wisdom_path(), *name = path ? cn_sprintf("%s.lock", path) : NULL;
    cn_status status = CN_OK;
    if (!name) {
        cn_free(path);
        return cn_fail(error, CN_ENOTFOUND,
                       "there is no place for wisdom: set CONDENSE_WISDOM to a file");
    }
    cn_make_folders(path, NULL); /* opening the lock tells what failed */
    int lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0 || flock(lock, LOCK_EX))
        status = cn_fail(error, CN_EIO, "%s: %s; CONDENSE_WISDOM can name another file", name,
                         strerror(errno));
    if (!status) status = merge(path, wisdom, error);
    if (lock >= 0) close(lock);
    cn_free(name);
    cn_free(path);
    return status;
}

void st_wisdom_fact(st_environment *environment, const cn_wisdom *wisdom)
{
    char digest[ST_DIGEST_SIZE];
    char *text = wisdom ? cn_wisdom_text(wisdom) : NULL;
    if (text) st_digest(text, strlen(text), digest);
    st_fact_add(environment, "wisdom", text ? digest : "none", NULL, ST_FIXED);
    cn_free(text);
}
