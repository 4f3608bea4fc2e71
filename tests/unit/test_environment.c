/* The environment, devices and the reading of kernel files, on fake trees. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "condense/memory.h"
#include "env/build.h"
#include "env/checks.h"
#include "env/device.h"
#include "env/environment.h"
#include "env/sysfs.h"

static char root[64];

/* Writes root + path, with its folders. */
static void put(const char *path, const char *text)
{
    char *name = cn_sprintf("%s%s", root, path);
    for (char *slash = name + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(name, 0700);
        *slash = '/';
    }
    FILE *file = fopen(name, "w");
    cr_assert(file, "%s: %s", name, strerror(errno));
    fputs(text, file);
    fclose(file);
    cn_free(name);
}

static void make_root(void)
{
    strcpy(root, "/tmp/condense-env-XXXXXX");
    cr_assert(mkdtemp(root));
}

static void remove_root(void)
{
    char *command = cn_sprintf("rm -rf %s", root);
    cr_assert_eq(system(command), 0);
    cn_free(command);
}

TestSuite(environment, .init = make_root, .fini = remove_root);

static st_environment capture(void)
{
    st_environment environment;
    cn_error error;
    cr_assert_eq(st_environment_capture(&environment, root, &error), CN_OK, "%s", error.message);
    return environment;
}

static void expect(const st_environment *environment, const char *key, const char *value)
{
    const char *got = st_environment_get(environment, key);
    cr_expect(got && !strcmp(got, value), "%s is '%s', not '%s'", key, got ? got : "(null)", value);
}

