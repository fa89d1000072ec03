#include "pipeline/staged_count.h"

#include <assert.h>
#include <string.h>

static_assert(STAGED_SECONDS > STAGED_LIFE_MAX_S + 1, "a second's place is free again before it comes round");

int64_t staged_count_at(struct staged_count *count, int64_t now_ms)
{
    int64_t now_s = now_ms / 1000;
    if (now_s - count->now_s >= STAGED_SECONDS) {
        memset(count->ends, 0, sizeof count->ends);
        count->alive = 0;
        count->now_s = now_s;
    }
    for (; count->now_s < now_s; count->now_s++) {
        uint32_t *ended = &count->ends[count->now_s % STAGED_SECONDS];
        count->alive -= *ended;
        *ended = 0;
    }
    return count->alive;
}

void staged_count_add(struct staged_count *count, int64_t ends_ms, int64_t now_ms)
{
    staged_count_at(count, now_ms);
    int64_t ends_s = ends_ms / 1000;
    if (ends_s < count->now_s || ends_s > count->now_s + STAGED_LIFE_MAX_S)
        return;
    count->ends[ends_s % STAGED_SECONDS]++;
    count->alive++;
}
