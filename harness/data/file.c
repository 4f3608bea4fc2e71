#include "data/file.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "condense/memory.h"

/* Reads until the end of `file` or `limit`; *bytes may be set on failure too. */
static cn_status read_all(gzFile file, const char *path, size_t limit, uint8_t **bytes,
                          size_t *size, cn_error *error)
{
    size_t capacity = 0;
    for (*size = 0;;) {
        if (*size == capacity) {
            size_t larger = capacity ? capacity * 2 : (size_t)1 << 16;
            uint8_t *grown = cn_recalloc(*bytes, *size, larger, 1);
            if (!grown)
                return cn_fail(error, CN_ENOMEM, "%s: out of memory for %zu bytes", path, larger);
            *bytes = grown;
            capacity = larger;
        }
        size_t room = capacity - *size;
        int got = gzread(file, *bytes + *size, room > 1 << 20 ? 1 << 20 : (unsigned)room);
        if (got <= 0) break;
        *size += (size_t)got;
        if (*size > limit)
            return cn_fail(error, CN_EFORMAT, "%s: more than %zu bytes when unpacked", path, limit);
    }
    int code;
    const char *why = gzerror(file, &code);
    if (code == Z_ERRNO) return cn_fail(error, CN_EIO, "%s: %s", path, strerror(errno));
    if (code != Z_OK && code != Z_STREAM_END)
        return cn_fail(error, CN_EFORMAT, "%s: damaged or cut off after %zu bytes unpacked (%s)",
                       path, *size, why);
    return CN_OK;
}

cn_status st_file_read(const char *path, size_t limit, uint8_t **bytes, size_t *size,
                       cn_error *error)
{
    *bytes = NULL;
    gzFile file = gzopen(path, "rb");
    if (!file)
        return cn_fail(error, errno == ENOENT ? CN_ENOTFOUND : CN_EIO, "%s: %s", path,
                       errno ? strerror(errno) : "out of memory");
    gzbuffer(file, 1 << 17);
    cn_status status = read_all(file, path, limit, bytes, size, error);
    gzclose_r(file);
    if (status) {
        cn_free(*bytes);
        *bytes = NULL;
    }
    return status;
}

void st_digest(const void *bytes, size_t size, char digest[ST_DIGEST_SIZE])
{
    SHA256Data(bytes, size, digest);
}
