/* kafka/ends: where partitions end at this moment, asked from the brokers, with what open transactions have
   appended (the high watermark). The consumers' own handles would stop at the last stable offset. One thread
   each. */
#pragma once

#include "kafka/client.h"

struct ends;

/* Takes a KAFKA_ENDS configuration, also on failure. No I/O. */
struct ends *ends_new(rd_kafka_conf_t *conf, struct err *err);
void ends_free(struct ends *ends);
AUTO_DEFINE(ends, struct ends, ends_free);

/* Where the partition ends now: the offset that the next record appended to it will get at least. Whatever
   was acknowledged (acks=all) before the call is below. ERR_KAFKA_RETRIABLE when it is not told within
   timeout_ms. */
bool ends_query(struct ends *ends, const char *topic, int32_t partition, int timeout_ms, int64_t *end,
                struct err *err);
/* The same for the partitions 0 to count - 1, with one question to each broker. All or none of them are set.
 */
bool ends_query_all(struct ends *ends, const char *topic, int64_t *offsets, size_t count, int timeout_ms,
                    struct err *err);

/* How many partitions the topic has now. ERR_KAFKA_RETRIABLE, with the remedy, also for a missing topic. */
bool ends_partition_count(struct ends *ends, const char *topic, int timeout_ms, size_t *count,
                          struct err *err);

/* As consumer_trouble(). */
const char *ends_trouble(const struct ends *ends);
