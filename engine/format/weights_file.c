/* Reading weight files of any kind. */
#include "format/weights_file.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "condense/compact.h"
#include "condense/weights.h"

const char *cn_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The file's bytes; its size is asked first and more is never read. */
static cn_status read_file(const char *path, uint8_t **bytes, size_t *size, cn_error *error)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return cn_fail(error, errno == ENOENT ? CN_ENOTFOUND : CN_EIO, "%s: %s", path,
                       strerror(errno));
    cn_status status = CN_OK;
    struct stat about;
    if (fstat(fileno(file), &about) || !S_ISREG(about.st_mode)) {
        status = cn_fail(error, CN_EIO, "%s: not a regular file", path);
    } else {
        *size = (size_t)about.st_size;
        *bytes = malloc(*size + 1); /* not zeroed: it is filled at once */
        if (!*bytes)
            status = cn_fail(error, CN_ENOMEM, "%s: out of memory for %zu bytes", path, *size);
        else if (fread(*bytes, 1, *size, file) != *size)
            status = cn_fail(error, CN_EIO, "%s: reading failed", path);
    }
    fclose(file);
    return status;
}

cn_status cn_weights_read(const char *path, cn_weights *weights, char **metadata, cn_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    *weights = (cn_weights){0};
    if (metadata) *metadata = NULL;
    cn_status status = read_file(path, &bytes, &size, error);
    if (!status)
        status = (cn_is_compact(bytes, size) ? cn_compact_parse : cn_safetensors_parse)(
            bytes, size, path, weights, metadata, error);
    free(bytes);
    return status;
}
