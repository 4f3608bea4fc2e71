/* IDX and CIFAR-10 files: whole ones are read, others are refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "data/pictures.h"

/* Two pictures of 2 x 3, and their labels. */
static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2,  0,  0,
                                 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 9, 4};

static cn_status parse(const uint8_t *image_bytes, size_t image_size, const uint8_t *label_bytes,
                       size_t label_size, cn_error *error)
{
    st_pictures pictures;
    cn_status status = st_idx_parse(&pictures, image_bytes, image_size, "images", label_bytes,
                                    label_size, "labels", 10, error);
    st_pictures_clear(&pictures);
    return status;
}

Test(idx, pixels_and_labels_are_where_they_belong)
{
    st_pictures pictures;
    cr_assert_eq(st_idx_parse(&pictures, images, sizeof images, "images", labels, sizeof labels,
                              "labels", 10, NULL),
                 CN_OK);
    cr_expect_eq(pictures.count, 2);
    cr_expect_eq(pictures.height, 2);
    cr_expect_eq(pictures.width, 3);
    cr_expect_eq(pictures.channels, 1);
    cr_expect_arr_eq(pictures.pixels, images + 16, 12);
    cr_expect_eq(pictures.labels[0], 9);
    cr_expect_eq(pictures.labels[1], 4);
    st_pictures_clear(&pictures);
}

Test(idx, a_file_cut_off_at_any_byte_is_refused)
{
    for (size_t size = 0; size < sizeof images; size++) {
        uint8_t *cut = malloc(size);
        memcpy(cut, images, size);
        cn_error error = {0};
        cr_expect_eq(parse(cut, size, labels, sizeof labels, &error), CN_EFORMAT);
        cr_expect(strstr(error.message, "images: byte"), "%s", error.message);
        free(cut);
    }
    for (size_t size = 0; size < sizeof labels; size++) {
        uint8_t *cut = malloc(size);
        memcpy(cut, labels, size);
        cr_expect_eq(parse(images, sizeof images, cut, size, NULL), CN_EFORMAT);
        free(cut);
    }
}

Test(idx, headers_that_lie_are_refused)
{
    static const struct {
        size_t at;
        uint8_t byte;
    } lies[] = {{0, 1}, {2, 9}, {3, 1}, {7, 0}, {7, 3}, {4, 0x80}, {4, 0x7f}, {8, 0xff}, {12, 1}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        uint8_t copy[sizeof images];
        memcpy(copy, images, sizeof images);
        copy[lies[i].at] = lies[i].byte;
        cr_expect_eq(parse(copy, sizeof copy, labels, sizeof labels, NULL), CN_EFORMAT, "lie %zu",
                     i);
    }
    uint8_t copy[sizeof labels];
    cn_error error;
    memcpy(copy, labels, sizeof labels);
    copy[9] = 10;
    cr_expect_eq(parse(images, sizeof images, copy, sizeof copy, &error), CN_EFORMAT);
    cr_expect_str_eq(error.message, "labels: byte 9: class 10, but there are 10 classes");
}

enum { RECORD = 3073 };

Test(cifar, planes_become_pixels_and_batches_follow_each_other)
{
    uint8_t *bytes = calloc(2, RECORD);
    bytes[0] = 3;
    bytes[1 + 33] = 10;        /* red of row 1, column 1 */
    bytes[1 + 1024 + 33] = 20; /* green */
    bytes[1 + 2048 + 33] = 30; /* blue */
    bytes[RECORD] = 7;
    st_pictures pictures = {0};
    cr_assert_eq(st_cifar_append(&pictures, bytes, RECORD, "one", 10, NULL), CN_OK);
    cr_assert_eq(st_cifar_append(&pictures, bytes, 2 * RECORD, "two", 10, NULL), CN_OK);
    cr_expect_eq(pictures.count, 3);
    static const int32_t classes[] = {3, 3, 7};
    cr_expect_arr_eq(pictures.labels, classes, sizeof classes);
    static const uint8_t pixel[] = {10, 20, 30};
    cr_expect_arr_eq(pictures.pixels + 33 * 3, pixel, 3);
    cr_expect_arr_eq(pictures.pixels + 3072 + 33 * 3, pixel, 3);

    cn_error error;
    cr_expect_eq(st_cifar_append(&pictures, bytes, RECORD + 1, "odd", 10, &error), CN_EFORMAT);
    cr_expect(strstr(error.message, "whole number"));
    cr_expect_eq(st_cifar_append(&pictures, bytes, 0, "empty", 10, NULL), CN_EFORMAT);
    bytes[RECORD] = 10;
    cr_expect_eq(st_cifar_append(&pictures, bytes, 2 * RECORD, "bad", 10, &error), CN_EFORMAT);
    cr_expect_str_eq(error.message, "bad: byte 3073: class 10, but there are 10 classes");
    st_pictures_clear(&pictures);
    free(bytes);
}
