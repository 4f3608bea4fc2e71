/* Small text files of the kernel (/sys, /proc), under a root that tests replace by a fake tree. */
#ifndef HARNESS_ENV_SYSFS_H
#define HARNESS_ENV_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Contents of root + path (path begins with "/"), trailing white space cut, zero bytes turned into
 * spaces; at most 1 MiB. A new string for cn_free; NULL with errno set where it cannot be read. */
char *st_sysfs_read(const char *root, const char *path);

/* The first word after "key" and any of ":= \t" on the first line that begins with `key`, to the
 * end of that line. A new string for cn_free; NULL where there is no such line. */
char *st_sysfs_field(const char *text, const char *key);

/* A whole number that fills the file; false (errno EINVAL where it is something else). */
bool st_sysfs_number(const char *root, const char *path, int64_t *value);

bool st_sysfs_exists(const char *root, const char *path);

/* Names in the folder root + path that begin with `prefix`, sorted with numbers in numeric order.
 * *names is one block for cn_free, NULL where there are none. Returns how many. */
size_t st_sysfs_list(const char *root, const char *path, const char *prefix, char ***names);

#endif
