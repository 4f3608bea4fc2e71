/* Format: the bytes 93 'N' 'U' 'M' 'P' 'Y', major, minor, the header's length (2 bytes little
 * endian in format 1, else 4), the header, the values. The header is a Python dictionary such as
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 224, 224), }
 * padded with spaces and a newline so that the values start at a multiple of 64. */
#include "data/npy.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "condense/file.h"
#include "condense/memory.h"

static const char magic[] = "\x93NUMPY";
enum { MAGIC = 6, PREFIX = 8, MAX_HEADER = 65535 };

/* The value of `key` in the header: what follows "'key':"; NULL where it is not there. */
static const char *value_of(const char *header, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(header, quoted);
    if (!at) return NULL;
    at += strlen(quoted);
    while (*at == ' ')
        at++;
    return at;
}

static bool parse_shape(const char *text, st_npy *array)
{
    array->count = 1;
    if (*text++ != '(') return false;
    for (;;) {
        while (*text == ' ' || *text == ',')
            text++;
        if (*text == ')') return true;
        if (!isdigit((unsigned char)*text) || array->rank == ST_NPY_RANK) return false;
        int64_t n = 0;
        for (; isdigit((unsigned char)*text); text++) {
            n = n * 10 + (*text - '0');
            if (n > INT32_MAX) return false;
        }
        if (n == 0 || array->count > INT64_MAX / 8 / n) return false;
        array->dims[array->rank++] = n;
        array->count *= n;
    }
}

static cn_status parse_header(const char *header, const char *name, st_npy *array, cn_error *error)
{
    const char *type = value_of(header, "descr"), *order = value_of(header, "fortran_order");
    const char *shape = value_of(header, "shape");
    if (!type || !order || !shape)
        return cn_fail(error, CN_EFORMAT,
                       "%s: byte %d: the header must tell 'descr', 'fortran_order' and 'shape'",
                       name, PREFIX);
    if (strncmp(type, "'<f4'", 5) != 0)
        return cn_fail(error, CN_EFORMAT,
                       "%s: the values must be float32 ('<f4'); convert with "
                       "array.astype(numpy.float32)",
                       name);
    if (strncmp(order, "False", 5) != 0)
        return cn_fail(error, CN_EFORMAT,
                       "%s: the array is column-major; convert with numpy.ascontiguousarray", name);
    if (!parse_shape(shape, array))
        return cn_fail(error, CN_EFORMAT,
                       "%s: the shape must be a tuple of up to %d positive numbers", name,
                       ST_NPY_RANK);
    return CN_OK;
}

cn_status st_npy_parse(const void *bytes, int64_t size, const char *name, st_npy *array,
                       cn_error *error)
{
    const unsigned char *b = bytes;
    *array = (st_npy){0};
    if (size < PREFIX + 4 || memcmp(b, magic, MAGIC) != 0 || b[6] < 1 || b[6] > 3)
        return cn_fail(error, CN_EFORMAT, "%s: byte 0: this is no .npy file", name);
    int64_t length = b[8] | b[9] << 8, start = PREFIX + (b[6] == 1 ? 2 : 4);
    if (b[6] > 1) length |= (int64_t)b[10] << 16 | (int64_t)b[11] << 24;
    if (length > MAX_HEADER || length > size - start)
        return cn_fail(error, CN_EFORMAT, "%s: byte %d: a header of %" PRId64 " bytes", name,
                       PREFIX, length);
    char *header = cn_calloc((size_t)length + 1, 1);
    if (!header) return cn_fail(error, CN_ENOMEM, "%s: out of memory", name);
    memcpy(header, b + start, (size_t)length);
    cn_status status = parse_header(header, name, array, error);
    cn_free(header);
    if (status) return status;
    int64_t have = size - start - length;
    if (array->count > have / 4 || array->count * 4 != have)
        return cn_fail(error, CN_EFORMAT,
                       "%s: byte %" PRId64 ": %" PRId64 " bytes of values where the shape wants "
                       "%" PRId64 " values of 4",
                       name, start + length, have, array->count);
    array->data = cn_calloc((size_t)array->count, sizeof(float));
    if (!array->data) return cn_fail(error, CN_ENOMEM, "%s: out of memory", name);
    memcpy(array->data, b + start + length, (size_t)have);
    return CN_OK;
}

cn_status st_npy_read(const char *path, st_npy *array, cn_error *error)
{
    *array = (st_npy){0};
    FILE *file = fopen(path, "rb");
    if (!file) return cn_fail(error, CN_EIO, "%s: %s", path, strerror(errno));
    char *bytes = NULL;
    long size = -1;
    if (!fseek(file, 0, SEEK_END)) size = ftell(file);
    cn_status status = CN_OK;
    if (size < 0 || fseek(file, 0, SEEK_SET))
        status = cn_fail(error, CN_EIO, "%s: cannot be read from its start to its end", path);
    if (!status && !(bytes = cn_calloc((size_t)size, 1)))
        status = cn_fail(error, CN_ENOMEM, "%s: out of memory for %ld bytes", path, size);
    if (!status && fread(bytes, 1, (size_t)size, file) != (size_t)size)
        status = cn_fail(error, CN_EIO, "%s: reading failed: %s", path, strerror(errno));
    fclose(file);
    if (!status) status = st_npy_parse(bytes, size, path, array, error);
    cn_free(bytes);
    return status;
}

/* Prefix and header for a shape; returns their length, a multiple of 64. */
static int make_header(char text[512], int32_t rank, const int64_t *dims)
{
    char dictionary[400];
    int used = snprintf(dictionary, sizeof dictionary,
                        "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int32_t i = 0; i < rank; i++)
        used +=
            snprintf(dictionary + used, sizeof dictionary - (size_t)used, "%" PRId64 ", ", dims[i]);
    used += snprintf(dictionary + used, sizeof dictionary - (size_t)used, "), }");
    int total = (PREFIX + 2 + used + 1 + 63) / 64 * 64, length = total - PREFIX - 2;
    memcpy(text, magic, MAGIC);
    text[6] = 1;
    text[7] = 0;
    text[8] = (char)(length & 255);
    text[9] = (char)(length >> 8);
    snprintf(text + PREFIX + 2, 512 - PREFIX - 2, "%-*s\n", length - 1, dictionary);
    return total;
}

cn_status st_npy_write(const char *path, int32_t rank, const int64_t *dims, const float *data,
                       cn_error *error)
{
    char header[512];
    size_t length = (size_t)make_header(header, rank, dims), count = 1;
    for (int32_t i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    cn_new_file file;
    cn_status status = cn_new_file_begin(&file, path, error);
    if (status) return status;
    fwrite(header, 1, length, file.stream);
    fwrite(data, sizeof *data, count, file.stream);
    return cn_new_file_end(&file, CN_OK, error);
}
