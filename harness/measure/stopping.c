#include "measure/stopping.h"

#include <math.h>
#include <stdio.h>

const char *st_verdict_name(st_verdict verdict)
{
    static const char *const names[] = {"valid",   "noisy",          "throttled",
                                        "drifted", "invalid-output", "failed"};
    return names[verdict];
}

st_rule st_rule_defaults(void)
{
    return (st_rule){.interval = 0.05,
                     .interval_ms = 0.002,
                     .min_samples = 10,
                     .max_samples = 50000,
                     .min_seconds = 1,
                     .max_seconds = 60,
                     .settled = 0.02,
                     .warmup_seconds = 1,
                     .slow = 0.10,
                     .max_slowed = 8,
                     .block_seconds = 0.05,
                     .block_samples = 20};
}

/* Below two samples the interval is not finite, so neither test passes. */
static bool narrow(const st_rule *rule, const st_summary *summary)
{
    double half = (summary->ci_high - summary->ci_low) / 2;
    return summary->ci_relative < rule->interval || half < rule->interval_ms;
}

bool st_rule_converged(const st_rule *rule, const st_summary *summary, double seconds)
{
    return summary->count >= 2 && summary->count >= (size_t)rule->min_samples &&
           seconds >= rule->min_seconds && narrow(rule, summary);
}

/* Quartiles, not intervals: a trend makes neighbours alike, which widens the intervals. */
static bool drifted(const st_rule *rule, const double *samples, int32_t count, char reason[256])
{
    size_t half = (size_t)count / 2;
    if (count < rule->min_samples || half < 2) return false;
    st_summary first = st_summarize(samples, half);
    st_summary second = st_summarize(samples + half, (size_t)count - half);
    double change = second.mean / first.mean - 1;
    bool apart = change > 0 ? st_percentile(samples, half, 75) <
                                  st_percentile(samples + half, (size_t)count - half, 25)
                            : st_percentile(samples, half, 25) >
                                  st_percentile(samples + half, (size_t)count - half, 75);
    if (!apart || fabs(change) <= rule->interval ||
        fabs(second.mean - first.mean) <= rule->interval_ms)
        return false;
    snprintf(reason, 256, "the second half of the samples is %.1f %% %s than the first",
             100 * fabs(change), change > 0 ? "slower" : "faster");
    return true;
}

st_verdict st_rule_verdict(const st_rule *rule, const double *samples, int32_t count,
                           bool converged, char reason[256])
{
    reason[0] = '\0';
    if (drifted(rule, samples, count, reason)) return ST_DRIFTED;
    if (converged) return ST_VALID;
    st_summary summary = st_summarize(samples, (size_t)count);
    if (count < rule->min_samples)
        snprintf(reason, 256, "%d samples in %g s, %d wanted; give a larger --max-time", count,
                 rule->max_seconds, rule->min_samples);
    else
        snprintf(reason, 256, "the interval is still +-%.1f %% after %d samples",
                 100 * summary.ci_relative, count);
    return ST_NOISY;
}
