/* IDX and CIFAR files of any bytes are read or refused. The first byte says where pictures end and
 * labels begin. */
#include <stddef.h>
#include <stdint.h>

#include "data/pictures.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    st_pictures pictures;
    cn_error error;
    size_t cut = size ? 1 + (size - 1) * bytes[0] / 256 : 0;
    if (size && st_idx_parse(&pictures, bytes + 1, cut - 1, "pictures", bytes + cut, size - cut,
                             "labels", 10, &error) == CN_OK)
        st_pictures_clear(&pictures);
    pictures = (st_pictures){0};
    st_cifar_append(&pictures, bytes, size, "cifar", 10, &error);
    st_pictures_clear(&pictures);
    return 0;
}
