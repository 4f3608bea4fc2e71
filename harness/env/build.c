#include "env/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <csv.h>
#include <gnu/libc-version.h>
#include <gsl/gsl_version.h>
#include <jpeglib.h>
#include <oneapi/dnnl/dnnl.h>
#include <png.h>
#include <sqlite3.h>
#include <unistd.h>
#include <zlib.h>

#include "build_info.h" /* written by the Makefile: CN_BUILD_COMMIT, _CHANGES, _FLAGS */
#include "env/facts.h"

/* Follows CHANGELOG.md. */
static const char VERSION[] = "0.1.0";

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *st_build_version(void)
{
    return VERSION;
}

const char *st_build_commit(void)
{
    return *CN_BUILD_COMMIT ? CN_BUILD_COMMIT : NULL;
}

const char *st_build_changes(void)
{
    return *CN_BUILD_CHANGES ? CN_BUILD_CHANGES : NULL;
}

const char *st_build_compiler(void)
{
#ifdef __clang__
    return __VERSION__;
#else
    return "gcc " __VERSION__;
#endif
}

const char *st_build_flags(void)
{
    return CN_BUILD_FLAGS;
}

static void libc_version(char *text, size_t room)
{
    snprintf(text, room, "glibc %s", gnu_get_libc_version());
}

static void sqlite_version(char *text, size_t room)
{
    snprintf(text, room, "%s", sqlite3_libversion());
}

static void cjson_version(char *text, size_t room)
{
    snprintf(text, room, "%s", cJSON_Version());
}

static void csv_version(char *text, size_t room) /* of the header: the library does not say */
{
    snprintf(text, room, "%d.%d.%d", CSV_MAJOR, CSV_MINOR, CSV_RELEASE);
}

static void gsl_library_version(char *text, size_t room)
{
    snprintf(text, room, "%s", gsl_version);
}

static void onednn_version(char *text, size_t room)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, room, "%d.%d.%d", v->major, v->minor, v->patch);
}

static void jpeg_version(char *text, size_t room) /* of the header, too */
{
#ifdef LIBJPEG_TURBO_VERSION
    snprintf(text, room, "turbo %s", TEXT(LIBJPEG_TURBO_VERSION));
#else
    snprintf(text, room, "%d", JPEG_LIB_VERSION);
#endif
}

static void png_version(char *text, size_t room)
{
    snprintf(text, room, "%s", png_get_libpng_ver(NULL));
}

static void zlib_library_version(char *text, size_t room)
{
    snprintf(text, room, "%s", zlibVersion());
}

void st_gnuplot_version(char *text, size_t room)
{
    *text = '\0';
    FILE *pipe = popen("gnuplot --version 2>/dev/null", "r");
    if (!pipe) return;
    if (!fgets(text, (int)room, pipe)) *text = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (pclose(pipe) != 0) *text = '\0';
}

const st_library st_libraries[] = {
    {"libc", libc_version},
    {"sqlite", sqlite_version},
    {"cjson", cjson_version},
    {"csv", csv_version},
    {"gsl", gsl_library_version},
    {"onednn", onednn_version},
    {"libjpeg", jpeg_version},
    {"libpng", png_version},
    {"zlib", zlib_library_version},
    {"gnuplot", st_gnuplot_version},
    {NULL, NULL},
};

/* Variables that change how fast or how something runs; where data lies is not among them. */
static bool changes_timing(const char *variable)
{
    static const char *const prefixes[] = {"OMP_",  "GOMP_",          "KMP_",       "ONEDNN_",
                                           "DNNL_", "OPENBLAS_",      "POCL_",      "MALLOC_",
                                           "MKL_",  "GLIBC_TUNABLES", "LD_PRELOAD", "CONDENSE_ISA"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (!strncmp(variable, prefixes[i], strlen(prefixes[i]))) return true;
    return false;
}

static void variables(st_environment *environment)
{
    for (char **variable = environ; *variable; variable++) {
        const char *value = strchr(*variable, '=');
        if (!value || !changes_timing(*variable)) continue;
        char key[128];
        snprintf(key, sizeof key, "variable.%.*s", (int)(value - *variable), *variable);
        st_fact_add(environment, key, value + 1, "set, but empty", ST_FIXED);
    }
}

void st_facts_build(st_environment *environment)
{
    static const char no_commit[] = "not built in a git checkout";
    const char *commit = st_build_commit();
    st_fact_add(environment, "build.version", st_build_version(), NULL, ST_FIXED);
    st_fact_add(environment, "build.commit", commit, no_commit, ST_FIXED);
    st_fact_add(environment, "build.dirty", commit ? st_build_changes() ? "yes" : "no" : NULL,
                no_commit, ST_FIXED);
    st_fact_add(environment, "build.changes", st_build_changes(), "no changes to the commit",
                ST_FIXED);
    st_fact_add(environment, "build.compiler", st_build_compiler(), NULL, ST_FIXED);
    st_fact_add(environment, "build.flags", st_build_flags(), NULL, ST_FIXED);
    for (const st_library *library = st_libraries; library->name; library++) {
        char key[64], version[128];
        snprintf(key, sizeof key, "library.%s", library->name);
        library->version(version, sizeof version);
        st_fact_add(environment, key, version, "not found", ST_FIXED);
    }
    variables(environment);
}
