#include "condense/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "condense/memory.h"

static void clear(cn_new_file *file)
{
    cn_free(file->path);
    cn_free(file->temporary);
    *file = (cn_new_file){0};
}

cn_status cn_new_file_begin(cn_new_file *file, const char *path, cn_error *error)
{
    *file = (cn_new_file){.path = cn_strdup(path),
                          .temporary = cn_sprintf("%s.%ld.tmp", path, (long)getpid())};
    cn_status status = CN_OK;
    if (!file->path || !file->temporary)
        status = cn_fail(error, CN_ENOMEM, "%s: out of memory", path);
    else if (!(file->stream = fopen(file->temporary, "wb")))
        status = cn_fail(error, CN_EIO, "%s: %s", path, strerror(errno));
    if (status) clear(file);
    return status;
}

cn_status cn_new_file_end(cn_new_file *file, cn_status status, cn_error *error)
{
    bool failed = ferror(file->stream) || fflush(file->stream) || fsync(fileno(file->stream));
    int reason = ferror(file->stream) ? EIO : errno; /* an earlier write's own errno is gone */
    if (fclose(file->stream) && !failed) {
        failed = true;
        reason = errno;
    }
    if (!status && !failed && rename(file->temporary, file->path)) {
        failed = true;
        reason = errno;
    }
    if (!status && failed)
        status = cn_fail(error, CN_EIO, "%s: %s; is the disk full? It stays as it was", file->path,
                         strerror(reason));
    if (status) unlink(file->temporary);
    clear(file);
    return status;
}

cn_status cn_make_folders(const char *path, cn_error *error)
{
    char *copy = cn_strdup(path);
    if (!copy) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_status status = CN_OK;
    for (char *slash = strchr(copy + 1, '/'); slash && !status; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0777) && errno != EEXIST)
            status =
                cn_fail(error, CN_EIO, "%s: cannot make the folder: %s", copy, strerror(errno));
        *slash = '/';
    }
    cn_free(copy);
    return status;
}
