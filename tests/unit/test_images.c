/* Tables of labels, JPEG and PNG pictures, folders of them. */
#include <criterion/criterion.h>
#include <jpeglib.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "condense/memory.h"
#include "data/decode.h"
#include "data/pictures.h"

static cn_status table(const char *text, st_pictures *pictures, cn_error *error)
{
    return st_labels_parse(pictures, (const uint8_t *)text, strlen(text), "labels.csv", "folder",
                           10, error);
}

Test(labels, columns_are_found_by_name_in_any_order_and_quoting)
{
    st_pictures pictures;
    cn_error error = {0};
    const char *text = "\xef\xbb\xbfname,class,file\r\n\"one, \"\"two\"\"\",3,\"a,b.png\"\r\n\r\n"
                       "x,9,sub/c..d.jpg";
    cr_assert_eq(table(text, &pictures, &error), CN_OK, "%s", error.message);
    cr_expect_eq(pictures.count, 2);
    cr_expect_str_eq(pictures.files[0], "folder/a,b.png");
    cr_expect_str_eq(pictures.files[1], "folder/sub/c..d.jpg");
    cr_expect_eq(pictures.labels[0], 3);
    cr_expect_eq(pictures.labels[1], 9);
    st_pictures_clear(&pictures);
}

Test(labels, errors_name_row_and_column)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "row 1: there are no pictures"},
        {"file,class\n", "row 2: there are no pictures"},
        {"file,label\na,1\n", "row 1: the header must have"},
        {"file,class\na.png,10\n", "row 2, column 2: '10' is not a class"},
        {"file,class\n\n\na.png,-1\n", "row 4, column 2: '-1' is not a class"},
        {"file,class\r\n\r\na.png,1.5\r\n", "row 3, column 2: '1.5' is not a class"},
        {"file,class\na.png,\n", "row 2, column 2: '' is not a class"},
        {"file,class\na.png,99999999999999999999999\n", "row 2, column 2"},
        {"file,class\na.png\n", "row 2: 1 columns; column 2 (class) is missing"},
        {"class,file\n1\n", "row 2: 1 columns; column 2 (file) is missing"},
        {"file,class\n../a.png,1\n", "row 2, column 1: '../a.png' is not the name of a file"},
        {"file,class\na/../../b,1\n", "row 2, column 1"},
        {"file,class\n/etc/passwd,1\n", "row 2, column 1"},
        {"file,class\n,1\n", "row 2, column 1"},
        {"file,class\na\"b,1\n", "row 2, column 1"},
        {"file,class\n\"a.png,1\n", "row 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        st_pictures pictures;
        cn_error error = {0};
        cr_expect_eq(table(cases[i].text, &pictures, &error), CN_EFORMAT, "case %zu", i);
        cr_expect(strstr(error.message, cases[i].message), "case %zu: %s", i, error.message);
        cr_expect_null(pictures.files);
    }
}

/* A JPEG of `width` x 16 whose left half is `left` and right half `right`, at best quality. */
static uint8_t *make_jpeg(int width, int components, J_COLOR_SPACE space, const uint8_t *left,
                          const uint8_t *right, size_t *size)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    uint8_t *bytes = NULL;
    unsigned long length = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &length);
    jpeg.image_width = (unsigned)width;
    jpeg.image_height = 16;
    jpeg.input_components = components;
    jpeg.in_color_space = space;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    uint8_t row[64 * 4];
    for (int x = 0; x < width; x++)
        memcpy(row + x * components, x < width / 2 ? left : right, (size_t)components);
    JSAMPROW rows[] = {row};
    while (jpeg.next_scanline < jpeg.image_height)
        jpeg_write_scanlines(&jpeg, rows, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    *size = length;
    return bytes;
}

static void expect_pixel(const st_image *image, int32_t x, int32_t y, int red, int green, int blue)
{
    const uint8_t *pixel = image->pixels + (y * image->width + x) * 3;
    cr_expect(abs(pixel[0] - red) <= 2 && abs(pixel[1] - green) <= 2 && abs(pixel[2] - blue) <= 2,
              "pixel %d, %d is %d %d %d", x, y, pixel[0], pixel[1], pixel[2]);
}