static void server(void)
{
    put("/proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n"
        "model name\t: Example CPU @ 2.00GHz\nstepping\t: 4\nmicrocode\t: 0x1\n"
        "cpu MHz\t\t: 1999.9\nflags\t\t: fpu avx2 hypervisor lm\n");
    put("/proc/self/status", "Name:\tx\nCpus_allowed:\tf\nCpus_allowed_list:\t0-2\n");
    put("/proc/meminfo", "MemTotal:       1000 kB\nMemFree: 10 kB\nMemAvailable:   500 kB\n");
    put("/proc/stat", "cpu  10 20 30 900 0 0 0 40\ncpu0 1 2 3\n");
    put("/proc/loadavg", "0.50 0.40 0.30 1/100 1234\n");
    put("/proc/cmdline", "root=/dev/sda1 quiet mitigations=off isolcpus=1 -- --serve\n");
    put("/proc/77/stat", "77 (a (strange) name) S 1 1 1 0 -1 0 0 0 0 0 10 20 0 0\n");
    put("/sys/devices/system/cpu/online", "0-3\n");
    const char *governors[] = {"powersave", "performance", "performance", "powersave"};
    for (int i = 0; i < 4; i++) {
        char path[128], text[32];
        sprintf(path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", i);
        put(path, governors[i]);
        sprintf(path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq", i);
        put(path, "2000000\n");
        sprintf(path, "/sys/devices/system/cpu/cpu%d/topology/physical_package_id", i);
        put(path, "0\n");
        sprintf(path, "/sys/devices/system/cpu/cpu%d/topology/core_id", i);
        sprintf(text, "%d\n", i / 2); /* two threads a core */
        put(path, text);
    }
    put("/sys/devices/system/cpu/cpu0/cache/index0/level", "1\n");
    put("/sys/devices/system/cpu/cpu0/cache/index0/type", "Data\n");
    put("/sys/devices/system/cpu/cpu0/cache/index0/size", "32K\n");
    put("/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
    put("/sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n");
    put("/sys/devices/system/cpu/vulnerabilities/spectre_v2", "Vulnerable\n");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    put("/sys/class/dmi/id/product_name", "Example Server\n");
    put("/sys/class/dmi/id/sys_vendor", "QEMU\n");
    put("/sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n");
    put("/sys/class/thermal/thermal_zone0/temp", "45500\n");
    put("/sys/class/thermal/thermal_zone1/temp", "garbage\n");
    put("/sys/class/power_supply/AC/online", "1\n");
    put("/sys/class/power_supply/BAT0/status", "Charging\n");
    put("/sys/fs/cgroup/cpu.max", "150000 100000\n");
    put("/etc/os-release", "NAME=Example\nPRETTY_NAME=\"Example OS 1\"\n");
    put("/.dockerenv", "");
}

Test(environment, of_a_server)
{
    server();
    st_environment e = capture();
    expect(&e, "cpu.model", "Example CPU @ 2.00GHz");
    expect(&e, "cpu.model_number", "85");
    expect(&e, "cpu.cores", "2");
    expect(&e, "cpu.affinity", "0-2");
    expect(&e, "cpu.caches", "L1 Data 32K");
    expect(&e, "cpu.governor", "powersave, performance");
    expect(&e, "cpu.frequency", "2000000 kHz");
    expect(&e, "cpu.boost", "off");
    expect(&e, "cpu.mitigations", "meltdown: Not affected; spectre_v2: Vulnerable");
    expect(&e, "cpu.steal", "4.0000 % since boot (40 ticks)");
    expect(&e, "machine.model", "Example Server");
    expect(&e, "machine.virtual", "yes (QEMU)");
    expect(&e, "machine.container", "docker");
    expect(&e, "memory.total", "1000 kB");
    expect(&e, "memory.huge_pages", "madvise");
    expect(&e, "kernel.command_line", "mitigations=off isolcpus=1");
    expect(&e, "temperature", "x86_pkg_temp 45.5 C");
    expect(&e, "power.source", "AC plugged in, BAT0 Charging");
    expect(&e, "cgroup.quota", "1.50 processors");
    expect(&e, "os", "Example OS 1");
    expect(&e, "load.busiest_neighbour", "none");
    st_environment_clear(&e);
}

Test(environment, of_an_empty_tree_has_a_reason_for_everything)
{
    st_environment e = capture();
    int32_t unknown = 0;
    for (int32_t i = 0; i < e.count; i++) {
        const st_fact *fact = &e.facts[i];
        cr_assert(fact->key && *fact->key);
        cr_assert((fact->value != NULL) != (fact->reason != NULL), "%s", fact->key);
        unknown += fact->value == NULL;
        for (int32_t k = 0; k < i; k++)
            cr_assert_str_neq(e.facts[k].key, fact->key);
    }
    cr_assert_gt(unknown, 25);
    cr_assert_null(st_environment_get(&e, "cpu.governor"));
    cr_assert_null(st_environment_get(&e, "no such key"));
    cr_assert_not_null(st_environment_get(&e, "build.compiler"));
    st_environment_clear(&e);
}

Test(environment, hash_leaves_out_what_varies)
{
    char first[65], second[65], third[65];
    server();
    st_environment e = capture();
    st_environment_hash(&e, first);
    st_environment_clear(&e);
    cr_assert_eq(strlen(first), 64);

    put("/proc/loadavg", "9.50 0.40 0.30 1/100 1234\n");
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1000000\n");
    put("/sys/class/thermal/thermal_zone0/temp", "99000\n");
    e = capture();
    st_environment_hash(&e, second);
    st_environment_clear(&e);
    cr_assert_str_eq(first, second);

    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "ondemand\n");
    e = capture();
    st_environment_hash(&e, third);
    st_environment_clear(&e);
    cr_assert_str_neq(first, third);
}

Test(environment, malformed_files_are_not_facts)
{
    put("/proc/stat", "cpu 1 2 x\n");
    put("/proc/77/stat", "77 (no end\n");
    put("/proc/78/stat", "78 (short) S 1\n");
    put("/proc/cpuinfo", "");
    put("/sys/fs/cgroup/cpu.max", "max 100000\n");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise never\n");
    st_environment e = capture();
    cr_assert_null(st_environment_get(&e, "cpu.steal"));
    cr_assert_null(st_environment_get(&e, "cpu.model"));
    cr_assert_null(st_environment_get(&e, "memory.huge_pages"));
    expect(&e, "cgroup.quota", "unlimited");
    st_environment_clear(&e);
}

Test(environment, kernel_files)
{
    int64_t number;
    put("/a/n", " 42\n");
    put("/a/long", "99999999999999999999\n");
    put("/a/word", "42 apples\n");
    cr_assert(st_sysfs_number(root, "/a/n", &number) && number == 42);
    cr_assert(!st_sysfs_number(root, "/a/long", &number) && errno == EINVAL);
    cr_assert(!st_sysfs_number(root, "/a/word", &number) && errno == EINVAL);
    cr_assert(!st_sysfs_number(root, "/a/missing", &number) && errno == ENOENT);
    cr_assert_null(st_sysfs_read(root, "/a"));
    put("/a/cpu10", "");
    put("/a/cpu2", "");
    char **names;
    cr_assert_eq(st_sysfs_list(root, "/a", "cpu", &names), 2);
    cr_assert_str_eq(names[0], "cpu2");
    cr_assert_str_eq(names[1], "cpu10");
    cn_free(names);
    cr_assert_eq(st_sysfs_list(root, "/b", "", &names), 0);
    cr_assert_null(names);
    char *big = cn_calloc(3 << 20, 1);
    memset(big, 'x', (3 << 20) - 1);
    put("/a/big", big);
    cn_free(big);
    big = st_sysfs_read(root, "/a/big");
    cr_assert(big && strlen(big) <= 1 << 20);
    cn_free(big);
}

Test(environment, devices_of_the_project)
{
    static const char *const names[] = {"host", "tx2", "generic-aarch64"};
    cn_error error;
    st_device *device;
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(st_device_load(&device, names[i], &error), CN_OK, "%s", error.message);
        cr_assert_str_eq(device->name, names[i]);
        if (i == 0) cr_assert(st_device_matches(device, root, &error));
        if (i == 1) cr_assert_str_eq(device->energy_rail, "VDD_IN");
        st_device_free(device);
    }
    static const char *const wrong[] = {"", "tx3", "../devices/tx2", "a/b", ".", "TX2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_eq(st_device_load(&device, wrong[i], &error), CN_ENOTFOUND);
        cr_assert_null(device);
        cr_assert(strstr(error.message, "generic-aarch64, host, tx2"), "%s", error.message);
    }
}

Test(environment, device_is_recognised_by_name)
{
    char *models[] = {"Nothing", "Example"};
    st_device device = {.name = "x", .title = "X board", .models = models, .model_count = 2};
    cn_error error;
    cr_assert(!st_device_matches(&device, root, &error));
    cr_assert(strstr(error.message, "nothing"), "%s", error.message);
    put("/sys/class/dmi/id/product_name", "Other\n");
    cr_assert(!st_device_matches(&device, root, &error));
    cr_assert(strstr(error.message, "'Other'"), "%s", error.message);
    put("/proc/device-tree/model", "An Example board");
    cr_assert(st_device_matches(&device, root, &error));
    device.arch = "m68k";
    cr_assert(!st_device_matches(&device, root, &error));
}

Test(environment, malformed_device_records)
{
    static const char *const records[] = {
        "",
        "[]",
        "{\"name\": \"x\"}",
        "{\"name\": 1, \"title\": \"t\"}",
        "{\"name\": \"y\", \"title\": \"t\"}",
        "{\"name\": \"x\", \"title\": \"t\", \"match\": {\"model\": \"m\"}}",
        "{\"name\": \"x\", \"title\": \"t\", \"match\": {\"model\": [1]}}",
        "{\"name\": \"x\", \"title\": \"t\", \"energy\": {\"rail\": 3}}"};
    put("/experiments/models/none", ""); /* what makes a folder a project's root */
    setenv("CONDENSE_HOME", root, 1);
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        st_device *device;
        cn_error error;
        put("/experiments/devices/x.json", records[i]);
        cr_assert_neq(st_device_load(&device, "x", &error), CN_OK, "%s", records[i]);
        cr_assert(strstr(error.message, "x.json"), "%s", error.message);
        cr_assert_null(device);
    }
}

