/* Compact containers of any bytes are read or refused, and what was read is written and read back
 * the same. Seeds from the writer go to the first folder on the command line. Checksums are not
 * compared here (format/compact_read.c). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "condense/compact.h"
#include "condense/memory.h"

enum { MOST_NUMBERS = 4096 }; /* of a set that is written again */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char path[] = "/tmp/condense-fuzz-XXXXXX";

static void remove_file(void)
{
    unlink(path);
}

/* A convolution with patterns shared by eight, a sparse matrix of levels, and a bias. */
static void fill(cn_weights *weights)
{
    cn_tensor *conv, *matrix, *bias;
    if (cn_weights_add(weights, "conv", 4, (int32_t[]){17, 3, 3, 3}, &conv, NULL)) abort();
    for (int i = 0; i < 17 * 27; i++)
        if (i / 9 % 3 != i / 27 / 8 && (i % 9 == 4 || i % 9 == i / 9 % 3))
            conv->data[i] = (float)i / 7;
    if (cn_weights_add(weights, "matrix", 2, (int32_t[]){16, 20}, &matrix, NULL)) abort();
    for (int i = 0; i < 320; i += 1 + i % 7)
        matrix->data[i] = 0.125f * (float)(i % 9 - 4);
    if (cn_weights_add(weights, "bias", 1, (int32_t[]){4}, &bias, NULL)) abort();
    bias->data[1] = -0.0f;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    cn_weights weights = {0};
    int fd = mkstemp(path);
    if (fd < 0) abort();
    close(fd);
    atexit(remove_file);
    fill(&weights);
    for (int i = 1; i < *argc; i++) {
        if ((*argv)[i][0] == '-') continue;
        for (int entropy = 0; entropy < 2; entropy++) {
            char *seed = cn_sprintf("%s/seed-%d.cnz", (*argv)[i], entropy);
            if (!seed || cn_compact_write(seed, &weights, "{}", entropy, NULL)) abort();
            cn_free(seed);
        }
        break;
    }
    cn_weights_clear(&weights);
    return 0;
}

static void write_again(const cn_weights *weights)
{
    int64_t numbers = 0;
    cn_weights again;
    for (int32_t i = 0; i < weights->count; i++)
        numbers += cn_tensor_count(&weights->tensors[i]);
    if (numbers > MOST_NUMBERS) return;
    for (int entropy = 0; entropy < 2; entropy++) {
        if (cn_compact_write(path, weights, NULL, entropy, NULL)) abort();
        if (cn_weights_read(path, &again, NULL, NULL)) abort();
        for (int32_t i = 0; i < weights->count; i++) {
            const cn_tensor *a = &weights->tensors[i], *b = &again.tensors[i];
            if (memcmp(a->data, b->data, (size_t)cn_tensor_count(a) * sizeof *a->data)) abort();
        }
        cn_weights_clear(&again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    cn_weights weights;
    char *metadata;
    cn_error error;
    if (cn_compact_parse(bytes, size, "fuzz", &weights, &metadata, &error) == CN_OK) {
        write_again(&weights);
        cn_weights_clear(&weights);
        cn_free(metadata);
    } else if (strncmp(error.message, "fuzz: ", 6) != 0) {
        abort();
    }
    return 0;
}
