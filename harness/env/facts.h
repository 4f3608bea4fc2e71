/* How the files of this folder add facts to an environment. Running out of memory is remembered in
 * the environment, so that no caller needs to check. */
#ifndef HARNESS_ENV_FACTS_H
#define HARNESS_ENV_FACTS_H

#include "env/environment.h"

typedef enum st_constancy { ST_FIXED, ST_VARIES } st_constancy;

/* Adds `key`. The value is copied; an empty or NULL one becomes "not known" with `reason`. */
void st_fact_add(st_environment *environment, const char *key, const char *value,
                 const char *reason, st_constancy constancy);

void st_fact_format(st_environment *environment, const char *key, st_constancy constancy,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Adds the contents of a file of the kernel; the reason names the file and the error. */
void st_fact_file(st_environment *environment, const char *key, const char *sysfs, const char *path,
                  st_constancy constancy);

/* What to say of the entry `path` (its last part is `name`) of a folder of the kernel: a new string
 * for cn_free, or NULL where there is nothing to say. */
typedef char *(*st_describe)(const char *sysfs, const char *path, const char *name);

typedef struct st_listing {
    const char *folder, *prefix; /* entries whose names begin with the prefix */
    const char *separator;       /* between what is said of two entries */
    st_describe describe;
} st_listing;

/* Adds what is said of a folder's entries, in numeric order of their names; the reason says that
 * there is nothing in it to read. */
void st_fact_list(st_environment *environment, const char *key, const char *sysfs,
                  const st_listing *listing, st_constancy constancy);

/* The groups of facts; each is one file. */
void st_facts_processor(st_environment *environment, const char *sysfs);
void st_facts_system(st_environment *environment, const char *sysfs);
void st_facts_load(st_environment *environment, const char *sysfs);
void st_facts_build(st_environment *environment);

#endif
