/* kafka/headers: the headers of what certswap writes: CloudEvents 1.0 in binary mode (Kafka protocol binding,
   section 3.2), W3C Trace Context level 1 continued from the input, correlation ids copied. Pure: ids and
   time are given. */
#pragma once

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

#include <librdkafka/rdkafka.h>

struct arena;

/* `name` is NUL-terminated; a value whose data is NULL is null. Both are the list's. */
struct record_header {
    const char *name;
    struct span value;
};

/* A growing list that owns copies of names and values. Zero-initialise. An append that finds no memory marks
   the list as failed, and transaction_produce() and producer_send_wait() refuse a failed list. */
struct record_headers {
    struct arena *bytes; /* of names and values; made with the first header */
    struct record_header *items;
    size_t count;
    size_t cap;
    bool failed;
};

void record_headers_free(struct record_headers *headers);
static inline void auto_record_headers(struct record_headers *headers)
{
    record_headers_free(headers);
}
/* Empties the list; it may be filled again. */
void record_headers_clear(struct record_headers *headers);
/* Appends; the name may stand in the list already (Kafka allows it). */
void record_headers_add(struct record_headers *headers, const char *name, struct span value);
void record_headers_add_text(struct record_headers *headers, const char *name, const char *text);
/* Appends all headers of a consumed message, in order, but those whose name begins with one of `except`,
   ended by NULL. */
void record_headers_add_from(struct record_headers *headers, const rd_kafka_message_t *message,
                             const char *const *except);
/* The last value of that name; false when there is none. */
bool record_headers_find(const struct record_headers *headers, const char *name, struct span *value);

/* A list for librdkafka, of the same headers; freed by the caller or given to produce. NULL when out of
   memory or when the list has failed. */
rd_kafka_headers_t *record_headers_native(const struct record_headers *headers);

/* The last header of that name of a consumed message, borrowed from it; false when it has none. */
bool message_header(const rd_kafka_message_t *message, const char *name, struct span *value);

enum {
    TRACE_SPAN_ID_LEN = 8,
    TRACE_PARENT_LEN = 55,
    TRACE_STATE_MAX = 512,         /* Trace Context, 3.3.1.5: longer ones may be dropped */
    CORRELATION_ID_MAX_LEN = 4096, /* longer ones are not copied: one command has many outputs */
};

/* What an output takes over from the record that asked for it. Borrows from that record's message; a span
   whose data is NULL was absent or not usable. */
struct trace_context {
    struct span traceparent; /* valid, exactly TRACE_PARENT_LEN characters */
    struct span tracestate;
    struct span correlation_id;       /* correlation-id */
    struct span kafka_correlation_id; /* kafka_correlationId */
};

/* Reads it from a consumed message. An invalid traceparent (Trace Context, section 3.2) is ignored, and
   tracestate with it. */
void trace_context_from_message(struct trace_context *context, const rd_kafka_message_t *message);
/* The trace id of a consumed message's traceparent, 32 characters borrowed from it; empty where there is none
   that is valid. */
struct span message_trace_id(const rd_kafka_message_t *message);
/* Whether the text is a traceparent that may be continued: version 00 in full, or a higher version whose
   first 55 characters have its form; lower-case hex; trace-id and parent-id not all zero; version not ff. */
bool traceparent_is_valid(struct span text);

struct cloud_event {
    struct span id;      /* ce_id */
    struct span type;    /* ce_type: the record's full name */
    struct span source;  /* ce_source: "/certswap/" and the group id */
    struct span subject; /* ce_subject */
    int64_t time_ms;     /* ce_time */
};

/* Appends ce_specversion, ce_id, ce_source, ce_type, ce_subject, ce_time and content-type: application/avro.
 */
void record_headers_add_cloud_event(struct record_headers *headers, const struct cloud_event *event);
/* Appends traceparent (same trace-id and flags, span_id as the new parent-id, version 00), tracestate as it
   came, and the correlation ids; nothing for what is absent. span_id: random bytes of the caller's; all zero
   is made valid. */
void record_headers_add_trace(struct record_headers *headers, const struct trace_context *context,
                              const uint8_t span_id[TRACE_SPAN_ID_LEN]);
