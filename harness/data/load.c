#include "data/load.h"

#include <stdio.h>
#include <string.h>

#include "condense/memory.h"

/* No file of a data set is larger than this unpacked, apart from pictures in folders. */
enum { FILE_LIMIT = 1 << 30 };

typedef struct loaded {
    char *path;
    uint8_t *bytes;
    size_t size;
    char digest[ST_DIGEST_SIZE];
} loaded;

/* Compares with the manifest; a digest that was remembered is not computed again. */
static cn_status verify(loaded *file, const st_source_file *known, cn_error *error)
{
    if (known->bytes && (int64_t)file->size != known->bytes)
        return cn_fail(error, CN_EFORMAT,
                       "%s: %zu bytes unpacked, should be %lld; fetch the file again", file->path,
                       file->size, (long long)known->bytes);
    st_checksum_recall(file->path, file->digest);
    bool remembered = file->digest[0];
    if (!remembered) st_digest(file->bytes, file->size, file->digest);
    if (known->sha256 && strcmp(file->digest, known->sha256) != 0)
        return cn_fail(error, CN_EFORMAT,
                       "%s: SHA-256 of the contents is %s, should be %s; fetch the file again",
                       file->path, file->digest, known->sha256);
    if (!remembered) st_checksum_remember(file->path, file->digest);
    return CN_OK;
}

static cn_status load_file(const st_source *source, const st_source_file *known, loaded *file,
                           cn_error *error)
{
    file->path = st_source_find(source, known->name);
    if (!file->path) {
        char advice[512];
        st_source_advice(source, advice, sizeof advice);
        return cn_fail(error, CN_ENOTFOUND, "data set '%s': %s is missing; %s", source->name,
                       known->name, advice);
    }
    cn_status status = st_file_read(file->path, FILE_LIMIT, &file->bytes, &file->size, error);
    return status ? status : verify(file, known, error);
}

/* Pictures listed in a table: their contents belong to the digest. */
static cn_status parse_folder(const st_source *source, loaded *table, st_pictures *pictures,
                              cn_error *error)
{
    const char *slash = strrchr(table->path, '/');
    char *folder = cn_sprintf("%.*s", (int)(slash - table->path), table->path);
    if (!folder) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_status status = st_labels_parse(pictures, table->bytes, table->size, table->path, folder,
                                       source->classes, error);
    cn_free(folder);
    char contents[ST_DIGEST_SIZE], both[2 * ST_DIGEST_SIZE];
    if (!status) status = st_pictures_digest(pictures, contents, error);
    if (status) return status;
    int length = snprintf(both, sizeof both, "%s%s", table->digest, contents);
    st_digest(both, (size_t)length, table->digest);
    return CN_OK;
}

static cn_status parse(const st_source *source, loaded *files, int32_t count, st_pictures *pictures,
                       cn_error *error)
{
    cn_status status = CN_OK;
    switch (source->format) {
    case ST_FORMAT_IDX:
        if (count != 2) break;
        return st_idx_parse(pictures, files[0].bytes, files[0].size, files[0].path, files[1].bytes,
                            files[1].size, files[1].path, source->classes, error);
    case ST_FORMAT_CIFAR:
        for (int32_t i = 0; !status && i < count; i++)
            status = st_cifar_append(pictures, files[i].bytes, files[i].size, files[i].path,
                                     source->classes, error);
        return status;
    case ST_FORMAT_FOLDER:
        if (count != 1) break;
        return parse_folder(source, files, pictures, error);
    case ST_FORMAT_CHOICE:
        break;
    }
    return cn_fail(error, CN_EFORMAT,
                   "experiments/datasets.json: '%s': %d files do not fit its format", source->name,
                   count);
}

cn_status st_source_load(const st_source *source, st_split split, st_pictures *pictures,
                         char digest[ST_DIGEST_SIZE], cn_error *error)
{
    const st_source_split *known = &source->splits[split];
    loaded files[ST_SPLIT_FILES_MAX] = {0};
    char digests[ST_SPLIT_FILES_MAX * ST_DIGEST_SIZE] = "";
    cn_status status = CN_OK;
    *pictures = (st_pictures){0};
    for (int32_t i = 0; !status && i < known->count; i++)
        status = load_file(source, &known->files[i], &files[i], error);
    if (!status) status = parse(source, files, known->count, pictures, error);
    for (int32_t i = 0; i < known->count; i++) {
        strcat(digests, files[i].digest);
        cn_free(files[i].path);
        cn_free(files[i].bytes);
    }
    st_digest(digests, strlen(digests), digest);
    if (status) st_pictures_clear(pictures);
    return status;
}
