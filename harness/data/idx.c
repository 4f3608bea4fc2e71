#include <stdbool.h>
#include <string.h>

#include "condense/memory.h"
#include "data/pictures.h"

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Checks the header of a file with `rank` dimensions and that its values are all there. */
static cn_status read_header(const uint8_t *bytes, size_t size, const char *name, int rank,
                             uint32_t dims[3], const uint8_t **values, cn_error *error)
{
    size_t header = 4 + 4 * (size_t)rank, expected = 1;
    if (size < header)
        return cn_fail(error, CN_EFORMAT, "%s: byte %zu: the file ends inside its header", name,
                       size);
    if (bytes[0] || bytes[1] || bytes[2] != 8 || bytes[3] != rank)
        return cn_fail(error, CN_EFORMAT,
                       "%s: byte 0: not an IDX file of unsigned bytes with %d dimension%s", name,
                       rank, rank == 1 ? "" : "s");
    for (int i = 0; i < rank; i++) {
        dims[i] = big_endian(bytes + 4 + 4 * i);
        if (dims[i] == 0 || dims[i] > INT32_MAX || !cn_mul_size(expected, dims[i], &expected))
            return cn_fail(error, CN_EFORMAT, "%s: byte %d: impossible dimension %u", name,
                           4 + 4 * i, dims[i]);
    }
    if (expected != size - header)
        return cn_fail(error, CN_EFORMAT,
                       "%s: byte %zu: the header promises %zu values, the file holds %zu", name,
                       header, expected, size - header);
    *values = bytes + header;
    return CN_OK;
}

static cn_status copy_labels(st_pictures *pictures, const uint8_t *values, const char *name,
                             int32_t classes, cn_error *error)
{
    for (int32_t i = 0; i < pictures->count; i++) {
        if (values[i] >= classes)
            return cn_fail(error, CN_EFORMAT, "%s: byte %d: class %d, but there are %d classes",
                           name, 8 + i, values[i], classes);
        pictures->labels[i] = values[i];
    }
    return CN_OK;
}

cn_status st_idx_parse(st_pictures *pictures, const uint8_t *images, size_t images_size,
                       const char *images_name, const uint8_t *labels, size_t labels_size,
                       const char *labels_name, int32_t classes, cn_error *error)
{
    *pictures = (st_pictures){0};
    uint32_t dims[3], label_dims[3];
    const uint8_t *pixels, *values;
    cn_status status = read_header(images, images_size, images_name, 3, dims, &pixels, error);
    if (!status)
        status = read_header(labels, labels_size, labels_name, 1, label_dims, &values, error);
    if (status) return status;
    if (dims[0] != label_dims[0])
        return cn_fail(error, CN_EFORMAT, "%s holds %u pictures, but %s holds %u labels",
                       images_name, dims[0], labels_name, label_dims[0]);

    size_t bytes = (size_t)dims[0] * dims[1] * dims[2]; /* the header's check: fits the file */
    *pictures = (st_pictures){.count = (int32_t)dims[0],
                              .channels = 1,
                              .height = (int32_t)dims[1],
                              .width = (int32_t)dims[2],
                              .pixels = cn_calloc(bytes, 1),
                              .labels = cn_calloc(dims[0], sizeof(int32_t))};
    if (!pictures->pixels || !pictures->labels)
        status =
            cn_fail(error, CN_ENOMEM, "%s: out of memory for %u pictures", images_name, dims[0]);
    if (!status) memcpy(pictures->pixels, pixels, bytes);
    if (!status) status = copy_labels(pictures, values, labels_name, classes, error);
    if (status) st_pictures_clear(pictures);
    return status;
}
