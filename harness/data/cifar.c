/* CIFAR-10 binary files: records of one byte of class, then 1,024 bytes each of red, green and
 * blue, 32 x 32, row by row. */
#include <string.h>

#include "condense/memory.h"
#include "data/pictures.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, RECORD = 1 + 3 * PLANE };

cn_status st_cifar_append(st_pictures *pictures, const uint8_t *bytes, size_t size,
                          const char *name, int32_t classes, cn_error *error)
{
    if (size == 0 || size % RECORD)
        return cn_fail(error, CN_EFORMAT,
                       "%s: %zu bytes are not a whole number of records of %d bytes", name, size,
                       RECORD);
    size_t old = (size_t)pictures->count, more = size / RECORD;
    if (more > (size_t)(INT32_MAX - pictures->count))
        return cn_fail(error, CN_EFORMAT, "%s: too many pictures", name);
    uint8_t *pixels = cn_recalloc(pictures->pixels, old, old + more, RECORD - 1);
    if (pixels) pictures->pixels = pixels;
    int32_t *labels = cn_recalloc(pictures->labels, old, old + more, sizeof *labels);
    if (labels) pictures->labels = labels;
    if (!pixels || !labels)
        return cn_fail(error, CN_ENOMEM, "%s: out of memory for %zu pictures", name, more);

    pictures->channels = 3;
    pictures->height = pictures->width = SIDE;
    for (size_t i = 0; i < more; i++) {
        const uint8_t *record = bytes + i * RECORD;
        if (record[0] >= classes)
            return cn_fail(error, CN_EFORMAT, "%s: byte %zu: class %d, but there are %d classes",
                           name, i * RECORD, record[0], classes);
        labels[old + i] = record[0];
        uint8_t *pixel = pixels + (old + i) * (RECORD - 1);
        for (size_t k = 0; k < PLANE; k++, pixel += 3)
            for (size_t c = 0; c < 3; c++)
                pixel[c] = record[1 + c * PLANE + k];
    }
    pictures->count += (int32_t)more;
    return CN_OK;
}
