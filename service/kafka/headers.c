/* Header lists, CloudEvents attributes and the continuation of a trace. */
#include "kafka/headers.h"
#include "base/arena.h"
#include "base/iso8601.h"

#include <stdlib.h>
#include <string.h>

void record_headers_clear(struct record_headers *headers)
{
    if (headers->bytes != NULL)
        arena_reset(headers->bytes);
    headers->count = 0;
    headers->failed = false;
}

void record_headers_free(struct record_headers *headers)
{
    arena_free(headers->bytes);
    free(headers->items);
    *headers = (struct record_headers){0};
}

static bool grow(struct record_headers *headers)
{
    if (headers->count < headers->cap)
        return true;
    size_t cap = headers->cap > 0 ? headers->cap * 2 : 16;
    struct record_header *items = reallocarray(headers->items, cap, sizeof *items);
    if (items == NULL)
        return false;
    headers->items = items;
    headers->cap = cap;
    return true;
}

void record_headers_add(struct record_headers *headers, const char *name, struct span value)
{
    if (headers->bytes == NULL)
        headers->bytes = arena_new(0);
    if (!headers->failed && headers->bytes != NULL && grow(headers)) {
        struct span own_name = arena_copy(headers->bytes, span_text(name));
        struct span own_value = value.data != NULL ? arena_copy(headers->bytes, value) : (struct span){0};
        if (own_name.data != NULL && (own_value.data != NULL || value.data == NULL)) {
            headers->items[headers->count++] = (struct record_header){(const char *)own_name.data, own_value};
            return;
        }
    }
    headers->failed = true;
}

void record_headers_add_text(struct record_headers *headers, const char *name, const char *text)
{
    record_headers_add(headers, name, span_text(text));
}

static bool begins_with_one(const char *name, const char *const *starts)
{
    for (; *starts != NULL; starts++)
        if (strncmp(name, *starts, strlen(*starts)) == 0)
            return true;
    return false;
}

