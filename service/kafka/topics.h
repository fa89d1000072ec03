/* kafka/topics: creates the topics. What exists is left as it is. */
#pragma once

#include "kafka/client.h"

struct topic_plan {
    const char *name;
    int partitions;       /* at least 1 */
    int replication;      /* -1: the broker's default */
    bool compacted;       /* cleanup.policy=compact: the last record of each key stays */
    int64_t retention_ms; /* of a topic that is not compacted; -1: for ever, 0: the broker's default */
};

enum topic_outcome { TOPIC_CREATED, TOPIC_EXISTED, TOPIC_FAILED };

/* Told once for each topic; text says why one failed, else NULL. */
typedef void topic_report_fn(void *arg, const struct topic_plan *plan, enum topic_outcome outcome,
                             const char *text);

/* Creates what does not exist. True when every topic exists afterwards. False with *err when a topic failed
   (all were reported) or when no broker answered within timeout_ms (none was). Takes a KAFKA_ADMIN
   configuration. */
bool topics_create(rd_kafka_conf_t *conf, const struct topic_plan *plans, size_t count, int timeout_ms,
                   topic_report_fn *report, void *arg, struct err *err);

/* The topic's max.message.bytes, by the broker's answer: the largest batch it takes, so keep some hundred
   bytes for framing. ERR_KAFKA_RETRIABLE when it is not
   told within timeout_ms or not allowed (DescribeConfigs on the topic): then only the producer's own limit is
   known. */
bool topic_message_max_bytes(rd_kafka_t *client, const char *topic, int timeout_ms, size_t *bytes,
                             struct err *err);
