#include "pipeline/outbox.h"

#include "crypto/library.h"
#include "kafka/dead_letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void outbox_free(struct outbox *outbox)
{
    free(outbox->records);
    record_headers_free(&outbox->headers);
    buf_free(&outbox->sealed);
    *outbox = (struct outbox){0};
}

bool outbox_add(struct outbox *outbox, const struct out_record *record, struct err *err)
{
    if (outbox->count == outbox->cap) {
        size_t cap = outbox->cap > 0 ? outbox->cap * 2 : 64;
        struct out_record *records = reallocarray(outbox->records, cap, sizeof *records);
        if (records == NULL)
            return err_set(err, ERR_NO_MEMORY, "out of memory for the records of a batch");
        outbox->records = records;
        outbox->cap = cap;
    }
    outbox->records[outbox->count++] = *record;
    outbox->bytes += record->key.len + record->value.len;
    return true;
}

void outbox_cut(struct outbox *outbox, size_t count)
{
    while (outbox->count > count) {
        const struct out_record *record = &outbox->records[--outbox->count];
        outbox->bytes -= record->key.len + record->value.len;
    }
}

size_t outbox_record_size(const struct out_record *record)
{
    const struct trace_context *trace = record->trace;
    return record->key.len + record->value.len + OUT_HEADERS_MAX + trace->tracestate.len +
           trace->correlation_id.len + trace->kafka_correlation_id.len;
}

size_t outbox_retry_size(const rd_kafka_message_t *origin)
{
    enum { HEADER_FRAMING = 10 };
    size_t size = origin->key_len + origin->len + OUT_HEADERS_MAX;
    rd_kafka_headers_t *headers = NULL;
    const char *name;
    const void *value;
    size_t len;
    if (rd_kafka_message_headers(origin, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return size;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        if (strncmp(name, RETRY_HEADER_PREFIX, sizeof RETRY_HEADER_PREFIX - 1) != 0)
            size += HEADER_FRAMING + strlen(name) + len;
    return size;
}

static bool send_event(struct outbox *outbox, const struct out_record *record,
                       struct transaction *transaction, int timeout_ms, struct err *err)
{
    uint8_t span_id[TRACE_SPAN_ID_LEN] = {0};
    if (record->trace->traceparent.data != NULL && !crypto_random(span_id, sizeof span_id, err))
        return false;
    record_headers_clear(&outbox->headers);
    record_headers_add_cloud_event(&outbox->headers, &record->event);
    record_headers_add_trace(&outbox->headers, record->trace, span_id);
    struct kafka_record out = {record->topic, record->key, record->value, &outbox->headers};
    return transaction_produce(transaction, &out, timeout_ms, err);
}

static bool send_dead_letter(struct outbox *outbox, const struct out_record *record,
                             struct transaction *transaction, int timeout_ms, struct err *err)
{
    const struct dead_letter_form form = {record->topic, outbox->group_id, record->keyring, &outbox->sealed};
    struct kafka_record out;
    return dead_letter_make_within(&out, &outbox->headers, record->origin, &form, record->why,
                                   outbox->message_max_bytes, err) &&
           transaction_produce(transaction, &out, timeout_ms, err);
}

static void add_number(struct record_headers *headers, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    record_headers_add_text(headers, name, text);
}

static bool send_retry(struct outbox *outbox, const struct out_record *record,
                       struct transaction *transaction, int timeout_ms, struct err *err)
{
    const rd_kafka_message_t *origin = record->origin;
    record_headers_clear(&outbox->headers);
    record_headers_add_from(&outbox->headers, origin, (const char *const[]){RETRY_HEADER_PREFIX, NULL});
    record_headers_add(&outbox->headers, RETRY_HEADER_ORIGIN, record->retry.origin);
    add_number(&outbox->headers, RETRY_HEADER_ATTEMPT, record->retry.attempt);
    add_number(&outbox->headers, RETRY_HEADER_FIRST_SEEN, record->retry.first_seen_ms);
    add_number(&outbox->headers, RETRY_HEADER_NOT_BEFORE, record->retry.not_before_ms);
    struct kafka_record out = {record->topic, span_of(origin->key, origin->key_len),
                               span_of(origin->payload, origin->len), &outbox->headers};
    return transaction_produce(transaction, &out, timeout_ms, err);
}

bool outbox_send(struct outbox *outbox, size_t index, struct transaction *transaction, int timeout_ms,
                 struct err *err)
{
    const struct out_record *record = &outbox->records[index];
    switch (record->kind) {
    case OUT_EVENT:
        return send_event(outbox, record, transaction, timeout_ms, err);
    case OUT_DEAD_LETTER:
        return send_dead_letter(outbox, record, transaction, timeout_ms, err);
    case OUT_RETRY:
        return send_retry(outbox, record, transaction, timeout_ms, err);
    }
    return err_set(err, ERR_INTERNAL, "a record of no kind");
}
