#include "adapters/library.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/home.h"
#include "condense/memory.h"

/* The first file that fits, in $CONDENSE_DATA or the project's data folder; NULL. For cn_free. */
static char *find_file(const char *pattern)
{
    char *inside = cn_sprintf("data/%s", pattern), *found = NULL;
    char *places[] = {st_data_path(pattern), inside ? st_home_path(inside) : NULL};
    for (int i = 0; i < 2; i++) {
        glob_t files = {0};
        if (!found && places[i] && glob(places[i], 0, NULL, &files) == 0 && files.gl_pathc)
            found = cn_strdup(files.gl_pathv[0]);
        globfree(&files);
        cn_free(places[i]);
    }
    cn_free(inside);
    return found;
}

const char *st_library_load(const char *variable, const char *pattern, const st_symbol *symbols,
                            size_t count)
{
    static char reason[512];
    const char *given = getenv(variable);
    char *path = given && *given ? cn_strdup(given) : find_file(pattern);
    if (!path) {
        snprintf(reason, sizeof reason, "not installed; 'make baselines' does it, or set %s",
                 variable);
        return reason;
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) snprintf(reason, sizeof reason, "%s", dlerror());
    const char *problem = library ? NULL : reason;
    for (size_t i = 0; i < count && !problem; i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (symbol) {
            memcpy(symbols[i].target, &symbol, sizeof symbol);
            continue;
        }
        snprintf(reason, sizeof reason, "%s has no function %s", path, symbols[i].name);
        problem = reason;
    }
    cn_free(path);
    return problem;
}
