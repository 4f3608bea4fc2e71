/* Studies of compression of any bytes are expanded or refused. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "study/compression_study.h"

enum { ENOUGH = 1000 }; /* a small text can be a very large matrix */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static cn_status count(void *context, int argc, char **argv, cn_error *error)
{
    for (int i = 0; i < argc; i++)
        if (!argv[i]) abort();
    return ++*(int *)context < ENOUGH ? CN_OK : cn_fail(error, CN_EINTERRUPTED, "enough");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char path[64];
    snprintf(path, sizeof path, "/dev/shm/condense-fuzz-study-%d", (int)getpid());
    FILE *file = fopen(path, "wb");
    if (!file) abort();
    fwrite(bytes, 1, size, file);
    fclose(file);
    int combinations = 0;
    cn_error error;
    st_compression_study(path, count, &combinations, &error);
    unlink(path);
    return 0;
}
