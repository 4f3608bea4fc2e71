#include "env/checks.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/home.h"
#include "condense/isa.h"
#include "condense/memory.h"
#include "data/manifest.h"
#include "env/build.h"
#include "env/sysfs.h"
#include "sense/energy.h"

const char *st_health_name(st_health health)
{
    static const char *const names[] = {"ok", "lacking", "broken"};
    return names[health];
}

/* Adds a row; the caller fills in the fix. */
static st_check *add(st_checks *checks, const char *feature, const char *name, st_health health,
                     const char *format, ...)
{
    static st_check lost; /* takes what does not fit in memory, so that no caller must care */
    st_check *check = cn_recalloc(checks->items, checks->count, checks->count + 1, sizeof *check);
    if (check) {
        checks->items = check;
        check += checks->count++;
    } else {
        checks->failed = true;
        check = &lost;
    }
    check->feature = feature;
    check->health = health;
    snprintf(check->name, sizeof check->name, "%s", name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->detail, sizeof check->detail, format, arguments);
    va_end(arguments);
    return check;
}

static void fix(st_check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fix(st_check *check, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->fix, sizeof check->fix, format, arguments);
    va_end(arguments);
}

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    for (const char *at = path; at && *at;) {
        size_t length = strcspn(at, ":");
        char *name = cn_sprintf("%.*s/%s", (int)length, at, program);
        bool there = name && access(name, X_OK) == 0;
        cn_free(name);
        if (there) return true;
        at += length + (at[length] == ':');
    }
    return false;
}

static bool exists_at(char *path) /* frees it */
{
    bool there = path && access(path, R_OK) == 0;
    cn_free(path);
    return there;
}

static void core(st_checks *checks)
{
    char *models = st_home_path("experiments/models"), *results = st_home_path("results"), **names;
    size_t count = models ? st_sysfs_list(models, "/", "", &names) : 0;
    if (count)
        add(checks, "core", "project", ST_HEALTH_FINE, "%zu model files in %s", count, models);
    else
        fix(add(checks, "core", "project", ST_HEALTH_BROKEN, "no models in %s",
                models ? models : "(out of memory)"),
            "call it in the project's folder, or set CONDENSE_HOME to it");
    if (count) cn_free(names);

    /* Results are made on demand, so the folder above must do where there is none yet. */
    char *root = st_home_path("");
    const char *place = results && access(results, F_OK) == 0 ? results : root;
    if (place && access(place, W_OK) == 0)
        add(checks, "core", "results", ST_HEALTH_FINE, "%s can be written", place);
    else
        fix(add(checks, "core", "results", ST_HEALTH_LACKS, "%s cannot be written",
                place ? place : "(out of memory)"),
            "give every command a database of your own: --db FILE");
    cn_free(root);
    cn_free(results);
    cn_free(models);
    cn_isa isa = cn_isa_available(CN_ISA_BEST);
    if (isa == CN_ISA_SCALAR)
        fix(add(checks, "core", "instruction set", ST_HEALTH_LACKS, "scalar only: slow, but right"),
            "use a processor with AVX2 and FMA, or a 64-bit ARM");
    else
        add(checks, "core", "instruction set", ST_HEALTH_FINE, "%s", cn_isa_name(isa));
}

/* Programs that are called or that the tests need, by the Debian package that brings them. */
static const struct {
    const char *feature, *program, *package;
} programs[] = {
    {"figures", "gnuplot", "gnuplot-nox"},
    {"queries", "sqlite3", "sqlite3"},
    {"build", "git", "git"},
    {"download", "curl", "curl"},
    {"aarch64 tests", "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"},
    {"aarch64 tests", "qemu-aarch64", "qemu-user"},
};

