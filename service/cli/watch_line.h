/* cli/watch_line: a consumed record as certswap watch shows it, whatever is in it. */
#pragma once

#include "avro/codec.h"
#include "base/buf.h"

#include <jansson.h>
#include <librdkafka/rdkafka.h>

/* topic, partition, offset, timestamp, key, headers and value. Of a value that cannot be decoded, why and how
   long it is, and with show_secrets its bytes; without it passwords and credentials are hidden. Of an
   encrypted dead letter's, the kid and the bytes, which tell nobody anything. NULL when out of memory. */
json_t *watch_line(struct codec *codec, const rd_kafka_message_t *message, int64_t timestamp_ms,
                   bool show_secrets);
/* A value as it stands in such a line. NULL when out of memory. */
json_t *watch_value(struct codec *codec, struct span value, bool show_secrets);
/* Such a line for people: no character that a terminal would obey. */
void watch_put_text(struct buf *out, const json_t *line);
