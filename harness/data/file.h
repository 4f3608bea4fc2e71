/* Whole files in memory, and what they are: SHA-256 of their contents. */
#ifndef HARNESS_DATA_FILE_H
#define HARNESS_DATA_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "condense/status.h"

enum { ST_DIGEST_SIZE = 65 }; /* 64 hex digits and the end */

/* Reads `path` into *bytes (free with cn_free), gunzipped where it is a gzip file. More than
 * `limit` bytes are refused, so that a small compressed file cannot fill the memory. */
cn_status st_file_read(const char *path, size_t limit, uint8_t **bytes, size_t *size,
                       cn_error *error);

void st_digest(const void *bytes, size_t size, char digest[ST_DIGEST_SIZE]);

/* Checksums are remembered in data/checksums.tsv under the project's root, one line each: a state,
 * a tab, the digest of the (gunzipped) contents that had this state. A file's state is its path,
 * size and time of change in nanoseconds; that of many files is a digest of theirs. What changed is
 * unknown again. Where the cache cannot be written, contents are verified every time. */

/* The digest remembered for `path` as it is now; an empty string where there is none. */
void st_checksum_recall(const char *path, char digest[ST_DIGEST_SIZE]);
void st_checksum_remember(const char *path, const char *digest);

/* The same for a state worked out by the caller; no tabs or line ends in it. */
void st_checksum_recall_state(const char *state, char digest[ST_DIGEST_SIZE]);
void st_checksum_remember_state(const char *state, const char *digest);

/* Forgets all of them. */
void st_checksum_forget(void);

#endif
