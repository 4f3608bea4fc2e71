/* Weight files: what is written is read back; what is damaged is refused. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "condense/memory.h"
#include "condense/weights.h"

/* A file in memory: the header's length, the header, `data_size` zero bytes of data. */
static uint8_t *make(const char *header, size_t data_size, size_t *size)
{
    size_t length = strlen(header);
    *size = 8 + length + data_size;
    uint8_t *bytes = calloc(*size, 1);
    bytes[0] = (uint8_t)length;
    bytes[1] = (uint8_t)(length >> 8);
    memcpy(bytes + 8, header, length);
    return bytes;
}

static cn_status parse(const char *header, size_t data_size, cn_error *error)
{
    size_t size;
    uint8_t *bytes = make(header, data_size, &size);
    cn_weights weights;
    cn_status status = cn_safetensors_parse(bytes, size, "test", &weights, NULL, error);
    cn_weights_clear(&weights);
    free(bytes);
    return status;
}

static void fill(cn_weights *weights)
{
    cn_tensor *tensor;
    cr_assert_eq(cn_weights_add(weights, "a.weight", 4, (int32_t[]){2, 3, 1, 2}, &tensor, NULL),
                 CN_OK);
    for (int i = 0; i < 12; i++)
        tensor->data[i] = (float)i / 7 - 1;
    cr_assert_eq(cn_weights_add(weights, "scalar \"quoted\"", 0, NULL, &tensor, NULL), CN_OK);
    tensor->data[0] = -0.0f;
    cr_assert_eq(cn_weights_add(weights, "b.bias", 1, (int32_t[]){5}, &tensor, NULL), CN_OK);
    tensor->data[4] = 1e-42f;
}

static char *temporary_file(void)
{
    char *path = cn_strdup("/tmp/condense-test-XXXXXX");
    close(mkstemp(path));
    return path;
}

static uint8_t *read_back(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(65536);
    *size = fread(bytes, 1, 65536, file);
    fclose(file);
    return bytes;
}

Test(safetensors, what_is_written_is_read_back_and_the_bytes_are_the_same_every_time)
{
    cn_weights weights = {0}, again;
    fill(&weights);
    char *path = temporary_file(), *metadata;
    cr_assert_eq(cn_safetensors_write(path, &weights, "{\"seed\":\"1\"}", NULL), CN_OK);
    cn_error error = {0};
    cr_assert_eq(cn_weights_read(path, &again, &metadata, &error), CN_OK, "%s", error.message);
    cr_assert_str_eq(metadata, "{\"seed\":\"1\"}");
    cr_assert_str_eq(again.label, strrchr(path, '/') + 1);
    cr_assert_eq(again.count, 3);
    for (int32_t i = 0; i < 3; i++) {
        const cn_tensor *a = &weights.tensors[i], *b = &again.tensors[i];
        cr_assert_str_eq(a->name, b->name);
        cr_assert_eq(a->rank, b->rank);
        cr_assert_arr_eq(a->dims, b->dims, sizeof a->dims);
        cr_assert_arr_eq(a->data, b->data, (size_t)cn_tensor_count(a) * sizeof *a->data);
    }
    size_t first_size, second_size;
    uint8_t *first = read_back(path, &first_size);
    cr_assert_eq(cn_safetensors_write(path, &again, metadata, NULL), CN_OK);
    uint8_t *second = read_back(path, &second_size);
    cr_assert_eq(first_size, second_size);
    cr_assert_arr_eq(first, second, first_size);
    unlink(path);
    free(first);
    free(second);
    cn_free(metadata);
    cn_free(path);
    cn_weights_clear(&weights);
    cn_weights_clear(&again);
}

Test(safetensors, a_file_cut_off_at_any_byte_is_refused)
{
    cn_weights weights = {0}, cut;
    fill(&weights);
    char *path = temporary_file();
    cr_assert_eq(cn_safetensors_write(path, &weights, "{\"seed\":\"1\"}", NULL), CN_OK);
    size_t size;
    uint8_t *bytes = read_back(path, &size);
    for (size_t length = 0; length < size; length++) {
        uint8_t *copy = malloc(length); /* its own block: a read beyond it is noticed */
        memcpy(copy, bytes, length);
        cn_error error = {0};
        cr_assert_neq(cn_safetensors_parse(copy, length, "cut", &cut, NULL, &error), CN_OK,
                      "%zu of %zu bytes were taken for a whole file", length, size);
        cr_assert(strstr(error.message, "cut"));
        cr_assert_eq(cut.count, 0);
        free(copy);
    }
    unlink(path);
    free(bytes);
    cn_free(path);
    cn_weights_clear(&weights);
}

