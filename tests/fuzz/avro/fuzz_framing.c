/* What stands before a body: what is split is put together again to the same bytes. */
#include "avro/framing.h"
#include "base/auto.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(buf) struct buf again = {0};
    struct framed framed = {0};
    struct err err = {0};
    if (!framing_split(span_of(data, size), &framed, &err)) {
        if (err.code != ERR_AVRO_INVALID)
            abort();
        return 0;
    }
    if (framed.framing == FRAMING_CONFLUENT)
        framing_put_confluent(&again, framed.id);
    else
        framing_put_single_object(&again, framed.fingerprint);
    buf_put(&again, framed.body.data, framed.body.len);
    if (!span_equal(buf_span(&again), span_of(data, size)))
        abort();
    return 0;
}
