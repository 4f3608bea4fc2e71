/* Writing safetensors files (the format is described in safetensors.c). Tensors come in the order
 * of the set, the header is padded with spaces so that the data begins at a multiple of eight. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "condense/memory.h"
#include "condense/weights.h"

static bool add_tensor(cJSON *header, const cn_tensor *tensor, size_t *offset)
{
    size_t begin = *offset;
    *offset += (size_t)cn_tensor_count(tensor) * sizeof(float);
    cJSON *item = cJSON_AddObjectToObject(header, tensor->name);
    bool added = cJSON_AddStringToObject(item, "dtype", "F32");
    cJSON *shape = cJSON_CreateIntArray(tensor->dims, tensor->rank);
    added = cJSON_AddItemToObject(item, "shape", shape) && added;
    double offsets[2] = {(double)begin, (double)*offset};
    return cJSON_AddItemToObject(item, "data_offsets", cJSON_CreateDoubleArray(offsets, 2)) &&
           added;
}

/* The header's JSON text, unpadded; for cJSON_free. */
static cn_status make_header(const cn_weights *weights, const char *metadata, char **text,
                             cn_error *error)
{
    cJSON *header = cJSON_CreateObject();
    bool made = header;
    cn_status status = CN_OK;
    if (metadata) {
        cJSON *object = cJSON_Parse(metadata);
        if (!cJSON_IsObject(object)) {
            cJSON_Delete(object);
            status = cn_fail(error, CN_EINVAL, "the metadata is not a JSON object");
        } else {
            made = made && cJSON_AddItemToObject(header, "__metadata__", object);
        }
    }
    size_t offset = 0;
    for (int32_t i = 0; made && i < weights->count; i++)
        made = add_tensor(header, &weights->tensors[i], &offset);
    *text = made && !status ? cJSON_PrintUnformatted(header) : NULL;
    cJSON_Delete(header);
    if (!status && !*text) status = cn_fail(error, CN_ENOMEM, "out of memory");
    return status;
}

static bool write_tensor(FILE *file, const cn_tensor *tensor)
{
    uint8_t buffer[4096];
    size_t count = (size_t)cn_tensor_count(tensor), used = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &tensor->data[i], sizeof bits);
        for (int k = 0; k < 4; k++)
            buffer[used++] = (uint8_t)(bits >> 8 * k);
        if (used == sizeof buffer || i + 1 == count) {
            if (fwrite(buffer, 1, used, file) != used) return false;
            used = 0;
        }
    }
    return true;
}

static bool write_all(FILE *file, const cn_weights *weights, const char *header)
{
    size_t length = strlen(header), padded = (length + 7) / 8 * 8;
    uint8_t size[8];
    for (int k = 0; k < 8; k++)
        size[k] = (uint8_t)((uint64_t)padded >> 8 * k);
    bool written = fwrite(size, 1, sizeof size, file) == sizeof size &&
                   fprintf(file, "%-*s", (int)padded, header) == (int)padded;
    for (int32_t i = 0; written && i < weights->count; i++)
        written = write_tensor(file, &weights->tensors[i]);
    return written;
}

cn_status cn_safetensors_write(const char *path, const cn_weights *weights, const char *metadata,
                               cn_error *error)
{
    char *header = NULL;
    cn_status status = make_header(weights, metadata, &header, error);
    if (status) return status;
    char *temporary = cn_sprintf("%s.%ld.tmp", path, (long)getpid());
    FILE *file = temporary ? fopen(temporary, "wb") : NULL;
    bool written =
        file && write_all(file, weights, header) && !fflush(file) && !fsync(fileno(file));
    int reason = errno;
    if (file && fclose(file) && written) {
        written = false;
        reason = errno;
    }
    if (written && rename(temporary, path)) {
        written = false;
        reason = errno;
    }
    if (!written) {
        if (file) unlink(temporary);
        status = temporary
                     ? cn_fail(error, CN_EIO, "%s: %s; nothing was written", path, strerror(reason))
                     : cn_fail(error, CN_ENOMEM, "out of memory");
    }
    cn_free(temporary);
    cJSON_free(header);
    return status;
}