Test(safetensors, a_flipped_bit_never_crashes)
{
    cn_weights weights = {0}, flipped;
    fill(&weights);
    char *path = temporary_file(), *metadata;
    cr_assert_eq(cn_safetensors_write(path, &weights, "{\"seed\":\"1\"}", NULL), CN_OK);
    size_t size;
    uint8_t *bytes = read_back(path, &size);
    int refused = 0;
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (cn_safetensors_parse(bytes, size, "flipped", &flipped, &metadata, NULL)) refused++;
        cn_free(metadata);
        cn_weights_clear(&flipped);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_assert_gt(refused, 8 * 8); /* the length's bits, and many of the header's */
    unlink(path);
    free(bytes);
    cn_free(path);
    cn_weights_clear(&weights);
}

Test(safetensors, headers_that_lie_are_refused)
{
    static const struct {
        const char *header;
        size_t data;
        cn_status status;
        const char *word; /* that the message must hold */
    } cases[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, CN_OK, ""},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9, CN_EFORMAT,
         "belong"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, CN_EFORMAT,
         "cut off"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, CN_EFORMAT,
         "needs 12"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, CN_EFORMAT, "data"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,1e300]}}", 8, CN_EFORMAT,
         "offset"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", 8, CN_EFORMAT,
         "offset"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, CN_EFORMAT, "offset"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}}", 8, CN_EFORMAT,
         "dimension 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, CN_EFORMAT,
         "dimension 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2147483647,2147483647,2147483647],"
         "\"data_offsets\":[0,8]}}",
         8, CN_EFORMAT, "dimension 2"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,2],\"data_offsets\":[0,8]}}", 8,
         CN_EUNSUPPORTED, "four"},
        {"{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, CN_EUNSUPPORTED,
         "I64"},
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,8]}}", 8, CN_EFORMAT, "dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, CN_EFORMAT, "shape"},
        {"{\"a\":7}", 8, CN_EFORMAT, "dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         4, CN_EFORMAT, "overlap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         8, CN_EFORMAT, "twice"},
        {"{\"__metadata__\":{\"a\":1}}", 0, CN_EFORMAT, "__metadata__"},
        {"{\"a\":}", 0, CN_EFORMAT, "byte 13"},
        {"[]", 0, CN_EFORMAT, "JSON object"},
        {"{} x", 0, CN_EFORMAT, "byte 11"},
        {"{}   ", 0, CN_OK, ""},
        {"", 0, CN_EFORMAT, "JSON object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cn_error error = {0};
        cn_status status = parse(cases[i].header, cases[i].data, &error);
        cr_expect_eq(status, cases[i].status, "%s: %d %s", cases[i].header, status, error.message);
        cr_expect(strstr(error.message, cases[i].word), "%s: %s", cases[i].header, error.message);
    }
}

Test(safetensors, half_precision_is_widened_exactly)
{
    static const struct {
        uint16_t bits;
        float half, brain; /* as F16 and as BF16 */
    } cases[] = {{0x3c00, 1.0f, 0.0078125f},        {0xc000, -2.0f, -2.0f},
                 {0x0001, 0x1p-24f, 0x1p-133f},     {0x03ff, 0x3ffp-24f, 0x1.fep-120f},
                 {0x0400, 0x1p-14f, 0x1p-119f},     {0x7bff, 65504.0f, 0x1.fep+120f},
                 {0x3555, 0x1.554p-2f, 0x1.aap-21f}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int brain = 0; brain < 2; brain++) {
            char header[100];
            snprintf(header, sizeof header,
                     "{\"a\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,2]}}",
                     brain ? "BF16" : "F16");
            size_t size;
            uint8_t *bytes = make(header, 2, &size);
            bytes[size - 2] = (uint8_t)cases[i].bits;
            bytes[size - 1] = (uint8_t)(cases[i].bits >> 8);
            cn_weights weights;
            cr_assert_eq(cn_safetensors_parse(bytes, size, "half", &weights, NULL, NULL), CN_OK);
            cr_expect_eq(weights.tensors[0].data[0], brain ? cases[i].brain : cases[i].half,
                         "%04x: %a", cases[i].bits, (double)weights.tensors[0].data[0]);
            cn_weights_clear(&weights);
            free(bytes);
        }
}

Test(safetensors, compressed_files_are_named_as_such)
{
    static const uint8_t xz[16] = {0xfd, '7', 'z', 'X', 'Z', 0};
    cn_weights weights;
    cn_error error;
    cr_assert_eq(cn_safetensors_parse(xz, sizeof xz, "w.xz", &weights, NULL, &error), CN_EFORMAT);
    cr_assert(strstr(error.message, "xz -d"), "%s", error.message);
}

Test(safetensors, a_failed_write_leaves_nothing)
{
    cn_weights weights = {0};
    fill(&weights);
    cn_error error;
    cr_assert_eq(cn_safetensors_write("/nonexistent/folder/w", &weights, NULL, &error), CN_EIO);
    cr_assert(strstr(error.message, "/nonexistent/folder/w"));
    char *path = temporary_file();
    cr_assert_eq(cn_safetensors_write(path, &weights, "not json", &error), CN_EINVAL);
    size_t size;
    free(read_back(path, &size));
    cr_assert_eq(size, 0); /* the file that was there is as it was */
    unlink(path);
    cn_free(path);
    cn_weights_clear(&weights);
}
