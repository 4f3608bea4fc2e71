#include "env/sysfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "condense/memory.h"

enum { LARGEST = 1 << 20, STEP = 4096 };

static char *full_path(const char *root, const char *path)
{
    size_t length = strlen(root);
    while (length > 0 && root[length - 1] == '/')
        length--;
    return cn_sprintf("%.*s%s", (int)length, root, path);
}

static int open_under(const char *root, const char *path, int flags)
{
    char *name = full_path(root, path);
    if (!name) {
        errno = ENOMEM;
        return -1;
    }
    /* Not blocking: a pipe in place of a file must not stop the program. */
    int file = open(name, flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int error = errno;
    cn_free(name);
    errno = error;
    return file;
}

/* Everything in `file`, in chunks: the kernel's files do not know their size. */
static char *read_all(int file, size_t *size)
{
    char *text = cn_calloc(STEP, 1);
    size_t room = STEP;
    *size = 0;
    while (text) {
        ssize_t got = read(file, text + *size, room - 1 - *size);
        if (got == 0) return text;
        if (got < 0) break;
        *size += (size_t)got;
        if (*size + 1 < room) continue;
        if (room >= LARGEST) return text;
        char *more = cn_recalloc(text, room, 2 * room, 1);
        if (!more) break;
        text = more;
        room *= 2;
    }
    int error = text ? errno : ENOMEM;
    cn_free(text);
    errno = error;
    return NULL;
}

char *st_sysfs_read(const char *root, const char *path)
{
    int file = open_under(root, path, 0);
    if (file < 0) return NULL;
    size_t size;
    char *text = read_all(file, &size);
    int error = errno;
    close(file);
    errno = error;
    if (!text) return NULL;
    /* Device-tree texts end with a zero byte, command lines have them between words. */
    for (size_t i = 0; i < size; i++)
        if (text[i] == '\0') text[i] = ' ';
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        text[--size] = '\0';
    return text;
}

char *st_sysfs_field(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        if (strncmp(line, key, length) != 0) continue;
        const char *value = line + length;
        if (!*value || !strchr(":= \t", *value)) continue;
        value += strspn(value, ":= \t");
        return cn_sprintf("%.*s", (int)strcspn(value, "\n"), value);
    }
    return NULL;
}

bool st_sysfs_number(const char *root, const char *path, int64_t *value)
{
    char *text = st_sysfs_read(root, path), *end;
    if (!text) return false;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool good = errno == 0 && end != text && *end == '\0';
    cn_free(text);
    if (!good) {
        errno = EINVAL;
        return false;
    }
    *value = number;
    return true;
}

bool st_sysfs_exists(const char *root, const char *path)
{
    char *name = full_path(root, path);
    bool there = name && access(name, F_OK) == 0;
    cn_free(name);
    return there;
}

/* "cpu2" before "cpu10". */
static int in_numeric_order(const void *left, const void *right)
{
    return strverscmp(*(char *const *)left, *(char *const *)right);
}

/* Adds a name to a list in which the block of each name is its own. */
static bool add_name(char ***list, size_t *count, const char *name)
{
    char **more = cn_recalloc(*list, *count, *count + 1, sizeof *more);
    if (more) *list = more;
    char *copy = more ? cn_strdup(name) : NULL;
    if (!copy) return false;
    (*list)[(*count)++] = copy;
    return true;
}

/* One block that holds the pointers and then the texts; frees the list. */
static char **pack(char **list, size_t count)
{
    size_t bytes = count * sizeof *list;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(list[i]) + 1;
    char **packed = cn_calloc(bytes, 1);
    char *at = packed ? (char *)(packed + count) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (packed) {
            packed[i] = strcpy(at, list[i]);
            at += strlen(at) + 1;
        }
        cn_free(list[i]);
    }
    cn_free(list);
    return packed;
}

size_t st_sysfs_list(const char *root, const char *path, const char *prefix, char ***names)
{
    *names = NULL;
    int folder = open_under(root, path, O_DIRECTORY);
    if (folder < 0) return 0;
    DIR *entries = fdopendir(folder);
    if (!entries) {
        close(folder);
        return 0;
    }
    char **list = cn_calloc(0, sizeof *list);
    size_t count = 0;
    bool good = list != NULL;
    for (struct dirent *entry; good && (entry = readdir(entries));) {
        if (entry->d_name[0] == '.' || strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        good = add_name(&list, &count, entry->d_name);
    }
    closedir(entries);
    if (count > 0) {
        qsort(list, count, sizeof *list, in_numeric_order);
        *names = pack(list, count);
    } else {
        cn_free(list);
    }
    return *names ? count : 0;
}
