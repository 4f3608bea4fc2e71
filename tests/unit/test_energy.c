/* Energy: the integration with injected readings, the sources on fake trees, the thread once. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "condense/clock.h"
#include "condense/memory.h"
#include "condense/random.h"
#include "sense/energy.h"
#include "sense/source.h"
#include "sense/trace.h"

enum { MS = 1000000, SECOND = 1000 * MS };
static const st_sensor power_sensor = {.kind = ST_SENSOR_POWER, .channels = 1};

static st_trace trace_of(const st_sensor *sensor)
{
    st_trace trace;
    cr_assert_eq(st_trace_open(&trace, sensor, MS, 1 << 14, NULL), CN_OK);
    return trace;
}

static double constant(double seconds)
{
    return seconds < 0 ? 2e6 : 5e6; /* idle before 0, as in every cell */
}

static double ramp(double seconds)
{
    return 1e6 + 4e6 * seconds;
}

static double square(double seconds)
{
    return fmod(seconds, 0.1) < 0.05 ? 10e6 : 2e6;
}

static double square_energy(double begin, double end)
{
    double energy = 0; /* finely, and apart from the code under test */
    for (int i = 0; i < 100000; i++)
        energy += square(begin + (end - begin) * (i + 0.5) / 100000) * (end - begin) / 100000;
    return energy;
}

static void near(double got, double want, const char *what)
{
    cr_assert_leq(fabs(got - want), 0.01 * fabs(want), "%s: %g instead of %g", what, got, want);
}

/* Readings at 1,000 Hz, each up to 0.4 ms early or late where `jitter`, from -1 s to 3 s. */
static st_trace read_power(double (*power)(double), bool jitter)
{
    st_trace trace = trace_of(&power_sensor);
    cn_random random = cn_random_seed(9);
    for (int i = -1000; i <= 3000; i++) {
        double seconds = i * 1e-3;
        if (jitter) seconds += 0.8e-3 * (cn_random_uniform(&random) - 0.5);
        int64_t value = (int64_t)power(seconds);
        st_trace_add(&trace, (int64_t)(seconds * SECOND), &value);
    }
    return trace;
}

Test(energy, shapes_of_power_integrate_within_one_percent)
{
    for (int jitter = 0; jitter < 2; jitter++) {
        st_trace trace = read_power(constant, jitter);
        st_trace_window w = st_trace_between(&trace, 10 * MS, 2 * SECOND);
        near(w.microjoule, 5e6 * 1.99, "constant");
        near(w.covered_ns, 1.99 * SECOND, "coverage");
        cr_assert(!w.stuck && w.readings >= 1985 && w.readings <= 1995 && w.gaps == 0);
        st_trace_close(&trace);

        trace = read_power(ramp, jitter);
        w = st_trace_between(&trace, 123456789, 1987654321);
        double a = 0.123456789, b = 1.987654321;
        near(w.microjoule, (b - a) * (1e6 + 2e6 * (a + b)), "ramp");
        st_trace_close(&trace);

        trace = read_power(square, jitter);
        w = st_trace_between(&trace, 20 * MS, 1870 * MS);
        near(w.microjoule, square_energy(0.02, 1.87), "square");
        cr_assert_eq(w.changes, 37);
        st_trace_close(&trace);
    }
}

Test(energy, counters_count_across_gaps_and_wraps)
{
    const st_sensor sensor = {
        .kind = ST_SENSOR_COUNTER, .channels = 2, .ranges = {1000000, 7000000}};
    st_trace trace = trace_of(&sensor);
    cn_random random = cn_random_seed(4);
    /* 3 W and 5 W; updates every 4 ms, read every millisecond, with 100 ms missing. */
    for (int64_t ms = 0; ms <= 4000; ms++) {
        if (ms > 1000 && ms < 1100) continue;
        int64_t energy = ms / 4 * 4 * 1000;
        int64_t values[2] = {3 * energy % 1000000, (6999999 + 5 * energy) % 7000000};
        int64_t late = (int64_t)cn_random_below(&random, MS / 10);
        st_trace_add(&trace, ms * MS + late, values);
    }
    st_trace_window w = st_trace_between(&trace, 100 * MS, 3900LL * MS);
    near(w.microjoule, 8e6 * 3.8, "counters");
    near(w.covered_ns, 3.8 * SECOND, "coverage");
    cr_assert(!w.stuck && w.failures == 0);
    cr_assert(w.changes > 900 && w.changes < 960, "%lld changes", (long long)w.changes);
    st_trace_close(&trace);
}