void record_headers_add_from(struct record_headers *headers, const rd_kafka_message_t *message,
                             const char *const *except)
{
    rd_kafka_headers_t *native = NULL;
    if (rd_kafka_message_headers(message, &native) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    const char *name = NULL;
    const void *value = NULL;
    size_t len = 0;
    for (size_t i = 0; rd_kafka_header_get_all(native, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        if (!begins_with_one(name, except))
            record_headers_add(headers, name, span_of(value, len));
}

bool record_headers_find(const struct record_headers *headers, const char *name, struct span *value)
{
    for (size_t i = headers->count; i > 0; i--) {
        if (strcmp(headers->items[i - 1].name, name) == 0) {
            *value = headers->items[i - 1].value;
            return true;
        }
    }
    return false;
}

rd_kafka_headers_t *record_headers_native(const struct record_headers *headers)
{
    if (headers->failed)
        return NULL;
    rd_kafka_headers_t *native = rd_kafka_headers_new(headers->count > 0 ? headers->count : 1);
    for (size_t i = 0; i < headers->count; i++) {
        const struct record_header *one = &headers->items[i];
        if (rd_kafka_header_add(native, one->name, -1, one->value.data, (ssize_t)one->value.len) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_headers_destroy(native);
            return NULL;
        }
    }
    return native;
}

bool message_header(const rd_kafka_message_t *message, const char *name, struct span *value)
{
    rd_kafka_headers_t *native = NULL;
    const void *data = NULL;
    size_t len = 0;
    if (rd_kafka_message_headers(message, &native) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(native, name, &data, &len) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    *value = span_of(data, len);
    return true;
}

/* Whether `len` characters from `at` are lower-case hexadecimal digits; *zero: all are '0'. */
static bool is_hex(struct span text, size_t at, size_t len, bool *zero)
{
    *zero = true;
    for (size_t i = at; i < at + len; i++) {
        uint8_t c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        if (c != '0')
            *zero = false;
    }
    return true;
}

/* version "-" trace-id "-" parent-id "-" flags: where each begins. */
enum { AT_TRACE_ID = 3, TRACE_ID_LEN = 32, AT_PARENT_ID = 36, PARENT_ID_LEN = 16, AT_FLAGS = 53 };

bool traceparent_is_valid(struct span text)
{
    bool zero_version = false;
    bool zero_trace = false;
    bool zero_parent = false;
    bool zero_flags = false;
    if (text.data == NULL || text.len < TRACE_PARENT_LEN || text.data[AT_TRACE_ID - 1] != '-' ||
        text.data[AT_PARENT_ID - 1] != '-' || text.data[AT_FLAGS - 1] != '-')
        return false;
    if (!is_hex(text, 0, 2, &zero_version) || !is_hex(text, AT_TRACE_ID, TRACE_ID_LEN, &zero_trace) ||
        !is_hex(text, AT_PARENT_ID, PARENT_ID_LEN, &zero_parent) || !is_hex(text, AT_FLAGS, 2, &zero_flags))
        return false;
    if (zero_trace || zero_parent || memcmp(text.data, "ff", 2) == 0)
        return false;
    return text.len == TRACE_PARENT_LEN || (!zero_version && text.data[TRACE_PARENT_LEN] == '-');
}

static struct span header_up_to(const rd_kafka_message_t *message, const char *name, size_t most)
{
    struct span value = {0};
    if (!message_header(message, name, &value) || value.len > most)
        return (struct span){0};
    return value;
}

void trace_context_from_message(struct trace_context *context, const rd_kafka_message_t *message)
{
    *context = (struct trace_context){0};
    context->correlation_id = header_up_to(message, "correlation-id", CORRELATION_ID_MAX_LEN);
    context->kafka_correlation_id = header_up_to(message, "kafka_correlationId", CORRELATION_ID_MAX_LEN);
    struct span parent = {0};
    if (!message_header(message, "traceparent", &parent) || !traceparent_is_valid(parent))
        return;
    context->traceparent = span_of(parent.data, TRACE_PARENT_LEN);
    context->tracestate = header_up_to(message, "tracestate", TRACE_STATE_MAX);
}

struct span message_trace_id(const rd_kafka_message_t *message)
{
    struct span parent = {0};
    if (!message_header(message, "traceparent", &parent) || !traceparent_is_valid(parent))
        return (struct span){0};
    return span_of(parent.data + AT_TRACE_ID, TRACE_ID_LEN);
}

void record_headers_add_cloud_event(struct record_headers *headers, const struct cloud_event *event)
{
    char time[ISO8601_TEXT_MAX];
    iso8601_format(event->time_ms, time);
    record_headers_add_text(headers, "ce_specversion", "1.0");
    record_headers_add(headers, "ce_id", event->id);
    record_headers_add(headers, "ce_source", event->source);
    record_headers_add(headers, "ce_type", event->type);
    record_headers_add(headers, "ce_subject", event->subject);
    record_headers_add_text(headers, "ce_time", time);
    record_headers_add_text(headers, "content-type", "application/avro");
}

static void add_present(struct record_headers *headers, const char *name, struct span value)
{
    if (value.data != NULL)
        record_headers_add(headers, name, value);
}

void record_headers_add_trace(struct record_headers *headers, const struct trace_context *context,
                              const uint8_t span_id[TRACE_SPAN_ID_LEN])
{
    if (context->traceparent.data != NULL) {
        static const char digits[] = "0123456789abcdef";
        char parent[TRACE_PARENT_LEN];
        memcpy(parent, context->traceparent.data, TRACE_PARENT_LEN);
        memcpy(parent, "00", 2); /* the version that we write, whatever came in */
        uint8_t any = 0;
        for (size_t i = 0; i < TRACE_SPAN_ID_LEN; i++) {
            any |= span_id[i];
            parent[AT_PARENT_ID + 2 * i] = digits[span_id[i] >> 4];
            parent[AT_PARENT_ID + 2 * i + 1] = digits[span_id[i] & 15];
        }
        if (any == 0)
            parent[AT_PARENT_ID + PARENT_ID_LEN - 1] = '1';
        record_headers_add(headers, "traceparent", span_of(parent, sizeof parent));
        add_present(headers, "tracestate", context->tracestate);
    }
    add_present(headers, "correlation-id", context->correlation_id);
    add_present(headers, "kafka_correlationId", context->kafka_correlation_id);
}
