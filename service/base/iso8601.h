/* base/iso8601: moments as the contract writes them, milliseconds since 1970-01-01T00:00:00Z. */
#pragma once

#include "base/span.h"

enum { ISO8601_TEXT_MAX = 32 };

/* Reads date, time and zone, `2026-11-19T16:23:01Z` (RFC 3339, section 5.6, with these limits): t and z in
   either case; a fraction of 1 to 9 digits, cut to the millisecond; an offset as +hh:mm. Second 60, hour 24,
   no zone, an offset without colon, and years before 0001 are refused. */
bool iso8601_parse(int64_t *ms, struct span text);
/* Writes `2026-11-19T16:23:01.042Z`, always with three digits of fraction. For years 0001 to 9999; others are
   written as the nearest of these. */
void iso8601_format(int64_t ms, char text[ISO8601_TEXT_MAX]);
