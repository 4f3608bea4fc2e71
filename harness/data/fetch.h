/* Getting a data set from the network. */
#ifndef HARNESS_DATA_FETCH_H
#define HARNESS_DATA_FETCH_H

#include "data/manifest.h"

/* Fetches the files of `source` that are missing, each verified before it gets its name; an archive
 * is verified, unpacked and removed. CN_EUNSUPPORTED, with what to do instead, for a set that is
 * not offered for download. */
cn_status st_source_fetch(const st_source *source, cn_error *error);

#endif
