/* Data sets: splits that are disjoint, stable and whole; preprocessing. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"
#include "data/dataset.h"
#include "data/image.h"

static const cn_preprocess plain = {.std = {1, 1, 1}};
static const cn_shape grey28 = {1, 28, 28};

static st_dataset *open_fashion(st_split split)
{
    st_dataset *dataset;
    cn_error error = {0};
    cn_status status = st_dataset_open(&dataset, "fashion-mnist", split, &plain, grey28, &error);
    if (status == CN_ENOTFOUND) cr_skip_test("%s", error.message);
    cr_assert_eq(status, CN_OK, "%s", error.message);
    return dataset;
}

/* Adds the bytes of every picture of the split to a sum, a cheap identity of the whole set. */
static void add_up(const st_dataset *dataset, double *sum, int32_t classes[10])
{
    float image[28 * 28];
    for (int32_t i = 0; i < st_dataset_count(dataset); i++) {
        int32_t label;
        cr_assert_eq(st_dataset_get(dataset, i, image, &label, NULL), CN_OK);
        classes[label]++;
        for (int k = 0; k < 28 * 28; k++)
            *sum += (double)image[k];
    }
}

Test(dataset, training_and_calibration_are_the_training_files_once_each)
{
    st_dataset *train = open_fashion(ST_SPLIT_TRAIN);
    st_dataset *calibration = open_fashion(ST_SPLIT_CALIBRATION);
    cr_assert_eq(st_dataset_count(train), 59000);
    cr_assert_eq(st_dataset_count(calibration), 1000);
    cr_assert_eq(st_dataset_classes(train), 10);
    double sum = 0;
    int32_t classes[10] = {0};
    add_up(train, &sum, classes);
    add_up(calibration, &sum, classes);
    for (int c = 0; c < 10; c++)
        cr_assert_eq(classes[c],
                     6000); /* as published: a picture drawn twice would unbalance them */
    cr_assert_float_eq(sum / (60000.0 * 28 * 28) / 255, 0.2860, 0.0001); /* the published mean */
    st_dataset_free(train);
    st_dataset_free(calibration);
}

Test(dataset, hash_names_the_split_and_does_not_change)
{
    char first[3][65];
    for (int round = 0; round < 2; round++)
        for (int split = 0; split < ST_SPLIT_COUNT; split++) {
            st_dataset *dataset = open_fashion((st_split)split);
            cr_assert_eq(strlen(st_dataset_hash(dataset)), 64);
            if (round) cr_assert_str_eq(st_dataset_hash(dataset), first[split]);
            strcpy(first[split], st_dataset_hash(dataset));
            st_dataset_free(dataset);
        }
    cr_assert_str_neq(first[0], first[1]);
    cr_assert_str_neq(first[0], first[2]);
    cr_assert_str_neq(first[1], first[2]);
}

Test(dataset, unknown_name_lists_the_known_ones)
{
    st_dataset *dataset;
    cn_error error;
    cr_assert_eq(st_dataset_open(&dataset, "fashion", ST_SPLIT_TEST, &plain, grey28, &error),
                 CN_EINVAL);
    cr_assert(strstr(error.message, "fashion-mnist"), "%s", error.message);
}

Test(dataset, index_out_of_range_is_refused)
{
    st_dataset *dataset = open_fashion(ST_SPLIT_TEST);
    float image[28 * 28];
    int32_t label;
    cr_assert_eq(st_dataset_get(dataset, 10000, image, &label, NULL), CN_EINVAL);
    cr_assert_eq(st_dataset_get(dataset, -1, image, &label, NULL), CN_EINVAL);
    st_dataset_free(dataset);
}

/* A picture whose red, green and blue are the column, the row and 7. */
static st_image ramp(int32_t width, int32_t height)
{
    st_image image;
    cr_assert_eq(st_image_new(&image, width, height, 3, NULL), CN_OK);
    for (int32_t i = 0; i < width * height; i++) {
        image.pixels[3 * i] = (uint8_t)(i % width);
        image.pixels[3 * i + 1] = (uint8_t)(i / width);
        image.pixels[3 * i + 2] = 7;
    }
    return image;
}

