/* The cache of verified checksums (file.h). */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "data/file.h"

/* "PATH SIZE TIME": a new string, NULL where the file is not there or its name holds a line end. */
static char *state_of(const char *path)
{
    struct stat about;
    char full[PATH_MAX];
    if (stat(path, &about) || !realpath(path, full) || strpbrk(full, "\t\n")) return NULL;
    return cn_sprintf("%s %" PRId64 " %" PRId64, full, (int64_t)about.st_size,
                      (int64_t)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec);
}

void st_checksum_recall_state(const char *state, char digest[ST_DIGEST_SIZE])
{
    digest[0] = '\0';
    char *cache = st_home_path("data/checksums.tsv");
    FILE *file = cache ? fopen(cache, "r") : NULL;
    size_t length = strlen(state);
    char line[PATH_MAX + 128];
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, state, length) != 0 || line[length] != '\t') continue;
        const char *hex = line + length + 1;
        if (strspn(hex, "0123456789abcdef") != ST_DIGEST_SIZE - 1) continue;
        memcpy(digest, hex, ST_DIGEST_SIZE - 1);
        digest[ST_DIGEST_SIZE - 1] = '\0';
    }
    if (file) fclose(file);
    cn_free(cache);
}

void st_checksum_remember_state(const char *state, const char *digest)
{
    char *folder = st_home_path("data");
    char *cache = folder ? cn_sprintf("%s/checksums.tsv", folder) : NULL;
    char *line = cn_sprintf("%s\t%s\n", state, digest);
    if (cache && line) {
        mkdir(folder, 0777);
        /* One write in append mode: two programs at a time do not tear each other's lines. */
        int file = open(cache, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (file >= 0) {
            ssize_t written = write(file, line, strlen(line));
            (void)written; /* a line cut off by a full disk is not recognised: verified again */
            close(file);
        }
    }
    cn_free(line);
    cn_free(cache);
    cn_free(folder);
}

void st_checksum_recall(const char *path, char digest[ST_DIGEST_SIZE])
{
    char *state = state_of(path);
    digest[0] = '\0';
    if (state) st_checksum_recall_state(state, digest);
    cn_free(state);
}

void st_checksum_remember(const char *path, const char *digest)
{
    char *state = state_of(path);
    if (state) st_checksum_remember_state(state, digest);
    cn_free(state);
}

void st_checksum_forget(void)
{
    char *cache = st_home_path("data/checksums.tsv");
    if (cache) unlink(cache);
    cn_free(cache);
}
