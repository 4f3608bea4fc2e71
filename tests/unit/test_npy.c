/* .npy files: what is written is read back; nothing malformed is believed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "condense/memory.h"
#include "data/npy.h"

static const float values[6] = {1, -2, 3.5f, 0, 1e-30f, 6};
static const int64_t dims[] = {2, 1, 3};

static long file_of(const char *path, char bytes[512])
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file);
    long size = (long)fread(bytes, 1, 512, file);
    fclose(file);
    return size;
}

static long written(char bytes[512])
{
    char path[] = "/tmp/condense-npy-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    cr_assert_eq(st_npy_write(path, 3, dims, values, NULL), CN_OK);
    st_npy array;
    cr_assert_eq(st_npy_read(path, &array, NULL), CN_OK);
    cr_assert_eq(array.rank, 3);
    cr_assert_eq(array.count, 6);
    cr_assert_arr_eq(array.dims, dims, sizeof dims);
    cr_assert_arr_eq(array.data, values, sizeof values);
    cn_free(array.data);
    long size = file_of(path, bytes);
    unlink(path);
    return size;
}

Test(npy, comes_back_as_written)
{
    char bytes[512];
    long size = written(bytes);
    cr_assert_eq((size - (long)sizeof values) % 64, 0, "values start at a multiple of 64");
}

Test(npy, every_truncation_is_refused)
{
    char bytes[512];
    long size = written(bytes);
    for (long n = 0; n < size; n++) {
        st_npy array;
        cn_error error = {0};
        char *exact = cn_calloc((size_t)n, 1); /* so that a read past the end is seen */
        memcpy(exact, bytes, (size_t)n);
        cr_assert_eq(st_npy_parse(exact, n, "t.npy", &array, &error), CN_EFORMAT, "%ld bytes", n);
        cr_assert(strstr(error.message, "t.npy"));
        cn_free(exact);
    }
}

Test(npy, every_changed_byte_is_refused_or_read)
{
    char bytes[512];
    long size = written(bytes);
    for (long n = 0; n < size - (long)sizeof values; n++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[n] = (char)(bytes[n] ^ (1 << bit));
            st_npy array;
            cn_status status = st_npy_parse(bytes, size, "t.npy", &array, NULL);
            if (!status) {
                cr_assert_eq(array.count, 6);
                cn_free(array.data);
            }
            bytes[n] = (char)(bytes[n] ^ (1 << bit));
        }
}
