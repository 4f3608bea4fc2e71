/* The compact container: what is written is read back to the bit, in fewer bytes than compressed
 * sparse rows; what is damaged is refused. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "condense/compact.h"
#include "condense/memory.h"
#include "condense/random.h"
#include "condense/scheme.h"

static char path[64];

static void set_up(void)
{
    strcpy(path, "/tmp/condense-compact-XXXXXX");
    close(mkstemp(path));
}

static void tear_down(void)
{
    unlink(path);
}

TestSuite(compact, .init = set_up, .fini = tear_down);

static cn_tensor *add(cn_weights *weights, const char *name, int32_t rank, const int32_t *dims)
{
    cn_tensor *tensor;
    cn_error error = {0};
    cr_assert_eq(cn_weights_add(weights, name, rank, dims, &tensor, &error), CN_OK, "%s",
                 error.message);
    return tensor;
}

static float of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A set with a bit of everything. */
static void fill(cn_weights *weights)
{
    static const uint32_t odd[] = {0x80000000, 0x7fc12345, 0xff800000, 1, 0x7f7fffff, 0, 0, 0};
    cn_tensor *t = add(weights, "a.weight", 4, (int32_t[]){3, 2, 2, 2});
    for (int i = 0; i < 24; i++)
        t->data[i] = of_bits(odd[i % 8]);
    add(weights, "scalar \"quoted\"", 0, NULL)->data[0] = -0.0f;
    t = add(weights, "b.bias", 1, (int32_t[]){5});
    t->data[4] = 1e-42f;
    add(weights, "empty", 2, (int32_t[]){9, 7});
    t = add(weights, "levels", 2, (int32_t[]){4, 5});
    for (int i = 0; i < 20; i += 2)
        t->data[i] = (float)(i - 9) * 0.125f;
    t = add(weights, "patterns", 4, (int32_t[]){9, 3, 3, 3});
    for (int i = 0; i < 243; i++)
        if (i / 9 % 2 && (i % 9 == 0 || i % 9 == 4)) t->data[i] = (float)i;
}

static uint8_t *file_bytes(size_t *size)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    cr_assert_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void check_same(const cn_weights *a, const cn_weights *b)
{
    cr_assert_eq(a->count, b->count);
    for (int32_t i = 0; i < a->count; i++) {
        const cn_tensor *x = &a->tensors[i], *y = &b->tensors[i];
        cr_assert_str_eq(x->name, y->name);
        cr_assert_eq(x->rank, y->rank);
        cr_assert_arr_eq(x->dims, y->dims, sizeof x->dims);
        cr_assert_arr_eq(x->data, y->data, (size_t)cn_tensor_count(x) * sizeof *x->data,
                         "tensor '%s' is not the same", x->name);
    }
}

/* Writes the set, reads it back, compares, and compares the file's size with the measured one. */
static cn_compact_size round_trip(const cn_weights *weights, bool entropy, cn_compact_size *tensors)
{
    cn_error error = {0};
    cn_weights again;
    cn_compact_size size;
    cr_assert_eq(cn_compact_write(path, weights, NULL, entropy, &error), CN_OK, "%s",
                 error.message);
    cr_assert_eq(cn_weights_read(path, &again, NULL, &error), CN_OK, "%s", error.message);
    check_same(weights, &again);
    cn_weights_clear(&again);
    cr_assert_eq(cn_compact_measure(weights, entropy, &size, tensors, &error), CN_OK);
    size_t bytes;
    free(file_bytes(&bytes));
    cr_assert_eq((int64_t)bytes, size.bytes);
    return size;
}