Test(energy, a_counter_that_goes_back_is_no_wrap)
{
    const st_sensor sensor = {.kind = ST_SENSOR_COUNTER, .channels = 1, .ranges = {1LL << 40}};
    st_trace trace = trace_of(&sensor);
    for (int64_t ms = 0; ms <= 2000; ms++) {
        int64_t value = 50000000 + 10000 * ms - (ms >= 1000 ? 20000000 : 0);
        if (ms == 1500) value = 1LL << 39; /* garbage: 500 kJ in a millisecond */
        st_trace_add(&trace, ms * MS, &value);
    }
    st_trace_window w = st_trace_between(&trace, 500 * MS, 1900LL * MS);
    cr_assert_eq(w.failures, 3, "back; up to the garbage and back from it");
    cr_assert_eq(w.gaps, 3);
    near(w.microjoule, 10e6 * 1.397, "what is known");
    near(w.covered_ns, 1.397 * SECOND, "coverage");
    st_trace_close(&trace);
}

Test(energy, stuck_sensors_are_noticed)
{
    st_trace trace = trace_of(&power_sensor);
    int64_t value = 5000000;
    for (int64_t ms = 0; ms <= 3000; ms++) /* from the beginning */
        st_trace_add(&trace, ms * MS, &value);
    cr_assert(st_trace_between(&trace, 1000 * MS, 3000LL * MS).stuck);
    st_trace_close(&trace);

    trace = trace_of(&power_sensor);
    for (int64_t ms = 0; ms <= 3000; ms++) { /* noise that ends after a second */
        value = 5000000 + (ms < 1000 ? ms % 3 : 0) * 4000;
        st_trace_add(&trace, ms * MS, &value);
    }
    cr_assert(!st_trace_between(&trace, 200 * MS, 900 * MS).stuck);
    cr_assert(!st_trace_between(&trace, 1001 * MS, 1010 * MS).stuck);
    cr_assert(st_trace_between(&trace, 1100 * MS, 2000 * MS).stuck);
    cr_assert(st_trace_between(&trace, 1500 * MS, 1505 * MS).stuck, "short windows notice it, too");
    st_trace_close(&trace);

    const st_sensor counter = {.kind = ST_SENSOR_COUNTER, .channels = 1, .ranges = {0}};
    trace = trace_of(&counter);
    for (int64_t ms = 0; ms <= 3000; ms++) {
        value = 1000 * (ms < 1000 ? ms : 1000);
        st_trace_add(&trace, ms * MS, &value);
    }
    st_trace_window w = st_trace_between(&trace, 1100 * MS, 2000 * MS);
    cr_assert(w.stuck && w.covered_ns == 0 && w.readings > 890 && w.readings < 910);
    st_trace_close(&trace);
}

Test(energy, gaps_failures_and_garbage_of_power)
{
    st_trace trace = trace_of(&power_sensor);
    for (int64_t ms = 0; ms <= 2000; ms++) {
        int64_t value = 4000000 + ms % 2;
        if (ms >= 500 && ms < 600) { /* starved: no reading at all */
            continue;
        } else if (ms >= 1000 && ms < 1005) { /* short: bridged */
            st_trace_fail(&trace, EAGAIN);
        } else {
            if (ms == 1200) value = -5;
            if (ms == 1210) value = 1LL << 50;
            st_trace_add(&trace, ms * MS, &value);
        }
    }
    st_trace_window w = st_trace_between(&trace, 0, 2000LL * MS);
    cr_assert_eq(w.gaps, 1);
    cr_assert_eq(w.failures, 7);
    near(w.covered_ns, 1.899 * SECOND, "coverage");
    near(w.microjoule, 4e6 * 1.899, "energy of what is covered");
    cr_assert_eq(trace.last_error, ERANGE);
    st_trace_close(&trace);
}

