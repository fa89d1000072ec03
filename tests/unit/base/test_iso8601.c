#include "base/iso8601.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

static int64_t parse(const char *text)
{
    int64_t ms = INT64_MIN;
    cr_assert(iso8601_parse(&ms, span_text(text)), "%s was refused", text);
    return ms;
}

Test(iso8601, reads_the_zone_and_the_fraction)
{
    cr_assert_eq(parse("2026-11-19T16:23:01Z"), 1795105381000);
    cr_assert_eq(parse("2026-11-19t16:23:01z"), 1795105381000);
    cr_assert_eq(parse("2026-11-19T17:23:01+01:00"), 1795105381000);
    cr_assert_eq(parse("2026-11-19T10:53:01-05:30"), 1795105381000);
    cr_assert_eq(parse("2026-11-19T16:23:01.5Z"), 1795105381500);
    cr_assert_eq(parse("2026-11-19T16:23:01.123456789Z"), 1795105381123);
    cr_assert_eq(parse("2026-11-19T16:23:01.000999999Z"), 1795105381000);
    cr_assert_eq(parse("1969-12-31T23:59:59.999Z"), -1);
    cr_assert_eq(parse("0001-01-01T00:00:00Z"), -62135596800000);
    cr_assert_eq(parse("2024-02-29T00:00:00Z"), 1709164800000);
}

Test(iso8601, refuses_other_forms)
{
    static const char *const bad[] = {"",
                                      "2026-11-19",
                                      "2026-11-19T16:23:01",
                                      "2026-11-19 16:23:01Z",
                                      "2026-11-19T16:23Z",
                                      "2026-11-19T16:23:60Z",
                                      "2026-11-19T24:00:00Z",
                                      "2026-11-19T16:23:01+0100",
                                      "2026-11-19T16:23:01+01",
                                      "2026-11-19T16:23:01.Z",
                                      "2026-11-19T16:23:01.1234567890Z",
                                      "2026-11-19T16:23:01,5Z",
                                      "2026-02-29T16:23:01Z",
                                      "2026-00-19T16:23:01Z",
                                      "2026-11-00T16:23:01Z",
                                      "0000-11-19T16:23:01Z",
                                      "+2026-11-19T16:23:01Z",
                                      "2026-11-19T16:23:01Zz",
                                      "2026-11-19T16:23:01+24:00",
                                      "2026-11-19T16:23:01+01:60",
                                      " 2026-11-19T16:23:01Z",
                                      "2026-11-19T-1:23:01Z",
                                      "2026\r11\r19T16:23:01Z",
                                      "2026-11-19T16\x1a"
                                      "23\x1a"
                                      "01Z",
                                      "2026-11-19T16:23:01\v01:00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ms;
        cr_assert_not(iso8601_parse(&ms, span_text(bad[i])), "%s was taken", bad[i]);
    }
}

Test(iso8601, writes_what_the_system_would)
{
    for (int64_t ms = -62135596800000; ms <= 253402300799999; ms += 3600000LL * 1237 + 8887) {
        char text[ISO8601_TEXT_MAX];
        iso8601_format(ms, text);
        time_t seconds = (time_t)((ms - ((ms % 1000 + 1000) % 1000)) / 1000);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        char expected[64];
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 (int)((ms % 1000 + 1000) % 1000));
        cr_assert_str_eq(text, expected);
        cr_assert_eq(parse(text), ms);
    }
}
