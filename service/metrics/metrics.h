/* metrics/metrics: declared counters, gauges and histograms (metrics.def) in one static array of atomics. Any
   thread may update and read them, without a lock or an allocation. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum metric {
#define METRIC(id, name, type, label1, label2, help) METRIC_##id,
#include "metrics/metrics.def"
#undef METRIC
    METRIC_COUNT
};

/* Values of the labels. Those of codes are enum err_code. */
enum metric_command_outcome {
    /* in the order of enum replace_status, then what is no result */
    METRIC_COMMAND_COMPLETED,
    METRIC_COMMAND_PARTIAL,
    METRIC_COMMAND_FAILED,
    METRIC_COMMAND_NO_LOCATIONS,
    METRIC_COMMAND_REJECTED,
    METRIC_COMMAND_DEAD_LETTER
};
enum metric_event_kind { METRIC_EVENT_ENROLLMENT, METRIC_EVENT_RENEWAL };
enum metric_event_outcome {
    METRIC_EVENT_STAGED,     /* the material is in Redis */
    METRIC_EVENT_REFUSED,    /* the credential cannot be used: dead letter and marker */
    METRIC_EVENT_IGNORED,    /* an enrollment of another certificateFormat than Replace */
    METRIC_EVENT_REPLAYED,   /* the same event again, or an older one than what is staged */
    METRIC_EVENT_EXPIRED,    /* its life was over when it was read */
    METRIC_EVENT_DEAD_LETTER /* the record could not be read */
};
enum metric_transaction_outcome { METRIC_TRANSACTION_COMMITTED, METRIC_TRANSACTION_ABORTED };
enum metric_topic {
    METRIC_TOPIC_ENROLLMENTS,
    METRIC_TOPIC_RENEWALS,
    METRIC_TOPIC_INVENTORY,
    METRIC_TOPIC_COMMANDS,
    METRIC_TOPIC_RETRY
};
enum metric_registry_outcome {
    METRIC_REGISTRY_OK,
    METRIC_REGISTRY_UNKNOWN, /* it has no such schema */
    METRIC_REGISTRY_REFUSED, /* it answers with a refusal */
    METRIC_REGISTRY_FAILED   /* it does not answer, or not as a registry */
};
enum metric_dependency { METRIC_DEPENDENCY_KAFKA, METRIC_DEPENDENCY_REDIS };

/* The statuses that the gateway gives; any other counts as METRIC_STATUS_NONE. */
#define METRIC_STATUSES(X) X(200) X(400) X(401) X(403) X(404) X(405) X(409) X(413) X(415) X(500) X(503) X(504)
enum metric_status {
#define STATUS(number) METRIC_STATUS_##number,
    METRIC_STATUSES(STATUS)
#undef STATUS
        METRIC_STATUS_NONE
};
enum metric_status metric_status(unsigned http_status);

enum { METRIC_LABELS_MAX = 2 };

/* metric_add(METRIC_JOBS, 20); metric_add(METRIC_COMMANDS, 1, METRIC_COMMAND_PARTIAL);
   metric_add(METRIC_REJECTIONS, 1, ERR_NOT_STAGED); metric_add(METRIC_EVENTS, 1, METRIC_EVENT_RENEWAL,
   METRIC_EVENT_STAGED). Counters and gauges; a counter takes no negative delta. Several threads that each
   hold a share of a gauge add what theirs has changed by. */
#define metric_add(metric, delta, ...)                                                                       \
    metric_add_at(metric, delta, (const unsigned[METRIC_LABELS_MAX]){__VA_ARGS__})
/* metric_set(METRIC_DEPENDENCY_UP, 1, METRIC_DEPENDENCY_REDIS): gauges. */
#define metric_set(metric, value, ...)                                                                       \
    metric_set_at(metric, value, (const unsigned[METRIC_LABELS_MAX]){__VA_ARGS__})
/* Histograms: seconds, or the number of commands in a batch. A negative value counts as 0. */
void metric_observe(enum metric metric, double value);

void metric_add_at(enum metric metric, int64_t delta, const unsigned labels[METRIC_LABELS_MAX]);
void metric_set_at(enum metric metric, int64_t value, const unsigned labels[METRIC_LABELS_MAX]);
/* What a counter or gauge says now; for tests and for readiness. */
int64_t metric_get_at(enum metric metric, const unsigned labels[METRIC_LABELS_MAX]);
#define metric_get(metric, ...) metric_get_at(metric, (const unsigned[METRIC_LABELS_MAX]){__VA_ARGS__})

/* Prometheus' text exposition format 0.0.4, all series of this program, those at 0 too. Out of memory:
   buf->failed. */
void metrics_render(struct buf *buf);
/* This process is the gateway, not certswapd: it renders its own series. Before other threads start. */
void metrics_of_gateway(void);
/* All to 0, but the build's version and the start time, which is now. Before other threads start; tests call
 * it again. */
void metrics_init(void);
