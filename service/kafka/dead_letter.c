/* Kafka Connect's error headers around an untouched original. */
#include "kafka/dead_letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "__connect.errors."

static void add_place(struct record_headers *headers, const rd_kafka_message_t *message, const char *group_id,
                      const struct err *why)
{
    char number[32];
    bool unreadable = err_class(why->code) == ERR_CLASS_CONVERSION;
    record_headers_add_text(headers, PREFIX "topic", rd_kafka_topic_name(message->rkt));
    snprintf(number, sizeof number, "%" PRId32, message->partition);
    record_headers_add_text(headers, PREFIX "partition", number);
    snprintf(number, sizeof number, "%" PRId64, message->offset);
    record_headers_add_text(headers, PREFIX "offset", number);
    record_headers_add_text(headers, PREFIX "connector.name", group_id);
    record_headers_add_text(headers, PREFIX "stage", unreadable ? "VALUE_CONVERTER" : "TRANSFORMATION");
    record_headers_add_text(headers, PREFIX "exception.class.name", err_name(why->code));
    record_headers_add_text(headers, PREFIX "exception.message", why->text);
}

bool dead_letter_make(struct kafka_record *record, struct record_headers *headers,
                      const rd_kafka_message_t *message, const char *dead_letter_topic, const char *group_id,
                      const struct err *why, struct err *err)
{
    record_headers_clear(headers);
    record_headers_add_from(headers, message, PREFIX);
    add_place(headers, message, group_id, why);
    if (headers->failed)
        return err_set(err, ERR_NO_MEMORY, "out of memory while a dead letter was made");
    *record = (struct kafka_record){
        .topic = dead_letter_topic,
        .key = span_of(message->key, message->key_len),
        .value = span_of(message->payload, message->len),
        .headers = headers,
    };
    return true;
}

/* At most what the record takes in a batch of its own. */
static size_t wire_size(const struct kafka_record *record)
{
    enum { FRAMING = 128, HEADER_FRAMING = 10 };
    size_t size = FRAMING + record->key.len + record->value.len;
    for (size_t i = 0; i < record->headers->count; i++) {
        const struct record_header *header = &record->headers->items[i];
        size += HEADER_FRAMING + strlen(header->name) + header->value.len;
    }
    return size;
}

bool dead_letter_make_within(struct kafka_record *record, struct record_headers *headers,
                             const rd_kafka_message_t *message, const char *dead_letter_topic,
                             const char *group_id, const struct err *why, size_t most_bytes, struct err *err)
{
    if (!dead_letter_make(record, headers, message, dead_letter_topic, group_id, why, err))
        return false;
    if (wire_size(record) <= most_bytes)
        return true;
    struct err longer = {.code = why->code};
    snprintf(longer.text, sizeof longer.text,
             "%.200s (the value of %zu bytes does not fit into a message: read it where the headers say)",
             why->text, message->len);
    if (!dead_letter_make(record, headers, message, dead_letter_topic, group_id, &longer, err))
        return false;
    record->value = (struct span){0};
    if (wire_size(record) <= most_bytes)
        return true;
    record_headers_clear(headers);
    add_place(headers, message, group_id, &longer);
    record->key = (struct span){0};
    return !headers->failed || err_set(err, ERR_NO_MEMORY, "out of memory while a dead letter was made");
}
