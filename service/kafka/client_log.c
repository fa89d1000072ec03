#include "kafka/client_log.h"

#include <stdatomic.h>
#include <stddef.h>

static _Atomic(kafka_log_fn *) log_sink;

void kafka_log_to(kafka_log_fn *sink)
{
    atomic_store(&log_sink, sink);
}

void kafka_log_line(int level, const char *client, const char *text)
{
    kafka_log_fn *sink = atomic_load(&log_sink);
    if (sink != NULL)
        sink(level, client, text);
}
