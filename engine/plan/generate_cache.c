/* Compiled sources, kept in a folder.
 *
 * A file is named by the SHA-256 of what it was made from: the source's key, flags, and what the
 * compiler says of itself. After the shared object stand 64 more characters: the SHA-256 of the
 * object and the name. So a file that was cut short, damaged or renamed is found out before it is
 * loaded, and made again. A new file is written beside its place and renamed, so that any number of
 * processes may share the folder: they see whole files, and at worst compile the same one twice. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sha256.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "condense/file.h"
#include "condense/memory.h"
#include "plan/generate.h"

enum { HASH = SHA256_DIGEST_STRING_LENGTH, SAID = 512, MOST_ARGUMENTS = 24 };
static const size_t most_bytes = (size_t)1 << 26; /* of a file */
static const char *const base_flags[] = {"-O1", "-fPIC", "-shared", "-nostdlib", "-w", NULL};

extern char **environ;

static cn_status no_memory(cn_error *error)
{
    return cn_fail(error, CN_ENOMEM, "no memory to generate a kernel");
}

/* Reads a pipe to its end; keeps the beginning, as one line. */
static void listen_to(int from, char said[SAID])
{
    char bytes[4096];
    size_t used = 0;
    for (ssize_t got; (got = read(from, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR);)
        for (ssize_t i = 0; i < got && used < SAID - 1; i++)
            said[used++] = (unsigned char)bytes[i] < ' ' ? ' ' : bytes[i];
    said[used] = '\0';
}

/* Runs a command without a shell; `said` is the beginning of what it writes to its output and
 * errors. */
static cn_status run_command(char *const arguments[], char said[SAID], cn_error *error)
{
    posix_spawn_file_actions_t actions;
    int ends[2], exit_status = -1;
    pid_t child;
    if (pipe2(ends, O_CLOEXEC))
        return cn_fail(error, CN_EIO, "%s: %s", arguments[0], strerror(errno));
    int problem = posix_spawn_file_actions_init(&actions);
    if (!problem) {
        problem = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        if (!problem) problem = posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
        if (!problem) problem = posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
        if (!problem)
            problem = posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(ends[1]);
    if (!problem) {
        listen_to(ends[0], said);
        while (waitpid(child, &exit_status, 0) < 0 && errno == EINTR)
            continue;
    }
    close(ends[0]);
    if (problem) return cn_fail(error, CN_EIO, "%s: %s", arguments[0], strerror(problem));
    if (!WIFEXITED(exit_status) || WEXITSTATUS(exit_status))
        return cn_fail(error, CN_EIO, "%s failed: %s", arguments[0], said);
    return CN_OK;
}

static cn_status ask_version(cn_code_cache *cache, cn_error *error)
{
    char said[SAID], version[] = "--version";
    if (cache->version) return CN_OK;
    cn_status status = run_command((char *[]){cache->compiler, version, NULL}, said, error);
    if (!status && !(cache->version = cn_strdup(said))) status = no_memory(error);
    return status;
}

static void add_text(SHA2_CTX *context, const char *text)
{
    SHA256Update(context, (const uint8_t *)text, strlen(text) + 1);
}

static void name_of(const cn_code_cache *cache, const cn_code *code, char name[HASH])
{
    SHA2_CTX context;
    SHA256Init(&context);
    add_text(&context, code->key);
    add_text(&context, cache->version);
    for (int i = 0; base_flags[i]; i++)
        add_text(&context, base_flags[i]);
    for (int i = 0; code->flags[i]; i++)
        add_text(&context, code->flags[i]);
    SHA256End(&context, name);
}

/* A folder of one's own, into which nobody else writes: what lies there is run. */
static cn_status check_folder(const char *folder, cn_error *error)
{
    struct stat s;
    char *inside = cn_sprintf("%s/", folder);
    cn_status status = inside ? cn_make_folders(inside, error) : no_memory(error);
    cn_free(inside);
    if (status) return status;
    if (stat(folder, &s)) return cn_fail(error, CN_EIO, "%s: %s", folder, strerror(errno));
    if (s.st_uid != geteuid() || (s.st_mode & (S_IWGRP | S_IWOTH)))
        return cn_fail(error, CN_EIO,
                       "%s: others may write there; compiled kernels are kept in a folder that is "
                       "yours alone to write to",
                       folder);
    return CN_OK;
}

static void seal(const uint8_t *object, size_t size, const char *name, char hash[HASH])
{
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, object, size);
    add_text(&context, name);
    SHA256End(&context, hash);
}

static uint8_t *read_file(const char *path, size_t *size)
{
    struct stat s;
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    if (file && !fstat(fileno(file), &s) && s.st_size > 0 && (size_t)s.st_size <= most_bytes)
        bytes = cn_calloc((size_t)s.st_size, 1);
    if (bytes && fread(bytes, 1, (size_t)s.st_size, file) != (size_t)s.st_size) {
        cn_free(bytes);
        bytes = NULL;
    }
    if (bytes) *size = (size_t)s.st_size;
    if (file) fclose(file);
    return bytes;
}

/* Whether the file is there and as it was written. */
static bool is_sealed(const char *path, const char *name)
{
    size_t size = 0;
    char hash[HASH];
    uint8_t *bytes = read_file(path, &size);
    bool good = bytes && size > HASH - 1;
    if (good) {
        seal(bytes, size - (HASH - 1), name, hash);
        good = !memcmp(bytes + size - (HASH - 1), hash, HASH - 1);
    }
    cn_free(bytes);
    return good;
}

static cn_status write_text(const char *path, const char *text, cn_error *error)
{
    FILE *file = fopen(path, "wxe");
    bool written = file && fputs(text, file) >= 0;
    if (file && fclose(file)) written = false;
    return written ? CN_OK : cn_fail(error, CN_EIO, "%s: %s", path, strerror(errno));
}

/* What the compiler made, sealed, to where it is looked for. */
static cn_status keep(const char *object, const char *path, const char *name, cn_error *error)
{
    size_t size = 0;
    char hash[HASH];
    uint8_t *bytes = read_file(object, &size);
    if (!bytes) return cn_fail(error, CN_EIO, "%s: the compiler left nothing there", object);
    cn_new_file file;
    cn_status status = cn_new_file_begin(&file, path, error);
    if (!status) {
        seal(bytes, size, name, hash);
        fwrite(bytes, 1, size, file.stream);
        fwrite(hash, 1, HASH - 1, file.stream);
        status = cn_new_file_end(&file, CN_OK, error);
    }
    cn_free(bytes);
    return status;
}

static cn_status run_compiler(const cn_code_cache *cache, const char *const *flags, char *text,
                              char *object, cn_error *error)
{
    char *arguments[MOST_ARGUMENTS] = {cache->compiler}, said[SAID], output[] = "-o";
    int count = 1;
    for (int i = 0; base_flags[i]; i++)
        arguments[count++] = (char *)(uintptr_t)base_flags[i]; /* which are not written to */
    for (int i = 0; flags[i]; i++)
        arguments[count++] = (char *)(uintptr_t)flags[i];
    arguments[count++] = output;
    arguments[count++] = object;
    arguments[count++] = text;
    return run_command(arguments, said, error);
}

/* The same in the folder `work`, which is gone afterwards. */
static cn_status compile_in(const cn_code_cache *cache, const char *work, const char *source,
                            const char *const *flags, const char *path, const char *name,
                            cn_error *error)
{
    char *text = cn_sprintf("%s/kernels.c", work), *object = cn_sprintf("%s/kernels.so", work);
    cn_status status = text && object ? write_text(text, source, error) : no_memory(error);
    if (!status) status = run_compiler(cache, flags, text, object, error);
    if (!status) status = keep(object, path, name, error);
    if (text) unlink(text);
    if (object) unlink(object);
    rmdir(work);
    cn_free(text);
    cn_free(object);
    return status;
}

static cn_status compile(const cn_code_cache *cache, const cn_code *code, const char *path,
                         const char *name, cn_error *error)
{
    char *source = code->write(code->context), *work = cn_sprintf("%s/work-XXXXXX", cache->folder);
    cn_status status = source && work ? CN_OK : no_memory(error);
    if (!status && !mkdtemp(work)) status = cn_fail(error, CN_EIO, "%s: %s", work, strerror(errno));
    if (!status) status = compile_in(cache, work, source, code->flags, path, name, error);
    cn_free(source);
    cn_free(work);
    return status;
}

cn_status cn_code_cache_open(cn_code_cache *cache, const cn_code *code, void **library,
                             bool *compiled, cn_error *error)
{
    char name[HASH];
    *compiled = false;
    *library = NULL;
    cn_status status = check_folder(cache->folder, error);
    if (!status) status = ask_version(cache, error);
    if (status) return status;
    name_of(cache, code, name);
    char *path = cn_sprintf("%s/%s.so", cache->folder, name);
    if (!path) return no_memory(error);
    if (!is_sealed(path, name)) {
        status = compile(cache, code, path, name, error);
        *compiled = status == CN_OK;
    }
    if (!status && !(*library = dlopen(path, RTLD_NOW | RTLD_LOCAL)))
        status = cn_fail(error, CN_EIO, "%s", dlerror());
    cn_free(path);
    return status;
}
