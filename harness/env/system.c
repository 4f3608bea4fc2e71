/* The rest of the machine: memory, kernel, virtual machine or container, limits, power, boards. */
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "env/device.h"
#include "env/facts.h"
#include "env/sysfs.h"

/* Facts that are one file each. */
static const struct {
    const char *key, *path;
    st_constancy constancy;
} files[] = {
    {"kernel.release", "/proc/sys/kernel/osrelease", ST_FIXED},
    {"kernel.version", "/proc/sys/kernel/version", ST_FIXED},
    {"kernel.aslr", "/proc/sys/kernel/randomize_va_space", ST_FIXED},
    {"kernel.clock_source", "/sys/devices/system/clocksource/clocksource0/current_clocksource",
     ST_FIXED},
    {"power.profile", "/sys/firmware/acpi/platform_profile", ST_FIXED},
    {"jetson.l4t", "/etc/nv_tegra_release", ST_FIXED},
    {"jetson.power_mode", "/var/lib/nvpmodel/status", ST_FIXED},
};

static void field_of(st_environment *environment, const char *key, const char *sysfs,
                     const char *path, const char *field, st_constancy constancy)
{
    char *text = st_sysfs_read(sysfs, path);
    char *value = text ? st_sysfs_field(text, field) : NULL, reason[128];
    snprintf(reason, sizeof reason, "no %s in %s", field, path);
    st_fact_add(environment, key, value, reason, constancy);
    cn_free(value);
    cn_free(text);
}

/* The parameters of the kernel that change timing; the others name disks and consoles. */
static void command_line(st_environment *environment, const char *sysfs)
{
    static const char *const timing[] = {"mitigations",  "nospec",       "spec_",
                                         "spectre",      "nopti",        "pti",
                                         "isolcpus",     "nohz",         "rcu_nocbs",
                                         "irqaffinity",  "threadirqs",   "preempt",
                                         "intel_pstate", "amd_pstate",   "cpufreq",
                                         "cpuidle",      "intel_idle",   "processor.",
                                         "idle",         "nosmt",        "maxcpus",
                                         "nr_cpus",      "numa",         "clocksource",
                                         "tsc",          "hugepages",    "transparent_hugepage",
                                         "nowatchdog",   "nmi_watchdog", "norandmaps"};
    char *text = st_sysfs_read(sysfs, "/proc/cmdline"), list[1024] = "", *rest = NULL;
    for (char *word = text ? strtok_r(text, " ", &rest) : NULL; word && strcmp(word, "--") != 0;
         word = strtok_r(NULL, " ", &rest))
        for (size_t i = 0; i < sizeof timing / sizeof *timing; i++) {
            if (strncmp(word, timing[i], strlen(timing[i])) != 0) continue;
            size_t used = strlen(list);
            snprintf(list + used, sizeof list - used, "%s%s", used ? " " : "", word);
            break;
        }
    st_fact_add(environment, "kernel.command_line", text && !*list ? "nothing about timing" : list,
                "/proc/cmdline cannot be read", ST_FIXED);
    cn_free(text);
}

/* "always [madvise] never": the word in brackets is the choice. */
static void huge_pages(st_environment *environment, const char *sysfs)
{
    char *text = st_sysfs_read(sysfs, "/sys/kernel/mm/transparent_hugepage/enabled");
    char *open = text ? strchr(text, '[') : NULL, *close = open ? strchr(open, ']') : NULL;
    if (close) *close = '\0';
    st_fact_add(environment, "memory.huge_pages", close ? open + 1 : NULL,
                "no /sys/kernel/mm/transparent_hugepage/enabled", ST_FIXED);
    cn_free(text);
}

static void operating_system(st_environment *environment, const char *sysfs)
{
    char *text = st_sysfs_read(sysfs, "/etc/os-release");
    char *name = text ? st_sysfs_field(text, "PRETTY_NAME") : NULL;
    size_t length = name ? strlen(name) : 0;
    if (length > 1 && name[0] == '"' && name[length - 1] == '"') {
        name[length - 1] = '\0';
        memmove(name, name + 1, length - 1);
    }
    st_fact_add(environment, "os", name, "no PRETTY_NAME in /etc/os-release", ST_FIXED);
    cn_free(name);
    cn_free(text);
}

