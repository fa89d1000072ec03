/* pipeline/log_trace: the field by which a log line is found from a trace, and the reverse. */
#pragma once

#include "kafka/headers.h"
#include "log/log.h"

/* "trace_id", as OpenTelemetry names it; left out where the record has no valid traceparent. */
static inline struct log_field log_trace(const rd_kafka_message_t *message)
{
    struct span id = message_trace_id(message);
    return id.len > 0 ? log_span("trace_id", id) : log_str("trace_id", NULL);
}
