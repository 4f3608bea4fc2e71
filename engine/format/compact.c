/* Writing compact containers.
 *
 * A file is (numbers are LEB128, seven bits a byte, lowest first):
 *   magic      89 43 4e 5a, and the version as one byte
 *   metadata   number: its bytes; JSON text (nothing where there is none)
 *   count      number: the tensors
 *   checksum   CRC-32 of everything so far, lowest byte first
 * and for each tensor
 *   length     number: the bytes of the record
 *   record     number: bytes of the name; name; one byte: rank; a number for each dimension;
 *              the layout byte; the coding byte; number: bytes of the index section; the index
 *              section (compact_mask.c); the value section (compact_values.c)
 *   checksum   CRC-32 of the record
 *
 * The layout byte says where values are: bits 0-1 which rows share a mask (0 none, 1 eight, 2 all),
 * bits 2-3 the units (0 weights, 1 kernels, 2 patterns), bits 4-5 the position code (0 full, 1
 * bitmap, 2 gaps), bit 6 that rows are dropped, bit 7 that the section is range-coded. The coding
 * byte: bits 0-1 the code (0 float32, 1 codebook, 2 levels, 3 powers), bit 2 that each row has its
 * own codebook, scale or base, bit 3 that the section is range-coded. Sections that are not
 * range-coded are bits packed from the lowest, filled up with zeros to a whole byte.
 *
 * How the writer chooses is in compact_choose.h. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "condense/compact.h"
#include "condense/file.h"
#include "condense/memory.h"
#include "format/compact.h"
#include "format/compact_choose.h"

/* The record up to the index section. */
static void add_head(const cn_encoder *e, cn_bytes *record)
{
    const cn_tensor *t = e->tensor;
    const cn_plan *p = &e->best;
    size_t length = strlen(t->name);
    cn_bytes_add_number(record, length);
    cn_bytes_add(record, t->name, length);
    cn_bytes_add(record, &(uint8_t){(uint8_t)t->rank}, 1);
    for (int32_t i = 0; i < t->rank; i++)
        cn_bytes_add_number(record, (uint64_t)t->dims[i]);
    unsigned layout = (unsigned)p->layout.sharing | (unsigned)p->layout.unit << 2 |
                      (unsigned)p->layout.positions << 4 |
                      (p->layout.dropped ? CN_LAYOUT_DROPPED : 0) |
                      (p->index_range ? CN_LAYOUT_RANGE : 0);
    unsigned coding = (unsigned)p->code | (p->per_row ? CN_CODING_PER_ROW : 0) |
                      (p->value_range ? CN_CODING_RANGE : 0);
    cn_bytes_add(record, (uint8_t[]){(uint8_t)layout, (uint8_t)coding}, 2);
    cn_bytes_add_number(record, p->index_bytes);
}

static cn_status add_values(cn_encoder *e, cn_bytes *record)
{
    cn_coding coding = {.code = e->best.code, .per_row = e->best.per_row};
    cn_palette *palettes = NULL;
    bool fits;
    cn_status status = CN_OK;
    cn_encoder_gather(e);
    if (coding.code != CN_VALUE_FLOAT) {
        status = cn_palettes_make(&e->values, coding.per_row, &palettes);
        coding.palettes = palettes;
        if (!status) status = cn_coding_fit(&coding, &e->values, &fits);
    }
    if (!status) {
        cn_sink sink = cn_sink_begin(record, e->best.value_range);
        cn_values_write(&e->values, &coding, &sink);
        cn_sink_end(&sink);
    }
    cn_coding_clear(&coding);
    cn_free(palettes);
    return status;
}

/* The record of the encoder's best plan. */
static cn_status add_record(cn_encoder *e, cn_bytes *record)
{
    const cn_plan *p = &e->best;
    add_head(e, record);
    cn_status status =
        cn_mask_lines(&e->mask, e->tensor->data, p->layout.sharing, p->layout.dropped);
    if (status) return status;
    cn_mask_units(&e->mask, p->layout.unit, p->layout.positions);
    cn_sink sink = cn_sink_begin(record, p->index_range);
    cn_mask_write(&e->mask, &sink);
    cn_sink_end(&sink);
    status = add_values(e, record);
    return record->failed ? CN_ENOMEM : status;
}

static void describe(const cn_plan *p, char *text, size_t size)
{
    bool full = p->layout.positions == CN_FULL && p->layout.unit != CN_UNIT_PATTERN;
    int used = full
                   ? snprintf(text, size, "full")
                   : snprintf(text, size, "%s: %s, %s", cn_sharing_name(p->layout.sharing),
                              cn_unit_name(p->layout.unit), cn_positions_name(p->layout.positions));
    snprintf(text + used, size - (size_t)used, "%s%s; %s%s%s",
             p->layout.dropped ? ", rows dropped" : "", p->index_range ? ", range coder" : "",
             cn_value_code_name(p->code), p->per_row ? " by row" : "",
             p->value_range ? ", range coder" : "");
}

static size_t number_size(uint64_t number)
{
    size_t size = 1;
    for (; number > 127; number >>= 7)
        size++;
    return size;
}