/* The processor says whether there is a hypervisor, the firmware or the kernel which one. */
static void virtual_machine(st_environment *environment, const char *sysfs)
{
    char *info = st_sysfs_read(sysfs, "/proc/cpuinfo");
    char *flags = info ? st_sysfs_field(info, "flags") : NULL;
    char *kind = st_sysfs_read(sysfs, "/sys/hypervisor/type");
    if (!kind) kind = st_sysfs_read(sysfs, "/sys/class/dmi/id/sys_vendor");
    bool below = flags && strstr(flags, " hypervisor");
    if (below)
        st_fact_format(environment, "machine.virtual", ST_FIXED, "yes (%s)",
                       kind ? kind : "the hypervisor does not say which");
    else
        st_fact_add(environment, "machine.virtual", flags ? "no" : NULL,
                    "the processor has no hypervisor flag to ask", ST_FIXED);
    cn_free(kind);
    cn_free(flags);
    cn_free(info);
}

static void container(st_environment *environment, const char *sysfs)
{
    const char *kind = "none seen";
    char *group = st_sysfs_read(sysfs, "/proc/1/cgroup");
    if (st_sysfs_exists(sysfs, "/.dockerenv"))
        kind = "docker";
    else if (st_sysfs_exists(sysfs, "/run/.containerenv"))
        kind = "podman";
    else if (group &&
             (strstr(group, "docker") || strstr(group, "kubepods") || strstr(group, "lxc")))
        kind = "by its control group";
    st_fact_add(environment, "machine.container", kind, NULL, ST_FIXED);
    cn_free(group);
}

/* The processor quota of this process's control group: "0.50 processors", or "unlimited". */
static void quota(st_environment *environment, const char *sysfs)
{
    char *groups = st_sysfs_read(sysfs, "/proc/self/cgroup");
    char *own = groups ? st_sysfs_field(groups, "0:") : NULL; /* "0::/path": version 2 */
    const char *folder = own ? own + (*own == ':') : "";
    char *path = cn_sprintf("/sys/fs/cgroup%s/cpu.max", strcmp(folder, "/") != 0 ? folder : "");
    char *limit = path ? st_sysfs_read(sysfs, path) : NULL;
    if (!limit) limit = st_sysfs_read(sysfs, "/sys/fs/cgroup/cpu.max");
    double share, period;
    int64_t old_share, old_period;
    if (limit && sscanf(limit, "%lf %lf", &share, &period) == 2 && period > 0)
        st_fact_format(environment, "cgroup.quota", ST_FIXED, "%.2f processors", share / period);
    else if (limit)
        st_fact_add(environment, "cgroup.quota", "unlimited", NULL, ST_FIXED);
    else if (st_sysfs_number(sysfs, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &old_share) &&
             st_sysfs_number(sysfs, "/sys/fs/cgroup/cpu/cpu.cfs_period_us", &old_period) &&
             old_period > 0 && old_share > 0)
        st_fact_format(environment, "cgroup.quota", ST_FIXED, "%.2f processors",
                       (double)old_share / (double)old_period);
    else
        st_fact_add(environment, "cgroup.quota", NULL, "no cpu.max and no cfs quota is set",
                    ST_FIXED);
    cn_free(limit);
    cn_free(path);
    cn_free(own);
    cn_free(groups);
}

/* A mains adapter that is plugged in or not, or a battery with its state. */
static char *supply(const char *sysfs, const char *path, const char *name)
{
    char leaf[600];
    int64_t online;
    snprintf(leaf, sizeof leaf, "%s/online", path);
    if (st_sysfs_number(sysfs, leaf, &online))
        return cn_sprintf("%s %s", name, online ? "plugged in" : "unplugged");
    snprintf(leaf, sizeof leaf, "%s/status", path);
    char *battery = st_sysfs_read(sysfs, leaf);
    char *text = battery ? cn_sprintf("%s %s", name, battery) : NULL;
    cn_free(battery);
    return text;
}

void st_facts_system(st_environment *environment, const char *sysfs)
{
    char *machine = st_device_machine(sysfs);
    st_fact_add(environment, "machine.model", machine,
                "neither a device tree nor firmware nor processor names it", ST_FIXED);
    cn_free(machine);
    virtual_machine(environment, sysfs);
    container(environment, sysfs);
    field_of(environment, "memory.total", sysfs, "/proc/meminfo", "MemTotal", ST_FIXED);
    field_of(environment, "memory.available", sysfs, "/proc/meminfo", "MemAvailable", ST_VARIES);
    huge_pages(environment, sysfs);
    operating_system(environment, sysfs);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        st_fact_file(environment, files[i].key, sysfs, files[i].path, files[i].constancy);
    command_line(environment, sysfs);
    quota(environment, sysfs);
    st_fact_list(environment, "power.source", sysfs,
                 &(st_listing){"/sys/class/power_supply", "", ", ", supply}, ST_VARIES);
}
