/* Reading compact containers (the format is described in compact.c). A record's checksum is
 * compared before anything in it is believed; lengths and dimensions are compared with what is
 * there before they are multiplied or allocated. */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <string.h>
#include <zlib.h>

#include "condense/compact.h"
#include "condense/memory.h"
#include "format/compact.h"
#include "format/compact_mask.h"
#include "format/compact_values.h"
#include "format/weights_file.h"

typedef struct reader {
    const char *file;
    const uint8_t *bytes;
    size_t at, end; /* `end`: of the file, or of the record being read */
    cn_error *error;
} reader;

/* A tensor as its record tells it. */
typedef struct entry {
    char name[CN_COMPACT_NAME + 1];
    int32_t rank, dims[4];
    int64_t count;
    cn_layout layout;
    bool index_range, value_range, per_row;
    cn_value_code code;
    size_t index_bytes;
} entry;

bool cn_is_compact(const void *bytes, size_t size)
{
    return size >= sizeof cn_compact_magic &&
           !memcmp(bytes, cn_compact_magic, sizeof cn_compact_magic);
}

static cn_status cut_off(const reader *in, const char *what)
{
    return cn_fail(in->error, CN_EFORMAT,
                   "%s: byte %zu: %s goes beyond the end; the file is cut "
                   "off or damaged",
                   in->file, in->at, what);
}

static cn_status read_number(reader *in, const char *what, uint64_t limit, uint64_t *number)
{
    size_t begin = in->at;
    *number = 0;
    for (int shift = 0;; shift += 7) {
        if (in->at == in->end) return cut_off(in, what);
        uint8_t byte = in->bytes[in->at++];
        *number |= (uint64_t)(byte & 127) << shift;
        if (!(byte & 128)) break;
        if (shift == 56)
            return cn_fail(in->error, CN_EFORMAT, "%s: byte %zu: %s: not a number", in->file, begin,
                           what);
    }
    if (*number > limit)
        return cn_fail(in->error, CN_EFORMAT, "%s: byte %zu: %s is %llu, at most %llu can be read",
                       in->file, begin, what, (unsigned long long)*number,
                       (unsigned long long)limit);
    return CN_OK;
}

/* Finds `size` bytes and moves on. */
static cn_status read_bytes(reader *in, const char *what, uint64_t size, const uint8_t **bytes)
{
    *bytes = in->bytes + in->at;
    if (size > in->end - in->at) return cut_off(in, what);
    in->at += (size_t)size;
    return CN_OK;
}

/* Whether the four bytes that follow are the checksum of those from `begin`. Fuzzing goes on
 * without, or nothing behind the check would ever be tried. */
