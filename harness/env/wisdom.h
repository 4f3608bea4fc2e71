/* The wisdom file: $CONDENSE_WISDOM, else $XDG_CACHE_HOME/condense/wisdom, else
 * ~/.cache/condense/wisdom (docs/tuning.md). */
#ifndef HARNESS_ENV_WISDOM_H
#define HARNESS_ENV_WISDOM_H

#include "condense/wisdom.h"
#include "env/environment.h"

/* The file's path, for cn_free; NULL where there is no home folder, or no memory. */
char *st_wisdom_path(void);

/* Wisdom for this processor, without entries. */
cn_status st_wisdom_new(cn_wisdom **wisdom, cn_error *error);

/* The wisdom for this processor in the file; *wisdom becomes NULL where there is no file, and where
 * it is of another version, which is said on stderr. A damaged file is CN_EFORMAT. */
cn_status st_wisdom_load(cn_wisdom **wisdom, cn_error *error);

/* The same for whoever writes it back: empty where there is no file, and another version is
 * CN_EUNSUPPORTED. */
cn_status st_wisdom_open(cn_wisdom **wisdom, cn_error *error);

/* Writes the file with `wisdom` added to what it holds now; what others wrote meanwhile is kept.
 * "<path>.lock" is locked while that takes. Folders are made. */
cn_status st_wisdom_save(const cn_wisdom *wisdom, cn_error *error);

/* Adds the fact "wisdom" for the record: the SHA-256 of its text, or "none". */
void st_wisdom_fact(st_environment *environment, const cn_wisdom *wisdom);

#endif
