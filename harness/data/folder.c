/* What a set of picture files is: one digest of all their contents. */
#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/progress.h"
#include "data/file.h"
#include "data/pictures.h"

/* A digest of every file's name, size and time of change: while it is the same, so are the files.
 */
static cn_status state_of(const st_pictures *pictures, char state[ST_DIGEST_SIZE], cn_error *error)
{
    SHA2_CTX context;
    SHA256Init(&context);
    for (int32_t i = 0; i < pictures->count; i++) {
        struct stat about;
        if (stat(pictures->files[i], &about))
            return cn_fail(error, CN_ENOTFOUND, "%s: %s", pictures->files[i], strerror(errno));
        int64_t facts[3] = {about.st_size, about.st_mtim.tv_sec, about.st_mtim.tv_nsec};
        SHA256Update(&context, (const uint8_t *)pictures->files[i], strlen(pictures->files[i]) + 1);
        SHA256Update(&context, (const uint8_t *)facts, sizeof facts);
    }
    SHA256End(&context, state);
    return CN_OK;
}

cn_status st_pictures_digest(const st_pictures *pictures, char digest[65], cn_error *error)
{
    char state[ST_DIGEST_SIZE];
    cn_status status = state_of(pictures, state, error);
    if (status) return status;
    st_checksum_recall_state(state, digest);
    if (digest[0]) return CN_OK;

    st_progress progress = st_progress_start("reading the pictures once");
    SHA2_CTX context;
    SHA256Init(&context);
    for (int32_t i = 0; i < pictures->count; i++) {
        char one[ST_DIGEST_SIZE];
        if (!SHA256File(pictures->files[i], one)) {
            st_progress_end(&progress);
            return cn_fail(error, CN_EIO, "%s: %s", pictures->files[i], strerror(errno));
        }
        SHA256Update(&context, (const uint8_t *)one, ST_DIGEST_SIZE - 1);
        st_progress_update(&progress, i + 1, pictures->count, NULL);
    }
    st_progress_end(&progress);
    SHA256End(&context, digest);
    st_checksum_remember_state(state, digest);
    return CN_OK;
}