Test(energy, windows_outside_of_what_is_kept)
{
    st_trace trace;
    cr_assert_eq(st_trace_open(&trace, &power_sensor, MS, 100, NULL), CN_OK);
    st_trace_window w = st_trace_between(&trace, 0, SECOND);
    cr_assert(w.microjoule == 0 && w.covered_ns == 0 && !w.stuck);
    for (int64_t ms = 0; ms < 1000; ms++) {
        int64_t value = 1000000 + ms;
        st_trace_add(&trace, ms * MS, &value);
    }
    w = st_trace_between(&trace, 0, 950 * MS); /* the ring holds 900 .. 999 */
    cr_assert_float_eq(w.covered_ns, 50.0 * MS, 1);
    w = st_trace_between(&trace, 0, 500 * MS);
    cr_assert_float_eq(w.covered_ns, 0, 1);
    w = st_trace_between(&trace, 2 * (int64_t)SECOND, 3 * (int64_t)SECOND);
    cr_assert_float_eq(w.covered_ns, 0, 1);
    cr_assert_float_eq(w.microjoule, 0, 1);
    w = st_trace_between(&trace, 950 * MS, 940 * MS);
    cr_assert_float_eq(w.covered_ns, 0, 0);
    st_trace_close(&trace);
}

/* Whatever a broken sensor says, a window is covered between not at all and wholly, and its power
 * is one that a machine can draw. */
Test(energy, broken_sensors_cannot_break_the_curve)
{
    cn_random random = cn_random_seed(11);
    for (int round = 0; round < 200; round++) {
        bool counter = round % 2;
        const st_sensor sensor = {.kind = counter ? ST_SENSOR_COUNTER : ST_SENSOR_POWER,
                                  .channels = 1 + round % 3,
                                  .ranges = {round % 5 ? 1LL << (10 + round % 50) : 0, 1000}};
        st_trace trace;
        cr_assert_eq(st_trace_open(&trace, &sensor, MS, 64, NULL), CN_OK);
        int64_t ns = 0, end = 0;
        for (int i = 0; i < 300; i++) {
            int64_t values[ST_CHANNELS];
            for (int c = 0; c < sensor.channels; c++)
                values[c] = (int64_t)(cn_random_u64(&random) >> cn_random_below(&random, 64));
            ns += cn_random_below(&random, 20 * MS);
            if (cn_random_below(&random, 4))
                st_trace_add(&trace, ns, values);
            else
                st_trace_fail(&trace, EIO);
            end = ns + cn_random_below(&random, 5 * MS);
            int64_t begin = end - 1 - cn_random_below(&random, 100 * MS);
            st_trace_window w = st_trace_between(&trace, begin, end);
            double span = (double)(end - begin);
            cr_assert(w.covered_ns >= -1 && w.covered_ns <= span + 1);
            cr_assert(w.microjoule >= -1e-3 * 1e6 && w.readings >= 0 && w.failures >= 0);
            double most = ST_CHANNELS * 10e9 * 1e-9 * w.covered_ns + 301e6 * ST_CHANNELS;
            cr_assert_leq(w.microjoule, most);
        }
        st_trace_close(&trace);
    }
}

/* Fake trees. */

static char root[64];

static void make_root(void)
{
    strcpy(root, "/tmp/condense-energy-XXXXXX");
    cr_assert(mkdtemp(root));
}

static void remove_root(void)
{
    char *command = cn_sprintf("rm -rf %s", root);
    cr_assert_eq(system(command), 0);
    cn_free(command);
}

static void put(const char *path, const char *text)
{
    char *name = cn_sprintf("%s%s", root, path);
    for (char *slash = name + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(name, 0700);
        *slash = '/';
    }
    FILE *file = fopen(name, "w");
    cr_assert(file);
    fputs(text, file);
    fclose(file);
    cn_free(name);
}

static void put_zone(const char *zone, const char *name, const char *energy)
{
    char path[128];
    sprintf(path, "/sys/class/powercap/%s/name", zone);
    put(path, name);
    sprintf(path, "/sys/class/powercap/%s/energy_uj", zone);
    put(path, energy);
    sprintf(path, "/sys/class/powercap/%s/max_energy_range_uj", zone);
    put(path, "262143328850\n");
}

