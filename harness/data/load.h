/* The files of a data set, found, verified and read. */
#ifndef HARNESS_DATA_LOAD_H
#define HARNESS_DATA_LOAD_H

#include "data/file.h"
#include "data/manifest.h"
#include "data/pictures.h"

/* Reads the files that `split` (train, calibration or test, as the files divide the set) of
 * `source` consists of. `digest` receives one for all of them: SHA-256 over the files' digests in
 * order. */
cn_status st_source_load(const st_source *source, st_split split, st_pictures *pictures,
                         char digest[ST_DIGEST_SIZE], cn_error *error);

#endif