Test(jpeg, colour_grey_and_cmyk_become_what_they_show)
{
    size_t size;
    st_image image;
    uint8_t *bytes =
        make_jpeg(32, 3, JCS_RGB, (uint8_t[]){200, 30, 90}, (uint8_t[]){10, 220, 40}, &size);
    cr_assert_eq(st_image_decode(bytes, size, &image, NULL), CN_OK);
    cr_expect_eq(image.width, 32);
    cr_expect_eq(image.height, 16);
    cr_expect_eq(image.channels, 3);
    expect_pixel(&image, 2, 3, 200, 30, 90);
    expect_pixel(&image, 30, 13, 10, 220, 40);
    st_image_clear(&image);
    free(bytes);

    bytes = make_jpeg(32, 1, JCS_GRAYSCALE, (uint8_t[]){77}, (uint8_t[]){99}, &size);
    cr_assert_eq(st_image_decode(bytes, size, &image, NULL), CN_OK);
    cr_expect_eq(image.channels, 1);
    cr_expect(abs(image.pixels[0] - 77) <= 1 && abs(image.pixels[31] - 99) <= 1);
    st_image_clear(&image);
    free(bytes);

    /* libjpeg writes Adobe's marker for CMYK, whose values are inverted: 255 is no ink. */
    bytes = make_jpeg(32, 4, JCS_CMYK, (uint8_t[]){255, 0, 255, 255},
                      (uint8_t[]){255, 255, 255, 100}, &size);
    cr_assert_eq(st_image_decode(bytes, size, &image, NULL), CN_OK);
    expect_pixel(&image, 2, 3, 255, 0, 255);
    expect_pixel(&image, 30, 13, 100, 100, 100);
    st_image_clear(&image);
    free(bytes);
}

Test(jpeg, a_picture_cut_off_is_refused)
{
    size_t size;
    uint8_t *bytes =
        make_jpeg(32, 3, JCS_RGB, (uint8_t[]){200, 30, 90}, (uint8_t[]){10, 220, 40}, &size);
    for (size_t length = 0; length + 2 < size; length++) { /* the end marker itself may lack */
        uint8_t *cut = malloc(length);
        memcpy(cut, bytes, length);
        st_image image;
        cn_error error = {0};
        cr_expect_eq(st_image_decode(cut, length, &image, &error), CN_EFORMAT, "%zu of %zu", length,
                     size);
        cr_expect_null(image.pixels);
        free(cut);
    }
    free(bytes);
}

/* A PNG of 3 x 2 in `format`, from `pixels`. */
static uint8_t *make_png(png_uint_32 format, const void *pixels, size_t *size)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .width = 3, .height = 2, .format = format};
    png_alloc_size_t length = 4096;
    uint8_t *bytes = malloc(length);
    cr_assert(png_image_write_to_memory(&image, bytes, &length, 0, pixels, 0, NULL));
    *size = length;
    return bytes;
}

Test(png, colour_grey_and_transparency)
{
    size_t size;
    st_image image;
    static const uint8_t colour[18] = {1,  2,  3,  4,  5,  6,  7,  8,  9,
                                       10, 11, 12, 13, 14, 15, 16, 17, 18};
    uint8_t *bytes = make_png(PNG_FORMAT_RGB, colour, &size);
    cr_assert_eq(st_image_decode(bytes, size, &image, NULL), CN_OK);
    cr_expect_eq(image.width, 3);
    cr_expect_eq(image.height, 2);
    cr_expect_arr_eq(image.pixels, colour, sizeof colour);
    st_image_clear(&image);
    for (size_t length = 0; length < size; length++) {
        uint8_t *cut = malloc(length);
        memcpy(cut, bytes, length);
        cr_expect_eq(st_image_decode(cut, length, &image, NULL), CN_EFORMAT);
        free(cut);
    }
    free(bytes);

    static const uint8_t clear[24] = {1, 2, 3, 0, 4, 5, 6, 99, 7, 8, 9, 255};
    bytes = make_png(PNG_FORMAT_RGBA, clear, &size);
    cr_assert_eq(st_image_decode(bytes, size, &image, NULL), CN_OK);
    cr_expect_eq(image.channels, 3);
    cr_expect_arr_eq(image.pixels, colour, 9);
    st_image_clear(&image);
    free(bytes);

    bytes = make_png(PNG_FORMAT_GRAY, colour, &size);
    cr_assert_eq(st_image_decode(bytes, size, &image, NULL), CN_OK);
    cr_expect_eq(image.channels, 1);
    cr_expect_arr_eq(image.pixels, colour, 6);
    st_image_clear(&image);
    free(bytes);
}

Test(image, other_files_are_named)
{
    char path[] = "/tmp/condense-test-XXXXXX";
    int file = mkstemp(path);
    cr_assert_eq(write(file, "GIF89a", 6), 6);
    close(file);
    st_image image;
    cn_error error;
    cr_expect_eq(st_image_read(path, &image, &error), CN_EFORMAT);
    cr_expect(strstr(error.message, path) && strstr(error.message, "neither"), "%s", error.message);
    unlink(path);
    cr_expect_eq(st_image_read(path, &image, &error), CN_ENOTFOUND);
}

Test(image, sizes_beyond_the_limits_are_refused_before_they_are_allocated)
{
    st_image image;
    cr_expect_eq(st_image_new(&image, 0, 5, 3, NULL), CN_EFORMAT);
    cr_expect_eq(st_image_new(&image, ST_IMAGE_SIDE_MAX + 1, 1, 3, NULL), CN_EFORMAT);
    cr_expect_eq(st_image_new(&image, ST_IMAGE_SIDE_MAX, ST_IMAGE_SIDE_MAX, 3, NULL), CN_EFORMAT);
}