static const st_check *find_check(const st_checks *checks, const char *feature, const char *name)
{
    for (size_t i = 0; i < checks->count; i++)
        if (!strcmp(checks->items[i].feature, feature) && !strcmp(checks->items[i].name, name))
            return &checks->items[i];
    return NULL;
}

Test(environment, doctor_tells_a_working_core_from_a_broken_one)
{
    st_checks checks;
    cn_error error;
    cr_assert_eq(st_checks_run(&checks, &error), CN_OK, "%s", error.message);
    const st_check *project = find_check(&checks, "core", "project");
    cr_assert(project && project->health == ST_HEALTH_FINE && !*project->fix);
    st_checks_clear(&checks);

    setenv("CONDENSE_HOME", root, 1);
    setenv("CONDENSE_DATA", root, 1);
    setenv("PATH", root, 1);
    cr_assert_eq(st_checks_run(&checks, &error), CN_OK, "%s", error.message);
    project = find_check(&checks, "core", "project");
    cr_assert(project && project->health == ST_HEALTH_BROKEN && *project->fix);
    const st_check *gnuplot = find_check(&checks, "figures", "gnuplot");
    cr_assert(gnuplot && gnuplot->health == ST_HEALTH_LACKS);
    cr_assert(strstr(gnuplot->fix, "gnuplot-nox"), "%s", gnuplot->fix);
    st_checks_clear(&checks);
    setenv("PATH", "/usr/bin:/bin", 1); /* for removing the fake tree */
}
