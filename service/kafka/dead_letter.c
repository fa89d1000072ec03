/* Kafka Connect's error headers around the original. */
#include "kafka/dead_letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PREFIX DEAD_LETTER_PREFIX

enum { PLACE_MAX = 300 }; /* a topic's name has at most 249 characters */

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

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "out of memory while a dead letter was made");
}

/* The original's headers and ours; its key, and no value. */
static bool make_without_value(struct kafka_record *record, struct record_headers *headers,
                               const rd_kafka_message_t *message, const struct dead_letter_form *form,
                               const struct err *why, struct err *err)
{
    static const char *const ours[] = {DEAD_LETTER_PREFIX, DEAD_LETTER_ENCRYPTED, NULL};
    record_headers_clear(headers);
    record_headers_add_from(headers, message, ours);
    add_place(headers, message, form->group_id, why);
    *record = (struct kafka_record){
        .topic = form->topic, .key = span_of(message->key, message->key_len), .headers = headers};
    return !headers->failed || no_memory(err);
}

/* The value under the first staging key, bound to the place that it is read from. */
static bool encrypt(const rd_kafka_message_t *message, const struct dead_letter_form *form, struct err *err)
{
    char place[PLACE_MAX];
    int len = snprintf(place, sizeof place, "%s/%" PRId32 "/%" PRId64, rd_kafka_topic_name(message->rkt),
                       message->partition, message->offset);
    buf_reset(form->sealed);
    return at_rest_seal_bare(form->keyring, span_of(place, (size_t)len),
                             span_of(message->payload, message->len), form->sealed, err);
}

bool dead_letter_make(struct kafka_record *record, struct record_headers *headers,
                      const rd_kafka_message_t *message, const struct dead_letter_form *form,
                      const struct err *why, struct err *err)
{
    if (!make_without_value(record, headers, message, form, why, err))
        return false;
    record->value = span_of(message->payload, message->len);
    if (form->keyring == NULL || message->payload == NULL)
        return true;
    if (!encrypt(message, form, err))
        return false;
    record->value = buf_span(form->sealed);
    record_headers_add_text(headers, DEAD_LETTER_ENCRYPTED, keyring_sealing_key(form->keyring)->kid);
    return !headers->failed || no_memory(err);
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
                             const rd_kafka_message_t *message, const struct dead_letter_form *form,
                             const struct err *why, size_t most_bytes, struct err *err)
{
    if (!dead_letter_make(record, headers, message, form, why, err))
        return false;
    if (wire_size(record) <= most_bytes)
        return true;
    struct err longer = {.code = why->code};
    snprintf(longer.text, sizeof longer.text,
             "%.200s (the value of %zu bytes does not fit into a message: read it where the headers say)",
             why->text, message->len);
    if (!make_without_value(record, headers, message, form, &longer, err))
        return false;
    if (wire_size(record) <= most_bytes)
        return true;
    record_headers_clear(headers);
    add_place(headers, message, form->group_id, &longer);
    record->key = (struct span){0};
    return !headers->failed || no_memory(err);
}
