/* Writing safetensors files (the format is described in safetensors.c). Tensors come in the order
 * of the set, the header is padded with spaces so that the data begins at a multiple of eight. */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "condense/file.h"
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

static void write_tensor(FILE *file, const cn_tensor *tensor)
{
    uint8_t buffer[4096];
    size_t count = (size_t)cn_tensor_count(tensor), used = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &tensor->data[i], sizeof bits);
        for (int k = 0; k < 4; k++)
            buffer[used++] = (uint8_t)(bits >> 8 * k);
        if (used == sizeof buffer || i + 1 == count) {
            fwrite(buffer, 1, used, file);
            used = 0;
        }
    }
}

static void write_all(FILE *file, const cn_weights *weights, const char *header)
{
    size_t length = strlen(header), padded = (length + 7) / 8 * 8;
    uint8_t size[8];
    for (int k = 0; k < 8; k++)
        size[k] = (uint8_t)((uint64_t)padded >> 8 * k);
    fwrite(size, 1, sizeof size, file);
    fputs(header, file);
    for (size_t i = length; i < padded; i++)
        fputc(' ', file);
    for (int32_t i = 0; i < weights->count; i++)
        write_tensor(file, &weights->tensors[i]);
}

cn_status cn_safetensors_write(const char *path, const cn_weights *weights, const char *metadata,
                               cn_error *error)
{
    char *header = NULL;
    cn_status status = make_header(weights, metadata, &header, error);
    if (status) return status;
    cn_new_file file;
    status = cn_new_file_begin(&file, path, error);
    if (!status) {
        write_all(file.stream, weights, header);
        status = cn_new_file_end(&file, CN_OK, error);
    }
    cJSON_free(header);
    return status;
}
