/* kafka/record: a record to be produced. It borrows all its bytes. */
#pragma once

#include "base/span.h"
#include "kafka/headers.h"

/* A key or value whose data is NULL is null; one of length 0 with data is empty. The partition is found from
   the key as Java clients do (murmur2); a null key goes anywhere. */
struct kafka_record {
    const char *topic;
    struct span key;
    struct span value;
    const struct record_headers *headers; /* NULL: none */
};

/* Where a record was written. */
struct kafka_place {
    int32_t partition;
    int64_t offset;
};