Test(prepare, crop_takes_the_centre_in_the_order_of_channels_asked_for)
{
    st_image image = ramp(10, 8);
    cn_preprocess how = {.crop = 4, .bgr = true, .mean = {1, 2, 3}, .std = {2, 1, 1}};
    st_prepare prepare;
    cr_assert_eq(st_prepare_init(&prepare, &how, (cn_shape){3, 4, 4}, false, NULL), CN_OK);
    float out[3 * 16];
    cr_assert_eq(st_prepare_run(&prepare, &image, out, NULL), CN_OK);
    cr_assert_float_eq(out[0], (7 - 1) / 2.0f, 1e-6); /* blue */
    cr_assert_float_eq(out[16 + 4], 3 - 2, 1e-6);     /* green: row 1 of the crop is row 3 */
    cr_assert_float_eq(out[32 + 1], 4 - 3, 1e-6);     /* red: column 1 is column 4 */
    st_image_clear(&image);
}

Test(prepare, crop_beyond_the_picture_is_black_around)
{
    st_image image = ramp(4, 4);
    cn_preprocess how = {.crop = 8, .std = {1, 1, 1}};
    st_prepare prepare;
    cr_assert_eq(st_prepare_init(&prepare, &how, (cn_shape){3, 8, 8}, false, NULL), CN_OK);
    float out[3 * 64];
    cr_assert_eq(st_prepare_run(&prepare, &image, out, NULL), CN_OK);
    const float *blue = out + 128;
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            cr_assert_eq(blue[8 * y + x], y >= 2 && y < 6 && x >= 2 && x < 6 ? 7 : 0);
    st_image_clear(&image);
}

Test(prepare, shorter_side_keeps_the_proportions)
{
    st_image image = ramp(40, 20), resized;
    cr_assert_eq(st_image_resize(&image, 20, 10, &resized, NULL), CN_OK);
    cr_assert_eq(resized.width, 20);
    /* Halving a ramp with the widened triangle: away from the border the mean of its neighbourhood.
     */
    for (int x = 2; x < 18; x++)
        cr_assert_float_eq(resized.pixels[3 * (20 * 5 + x)], 2 * x + 0.5, 0.51);
    for (int i = 0; i < 200; i++)
        cr_assert_eq(resized.pixels[3 * i + 2], 7); /* weights add up to one everywhere */
    st_image_clear(&image);
    st_image_clear(&resized);
}

Test(prepare, deviation_of_zero_is_refused)
{
    cn_preprocess how = {.std = {1, 0, 1}};
    st_prepare prepare;
    cn_error error;
    cr_assert_eq(st_prepare_init(&prepare, &how, (cn_shape){3, 4, 4}, false, &error), CN_EINVAL);
    cr_assert(strstr(error.message, "std"));
}

Test(prepare, a_prepared_square_is_cropped_or_for_squashing_models_resized_whole)
{
    st_image image = ramp(12, 12);
    cn_preprocess how = {.resize = 16, .crop = 8, .std = {1, 1, 1}};
    st_prepare prepare;
    float out[3 * 64];
    cr_assert_eq(st_prepare_init(&prepare, &how, (cn_shape){3, 8, 8}, true, NULL), CN_OK);
    cr_assert_eq(st_prepare_run(&prepare, &image, out, NULL), CN_OK);
    cr_expect_eq(out[0], 2); /* the crop begins at column 2, whatever `resize` says */
    cr_expect_eq(out[7], 9);
    prepare.how.squash = true;
    cr_assert_eq(st_prepare_run(&prepare, &image, out, NULL), CN_OK);
    cr_expect(out[0] < 1.5f && out[7] > 9.5f, "%g %g", (double)out[0], (double)out[7]);
    st_image_clear(&image);
}

Test(dataset, imagenet_is_the_first_of_its_sets_that_is_at_hand)
{
    st_dataset *dataset;
    cn_error error = {0};
    cn_preprocess how = {.resize = 256, .crop = 224, .std = {1, 1, 1}};
    cn_shape input = {3, 224, 224};
    cn_status status = st_dataset_open(&dataset, "imagenet", ST_SPLIT_TEST, &how, input, &error);
    if (status == CN_ENOTFOUND) cr_skip_test("%s", error.message);
    cr_assert_eq(status, CN_OK, "%s", error.message);
    cr_expect_eq(st_dataset_classes(dataset), 1000);
    cr_expect_str_neq(st_dataset_name(dataset), "imagenet");
    float *image = cn_calloc(3 * 224 * 224, sizeof *image);
    int32_t label;
    cr_expect_eq(st_dataset_get(dataset, 0, image, &label, &error), CN_OK, "%s", error.message);
    cr_expect_eq(label, 65); /* ILSVRC2012_val_00000001 is a sea snake in every list */
    cn_free(image);
    st_dataset_free(dataset);
}
