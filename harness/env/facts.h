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

/* The groups of facts; each is one file. */
void st_facts_processor(st_environment *environment, const char *sysfs);
void st_facts_system(st_environment *environment, const char *sysfs);
void st_facts_load(st_environment *environment, const char *sysfs);
void st_facts_build(st_environment *environment);

#endif
