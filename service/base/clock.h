/* base/clock: time as an argument. Pure code takes `now`; loops take a struct clock, which a test can turn.
 */
#pragma once

#include <stdint.h>

struct clock {
    int64_t (*now_ms)(void *arg); /* milliseconds since 1970 */
    void *arg;
};

static inline int64_t clock_now_ms(const struct clock *clock)
{
    return clock->now_ms(clock->arg);
}
