/* pipeline/staged_count: how much of what this instance has staged is still alive, for certswap_staged.
   Counted by the second in which lives end; a material's life is at most CERTSWAP_STAGING_TTL_S. One thread.
 */
#pragma once

#include <stdint.h>

enum { STAGED_LIFE_MAX_S = 300, STAGED_SECONDS = 512 };

struct staged_count {
    uint32_t ends[STAGED_SECONDS]; /* lives that end in a second, by the second modulo STAGED_SECONDS */
    int64_t now_s;                 /* what ended before is no longer counted */
    int64_t alive;
};

/* One more is alive until `ends_ms`. A life that is over, or longer than any can be, counts as none. */
void staged_count_add(struct staged_count *count, int64_t ends_ms, int64_t now_ms);
/* How many are alive at `now_ms`, a clock that does not go back by more than it came forward. */
int64_t staged_count_at(struct staged_count *count, int64_t now_ms);
