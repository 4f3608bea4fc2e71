#include <criterion/criterion.h>
#include <string.h>

#include "measure/stopping.h"

static const double steady[12] = {10, 10.1, 9.9, 10, 10.2, 9.8, 10, 10.1, 9.9, 10, 10, 10};

Test(stopping, all_three_conditions_are_needed)
{
    st_rule rule = st_rule_defaults();
    st_summary summary = st_summarize(steady, 12);
    cr_expect(st_rule_converged(&rule, &summary, 2));
    cr_expect_not(st_rule_converged(&rule, &summary, 0.5), "the minimum time has not passed");
    st_summary few = st_summarize(steady, 9);
    cr_expect_not(st_rule_converged(&rule, &few, 2), "nine samples are too few");
    double wild[12] = {1, 20, 3, 14, 9, 2, 30, 1, 8, 15, 2, 11};
    st_summary wide = st_summarize(wild, 12);
    cr_expect_not(st_rule_converged(&rule, &wide, 2), "the interval is too wide");
}

Test(stopping, microseconds_are_judged_by_the_absolute_width)
{
    st_rule rule = st_rule_defaults();
    double tiny[10] = {0.010, 0.014, 0.012, 0.013, 0.011, 0.014, 0.010, 0.014, 0.012, 0.013};
    st_summary summary = st_summarize(tiny, 10);
    cr_expect_gt(summary.ci_relative, 0.05);
    cr_expect(st_rule_converged(&rule, &summary, 2));
}

Test(stopping, fewer_than_two_samples_never_converge)
{
    st_rule rule = st_rule_defaults();
    rule.min_samples = 0;
    for (size_t count = 0; count < 2; count++) {
        st_summary summary = st_summarize(steady, count);
        cr_expect_not(st_rule_converged(&rule, &summary, 100));
    }
}

Test(stopping, verdicts_have_reasons_unless_valid)
{
    st_rule rule = st_rule_defaults();
    char reason[256];
    cr_expect_eq(st_rule_verdict(&rule, steady, 12, true, reason), ST_VALID);
    cr_expect_str_eq(reason, "");
    cr_expect_eq(st_rule_verdict(&rule, steady, 4, false, reason), ST_NOISY);
    cr_expect(strstr(reason, "4 samples"), "%s", reason);
    double rising[12] = {10, 10.1, 9.9, 10, 10.1, 9.9, 12, 12.1, 11.9, 12, 12.1, 11.9};
    cr_expect_eq(st_rule_verdict(&rule, rising, 12, true, reason), ST_DRIFTED);
    cr_expect(strstr(reason, "slower than the first"), "%s", reason);
}
