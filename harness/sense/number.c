/* One number from one small file of the kernel, a thousand times a second. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sense/source.h"

int st_sense_number(const char *path, int64_t *value)
{
    char text[64], *end;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return errno;
    ssize_t size = read(file, text, sizeof text - 1);
    int error = size < 0 ? errno : 0;
    close(file);
    if (error) return error;
    text[size] = '\0';
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || (*end && *end != '\n')) return EINVAL;
    *value = number;
    return 0;
}
