/* Reading safetensors files.
 *
 * A file is: the header's length as eight bytes, lowest first; the header, a JSON object, padded
 * with spaces; the data. The header maps each tensor's name to
 *   {"dtype": "F32", "shape": [64, 3, 7, 7], "data_offsets": [begin, end]}
 * with offsets from the start of the data; "__metadata__" maps texts to texts. Values are row-major
 * and little-endian. The tensors cover the data without gaps and without overlap.
 *
 * Every number of the header is checked against the size of the file before anything is allocated
 * for it. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/weights.h"
#include "format/weights_file.h"

/* A header of more bytes or tensors is no network's, and would only cost time. */
enum { HEADER_LIMIT = 4 << 20, TENSOR_LIMIT = 1 << 14 };

typedef struct dtype {
    const char *name;
    size_t bytes;
    float (*load)(const uint8_t *bytes);
} dtype;

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float load_f32(const uint8_t *bytes)
{
    return from_bits((uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 |
                     bytes[0]);
}

static float load_bf16(const uint8_t *bytes)
{
    return from_bits((uint32_t)bytes[1] << 24 | (uint32_t)bytes[0] << 16);
}

/* IEEE binary16: 1 sign, 5 exponent, 10 fraction bits. */
static float load_f16(const uint8_t *bytes)
{
    uint32_t half = (uint32_t)bytes[1] << 8 | bytes[0];
    uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 31) return from_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent == 0) return copysignf((float)fraction * 0x1p-24f, from_bits(sign | 0x3f800000));
    return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static const dtype dtypes[] = {{"F32", 4, load_f32}, {"F16", 2, load_f16}, {"BF16", 2, load_bf16}};
enum { DTYPE_COUNT = sizeof dtypes / sizeof *dtypes };

/* A tensor as the header tells it, checked. */
typedef struct entry {
    const char *name;
    const dtype *type;
    int32_t rank, dims[4];
    size_t begin, end; /* in the data */
} entry;

typedef struct reader {
    const char *file;
    const uint8_t *data;
    size_t data_size;
    cn_error *error;
} reader;

/* A whole number of JSON in 0 .. limit. */
static bool whole_number(const cJSON *item, double limit, size_t *out)
{
    if (!cJSON_IsNumber(item)) return false;
    double value = item->valuedouble;
    if (!(value >= 0 && value <= limit) || floor(value) != value) return false;
    *out = (size_t)value;
    return true;
}

static cn_status read_dtype(const reader *in, const cJSON *item, entry *out)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "dtype"));
    for (int i = 0; name && i < DTYPE_COUNT; i++)
        if (!strcmp(name, dtypes[i].name)) {
            out->type = &dtypes[i];
            return CN_OK;
        }
    if (!name)
        return cn_fail(in->error, CN_EFORMAT, "%s: tensor '%s' has no dtype", in->file, out->name);
    return cn_fail(in->error, CN_EUNSUPPORTED,
                   "%s: tensor '%s' holds %.20s; only F32, F16 and BF16 can be read", in->file,
                   out->name, name);
}

/* Shape and offsets; *bytes of the shape. */
static cn_status read_shape(const reader *in, const cJSON *item, entry *out, size_t *bytes)
{
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape"), *extent;
    if (!cJSON_IsArray(shape))
        return cn_fail(in->error, CN_EFORMAT, "%s: tensor '%s' has no shape", in->file, out->name);
    *bytes = out->type->bytes;
    cJSON_ArrayForEach(extent, shape)
    {
        size_t value;
        if (out->rank == 4)
            return cn_fail(in->error, CN_EUNSUPPORTED,
                           "%s: tensor '%s' has more than four dimensions", in->file, out->name);
        if (!whole_number(extent, INT32_MAX, &value) || value == 0 ||
            !cn_mul_size(*bytes, value, bytes))
            return cn_fail(in->error, CN_EFORMAT, "%s: tensor '%s': dimension %d is impossible",
                           in->file, out->name, out->rank);
        out->dims[out->rank++] = (int32_t)value;
    }
    return CN_OK;
}