TestSuite(energy_sources, .init = make_root, .fini = remove_root);

Test(energy_sources, rapl_sums_packages_and_takes_a_zone_by_name)
{
    st_sensor sensor;
    char reason[ST_REASON] = "";
    int64_t values[ST_CHANNELS];
    cr_assert(!st_sense_rapl.open(&sensor, root, NULL, reason));
    cr_assert(strstr(reason, "modprobe"), "%s", reason);
    put_zone("intel-rapl:0", "package-0\n", "1000\n");
    put_zone("intel-rapl:0:0", "core\n", "700\n");
    put_zone("intel-rapl:0:1", "dram\n", "80\n");
    put_zone("intel-rapl:1", "package-1\n", "2000\n");
    put_zone("intel-rapl:1:0", "dram\n", "90\n");
    put_zone("intel-rapl:2", "psys\n", "5000\n");
    put_zone("intel-rapl-mmio:0", "package-0\n", "1\n");
    cr_assert(st_sense_rapl.open(&sensor, root, NULL, reason), "%s", reason);
    cr_assert_str_eq(sensor.label, "rapl:package-0+package-1");
    cr_assert_eq(sensor.channels, 2);
    cr_assert_eq(sensor.ranges[0], 262143328851);
    cr_assert_eq(st_sense_rapl.read(&sensor, values), 0);
    cr_assert(values[0] == 1000 && values[1] == 2000);
    put("/sys/class/powercap/intel-rapl:1/energy_uj", "12x\n");
    cr_assert_eq(st_sense_rapl.read(&sensor, values), EINVAL);
    st_sense_rapl.close(&sensor);

    cr_assert(st_sense_rapl.open(&sensor, root, "dram", reason), "%s", reason);
    cr_assert_eq(sensor.channels, 2);
    st_sense_rapl.close(&sensor);
    cr_assert(!st_sense_rapl.open(&sensor, root, "gpu", reason));
    cr_assert(strstr(reason, "no zone called gpu"), "%s", reason);
}

Test(energy_sources, rapl_says_how_to_get_permission)
{
    if (geteuid() == 0) cr_skip_test("root may read everything");
    st_sensor sensor;
    char reason[ST_REASON];
    put_zone("intel-rapl:0", "package-0\n", "1000\n");
    char *path = cn_sprintf("%s/sys/class/powercap/intel-rapl:0/energy_uj", root);
    chmod(path, 0);
    cn_free(path);
    cr_assert(!st_sense_rapl.open(&sensor, root, NULL, reason));
    cr_assert(strstr(reason, "sudo chmod a+r"), "%s", reason);
}

Test(energy_sources, ina3221_in_both_layouts)
{
    st_sensor sensor;
    char reason[ST_REASON] = "";
    int64_t value;
    cr_assert(!st_sense_ina3221.open(&sensor, root, NULL, reason));
    put("/sys/class/hwmon/hwmon0/name", "nvme\n");
    put("/sys/class/hwmon/hwmon1/name", "ina3221\n");
    put("/sys/class/hwmon/hwmon1/in1_label", "VDD_CPU\n");
    put("/sys/class/hwmon/hwmon1/in1_input", "19000\n");
    put("/sys/class/hwmon/hwmon1/curr1_input", "100\n");
    cr_assert(!st_sense_ina3221.open(&sensor, root, NULL, reason));
    cr_assert(strstr(reason, "VDD_CPU"), "%s", reason);
    put("/sys/class/hwmon/hwmon1/in2_label", "VDD_IN\n");
    put("/sys/class/hwmon/hwmon1/in2_input", "19008\n");
    put("/sys/class/hwmon/hwmon1/curr2_input", "250\n");
    cr_assert(st_sense_ina3221.open(&sensor, root, NULL, reason), "%s", reason);
    cr_assert_str_eq(sensor.label, "ina3221:VDD_IN");
    cr_assert_eq(st_sense_ina3221.read(&sensor, &value), 0);
    cr_assert_eq(value, 19008 * 250);
    put("/sys/class/hwmon/hwmon1/curr2_input", "99999999999\n");
    cr_assert_eq(st_sense_ina3221.read(&sensor, &value), 0);
    cr_assert_lt(value, 0, "garbage is no power");
    st_sense_ina3221.close(&sensor);

    put("/sys/bus/i2c/drivers/ina3221x/0-0041/iio:device1/rail_name_0", "VDD_SYS_DDR\n");
    put("/sys/bus/i2c/drivers/ina3221x/0-0041/iio:device1/in_power0_input", "321\n");
    put("/sys/bus/i2c/drivers/ina3221x/bind", "");
    cr_assert(st_sense_ina3221.open(&sensor, root, "VDD_SYS_DDR", reason), "%s", reason);
    cr_assert_eq(st_sense_ina3221.read(&sensor, &value), 0);
    cr_assert_eq(value, 321000);
    st_sense_ina3221.close(&sensor);
}

