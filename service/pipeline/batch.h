/* pipeline/batch: the records in hand, in the order in which they came. Owns the messages. */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "kafka/consumer.h"

struct batch {
    rd_kafka_message_t **messages;
    size_t count;
    size_t cap;
    int64_t polled_at_us; /* monotonic, of its first record */
};

/* Takes the message; false when out of memory: the message is still the caller's. */
bool batch_add_take(struct batch *batch, rd_kafka_message_t *message);
/* Destroys the messages. */
void batch_clear(struct batch *batch);
void batch_free(struct batch *batch);

/* The offsets of the records [first, end) into an empty table. */
bool batch_offsets(const struct batch *batch, size_t first, size_t end, struct offset_table *table,
                   struct err *err);

/* A clock that only goes forward, in microseconds. */
int64_t monotonic_us(void);

static inline struct span message_key(const rd_kafka_message_t *message)
{
    return span_of(message->key, message->key_len);
}
static inline struct span message_value(const rd_kafka_message_t *message)
{
    return span_of(message->payload, message->len);
}