static void tools(st_checks *checks)
{
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        if (in_path(programs[i].program))
            add(checks, programs[i].feature, programs[i].program, ST_HEALTH_FINE, "found");
        else
            fix(add(checks, programs[i].feature, programs[i].program, ST_HEALTH_LACKS,
                    "not in the PATH"),
                "sudo apt-get install --no-install-recommends %s", programs[i].package);
    }
    if (st_sysfs_exists("/", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"))
        add(checks, "figures", "font", ST_HEALTH_FINE, "DejaVu Sans");
    else
        fix(add(checks, "figures", "font", ST_HEALTH_LACKS,
                "no DejaVu Sans: pictures will not be the same as elsewhere"),
            "sudo apt-get install --no-install-recommends fonts-dejavu-core");
    if (!st_build_commit())
        fix(add(checks, "build", "commit", ST_HEALTH_LACKS,
                "results will not name the commit they were made from"),
            "build it in a git checkout");
}

/* Whether every file of one split is there; a choice of other sets has none of its own. */
static bool complete(const st_source *source, const st_source_split *split)
{
    for (int32_t i = 0; i < split->count; i++)
        if (!exists_at(st_source_find(source, split->files[i].name))) return false;
    return true;
}

static void data_sets(st_checks *checks)
{
    char **names;
    cn_error error;
    if (st_source_names(&names, &error) != CN_OK) {
        add(checks, "data", "experiments/datasets.json", ST_HEALTH_BROKEN, "%s", error.message);
        return;
    }
    for (char **name = names; *name; name++) {
        st_source source;
        if (st_source_read(&source, *name, &error) != CN_OK) {
            add(checks, "data", *name, ST_HEALTH_LACKS, "%s", error.message);
            continue;
        }
        if (source.format != ST_FORMAT_CHOICE) {
            bool train = complete(&source, &source.splits[ST_SPLIT_TRAIN]);
            bool test = complete(&source, &source.splits[ST_SPLIT_TEST]);
            st_check *check =
                add(checks, "data", *name, train && test ? ST_HEALTH_FINE : ST_HEALTH_LACKS, "%s",
                    train && test   ? "found"
                    : test || train ? "not all of its files are there"
                                    : "not there");
            if (source.package && !(train && test))
                fix(check, "sudo apt-get install --no-install-recommends %s", source.package);
            else if (!(train && test))
                fix(check, "make data DATASET=%s", *name);
        }
        st_source_clear(&source);
    }
    cn_free(names);
}

/* One row a scale: how many networks have trained weights. */
static void weights(st_checks *checks, const char *scale, const char *command)
{
    char *folder = st_home_path("experiments/models"), **names, lacking[256] = "";
    size_t count = folder ? st_sysfs_list(folder, "/", "", &names) : 0, found = 0;
    for (size_t i = 0; i < count; i++) {
        int length = (int)strlen(names[i]) - 3;
        if (length < 1 || strcmp(names[i] + length, ".lr") != 0) continue;
        char *file = cn_sprintf("weights/%.*s-%s.safetensors", length, names[i], scale);
        char *committed = file ? cn_sprintf("experiments/%s", file) : NULL;
        bool there = committed && exists_at(st_home_path(committed));
        there = there || (file && exists_at(st_data_path(file)));
        cn_free(committed);
        cn_free(file);
        found += there;
        size_t used = strlen(lacking);
        if (!there)
            snprintf(lacking + used, sizeof lacking - used, "%s%.*s", used ? ", " : "", length,
                     names[i]);
    }
    if (count) cn_free(names);
    cn_free(folder);
    char name[64];
    snprintf(name, sizeof name, "%s weights", scale);
    if (!*lacking)
        add(checks, "accuracy", name, ST_HEALTH_FINE, "%zu networks", found);
    else
        fix(add(checks, "accuracy", name, ST_HEALTH_LACKS, "%zu networks; random ones for %s",
                found, lacking),
            "%s", command);
}

static void energy(st_checks *checks)
{
    static const char *const choices[] = {"auto", "nvml"};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        st_energy_options options = st_energy_defaults();
        st_energy *sensor;
        options.source = choices[i];
        if (st_energy_open(&sensor, &options, NULL) != CN_OK) continue;
        const char *source = st_energy_source(sensor);
        const char *name = i == 0 ? "sensor" : "graphics card";
        st_energy_reading none = st_energy_window(sensor, 0, 0);
        if (source)
            add(checks, "energy", name, ST_HEALTH_FINE, "%s", source);
        else
            fix(add(checks, "energy", name, ST_HEALTH_LACKS, "%s", none.reason),
                "docs/energy.md; without it energy is NULL with this reason");
        st_energy_close(sensor);
    }
}

static void steadiness(st_checks *checks)
{
    char *governor = st_sysfs_read("/", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    if (!governor)
        add(checks, "steady timing", "governor", ST_HEALTH_FINE,
            "not visible here; the micro-probe watches the clock instead");
    else if (!strcmp(governor, "performance"))
        add(checks, "steady timing", "governor", ST_HEALTH_FINE, "performance");
    else
        fix(add(checks, "steady timing", "governor", ST_HEALTH_LACKS, "%s", governor),
            "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
    cn_free(governor);
    double load;
    if (getloadavg(&load, 1) != 1) return;
    if (load < 0.5)
        add(checks, "steady timing", "load", ST_HEALTH_FINE, "%.2f", load);
    else
        fix(add(checks, "steady timing", "load", ST_HEALTH_LACKS,
                "%.2f: others are running, results may be 'noisy'", load),
            "wait or stop them; 'condense env' names the busiest");
}

static void opencl(st_checks *checks)
{
    void *library = dlopen("libOpenCL.so.1", RTLD_LAZY | RTLD_LOCAL);
    char **vendors = NULL;
    size_t count = st_sysfs_list("/", "/etc/OpenCL/vendors", "", &vendors);
    if (library && count)
        add(checks, "gpu", "OpenCL", ST_HEALTH_FINE, "%s", vendors[0]);
    else
        fix(add(checks, "gpu", "OpenCL", ST_HEALTH_LACKS, "%s",
                library ? "no driver in /etc/OpenCL/vendors" : "no libOpenCL.so.1"),
            "sudo apt-get install --no-install-recommends ocl-icd-libopencl1 pocl-opencl-icd");
    cn_free(vendors);
    if (library) dlclose(library);
}

cn_status st_checks_run(st_checks *checks, cn_error *error)
{
    *checks = (st_checks){.items = cn_calloc(0, sizeof *checks->items)};
    if (!checks->items) checks->failed = true;
    core(checks);
    data_sets(checks);
    weights(checks, "fashion", "make train");
    weights(checks, "imagenet", "make weights");
    tools(checks);
    energy(checks);
    steadiness(checks);
    opencl(checks);
    if (checks->failed) return cn_fail(error, CN_ENOMEM, "out of memory for the list of checks");
    return CN_OK;
}

void st_checks_clear(st_checks *checks)
{
    cn_free(checks->items);
    *checks = (st_checks){0};
}
