/* How long a runner goes on, and how long it waits. */
#include "pipeline/runner_private.h"

#include <stdlib.h>

bool runner_is_stopping(struct runner *runner)
{
    if (!atomic_load(&runner->context->stop))
        return false;
    if (runner->stop_seen_us == 0)
        runner->stop_seen_us = monotonic_us();
    return true;
}

/* Two thirds of the deadline are for what is begun; the rest is for leaving the group. */
bool runner_is_out_of_time(struct runner *runner)
{
    int64_t allowed_us = (int64_t)runner->context->settings->stop_deadline_s * 1000000 * 2 / 3;
    return runner_is_stopping(runner) && monotonic_us() - runner->stop_seen_us > allowed_us;
}

int64_t runner_back_off(struct runner *runner)
{
    uint32_t half_us = (uint32_t)runner->backoff_ms * 1000 / 2;
    int doubled = runner->backoff_ms * 2;
    runner->backoff_ms = doubled < RUNNER_BACKOFF_MOST_MS ? doubled : RUNNER_BACKOFF_MOST_MS;
    return monotonic_us() + half_us + arc4random_uniform(half_us + 1);
}
