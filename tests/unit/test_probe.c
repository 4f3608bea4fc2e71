/* The micro-probe does its work, and the same work each time. */
#include <criterion/criterion.h>

#include "condense/clock.h"
#include "measure/probe.h"

Test(probe, takes_the_time_of_its_work)
{
    int64_t start = cn_clock_ns();
    int64_t ns = st_probe_ns();
    int64_t all = cn_clock_ns() - start;
    /* Half a million dependent multiply-adds cannot be faster than 10 GHz and one cycle each. */
    cr_assert_geq(ns, 50000, "%lld ns: the work was optimized away", (long long)ns);
    cr_assert_leq(3 * ns, all, "the smallest of three tries");
}