static cn_status measure(const cn_encoder *e, cn_compact_size *size)
{
    cn_bytes head = {0};
    add_head(e, &head);
    size_t bytes = head.size + cn_plan_bytes(&e->best);
    *size = (cn_compact_size){.bytes = (int64_t)(number_size(bytes) + bytes + 4),
                              .index_bytes = (int64_t)e->best.index_bytes,
                              .value_bytes = (int64_t)e->best.value_bytes};
    describe(&e->best, size->encoding, sizeof size->encoding);
    cn_free(head.data);
    return head.failed ? CN_ENOMEM : CN_OK;
}

static cn_status write_tensor(FILE *file, const cn_tensor *tensor, bool entropy)
{
    cn_encoder e;
    cn_bytes record = {0}, length = {0}, checksum = {0};
    cn_status status = cn_encoder_begin(&e, tensor, entropy);
    if (!status) status = add_record(&e, &record);
    if (!status) {
        cn_bytes_add_number(&length, record.size);
        cn_bytes_add_u32(&checksum, (uint32_t)crc32_z(0, record.data, record.size));
        status = length.failed || checksum.failed ? CN_ENOMEM : CN_OK;
    }
    const cn_bytes *parts[] = {&length, &record, &checksum};
    for (int i = 0; i < 3 && !status; i++)
        fwrite(parts[i]->data, 1, parts[i]->size, file);
    cn_encoder_end(&e);
    cn_free(record.data);
    cn_free(length.data);
    cn_free(checksum.data);
    return status;
}

/* The file up to the first tensor. */
static cn_status make_start(const cn_weights *weights, const char *metadata, cn_bytes *start,
                            cn_error *error)
{
    cJSON *object = metadata ? cJSON_Parse(metadata) : NULL;
    char *text = object ? cJSON_PrintUnformatted(object) : NULL;
    bool wrong = metadata && !cJSON_IsObject(object);
    cJSON_Delete(object);
    size_t length = text ? strlen(text) : 0;
    cn_bytes_add(start, cn_compact_magic, sizeof cn_compact_magic);
    cn_bytes_add(start, &(uint8_t){CN_COMPACT_VERSION}, 1);
    cn_bytes_add_number(start, length);
    cn_bytes_add(start, text, length);
    cn_bytes_add_number(start, (uint64_t)weights->count);
    if (!start->failed) cn_bytes_add_u32(start, (uint32_t)crc32_z(0, start->data, start->size));
    cJSON_free(text);
    if (wrong) return cn_fail(error, CN_EINVAL, "the metadata is not a JSON object");
    return start->failed || (metadata && !text) ? cn_fail(error, CN_ENOMEM, "out of memory")
                                                : CN_OK;
}

static cn_status check_set(const cn_weights *weights, cn_error *error)
{
    int64_t numbers = 0;
    for (int32_t i = 0; i < weights->count; i++) {
        numbers += cn_tensor_count(&weights->tensors[i]);
        if (numbers > CN_COMPACT_NUMBERS)
            return cn_fail(error, CN_EUNSUPPORTED,
                           "a compact container holds at most %d numbers, and tensor '%s' goes "
                           "beyond; write a safetensors file",
                           CN_COMPACT_NUMBERS, weights->tensors[i].name);
        if (strlen(weights->tensors[i].name) > CN_COMPACT_NAME)
            return cn_fail(error, CN_EUNSUPPORTED, "tensor %d: its name has more than %d bytes", i,
                           CN_COMPACT_NAME);
    }
    return CN_OK;
}

cn_status cn_compact_write(const char *path, const cn_weights *weights, const char *metadata,
                           bool entropy, cn_error *error)
{
    cn_bytes start = {0};
    cn_new_file file;
    cn_status status = check_set(weights, error);
    if (!status) status = make_start(weights, metadata, &start, error);
    if (!status && !(status = cn_new_file_begin(&file, path, error))) {
        fwrite(start.data, 1, start.size, file.stream);
        for (int32_t i = 0; i < weights->count && !status; i++)
            if (write_tensor(file.stream, &weights->tensors[i], entropy))
                status = cn_fail(error, CN_ENOMEM, "%s: tensor '%s': out of memory", path,
                                 weights->tensors[i].name);
        status = cn_new_file_end(&file, status, error);
    }
    cn_free(start.data);
    return status;
}

cn_status cn_compact_measure(const cn_weights *weights, bool entropy, cn_compact_size *whole,
                             cn_compact_size *tensors, cn_error *error)
{
    cn_bytes start = {0};
    cn_status status = check_set(weights, error);
    if (!status) status = make_start(weights, NULL, &start, error);
    *whole = (cn_compact_size){.bytes = (int64_t)start.size};
    cn_free(start.data);
    for (int32_t i = 0; i < weights->count && !status; i++) {
        cn_encoder e;
        cn_compact_size size = {0};
        status = cn_encoder_begin(&e, &weights->tensors[i], entropy);
        if (!status) status = measure(&e, &size);
        cn_encoder_end(&e);
        if (status) cn_fail(error, status, "tensor '%s': out of memory", weights->tensors[i].name);
        whole->bytes += size.bytes;
        whole->index_bytes += size.index_bytes;
        whole->value_bytes += size.value_bytes;
        if (tensors) tensors[i] = size;
    }
    return status;
}
