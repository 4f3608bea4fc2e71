/* What this program was built from: commit, compiler, flags, libraries. */
#ifndef HARNESS_ENV_BUILD_H
#define HARNESS_ENV_BUILD_H

#include <stddef.h>

/* Version of the program, "0.1.0". */
const char *st_build_version(void);

/* Full commit hash; NULL where it was not built in a git checkout. */
const char *st_build_commit(void);

/* Digest of what differed from that commit in the tracked files; NULL where nothing did. */
const char *st_build_changes(void);

/* Compiler with its version, and the flags that every file was compiled with. */
const char *st_build_compiler(void);
const char *st_build_flags(void);

/* A library or tool and its version as found now. `version` writes it into a buffer; it leaves an
 * empty text where the thing is not there. */
typedef struct st_library {
    const char *name;
    void (*version)(char *text, size_t room);
} st_library;

/* All of them; the last one has no name. */
extern const st_library st_libraries[];

/* "gnuplot 5.4 patchlevel 4" from the program in the PATH; an empty text where there is none. */
void st_gnuplot_version(char *text, size_t room);

#endif
