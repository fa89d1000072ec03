#include "pipeline/outbox.h"

#include "crypto/library.h"
#include "kafka/dead_letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void outbox_free(struct outbox *outbox)
{
    free(outbox->records);
    record_headers_free(&outbox->headers);
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
    struct trace_context trace;
    trace_context_from_message(&trace, record->origin);
    return record->key.len + record->value.len + OUT_HEADERS_MAX + trace.tracestate.len +
           trace.correlation_id.len + trace.kafka_correlation_id.len;
}

static bool send_event(struct outbox *outbox, const struct out_record *record,
                       struct transaction *transaction, int timeout_ms, struct err *err)
{
    uint8_t span_id[TRACE_SPAN_ID_LEN];
    if (!crypto_random(span_id, sizeof span_id, err))
        return false;
    struct trace_context trace;
    trace_context_from_message(&trace, record->origin);
    record_headers_clear(&outbox->headers);
    record_headers_add_cloud_event(&outbox->headers, &record->event);
    record_headers_add_trace(&outbox->headers, &trace, span_id);
    struct kafka_record out = {record->topic, record->key, record->value, &outbox->headers};
    return transaction_produce(transaction, &out, timeout_ms, err);
}

/* A record that was near the largest that a message may be does not fit with the error headers: then its
   place in the input must do, and its value stays there. */
static bool send_without_value(struct outbox *outbox, const struct out_record *record,
                               struct transaction *transaction, int timeout_ms, struct err *err)
{
    struct err why = *record->why;
    snprintf(why.text, sizeof why.text,
             "%.200s (the value of %zu bytes is over message.max.bytes: read it where the headers say)",
             record->why->text, record->origin->len);
    struct kafka_record out;
    if (!dead_letter_make(&out, &outbox->headers, record->origin, record->topic, outbox->group_id, &why, err))
        return false;
    out.value = (struct span){0};
    return transaction_produce(transaction, &out, timeout_ms, err);
}

static bool send_dead_letter(struct outbox *outbox, const struct out_record *record,
                             struct transaction *transaction, int timeout_ms, struct err *err)
{
    struct kafka_record out;
    struct err failure = {0};
    if (!dead_letter_make(&out, &outbox->headers, record->origin, record->topic, outbox->group_id,
                          record->why, err))
        return false;
    if (transaction_produce(transaction, &out, timeout_ms, &failure))
        return true;
    if (failure.code == ERR_JOB_TOO_LARGE)
        return send_without_value(outbox, record, transaction, timeout_ms, err);
    return err_set(err, failure.code, "%s", failure.text);
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
    record_headers_add_from(&outbox->headers, origin, RETRY_HEADER_PREFIX);
    record_headers_add(&outbox->headers, RETRY_HEADER_ORIGIN, record->retry.origin);
    add_number(&outbox->headers, RETRY_HEADER_ATTEMPT, record->retry.attempt);
    add_number(&outbox->headers, RETRY_HEADER_FIRST_SEEN, record->retry.first_seen_ms);
    add_number(&outbox->headers, RETRY_HEADER_NOT_BEFORE, record->retry.not_before_ms);
    struct kafka_record out = {record->topic, span_of(origin->key, origin->key_len),
                               span_of(origin->payload, origin->len), &outbox->headers};
    return transaction_produce(transaction, &out, timeout_ms, err);
}

void outbox_lower_limit(struct outbox *outbox)
{
    enum { LEAST = 10000 };
    size_t lower = outbox->message_max_bytes / 10 * 9;
    outbox->message_max_bytes = lower > LEAST ? lower : LEAST;
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
