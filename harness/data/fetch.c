#include "data/fetch.h"

#include <sha2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "condense/memory.h"
#include "data/file.h"
#include "data/place.h"

enum { UNPACKED_LIMIT = 1 << 30 };

static cn_status compare(const char *path, const st_source_file *known, int64_t bytes,
                         const char *digest, cn_error *error)
{
    if (known->bytes && bytes != known->bytes)
        return cn_fail(error, CN_EFORMAT, "%s: %lld bytes, should be %lld", path, (long long)bytes,
                       (long long)known->bytes);
    if (known->sha256 && strcmp(digest, known->sha256) != 0)
        return cn_fail(error, CN_EFORMAT, "%s: SHA-256 is %s, should be %s", path, digest,
                       known->sha256);
    return CN_OK;
}

/* The contents of a file of a split, unpacked. */
static cn_status verify_contents(const char *path, const void *context, cn_error *error)
{
    uint8_t *bytes;
    size_t size;
    cn_status status = st_file_read(path, UNPACKED_LIMIT, &bytes, &size, error);
    if (status) return status;
    char digest[ST_DIGEST_SIZE];
    st_digest(bytes, size, digest);
    cn_free(bytes);
    return compare(path, context, (int64_t)size, digest, error);
}

/* An archive as it is. */
static cn_status verify_archive(const char *path, const void *context, cn_error *error)
{
    struct stat about;
    char digest[ST_DIGEST_SIZE];
    if (stat(path, &about) || !SHA256File(path, digest))
        return cn_fail(error, CN_EIO, "%s: reading failed", path);
    return compare(path, context, about.st_size, digest, error);
}

static cn_status fetch_file(const st_source *source, const st_source_file *file, cn_error *error)
{
    char *relative = cn_sprintf("%s/%s", source->folders[0], file->name), *path = NULL;
    cn_status status = relative ? st_place_new(relative, &path, error)
                                : cn_fail(error, CN_ENOMEM, "out of memory");
    if (!status) status = st_fetch(file->url, path, verify_contents, file, error);
    cn_free(relative);
    cn_free(path);
    return status;
}

static cn_status fetch_archive(const st_source *source, cn_error *error)
{
    const st_source_file *archive = &source->archive;
    char *relative = cn_sprintf("%s/%s", source->archive_into, archive->name), *path = NULL;
    cn_status status = relative ? st_place_new(relative, &path, error)
                                : cn_fail(error, CN_ENOMEM, "out of memory");
    if (!status) status = st_fetch(archive->url, path, verify_archive, archive, error);
    if (!status) {
        char *folder = cn_sprintf("%.*s", (int)(strlen(path) - strlen(archive->name) - 1), path);
        const char *arguments[] = {"tar", "-xzf", path, "-C", folder, NULL};
        status = st_run_program(arguments, NULL, error);
        unlink(path);
        cn_free(folder);
    }
    cn_free(relative);
    cn_free(path);
    return status;
}

cn_status st_source_fetch(const st_source *source, cn_error *error)
{
    for (int split = 0; split < ST_SPLIT_COUNT; split++)
        for (int32_t i = 0; i < source->splits[split].count; i++) {
            const st_source_file *file = &source->splits[split].files[i];
            char *found = st_source_find(source, file->name);
            cn_free(found);
            if (found) continue;
            if (source->archive.url) return fetch_archive(source, error);
            if (!file->url) {
                char advice[512];
                st_source_advice(source, advice, sizeof advice);
                return cn_fail(error, CN_EUNSUPPORTED,
                               "data set '%s' is not offered for download; %s", source->name,
                               advice);
            }
            cn_status status = fetch_file(source, file, error);
            if (status) return status;
        }
    return CN_OK;
}
