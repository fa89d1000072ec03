/* Base64 that is read is written as it was: there is one text for each byte string. The first byte says
   whether white space is passed over. */
#include "base/auto.h"
#include "base/base64.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool skip_space = data[0] % 2 == 1;
    struct span text = span_of(data + 1, size - 1);
    AUTO(buf) struct buf bytes = {0};
    AUTO(buf) struct buf again = {0};
    size_t len = 0;
    if (!base64_decode(&bytes, text, skip_space))
        return 0;
    if (!skip_space && (!base64_length(text, &len) || len != bytes.len))
        abort();
    base64_put(&again, buf_span(&bytes));
    if (!skip_space && !span_equal(buf_span(&again), text))
        abort();
    AUTO(buf) struct buf lines = {0};
    base64_put_lines(&lines, buf_span(&bytes));
    buf_reset(&again);
    if (!base64_decode(&again, buf_span(&lines), true) || !span_equal(buf_span(&again), buf_span(&bytes)))
        abort();
    return 0;
}
