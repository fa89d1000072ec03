/* kafka/dead_letter: a record that cannot be used, as the dead-letter topic gets it: original key, headers
   and value, and Kafka Connect's error headers, in UTF-8. Pure. */
#pragma once

#include "base/err.h"
#include "kafka/record.h"

/* Makes *record and fills *headers (cleared first) from a consumed message and the error that refused it. The
   stage is VALUE_CONVERTER for a code of class CONVERSION, else TRANSFORMATION. Error headers that the
   original had are replaced. *record borrows from message, topic and headers. False with ERR_NO_MEMORY. */
bool dead_letter_make(struct kafka_record *record, struct record_headers *headers,
                      const rd_kafka_message_t *message, const char *dead_letter_topic, const char *group_id,
                      const struct err *why, struct err *err);

/* The same in most_bytes at most: else the value stays where it was, and the message says so; if that does
   not do, so do the key and the original's headers. Less than the error headers it never is. */
bool dead_letter_make_within(struct kafka_record *record, struct record_headers *headers,
                             const rd_kafka_message_t *message, const char *dead_letter_topic,
                             const char *group_id, const struct err *why, size_t most_bytes, struct err *err);