Test(energy_sources, without_a_sensor_there_is_a_reason)
{
    st_energy_options options = st_energy_defaults();
    st_energy *energy;
    cn_error error;
    options.sysfs = root;
    cr_assert_eq(st_energy_open(&energy, &options, &error), CN_OK);
    cr_assert_null(st_energy_source(energy));
    st_energy_calibrate(energy, 10); /* does not wait for nothing */
    st_energy_reading reading = st_energy_window(energy, 0, SECOND);
    cr_assert(isnan(reading.millijoule) && isnan(reading.idle_milliwatt));
    cr_assert(strstr(reading.reason, "rapl: ") && strstr(reading.reason, "; ina3221: "), "%s",
              reading.reason);
    st_energy_close(energy);

    options.source = "sun";
    cr_assert_eq(st_energy_open(&energy, &options, &error), CN_EINVAL);
    options = st_energy_defaults();
    options.rate_hz = NAN;
    cr_assert_eq(st_energy_open(&energy, &options, &error), CN_EINVAL);
}

Test(energy_sources, the_thread_reads_and_notices_that_the_sensor_vanishes)
{
    put("/sys/class/hwmon/hwmon1/name", "ina3221\n");
    put("/sys/class/hwmon/hwmon1/in1_label", "VDD_IN\n");
    put("/sys/class/hwmon/hwmon1/in1_input", "5000\n");
    put("/sys/class/hwmon/hwmon1/curr1_input", "400\n");
    st_energy_options options = st_energy_defaults();
    options.sysfs = root;
    options.rate_hz = 200; /* a gap is then 50 ms, which a busy machine rarely makes */
    st_energy *energy;
    cr_assert_eq(st_energy_open(&energy, &options, NULL), CN_OK);
    st_energy_calibrate(energy, 0.1);
    int64_t begin = cn_clock_ns();
    put("/sys/class/hwmon/hwmon1/curr1_input.new", "1200\n");
    char *from = cn_sprintf("%s/sys/class/hwmon/hwmon1/curr1_input.new", root);
    char *to = cn_sprintf("%s/sys/class/hwmon/hwmon1/curr1_input", root);
    cr_assert_eq(rename(from, to), 0);
    usleep(50000);
    int64_t middle = cn_clock_ns();
    usleep(200000);
    int64_t end = cn_clock_ns();
    st_energy_reading reading = st_energy_window(energy, middle, end);
    if (reading.coverage > 0.9) { /* else the machine was too busy, which must be said */
        cr_expect_float_eq(reading.idle_milliwatt, 2000, 0.01);
        near(reading.millijoule, 4000 * reading.coverage * (double)(end - middle) * 1e-9, "thread");
    } else {
        cr_expect(isnan(reading.millijoule) && *reading.reason, "%s", reading.reason);
    }
    cr_expect(reading.rate_got_hz > 0 && reading.rate_asked_hz == 200);
    cr_expect_gt(st_energy_window(energy, begin, end).distinct_readings, 0);

    unlink(to);
    begin = cn_clock_ns();
    do { /* on a busy machine the thread may be late by any time */
        usleep(10000);
        reading = st_energy_window(energy, begin, cn_clock_ns());
    } while (!strstr(reading.reason, "No such file") && cn_clock_ns() - begin < 30LL * SECOND);
    cr_expect(isnan(reading.millijoule) && strstr(reading.reason, "No such file"), "%s",
              reading.reason);
    st_energy_close(energy);
    cn_free(from);
    cn_free(to);
}
