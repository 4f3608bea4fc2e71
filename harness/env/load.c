/* What changes from minute to minute: load, neighbours, steal time, temperatures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "condense/memory.h"
#include "env/facts.h"
#include "env/sysfs.h"

/* Ticks that each running process has used so far. */
typedef struct usage {
    long long pid, ticks;
    char name[32];
} usage;

/* /proc/PID/stat: "pid (name) state ppid ... utime stime ...", where the name may hold anything. */
static bool parse_usage(const char *text, usage *out)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    long long user, kernel;
    if (!open || !close || close < open) return false;
    if (sscanf(close + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld", &user,
               &kernel) != 2)
        return false;
    out->pid = strtoll(text, NULL, 10);
    out->ticks = user + kernel;
    snprintf(out->name, sizeof out->name, "%.*s", (int)(close - open - 1), open + 1);
    return true;
}

/* A block for cn_free of all processes but this one; NULL where there are none. */
static usage *snapshot(const char *sysfs, size_t *count)
{
    char **names;
    size_t found = st_sysfs_list(sysfs, "/proc", "", &names);
    usage *list = cn_calloc(found, sizeof *list);
    *count = 0;
    for (size_t i = 0; list && i < found; i++) {
        if (names[i][0] < '0' || names[i][0] > '9') continue;
        char path[300];
        snprintf(path, sizeof path, "/proc/%s/stat", names[i]);
        char *text = st_sysfs_read(sysfs, path);
        if (text && parse_usage(text, &list[*count]) && list[*count].pid != (long long)getpid())
            ++*count;
        cn_free(text);
    }
    cn_free(names);
    return list;
}

static long long ticks_of(const usage *list, size_t count, long long pid)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].pid == pid) return list[i].ticks;
    return -1;
}

/* The busiest other process over a fifth of a second, as a share of one processor. */
static void neighbours(st_environment *environment, const char *sysfs)
{
    static const struct timespec watch = {.tv_nsec = 200000000};
    size_t before_count, after_count;
    usage *before = snapshot(sysfs, &before_count);
    nanosleep(&watch, NULL);
    usage *after = snapshot(sysfs, &after_count);
    long long most = 0;
    const usage *busiest = NULL;
    for (size_t i = 0; before && after && i < after_count; i++) {
        long long start = ticks_of(before, before_count, after[i].pid);
        if (start < 0 || after[i].ticks - start <= most) continue;
        most = after[i].ticks - start;
        busiest = &after[i];
    }
    if (busiest)
        st_fact_format(environment, "load.busiest_neighbour", ST_VARIES,
                       "%s, %.0f %% of a processor", busiest->name,
                       100 * (double)most / (0.2 * (double)sysconf(_SC_CLK_TCK)));
    else
        st_fact_add(environment, "load.busiest_neighbour", after_count ? "none" : NULL,
                    "no process can be read in /proc", ST_VARIES);
    cn_free(before);
    cn_free(after);
}

/* Share of the time since boot that the hypervisor gave to somebody else. */
static void steal(st_environment *environment, const char *sysfs)
{
    char *text = st_sysfs_read(sysfs, "/proc/stat");
    double ticks[8], all = 0;
    int got = text ? sscanf(text, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &ticks[0], &ticks[1],
                            &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7])
                   : 0;
    for (int i = 0; i < got; i++)
        all += ticks[i];
    if (got == 8 && all > 0)
        st_fact_format(environment, "cpu.steal", ST_VARIES, "%.4f %% since boot (%.0f ticks)",
                       100 * ticks[7] / all, ticks[7]);
    else
        st_fact_add(environment, "cpu.steal", NULL, "no line 'cpu' with steal time in /proc/stat",
                    ST_VARIES);
    cn_free(text);
}

/* "x86_pkg_temp 45.0 C" */
static char *temperature(const char *sysfs, const char *path, const char *name)
{
    char leaf[600];
    int64_t millidegrees;
    snprintf(leaf, sizeof leaf, "%s/temp", path);
    if (!st_sysfs_number(sysfs, leaf, &millidegrees)) return NULL;
    snprintf(leaf, sizeof leaf, "%s/type", path);
    char *type = st_sysfs_read(sysfs, leaf);
    char *text = cn_sprintf("%s %.1f C", type ? type : name, (double)millidegrees / 1000);
    cn_free(type);
    return text;
}

void st_facts_load(st_environment *environment, const char *sysfs)
{
    st_fact_file(environment, "load.average", sysfs, "/proc/loadavg", ST_VARIES);
    neighbours(environment, sysfs);
    steal(environment, sysfs);
    st_fact_list(environment, "temperature", sysfs,
                 &(st_listing){"/sys/class/thermal", "thermal_zone", ", ", temperature}, ST_VARIES);
}
