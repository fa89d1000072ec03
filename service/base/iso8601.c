#include "base/iso8601.h"

#include <stdio.h>

static const int64_t ms_first = -62135596800000; /* 0001-01-01T00:00:00.000Z */
static const int64_t ms_last = 253402300799999;  /* 9999-12-31T23:59:59.999Z */

/* Days from 1970-01-01 in the proleptic Gregorian calendar; years are counted from March. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static bool take(struct cursor *in, char c)
{
    bool letter = c >= 'A' && c <= 'Z';
    if (in->at == in->end || (*in->at != c && !(letter && *in->at == (c | 0x20))))
        return false;
    in->at++;
    return true;
}

static bool take_number(struct cursor *in, int digits, int low, int high, int *value)
{
    *value = 0;
    if (in->end - in->at < digits)
        return false;
    for (int i = 0; i < digits; i++) {
        uint8_t c = *in->at++;
        if (c < '0' || c > '9')
            return false;
        *value = *value * 10 + (c - '0');
    }
    return *value >= low && *value <= high;
}

static bool take_fraction(struct cursor *in, int *ms)
{
    *ms = 0;
    if (in->at == in->end || *in->at != '.')
        return true;
    in->at++;
    int digits = 0;
    for (int weight = 100; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++, weight /= 10) {
        *ms += weight * (*in->at - '0');
        digits++;
    }
    return digits >= 1 && digits <= 9;
}

static bool take_zone(struct cursor *in, int *minutes_east)
{
    *minutes_east = 0;
    if (take(in, 'Z'))
        return true;
    int sign = take(in, '+') ? 1 : take(in, '-') ? -1 : 0;
    int hours;
    int minutes;
    if (sign == 0 || !take_number(in, 2, 0, 23, &hours) || !take(in, ':') ||
        !take_number(in, 2, 0, 59, &minutes))
        return false;
    *minutes_east = sign * (hours * 60 + minutes);
    return true;
}

bool iso8601_parse(int64_t *ms, struct span text)
{
    struct cursor in = {text.data, text.data + text.len};
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
    int fraction;
    int zone;
    if (!take_number(&in, 4, 1, 9999, &year) || !take(&in, '-') || !take_number(&in, 2, 1, 12, &month) ||
        !take(&in, '-') || !take_number(&in, 2, 1, days_in_month(year, month), &day) || !take(&in, 'T') ||
        !take_number(&in, 2, 0, 23, &hour) || !take(&in, ':') || !take_number(&in, 2, 0, 59, &minute) ||
        !take(&in, ':') || !take_number(&in, 2, 0, 59, &second) || !take_fraction(&in, &fraction) ||
        !take_zone(&in, &zone) || in.at != in.end)
        return false;
    int64_t minutes = (days_from_civil(year, month, day) * 24 + hour) * 60 + minute - zone;
    *ms = (minutes * 60 + second) * 1000 + fraction;
    return true;
}

void iso8601_format(int64_t ms, char text[ISO8601_TEXT_MAX])
{
    ms = ms < ms_first ? ms_first : ms > ms_last ? ms_last : ms;
    int64_t days = (ms - ms_first) / 86400000;
    int64_t in_day = (ms - ms_first) % 86400000;
    /* Count from 0000-03-01, so that the leap day ends its year. */
    int64_t since = days + 306;
    int64_t era = since / 146097;
    int64_t day_of_era = since % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    int day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    int month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    int year = (int)(year_of_era + era * 400 + (month <= 2));
    snprintf(text, ISO8601_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year % 10000, month % 100,
             day % 100, (int)(in_day / 3600000), (int)(in_day / 60000 % 60), (int)(in_day / 1000 % 60),
             (int)(in_day % 1000));
}
