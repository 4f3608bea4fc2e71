/* The processor: what it is, how its clock is governed, what it may use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "condense/isa.h"
#include "condense/memory.h"
#include "env/facts.h"
#include "env/sysfs.h"

static const char CPUS[] = "/sys/devices/system/cpu";

/* /proc/cpuinfo: the first name found is the fact (x86 first, then ARM). */
static const struct {
    const char *key, *names[2];
} described[] = {
    {"cpu.model", {"model name", "Model"}},
    {"cpu.vendor", {"vendor_id", "CPU implementer"}},
    {"cpu.family", {"cpu family", "CPU architecture"}},
    {"cpu.model_number", {"model", "CPU part"}},
    {"cpu.stepping", {"stepping", "CPU revision"}},
    {"cpu.microcode", {"microcode", NULL}},
    {"cpu.flags", {"flags", "Features"}},
};

static void describe(st_environment *environment, const char *info)
{
    for (size_t i = 0; i < sizeof described / sizeof *described; i++) {
        char *value = NULL;
        for (size_t n = 0; info && !value && n < 2 && described[i].names[n]; n++)
            value = st_sysfs_field(info, described[i].names[n]);
        st_fact_add(environment, described[i].key, value,
                    info ? "not in /proc/cpuinfo" : "/proc/cpuinfo cannot be read", ST_FIXED);
        cn_free(value);
    }
}

char *st_processor_name(const char *sysfs)
{
    char *info = st_sysfs_read(sysfs, "/proc/cpuinfo"), *name = NULL;
    for (size_t n = 0; info && !name && n < 2; n++)
        name = st_sysfs_field(info, described[0].names[n]);
    char *maker = name || !info ? NULL : st_sysfs_field(info, "CPU implementer");
    char *part = name || !info ? NULL : st_sysfs_field(info, "CPU part");
    if (!name) name = maker && part ? cn_sprintf("%s %s", maker, part) : cn_strdup("unknown");
    cn_free(maker);
    cn_free(part);
    cn_free(info);
    return name;
}

/* User-mode emulation shows the host's /proc/cpuinfo to a program of another architecture. */
static void emulation(st_environment *environment, const char *info)
{
#if defined __aarch64__
    char *foreign = info ? st_sysfs_field(info, "vendor_id") : NULL;
    st_fact_add(environment, "machine.emulated", foreign ? "yes" : "no", NULL, ST_FIXED);
    cn_free(foreign);
    st_fact_add(environment, "machine.arch", "aarch64", NULL, ST_FIXED);
#elif defined __x86_64__
    (void)info;
    st_fact_add(environment, "machine.emulated", "no", NULL, ST_FIXED);
    st_fact_add(environment, "machine.arch", "x86_64", NULL, ST_FIXED);
#else
    (void)info;
    st_fact_add(environment, "machine.emulated", NULL, "not known for this architecture", ST_FIXED);
    st_fact_add(environment, "machine.arch", NULL, "neither x86_64 nor aarch64", ST_FIXED);
#endif
}

/* Adds `word` to a list "a, b" unless it is in it. */
static void add_word(char *list, size_t room, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at++)
        if ((at == list || at[-1] == ' ') && (at[length] == ',' || !at[length])) return;
    size_t used = strlen(list);
    snprintf(list + used, room - used, "%s%s", used ? ", " : "", word);
}

/* The different values that the processors have in the file called `leaf`, in `unit`. */
static void over_processors(st_environment *environment, const char *sysfs, const char *key,
                            const char *leaf, const char *unit, st_constancy constancy)
{
    char **cpus, list[512] = "";
    size_t count = st_sysfs_list(sysfs, CPUS, "cpu", &cpus);
    for (size_t i = 0; i < count; i++) {
        if (!strchr("0123456789", cpus[i][3]) || !cpus[i][3]) continue;
        char path[256];
        snprintf(path, sizeof path, "%s/%s/%s", CPUS, cpus[i], leaf);
        char *value = st_sysfs_read(sysfs, path);
        if (value && *value) add_word(list, sizeof list, value);
        cn_free(value);
    }
    cn_free(cpus);
    size_t used = strlen(list);
    if (used) snprintf(list + used, sizeof list - used, "%s", unit);
    char reason[128];
    snprintf(reason, sizeof reason, "no processor has %s", leaf);
    st_fact_add(environment, key, list, reason, constancy);
}

/* Frequencies in kHz for each processor, or the MHz of /proc/cpuinfo where nothing governs them. */
static void frequency(st_environment *environment, const char *sysfs, const char *info)
{
    static const char leaf[] = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq";
    int64_t khz;
    if (st_sysfs_number(sysfs, leaf, &khz)) {
        over_processors(environment, sysfs, "cpu.frequency", "cpufreq/scaling_cur_freq", " kHz",
                        ST_VARIES);
        return;
    }
    char *mhz = info ? st_sysfs_field(info, "cpu MHz") : NULL;
    char value[64] = "";
    if (mhz) snprintf(value, sizeof value, "%.0f kHz", strtod(mhz, NULL) * 1000);
    st_fact_add(environment, "cpu.frequency", value, "no cpufreq, and no MHz in /proc/cpuinfo",
                ST_VARIES);
    cn_free(mhz);
}