Test(compact, every_bit_comes_back_and_the_bytes_are_the_same_every_time)
{
    cn_weights weights = {0}, again;
    fill(&weights);
    for (int entropy = 0; entropy < 2; entropy++) {
        char *metadata;
        cn_error error = {0};
        round_trip(&weights, entropy, NULL);
        cr_assert_eq(cn_compact_write(path, &weights, "{ \"seed\": \"1\" }", entropy, NULL), CN_OK);
        cr_assert_eq(cn_weights_read(path, &again, &metadata, &error), CN_OK, "%s", error.message);
        cr_assert_str_eq(metadata, "{\"seed\":\"1\"}");
        cr_assert_str_eq(again.label, strrchr(path, '/') + 1);
        check_same(&weights, &again);
        size_t first_size, second_size;
        uint8_t *first = file_bytes(&first_size);
        cr_assert_eq(cn_compact_write(path, &again, metadata, entropy, NULL), CN_OK);
        uint8_t *second = file_bytes(&second_size);
        cr_assert_eq(first_size, second_size);
        cr_assert_arr_eq(first, second, first_size);
        free(first);
        free(second);
        cn_free(metadata);
        cn_weights_clear(&again);
    }
    cn_weights_clear(&weights);
    cr_assert_eq(round_trip(&weights, false, NULL).value_bytes, 0); /* a set without tensors */
}

/* As harness/measure/sizes.c counts them. */
static int64_t csr_bytes(const cn_tensor *tensor)
{
    int64_t nonzero = 0;
    for (int64_t i = 0; i < cn_tensor_count(tensor); i++)
        nonzero += tensor->data[i] != 0;
    return nonzero * 8 + ((int64_t)tensor->dims[0] + 1) * 4;
}

