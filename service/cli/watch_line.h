/* cli/watch_line: a consumed record as certswap watch shows it, whatever is in it. */
#pragma once

#include "avro/schema_set.h"
#include "base/buf.h"

#include <jansson.h>
#include <librdkafka/rdkafka.h>

/* topic, partition, offset, timestamp, key, headers and value. Of a value that cannot be decoded, why and how
   long it is, and with show_secrets its bytes; without it passwords and credentials are hidden. NULL when out
   of memory. */
json_t *watch_line(const struct schema_set *schemas, const rd_kafka_message_t *message, int64_t timestamp_ms,
                   bool show_secrets);
/* The same for people, of the message and its line: no character that a terminal would obey. */
void watch_put_text(struct buf *out, const rd_kafka_message_t *message, const json_t *line);
