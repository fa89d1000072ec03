/* kafka/deadline: a bound on the sum of several waits, on the monotonic clock. Private to the room. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t deadline_in(int timeout_ms)
{
    return monotonic_ms() + (timeout_ms > 0 ? timeout_ms : 0);
}

/* Milliseconds until the deadline, at least 0 and at most `most`. */
static inline int deadline_left(int64_t deadline, int most)
{
    int64_t left = deadline - monotonic_ms();
    return left <= 0 ? 0 : left < most ? (int)left : most;
}
