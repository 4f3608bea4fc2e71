#include <math.h>

#include "condense/train.h"

static const double pi = 3.14159265358979323846;

double cn_schedule_rate(const cn_schedule *schedule, int64_t step, int64_t total)
{
    bool cycle = schedule->kind == CN_SCHEDULE_ONE_CYCLE;
    double rising = floor(schedule->warmup * (double)total), start = cycle ? 1.0 / 25 : 0;
    if ((double)step < rising)
        return schedule->rate * (start + (1 - start) * (double)(step + 1) / rising);
    double way = total > rising ? ((double)step - rising) / ((double)total - rising) : 0;
    double cosine = 0.5 * (1 + cos(pi * way));
    switch (schedule->kind) {
    case CN_SCHEDULE_STEP:
        return schedule->rate * (way < 0.5 ? 1 : way < 0.75 ? 0.1 : 0.01);
    case CN_SCHEDULE_COSINE:
        return schedule->rate * cosine;
    case CN_SCHEDULE_ONE_CYCLE:
        return schedule->rate * (1e-4 + (1 - 1e-4) * cosine);
    case CN_SCHEDULE_CONSTANT:
        break;
    }
    return schedule->rate;
}