/* "L2 Unified 1024K" */
static char *cache(const char *sysfs, const char *path, const char *name)
{
    (void)name;
    static const char *const leaves[] = {"level", "type", "size"};
    char leaf[600], *text[3];
    for (int k = 0; k < 3; k++) {
        snprintf(leaf, sizeof leaf, "%s/%s", path, leaves[k]);
        text[k] = st_sysfs_read(sysfs, leaf);
    }
    bool whole = text[0] && text[1] && text[2];
    char *line = whole ? cn_sprintf("L%s %s %s", text[0], text[1], text[2]) : NULL;
    for (int k = 0; k < 3; k++)
        cn_free(text[k]);
    return line;
}

/* Physical cores: different pairs of package and core. */
static void cores(st_environment *environment, const char *sysfs)
{
    char **cpus;
    size_t count = st_sysfs_list(sysfs, CPUS, "cpu", &cpus), different = 0;
    int64_t *seen = cn_calloc(2 * count, sizeof *seen);
    for (size_t i = 0; seen && i < count; i++) {
        char path[2][256];
        snprintf(path[0], sizeof *path, "%s/%s/topology/physical_package_id", CPUS, cpus[i]);
        snprintf(path[1], sizeof *path, "%s/%s/topology/core_id", CPUS, cpus[i]);
        int64_t *at = seen + 2 * different, k = 0;
        if (!st_sysfs_number(sysfs, path[0], &at[0]) || !st_sysfs_number(sysfs, path[1], &at[1]))
            continue;
        while (seen[2 * k] != at[0] || seen[2 * k + 1] != at[1])
            k++;
        if (seen + 2 * k == at) different++;
    }
    cn_free(seen);
    cn_free(cpus);
    char value[32] = "";
    if (different) snprintf(value, sizeof value, "%zu", different);
    st_fact_add(environment, "cpu.cores", value, "no processor has a topology", ST_FIXED);
}

/* "on" or "off": intel_pstate says what is forbidden, cpufreq what is allowed. */
static void boost(st_environment *environment, const char *sysfs)
{
    int64_t value;
    const char *state = NULL;
    if (st_sysfs_number(sysfs, "/sys/devices/system/cpu/intel_pstate/no_turbo", &value))
        state = value ? "off" : "on";
    else if (st_sysfs_number(sysfs, "/sys/devices/system/cpu/cpufreq/boost", &value))
        state = value ? "on" : "off";
    st_fact_add(environment, "cpu.boost", state, "neither intel_pstate/no_turbo nor cpufreq/boost",
                ST_FIXED);
}

/* "meltdown: Mitigation: PTI" */
static char *mitigation(const char *sysfs, const char *path, const char *name)
{
    char *state = st_sysfs_read(sysfs, path);
    char *text = state ? cn_sprintf("%s: %s", name, state) : NULL;
    cn_free(state);
    return text;
}

static void affinity(st_environment *environment, const char *sysfs)
{
    char *status = st_sysfs_read(sysfs, "/proc/self/status");
    char *allowed = status ? st_sysfs_field(status, "Cpus_allowed_list") : NULL;
    st_fact_add(environment, "cpu.affinity", allowed, "not in /proc/self/status", ST_FIXED);
    cn_free(allowed);
    cn_free(status);
}

void st_facts_processor(st_environment *environment, const char *sysfs)
{
    char *info = st_sysfs_read(sysfs, "/proc/cpuinfo");
    emulation(environment, info);
    describe(environment, info);
    st_fact_add(environment, "cpu.isa", cn_isa_name(cn_isa_available(CN_ISA_BEST)), NULL, ST_FIXED);
    st_fact_file(environment, "cpu.online", sysfs, "/sys/devices/system/cpu/online", ST_FIXED);
    cores(environment, sysfs);
    affinity(environment, sysfs);
    st_fact_list(environment, "cpu.caches", sysfs,
                 &(st_listing){"/sys/devices/system/cpu/cpu0/cache", "index", ", ", cache},
                 ST_FIXED);
    over_processors(environment, sysfs, "cpu.governor", "cpufreq/scaling_governor", "", ST_FIXED);
    over_processors(environment, sysfs, "cpu.frequency_driver", "cpufreq/scaling_driver", "",
                    ST_FIXED);
    over_processors(environment, sysfs, "cpu.frequency_min", "cpufreq/scaling_min_freq", " kHz",
                    ST_FIXED);
    over_processors(environment, sysfs, "cpu.frequency_max", "cpufreq/scaling_max_freq", " kHz",
                    ST_FIXED);
    frequency(environment, sysfs, info);
    boost(environment, sysfs);
    st_fact_file(environment, "cpu.smt", sysfs, "/sys/devices/system/cpu/smt/control", ST_FIXED);
    over_processors(environment, sysfs, "cpu.throttle_count",
                    "thermal_throttle/core_throttle_count", "", ST_VARIES);
    st_fact_list(environment, "cpu.mitigations", sysfs,
                 &(st_listing){"/sys/devices/system/cpu/vulnerabilities", "", "; ", mitigation},
                 ST_FIXED);
    cn_free(info);
}
