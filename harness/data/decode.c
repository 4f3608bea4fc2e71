#include "data/decode.h"

#include <string.h>

#include "condense/memory.h"
#include "data/file.h"

enum { PICTURE_LIMIT = 256 << 20 };

cn_status st_image_decode(const uint8_t *bytes, size_t size, st_image *image, cn_error *error)
{
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff}, png[] = {0x89, 'P', 'N', 'G'};
    *image = (st_image){0};
    if (size >= sizeof jpeg && !memcmp(bytes, jpeg, sizeof jpeg))
        return st_jpeg_decode(bytes, size, image, error);
    if (size >= sizeof png && !memcmp(bytes, png, sizeof png))
        return st_png_decode(bytes, size, image, error);
    return cn_fail(error, CN_EFORMAT, "neither a JPEG nor a PNG picture");
}

cn_status st_image_read(const char *path, st_image *image, cn_error *error)
{
    uint8_t *bytes;
    size_t size;
    *image = (st_image){0};
    cn_status status = st_file_read(path, PICTURE_LIMIT, &bytes, &size, error);
    if (status) return status;
    status = st_image_decode(bytes, size, image, error);
    cn_free(bytes);
    return status ? cn_fail_in(error, status, "%s", path) : CN_OK;
}
