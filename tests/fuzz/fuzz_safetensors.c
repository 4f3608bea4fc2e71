/* Weight files of any bytes are read or refused. */
#include <stddef.h>
#include <stdint.h>

#include "condense/memory.h"
#include "condense/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    cn_weights weights;
    char *metadata;
    cn_error error;
    if (cn_safetensors_parse(bytes, size, "fuzz", &weights, &metadata, &error) == CN_OK) {
        cn_weights_clear(&weights);
        cn_free(metadata);
    }
    return 0;
}
