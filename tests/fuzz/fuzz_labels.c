/* Tables of labels of any bytes are read or refused. */
#include <stddef.h>
#include <stdint.h>

#include "data/pictures.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    st_pictures pictures;
    cn_error error;
    if (st_labels_parse(&pictures, bytes, size, "labels.csv", "folder", 10, &error) == CN_OK)
        st_pictures_clear(&pictures);
    return 0;
}
