/* A moment that is read is written, and read again, as the same. */
#include "base/iso8601.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* 0001-01-01T00:00:00Z less the greatest offset, and the same behind the year 9999. */
    const int64_t day_ms = 24 * 60 * 60 * 1000;
    const int64_t first = INT64_C(-62135596800000), last = INT64_C(253402300799999);
    int64_t ms = 0, again = 0;
    char text[ISO8601_TEXT_MAX];
    if (!iso8601_parse(&ms, span_of(data, size)))
        return 0;
    if (ms < first - day_ms || ms > last + day_ms)
        abort();
    iso8601_format(ms, text);
    if (strlen(text) >= sizeof text || !iso8601_parse(&again, span_text(text)))
        abort();
    if (ms >= first && ms <= last && again != ms)
        abort();
    return 0;
}
