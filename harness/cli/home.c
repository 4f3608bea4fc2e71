#include "cli/home.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "condense/memory.h"

/* Whether `folder` is the project's root; walks up from it where it is not. */
static bool climb_to_root(char *folder)
{
    for (;;) {
        char *models = cn_sprintf("%s/experiments/models", folder);
        bool found = models && access(models, F_OK) == 0;
        cn_free(models);
        if (found) return true;
        char *slash = strrchr(folder, '/');
        if (!slash) return false;
        *slash = '\0';
    }
}

char *st_home_path(const char *relative)
{
    const char *home = getenv("CONDENSE_HOME");
    if (home && *home) return cn_sprintf("%s/%s", home, relative);
    char folder[PATH_MAX];
    if (getcwd(folder, sizeof folder) && climb_to_root(folder))
        return cn_sprintf("%s/%s", folder, relative);
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (length > 0) {
        folder[length] = '\0';
        if (climb_to_root(folder)) return cn_sprintf("%s/%s", folder, relative);
    }
    return cn_sprintf("/usr/local/share/condense/%s", relative);
}

char *st_data_path(const char *relative)
{
    const char *data = getenv("CONDENSE_DATA");
    if (data && *data) return cn_sprintf("%s/%s", data, relative);
    char *folder = st_home_path("data");
    char *path = folder ? cn_sprintf("%s/%s", folder, relative) : NULL;
    cn_free(folder);
    return path;
}