static cn_status check(reader *in, size_t begin, bool *right)
{
    const uint8_t *b;
    uint32_t found = (uint32_t)crc32_z(0, in->bytes + begin, in->at - begin);
    cn_status status = read_bytes(in, "a checksum", 4, &b);
    if (status) return status;
    *right = found ==
             ((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24);
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    *right = true;
#endif
    return CN_OK;
}

static cn_status read_metadata(const reader *in, const uint8_t *text, size_t length,
                               char **metadata)
{
    cJSON *object = cJSON_ParseWithLength((const char *)text, length), *item;
    bool texts = cJSON_IsObject(object);
    cJSON_ArrayForEach(item, object) texts = texts && cJSON_IsString(item);
    cJSON_Delete(object);
    if (!texts)
        return cn_fail(in->error, CN_EFORMAT,
                       "%s: byte %zu: the metadata is not an object of texts", in->file,
                       (size_t)(text - in->bytes));
    if (metadata) *metadata = cn_sprintf("%.*s", (int)length, (const char *)text);
    return metadata && !*metadata ? cn_fail(in->error, CN_ENOMEM, "%s: out of memory", in->file)
                                  : CN_OK;
}

/* Everything before the first tensor. */
static cn_status read_start(reader *in, uint64_t *count, char **metadata)
{
    const uint8_t *magic, *version, *text;
    uint64_t length;
    bool right;
    cn_status status = read_bytes(in, "the magic number", sizeof cn_compact_magic, &magic);
    if (status) return status;
    if (!cn_is_compact(magic, sizeof cn_compact_magic))
        return cn_fail(in->error, CN_EFORMAT, "%s: byte 0: not a compact container", in->file);
    if ((status = read_bytes(in, "the version", 1, &version))) return status;
    if (*version != CN_COMPACT_VERSION)
        return cn_fail(in->error, CN_EUNSUPPORTED,
                       "%s: byte 4: version %d; this program reads version %d", in->file, *version,
                       CN_COMPACT_VERSION);
    status = read_number(in, "the length of the metadata", INT32_MAX, &length);
    if (!status) status = read_bytes(in, "the metadata", length, &text);
    if (!status) status = read_number(in, "the number of tensors", INT32_MAX, count);
    if (!status) status = check(in, 0, &right);
    if (status) return status;
    if (!right)
        return cn_fail(
            in->error, CN_EFORMAT,
            "%s: byte %zu: the checksum of the file's start is wrong; the file is damaged",
            in->file, in->at - 4);
    return length ? read_metadata(in, text, (size_t)length, metadata) : CN_OK;
}

static cn_status read_name(reader *in, char *name)
{
    uint64_t length;
    const uint8_t *text;
    cn_status status = read_number(in, "the length of a name", CN_COMPACT_NAME, &length);
    if (!status) status = read_bytes(in, "a name", length, &text);
    if (status) return status;
    memcpy(name, text, (size_t)length);
    name[length] = '\0';
    if (strlen(name) == length) return CN_OK;
    return cn_fail(in->error, CN_EFORMAT, "%s: byte %zu: a name with a zero in it", in->file,
                   in->at - (size_t)length);
}

/* The dimensions, whose product is counted against what the whole set may hold. */
static cn_status read_dims(reader *in, entry *out, int64_t left)
{
    const uint8_t *rank;
    size_t begin = in->at;
    cn_status status = read_bytes(in, "a rank", 1, &rank);
    if (status) return status;
    out->rank = *rank;
    out->count = 1;
    if (out->rank > 4)
        return cn_fail(in->error, CN_EUNSUPPORTED,
                       "%s: byte %zu: '%s' has %d dimensions, four can "
                       "be read",
                       in->file, begin, out->name, out->rank);
    for (int32_t i = 0; i < out->rank; i++) {
        uint64_t extent;
        status = read_number(in, "a dimension", INT32_MAX, &extent);
        if (status) return status;
        if (extent == 0 || (int64_t)extent > left / out->count)
            return cn_fail(in->error, CN_EFORMAT, "%s: byte %zu: '%s': dimension %d is impossible",
                           in->file, begin, out->name, i);
        out->dims[i] = (int32_t)extent;
        out->count *= (int64_t)extent;
    }
    return out->count > left ? cn_fail(in->error, CN_EFORMAT,
                                       "%s: byte %zu: '%s': the set has too "
                                       "many numbers",
                                       in->file, begin, out->name)
                             : CN_OK;
}

static cn_status read_encoding(reader *in, entry *out)
{
    const uint8_t *bytes;
    uint64_t index_bytes;
    cn_status status = read_bytes(in, "an encoding", 2, &bytes);
    if (status) return status;
    uint8_t layout = bytes[0], coding = bytes[1];
    out->layout = (cn_layout){.sharing = (cn_sharing)(layout & 3),
                              .unit = (cn_unit)(layout >> 2 & 3),
                              .positions = (cn_positions)(layout >> 4 & 3),
                              .dropped = layout & CN_LAYOUT_DROPPED};
    out->index_range = layout & CN_LAYOUT_RANGE;
    out->code = (cn_value_code)(coding & 3);
    out->per_row = coding & CN_CODING_PER_ROW;
    out->value_range = coding & CN_CODING_RANGE;
    if (out->layout.sharing >= CN_SHARINGS || out->layout.unit >= CN_UNITS ||
        out->layout.positions >= CN_POSITIONS || coding >= CN_CODING_RANGE * 2)
        return cn_fail(in->error, CN_EUNSUPPORTED,
                       "%s: byte %zu: '%s': there is no encoding %02x %02x", in->file, in->at - 2,
                       out->name, layout, coding);
    status = read_number(in, "the length of an index section", in->end - in->at, &index_bytes);
    out->index_bytes = (size_t)index_bytes;
    if (!status && index_bytes > in->end - in->at) status = cut_off(in, "an index section");
    return status;
}

/* A section that does not decode, or, with CN_OK, was not used up. */
static cn_status section_failed(const reader *in, cn_status status, const entry *e, size_t begin,
                                const char *what)
{
    if (status == CN_ENOMEM)
        return cn_fail(in->error, status, "%s: '%s': out of memory", in->file, e->name);
    return cn_fail(in->error, CN_EFORMAT, "%s: byte %zu: the %s section of '%s' is malformed",
                   in->file, begin, what, e->name);
}

/* Decodes the index section into the mask. */
static cn_status read_index(reader *in, const entry *e, cn_mask *mask)
{
    cn_source source = cn_source_begin(in->bytes + in->at, e->index_bytes, e->index_range);
    cn_status status = cn_mask_read(mask, &source);
    if (status || !cn_source_ended(&source)) return section_failed(in, status, e, in->at, "index");
    in->at += e->index_bytes;
    return CN_OK;
}

/* Makes room for the values that the mask stores. */
static cn_status make_values(const cn_mask *mask, cn_values *values)
{
    int64_t columns = mask->channels * mask->kernel, count = 0;
    values->rows = mask->rows;
    values->begin = cn_calloc((size_t)mask->rows + 1, sizeof *values->begin);
    if (!values->begin) return CN_ENOMEM;
    for (int64_t row = 0; row < mask->rows; row++) {
        const uint8_t *stored = cn_mask_row(mask, row);
        for (int64_t i = 0; i < columns && stored; i++)
            count += stored[i];
        values->begin[row + 1] = count;
    }
    values->data = cn_calloc((size_t)count, sizeof *values->data);
    return values->data ? CN_OK : CN_ENOMEM;
}

static void scatter(const cn_mask *mask, const cn_values *values, float *data)
{
    int64_t columns = mask->channels * mask->kernel, next = 0;
    for (int64_t row = 0; row < mask->rows; row++) {
        const uint8_t *stored = cn_mask_row(mask, row);
        for (int64_t i = 0; i < columns && stored; i++)
            if (stored[i]) data[row * columns + i] = values->data[next++];
    }
}

/* Decodes the value section, the rest of the record. */
static cn_status read_values(reader *in, const entry *e, const cn_mask *mask, float *data)
{
    cn_values values = {0};
    size_t begin = in->at;
    cn_source source = cn_source_begin(in->bytes + in->at, in->end - in->at, e->value_range);
    cn_status status = make_values(mask, &values);
    if (!status) status = cn_values_read(&values, e->code, e->per_row, &source);
    if (!status && !cn_source_ended(&source)) status = CN_EFORMAT;
    if (status)
        status = section_failed(in, status, e, begin, "value");
    else
        scatter(mask, &values, data);
    in->at = in->end;
    cn_free(values.data);
    cn_free(values.begin);
    return status;
}

static cn_status read_record(reader *in, cn_weights *weights, int64_t *left)
{
    entry e;
    cn_tensor *tensor;
    size_t begin = in->at;
    cn_status status = read_name(in, e.name);
    if (!status) status = read_dims(in, &e, *left);
    if (!status) status = read_encoding(in, &e);
    if (status) return status;
    *left -= e.count;
    cn_mask mask = cn_mask_of_shape(e.rank, e.dims);
    mask.layout = e.layout;
    status = read_index(in, &e, &mask);
    if (!status) {
        status = cn_weights_add(weights, e.name, e.rank, e.dims, &tensor, in->error);
        if (status == CN_EINVAL) /* the same name twice: the file's fault, not the caller's */
            status = cn_fail_in(in->error, CN_EFORMAT, "%s: byte %zu", in->file, begin);
    }
    if (!status) status = read_values(in, &e, &mask, tensor->data);
    cn_mask_clear(&mask);
    return status;
}

/* The record from `begin` does not fit its checksum: says which tensor's it is, or claims to be. */
static cn_status wrong_checksum(const reader *in, size_t begin, int64_t index)
{
    entry e;
    reader record = {.file = in->file, .bytes = in->bytes, .at = begin, .end = in->at - 4};
    if (read_name(&record, e.name)) e.name[0] = '\0';
    for (char *c = e.name; *c; c++)
        if (!isprint((unsigned char)*c)) *c = '?';
    return cn_fail(
        in->error, CN_EFORMAT,
        "%s: byte %zu: the checksum of tensor %lld ('%.100s') is wrong; the file is damaged",
        in->file, in->at - 4, (long long)index, e.name);
}

static cn_status read_tensors(reader *in, uint64_t count, cn_weights *weights)
{
    size_t file_end = in->end;
    int64_t left = CN_COMPACT_NUMBERS;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t length;
        const uint8_t *record;
        bool right;
        size_t start = in->at;
        cn_status status = read_number(in, "the length of a tensor", INT64_MAX, &length);
        if (!status) status = read_bytes(in, "a tensor", length, &record);
        size_t begin = in->at - (size_t)length;
        if (!status) status = check(in, begin, &right);
        if (status) return status;
        if (!right) return wrong_checksum(in, begin, (int64_t)i);
        reader part = *in;
        part.at = begin;
        part.end = in->at - 4;
        if ((status = read_record(&part, weights, &left))) return status;
        weights->tensors[i].stored_bytes = (int64_t)(in->at - start);
    }
    if (in->at == file_end) return CN_OK;
    return cn_fail(in->error, CN_EFORMAT, "%s: byte %zu: %zu bytes follow the last tensor",
                   in->file, in->at, file_end - in->at);
}

cn_status cn_compact_parse(const void *bytes, size_t size, const char *name, cn_weights *weights,
                           char **metadata, cn_error *error)
{
    uint64_t count = 0;
    reader in = {.file = name, .bytes = bytes, .end = size, .error = error};
    *weights = (cn_weights){.label = cn_strdup(cn_file_name(name))};
    if (metadata) *metadata = NULL;
    cn_status status = weights->label ? read_start(&in, &count, metadata)
                                      : cn_fail(error, CN_ENOMEM, "%s: out of memory", name);
    if (!status) status = read_tensors(&in, count, weights);
    if (status) {
        cn_weights_clear(weights);
        if (metadata) cn_free(*metadata);
        if (metadata) *metadata = NULL;
    }
    return status;
}