static const struct {
    int32_t rank, dims[4];
} shapes[] = {{4, {24, 17, 3, 3}}, {4, {19, 7, 5, 5}},  {4, {30, 21, 1, 1}},
              {4, {33, 1, 3, 3}},  {2, {45, 31, 0, 0}}, {4, {9, 3, 11, 11}}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const double densities[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.44, 0.6};
enum { DENSITIES = sizeof densities / sizeof *densities };

static cn_constraint constraint_of(int scheme, double keep)
{
    return (cn_constraint){.scheme = (cn_scheme)scheme,
                           .keep = keep,
                           .patterns = {{0x1b, 0x36, 0xd8, 0x1b0, 0xb2, 0xba & 0xb3}, 6}};
}

/* Normal values under the constraint. */
static void draw(cn_weights *weights, int shape, const cn_constraint *constraint)
{
    *weights = (cn_weights){0};
    cn_tensor *t = add(weights, "w", shapes[shape].rank, shapes[shape].dims);
    cn_random random = cn_random_seed((uint64_t)shape);
    cn_error error = {0};
    for (int64_t i = 0; i < cn_tensor_count(t); i++)
        t->data[i] = (float)cn_random_normal(&random);
    cr_assert_eq(cn_project(t, constraint, t->data, t->data, &error), CN_OK, "%s", error.message);
}

Test(compact, is_never_larger_than_compressed_sparse_rows)
{
    for (int scheme = CN_SCHEME_UNSTRUCTURED; scheme < CN_SCHEME_COUNT; scheme++)
        for (int shape = 0; shape < SHAPES; shape++)
            for (int d = 0; d < DENSITIES; d++) {
                cn_weights weights;
                cn_compact_size size;
                cn_constraint constraint = constraint_of(scheme, densities[d]);
                draw(&weights, shape, &constraint);
                round_trip(&weights, d % 4 == 3, &size);
                int64_t csr = csr_bytes(weights.tensors);
                cr_expect_leq(size.bytes, csr, "%s, density %g, shape %d: %s",
                              cn_scheme_name((cn_scheme)scheme), densities[d], shape,
                              size.encoding);
                cn_weights_clear(&weights);
            }
}

Test(compact, structure_is_found_and_its_indices_are_not_stored)
{
    static const struct {
        cn_scheme scheme;
        const char *encoding;
        int64_t most; /* bytes of indices for 24 x 17 kernels of 3 x 3 */
    } cases[] = {{CN_SCHEME_FILTER, "full, rows dropped", 3},
                 {CN_SCHEME_CHANNEL, "all rows share: kernels", 3},
                 {CN_SCHEME_COLUMN, "all rows share: weights", 20},
                 {CN_SCHEME_CONNECTIVITY, "each row: kernels", 51},
                 {CN_SCHEME_PATTERN, "each row: patterns, full", 160},
                 {CN_SCHEME_PATTERN_CONNECTIVITY, "each row: patterns", 145},
                 {CN_SCHEME_BLOCK8, "eight rows share: weights", 58},
                 {CN_SCHEME_PATTERN8, "eight rows share: patterns", 24},
                 {CN_SCHEME_BLOCK8X4, "eight rows share: patterns", 58}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cn_weights weights;
        cn_compact_size size;
        cn_constraint constraint = constraint_of((int)cases[i].scheme, 0.25);
        draw(&weights, 0, &constraint);
        round_trip(&weights, false, &size);
        cr_expect(strstr(size.encoding, cases[i].encoding), "%s: %s",
                  cn_scheme_name(cases[i].scheme), size.encoding);
        cr_expect_leq(size.index_bytes, cases[i].most, "%s: %lld", cn_scheme_name(cases[i].scheme),
                      (long long)size.index_bytes);
        cn_weights_clear(&weights);
    }
}

/* n values of b bits and nothing but scales, bases or lists beside them. */
static void check_packed(cn_levels levels, int bits, bool per_channel, bool dense)
{
    cn_constraint constraint = constraint_of(dense ? CN_SCHEME_NONE : CN_SCHEME_UNSTRUCTURED, 0.2);
    constraint.levels = levels;
    constraint.bits = bits;
    constraint.per_channel = per_channel;
    cn_weights weights;
    cn_compact_size plain, coded;
    draw(&weights, 0, &constraint);
    round_trip(&weights, false, &plain);
    round_trip(&weights, true, &coded);
    int64_t count = 24 * 17 * 9, values = dense ? count : count / 5, parts = per_channel ? 24 : 1;
    int64_t part = levels == CN_LEVELS_CODEBOOK ? 1 + 4 * ((int64_t)1 << bits) : 8;
    int64_t most = (values * bits + 7) / 8 + parts * part + 4;
    if (most > 4 * values) most = 4 * values;
    cr_expect_leq(plain.value_bytes, most, "%s, %d bits: %s", cn_levels_name(levels), bits,
                  plain.encoding);
    cr_expect_leq(coded.bytes, plain.bytes);
    cn_weights_clear(&weights);
}

Test(compact, few_different_values_are_packed)
{
    static const int bits[] = {1, 2, 3, 5, 8};
    for (int levels = CN_LEVELS_LINEAR; levels < CN_LEVELS_COUNT; levels++)
        for (int i = 0; i < 5; i++)
            for (int setting = 0; setting < 4; setting++)
                check_packed((cn_levels)levels, bits[i], setting & 1, setting & 2);
}

Test(compact, zeros_within_a_shared_mask_are_kept)
{
    cn_constraint constraint = constraint_of(CN_SCHEME_BLOCK8, 0.3);
    constraint.levels = CN_LEVELS_LINEAR;
    constraint.bits = 2;
    cn_weights weights;
    cn_compact_size size;
    draw(&weights, 0, &constraint);
    for (int64_t i = 0, zeroed = 0; zeroed < 5; i++)
        if (weights.tensors[0].data[i] != 0) weights.tensors[0].data[i] = 0, zeroed++;
    round_trip(&weights, false, &size);
    cr_expect(strstr(size.encoding, "eight rows share"), "%s", size.encoding);
    cn_weights_clear(&weights);
}

Test(compact, a_file_cut_off_at_any_byte_is_refused)
{
    cn_weights weights = {0}, cut;
    fill(&weights);
    cr_assert_eq(cn_compact_write(path, &weights, "{\"seed\":\"1\"}", true, NULL), CN_OK);
    size_t size;
    uint8_t *bytes = file_bytes(&size);
    for (size_t length = 0; length < size; length++) {
        uint8_t *copy = malloc(length); /* its own block: a read beyond it is noticed */
        memcpy(copy, bytes, length);
        cn_error error = {0};
        char *metadata;
        cr_assert_neq(cn_compact_parse(copy, length, "cut", &cut, &metadata, &error), CN_OK,
                      "%zu of %zu bytes were taken for a whole file", length, size);
        cr_assert(strstr(error.message, "cut: byte "), "%s", error.message);
        cr_assert_eq(cut.count, 0);
        cr_assert_null(metadata);
        free(copy);
    }
    free(bytes);
    cn_weights_clear(&weights);
}

Test(compact, a_flipped_bit_is_refused)
{
    cn_weights weights = {0}, flipped;
    fill(&weights);
    cr_assert_eq(cn_compact_write(path, &weights, "{\"seed\":\"1\"}", false, NULL), CN_OK);
    size_t size;
    uint8_t *bytes = file_bytes(&size);
    int named = 0;
    for (size_t bit = 0; bit < size * 8; bit++) {
        cn_error error = {0};
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_neq(cn_compact_parse(bytes, size, "flipped", &flipped, NULL, &error), CN_OK,
                      "bit %zu", bit);
        if (strstr(error.message, "checksum of tensor 5 ('patterns')")) named++;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_assert_gt(named, 100);
    free(bytes);
    cn_weights_clear(&weights);
}

/* Where the record that begins with its length at `at` has its checksum; corrects it. */
static size_t seal(uint8_t *bytes, size_t at)
{
    size_t length = bytes[at] & 127;
    if (bytes[at++] & 128) length |= (size_t)bytes[at++] << 7;
    uint32_t checksum = (uint32_t)crc32(0, bytes + at, (uInt)length);
    for (int i = 0; i < 4; i++)
        bytes[at + length + (size_t)i] = (uint8_t)(checksum >> 8 * i);
    return at + length + 4;
}

/* Records whose checksum fits say what they like. */
Test(compact, a_record_that_lies_never_crashes)
{
    enum { START = 5 + 1 + 1 + 4 };
    for (int which = 0; which < 2; which++) {
        cn_weights weights = {0}, read;
        fill(&weights);
        cr_assert_eq(cn_compact_write(path, &weights, NULL, which, NULL), CN_OK);
        size_t size, refused = 0;
        uint8_t *bytes = file_bytes(&size), *copy = malloc(size);
        for (size_t at = START, next; at < size; at = next) {
            next = seal(bytes, at);
            for (size_t byte = at + 2; byte < next - 4; byte++)
                for (int value = 0; value < 256; value += byte < at + 24 ? 1 : 5) {
                    memcpy(copy, bytes, size);
                    copy[byte] = (uint8_t)value;
                    seal(copy, at);
                    cn_error error = {0};
                    if (cn_compact_parse(copy, size, "lie", &read, NULL, &error)) {
                        cr_assert(strstr(error.message, "lie: byte "), "%s", error.message);
                        refused++;
                    }
                    cn_weights_clear(&read);
                }
        }
        cr_assert_gt(refused, 1000);
        free(bytes);
        free(copy);
        cn_weights_clear(&weights);
    }
}

Test(compact, other_files_and_versions_are_refused)
{
    static const struct {
        uint8_t bytes[12];
        size_t size;
        const char *word;
    } cases[] = {{{0x89, 'C', 'N', 'Z', 2, 0, 0}, 7, "version 2"},
                 {{0x89, 'C', 'N', 'X', 1, 0, 0}, 7, "not a compact container"},
                 {{0x89, 'C', 'N', 'Z', 1, 0x85, 1}, 7, "metadata"},
                 {{0x89, 'C', 'N', 'Z', 1, 0, 0, 0, 0, 0, 0}, 11, "checksum"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cn_weights weights;
        cn_error error = {0};
        cr_assert_neq(cn_compact_parse(cases[i].bytes, cases[i].size, "f", &weights, NULL, &error),
                      CN_OK);
        cr_assert(strstr(error.message, cases[i].word), "%s", error.message);
    }
}

Test(compact, a_failed_write_leaves_nothing)
{
    cn_weights weights = {0};
    fill(&weights);
    cn_error error;
    cr_assert_eq(cn_compact_write("/nonexistent/folder/w", &weights, NULL, false, &error), CN_EIO);
    cr_assert(strstr(error.message, "/nonexistent/folder/w"));
    cr_assert_eq(cn_compact_write(path, &weights, "not json", false, &error), CN_EINVAL);
    size_t size;
    free(file_bytes(&size));
    cr_assert_eq(size, 0); /* the file that was there is as it was */
    cn_weights_clear(&weights);
}
