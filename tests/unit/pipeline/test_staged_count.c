#include "pipeline/staged_count.h"

#include <criterion/criterion.h>

static const int64_t NOON_MS = 1700000000000;

Test(staged_count, falls_when_lives_end)
{
    struct staged_count count = {0};
    cr_assert_eq(staged_count_at(&count, NOON_MS), 0);
    staged_count_add(&count, NOON_MS + 300000, NOON_MS);
    staged_count_add(&count, NOON_MS + 300000, NOON_MS);
    staged_count_add(&count, NOON_MS + 10000, NOON_MS);
    cr_assert_eq(staged_count_at(&count, NOON_MS + 9000), 3);
    cr_assert_eq(staged_count_at(&count, NOON_MS + 11000), 2);
    cr_assert_eq(staged_count_at(&count, NOON_MS + 299000), 2);
    cr_assert_eq(staged_count_at(&count, NOON_MS + 301000), 0);
}

Test(staged_count, forgets_all_over_a_long_silence)
{
    struct staged_count count = {0};
    staged_count_add(&count, NOON_MS + 300000, NOON_MS);
    cr_assert_eq(staged_count_at(&count, NOON_MS + (int64_t)STAGED_SECONDS * 1000 * 3), 0);
    staged_count_add(&count, NOON_MS + (int64_t)STAGED_SECONDS * 1000 * 3 + 5000,
                     NOON_MS + (int64_t)STAGED_SECONDS * 1000 * 3);
    cr_assert_eq(staged_count_at(&count, NOON_MS + (int64_t)STAGED_SECONDS * 1000 * 3 + 1000), 1);
}

Test(staged_count, takes_no_life_that_is_over_or_cannot_be)
{
    struct staged_count count = {0};
    staged_count_add(&count, NOON_MS - 5000, NOON_MS);
    staged_count_add(&count, NOON_MS + 10000000, NOON_MS);
    cr_assert_eq(staged_count_at(&count, NOON_MS), 0);
    staged_count_add(&count, NOON_MS + 5000, NOON_MS);
    cr_assert_eq(staged_count_at(&count, NOON_MS - 60000), 1, "a clock that goes back takes nothing away");
    cr_assert_eq(staged_count_at(&count, NOON_MS + 6000), 0);
}
