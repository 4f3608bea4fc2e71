#include "env/generator.h"

#include <stdio.h>
#include <stdlib.h>

#include "condense/memory.h"

static const char *set(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static char *folder_of_kernels(void)
{
    const char *own = set("CONDENSE_CACHE"), *cache = set("XDG_CACHE_HOME"), *home = set("HOME");
    if (own) return cn_strdup(own);
    if (cache) return cn_sprintf("%s/condense/kernels", cache);
    return home ? cn_sprintf("%s/.cache/condense/kernels", home) : NULL;
}

cn_status st_generator_new(cn_generator **generator, cn_error *error)
{
    const char *own = set("CONDENSE_CC"), *usual = set("CC");
    char *folder = folder_of_kernels();
    *generator = NULL;
    if (!folder) return CN_OK;
    cn_status status = cn_generator_new(generator, own ? own : usual ? usual : "cc", folder, error);
    cn_free(folder);
    return status;
}

void st_generator_close(cn_generator *generator)
{
    const char *problem = generator ? cn_generator_problem(generator) : NULL;
    if (problem)
        fprintf(stderr,
                "%d times a kernel could not be generated, and the program's own was used: %s\n",
                cn_generator_report(generator).failed, problem);
    cn_generator_free(generator);
}