static cn_status read_entry(const reader *in, const cJSON *item, entry *out)
{
    size_t bytes;
    *out = (entry){.name = item->string};
    cn_status status = read_dtype(in, item, out);
    if (!status) status = read_shape(in, item, out, &bytes);
    if (status) return status;
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    if (cJSON_GetArraySize(offsets) != 2 || !whole_number(offsets->child, 0x1p53, &out->begin) ||
        !whole_number(offsets->child->next, 0x1p53, &out->end))
        return cn_fail(in->error, CN_EFORMAT, "%s: tensor '%s': data_offsets are not two offsets",
                       in->file, out->name);
    if (out->end < out->begin || out->end > in->data_size)
        return cn_fail(in->error, CN_EFORMAT,
                       "%s: tensor '%s' lies at data bytes %zu to %zu, but the file has %zu; it is "
                       "cut off or damaged",
                       in->file, out->name, out->begin, out->end, in->data_size);
    if (out->end - out->begin != bytes)
        return cn_fail(in->error, CN_EFORMAT,
                       "%s: tensor '%s': its shape needs %zu bytes, its data_offsets span %zu",
                       in->file, out->name, bytes, out->end - out->begin);
    return CN_OK;
}

static int by_begin(const void *a, const void *b)
{
    const entry *x = *(const entry *const *)a, *y = *(const entry *const *)b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

/* The tensors must cover the data exactly once. */
static cn_status check_cover(const reader *in, const entry *entries, size_t count)
{
    const entry **order = cn_calloc(count, sizeof *order);
    if (!order) return cn_fail(in->error, CN_ENOMEM, "%s: out of memory", in->file);
    for (size_t i = 0; i < count; i++)
        order[i] = &entries[i];
    qsort(order, count, sizeof *order, by_begin);
    cn_status status = CN_OK;
    size_t at = 0;
    for (size_t i = 0; !status && i < count; i++) {
        if (order[i]->begin != at)
            status = cn_fail(in->error, CN_EFORMAT,
                             "%s: tensor '%s' begins at data byte %zu, the one before it ends at "
                             "%zu: an overlap or a gap",
                             in->file, order[i]->name, order[i]->begin, at);
        at = order[i]->end;
    }
    if (!status && at != in->data_size)
        status = cn_fail(in->error, CN_EFORMAT, "%s: %zu bytes of data belong to no tensor",
                         in->file, in->data_size - at);
    cn_free(order);
    return status;
}

static cn_status read_metadata(const reader *in, const cJSON *item, char **metadata)
{
    const cJSON *value;
    bool texts = cJSON_IsObject(item);
    cJSON_ArrayForEach(value, item) texts = texts && cJSON_IsString(value);
    if (!texts)
        return cn_fail(in->error, CN_EFORMAT, "%s: __metadata__ is not an object of texts",
                       in->file);
    if (!metadata) return CN_OK;
    char *text = cJSON_PrintUnformatted(item);
    cn_free(*metadata); /* a second __metadata__ replaces the first */
    *metadata = text ? cn_strdup(text) : NULL;
    cJSON_free(text);
    return *metadata ? CN_OK : cn_fail(in->error, CN_ENOMEM, "%s: out of memory", in->file);
}

static cn_status read_header(const reader *in, const cJSON *header, entry *entries, size_t *count,
                             char **metadata)
{
    const cJSON *item;
    cn_status status = CN_OK;
    *count = 0;
    cJSON_ArrayForEach(item, header)
    {
        if (!strcmp(item->string, "__metadata__"))
            status = read_metadata(in, item, metadata);
        else
            status = read_entry(in, item, &entries[(*count)++]);
        if (status) return status;
    }
    return check_cover(in, entries, *count);
}

static cn_status load_tensors(const reader *in, const entry *entries, size_t count,
                              cn_weights *weights)
{
    for (size_t i = 0; i < count; i++) {
        const entry *from = &entries[i];
        cn_tensor *to;
        cn_status status =
            cn_weights_add(weights, from->name, from->rank, from->dims, &to, in->error);
        if (status == CN_EINVAL) /* the same name twice: the file's fault, not the caller's */
            return cn_fail_in(in->error, CN_EFORMAT, "%s", in->file);
        if (status) return status;
        to->stored_bytes = (int64_t)(from->end - from->begin);
        const uint8_t *bytes = in->data + from->begin;
        for (size_t k = 0; k < (from->end - from->begin) / from->type->bytes; k++)
            to->data[k] = from->type->load(bytes + k * from->type->bytes);
    }
    return CN_OK;
}

/* Finds header and data in the file and parses the header. */
static cn_status open_header(reader *in, const uint8_t *bytes, size_t size, cJSON **header)
{
    static const uint8_t xz[] = {0xfd, '7', 'z', 'X', 'Z', 0};
    if (size >= sizeof xz && !memcmp(bytes, xz, sizeof xz))
        return cn_fail(in->error, CN_EFORMAT,
                       "%s: compressed with xz; unpack it with 'xz -d' first", in->file);
    uint64_t length = 0;
    for (int i = 7; i >= 0 && size >= 8; i--)
        length = length << 8 | bytes[i];
    if (size < 8 || length > size - 8)
        return cn_fail(in->error, CN_EFORMAT,
                       "%s: byte 0: a header of %" PRIu64
                       " bytes does not fit the file of %zu; not "
                       "a safetensors file, or cut off",
                       in->file, length, size);
    if (length > HEADER_LIMIT)
        return cn_fail(in->error, CN_EUNSUPPORTED,
                       "%s: byte 0: a header of %" PRIu64 " bytes; at most %d can be read",
                       in->file, length, HEADER_LIMIT);
    const char *text = (const char *)bytes + 8, *end = text;
    *header = cJSON_ParseWithLengthOpts(text, (size_t)length, &end, 0);
    size_t used = (size_t)(end - text);
    while (*header && used < length && text[used] == ' ')
        used++;
    if (!cJSON_IsObject(*header) || used != length)
        return cn_fail(in->error, CN_EFORMAT, "%s: byte %zu: the header is not a JSON object",
                       in->file, 8 + used);
    if (cJSON_GetArraySize(*header) > TENSOR_LIMIT)
        return cn_fail(in->error, CN_EUNSUPPORTED, "%s: more than %d tensors", in->file,
                       TENSOR_LIMIT);
    in->data = bytes + 8 + length;
    in->data_size = size - 8 - (size_t)length;
    return CN_OK;
}

cn_status cn_safetensors_parse(const void *bytes, size_t size, const char *name,
                               cn_weights *weights, char **metadata, cn_error *error)
{
    *weights = (cn_weights){0};
    if (metadata) *metadata = NULL;
    reader in = {.file = name, .error = error};
    cJSON *header = NULL;
    entry *entries = NULL;
    size_t count = 0;
    cn_status status = open_header(&in, bytes, size, &header);
    if (status) goto cleanup;
    entries = cn_calloc((size_t)cJSON_GetArraySize(header), sizeof *entries);
    weights->label = cn_strdup(cn_file_name(name));
    if (!entries || !weights->label) {
        status = cn_fail(error, CN_ENOMEM, "%s: out of memory", name);
        goto cleanup;
    }
    status = read_header(&in, header, entries, &count, metadata);
    if (!status) status = load_tensors(&in, entries, count, weights);
cleanup:
    cn_free(entries);
    cJSON_Delete(header);
    if (status) {
        cn_weights_clear(weights);
        if (metadata) cn_free(*metadata);
        if (metadata) *metadata = NULL;
    }
    return status;
}
