#include "base/clock.h"
#include "pipeline/runner_private.h"

#include <criterion/criterion.h>

Test(pace, who_backs_off_waits_between_half_and_the_whole_and_not_all_alike)
{
    enum { TRIES = 64, BACKOFF_MS = 1000 };
    bool early = false;
    bool late = false;
    for (int i = 0; i < TRIES; i++) {
        struct runner runner = {.backoff_ms = BACKOFF_MS};
        int64_t before = monotonic_us();
        int64_t until = runner_back_off(&runner);
        cr_assert_geq(until - before, BACKOFF_MS * 1000 / 2);
        cr_assert_leq(until - monotonic_us(), BACKOFF_MS * 1000);
        early = early || until - before < BACKOFF_MS * 1000 * 3 / 4;
        late = late || until - before > BACKOFF_MS * 1000 * 3 / 4;
    }
    cr_assert(early && late);
}

Test(pace, the_backoff_doubles_up_to_the_most)
{
    struct runner runner = {.backoff_ms = RUNNER_BACKOFF_LEAST_MS};
    runner_back_off(&runner);
    cr_assert_eq(runner.backoff_ms, 2 * RUNNER_BACKOFF_LEAST_MS);
    for (int i = 0; i < 10; i++)
        runner_back_off(&runner);
    cr_assert_eq(runner.backoff_ms, RUNNER_BACKOFF_MOST_MS);
}
