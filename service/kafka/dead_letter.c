/* Kafka Connect's error headers around an untouched original. */
#include "kafka/dead_letter.h"

#include <inttypes.h>
#include <stdio.h>

#define PREFIX "__connect.errors."

bool dead_letter_make(struct kafka_record *record, struct record_headers *headers,
                      const rd_kafka_message_t *message, const char *dead_letter_topic, const char *group_id,
                      const struct err *why, struct err *err)
{
    char number[32];
    bool unreadable = err_class(why->code) == ERR_CLASS_CONVERSION;
    record_headers_clear(headers);
    record_headers_add_from(headers, message, PREFIX);
    record_headers_add_text(headers, PREFIX "topic", rd_kafka_topic_name(message->rkt));
    snprintf(number, sizeof number, "%" PRId32, message->partition);
    record_headers_add_text(headers, PREFIX "partition", number);
    snprintf(number, sizeof number, "%" PRId64, message->offset);
    record_headers_add_text(headers, PREFIX "offset", number);
    record_headers_add_text(headers, PREFIX "connector.name", group_id);
    record_headers_add_text(headers, PREFIX "stage", unreadable ? "VALUE_CONVERTER" : "TRANSFORMATION");
    record_headers_add_text(headers, PREFIX "exception.class.name", err_name(why->code));
    record_headers_add_text(headers, PREFIX "exception.message", why->text);
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
