#include "data/place.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/home.h"
#include "condense/file.h"
#include "condense/memory.h"

/* Also for root, who may write everywhere: a folder without a write bit is meant to stay as it is.
 */
static bool is_writable(const char *folder)
{
    struct stat about;
    return stat(folder, &about) == 0 && S_ISDIR(about.st_mode) && (about.st_mode & 0222) &&
           access(folder, W_OK) == 0;
}

/* Makes the folders that lie on the way from `root` to the file `path` below it. */
static bool make_folders(char *path, size_t root)
{
    for (char *slash = strchr(path + root + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
        bool last = !strchr(slash + 1, '/');
        if (made && last) made = is_writable(path);
        *slash = '/';
        if (!made) return false;
    }
    return true;
}

cn_status st_place_new(const char *relative, char **path, cn_error *error)
{
    char *own = st_home_path("data");
    if (own) mkdir(own, 0777);
    cn_free(own);
    char *inside = cn_sprintf("data/%s", relative);
    char *paths[] = {st_data_path(relative), inside ? st_home_path(inside) : NULL};
    cn_free(inside);
    *path = NULL;
    for (int i = 0; i < 2; i++) {
        size_t root = paths[i] ? strlen(paths[i]) - strlen(relative) - 1 : 0;
        bool usable = false;
        if (paths[i] && !*path) {
            paths[i][root] = '\0';
            usable = is_writable(paths[i]);
            paths[i][root] = '/';
            usable = usable && make_folders(paths[i], root);
        }
        if (usable)
            *path = paths[i];
        else
            cn_free(paths[i]);
    }
    return *path ? CN_OK
                 : cn_fail(error, CN_EIO,
                           "no data folder can be written: set CONDENSE_DATA to one that can");
}

static cn_status wait_for(pid_t child, const char *name, cn_error *error)
{
    int state;
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR) return cn_fail(error, CN_EIO, "%s: %s", name, strerror(errno));
    if (WIFSIGNALED(state))
        return cn_fail(error, CN_EINTERRUPTED, "%s was stopped by signal %d", name,
                       WTERMSIG(state));
    if (WEXITSTATUS(state) == 127) return cn_fail(error, CN_ENOTFOUND, "%s could not start", name);
    if (WEXITSTATUS(state))
        return cn_fail(error, CN_EIO, "%s failed with status %d", name, WEXITSTATUS(state));
    return CN_OK;
}

cn_status st_run_program(const char *const *arguments, const char *output, cn_error *error)
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions)) return cn_fail(error, CN_ENOMEM, "out of memory");
    int failed = output ? posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output,
                                                           O_WRONLY | O_CREAT | O_TRUNC, 0666)
                        : posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    pid_t child;
    char **mutable; /* posix_spawnp does not change them, but its type does not say so */
    memcpy(&mutable, &arguments, sizeof mutable);
    if (!failed) failed = posix_spawnp(&child, arguments[0], &actions, NULL, mutable, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed == ENOENT)
        return cn_fail(error, CN_ENOTFOUND, "%s is not installed; apt-get install %s", arguments[0],
                       !strcmp(arguments[0], "xz") ? "xz-utils" : arguments[0]);
    if (failed) return cn_fail(error, CN_EIO, "%s: %s", arguments[0], strerror(failed));
    return wait_for(child, arguments[0], error);
}

cn_status st_fetch(const char *url, const char *path, st_verify verify, const void *context,
                   cn_error *error)
{
    cn_new_file file;
    cn_status status = cn_new_file_begin(&file, path, error);
    if (status) return status;
    fprintf(stderr, "fetching %s\n", url);
    const char *arguments[] = {
        "curl", "--fail",   "--location",   "--retry", "2", "--connect-timeout",
        "20",   "--output", file.temporary, url,       NULL};
    status = st_run_program(arguments, NULL, error);
    if (status)
        cn_fail_in(error, status, "%s could not be fetched (is there a network?)", url);
    else if ((status = verify(file.temporary, context, error)))
        cn_fail_in(error, status, "%s is not what it should be", url);
    return cn_new_file_end(&file, status, error);
}
