/* Pictures of any bytes are decoded or refused. */
#include <stddef.h>
#include <stdint.h>

#include "data/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    st_image image;
    cn_error error;
    if (st_image_decode(bytes, size, &image, &error) == CN_OK) st_image_clear(&image);
    return 0;
}
