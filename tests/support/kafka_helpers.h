/* What the tests of the Kafka room share: clients of one bootstrap address, and reading a topic as a consumer
 * sees it. */
#pragma once

#include "kafka/consumer.h"
#include "kafka/producer.h"
#include "kafka/reader.h"
#include "kafka/transaction.h"

enum { TEST_TIMEOUT_MS = 20000 };

/* A configuration for the address, with one more property where name is not NULL. Ends the test on failure.
 */
rd_kafka_conf_t *test_conf(const char *bootstrap, enum kafka_role role, const char *name, const char *value);
/* A transactional producer that is initialised. */
struct transaction *test_transaction(const char *bootstrap, const char *transactional_id);
struct consumer *test_consumer(const char *bootstrap, const char *group, const char *topic,
                               const struct consumer_hooks *hooks);
struct producer *test_producer(const char *bootstrap);

/* Sends `count` records with the values "0", "1", … and the keys "k0", "k1", …. */
void test_fill(const char *bootstrap, const char *topic, int count);
/* Sends `count` records to each of the partitions 0 to `partitions` - 1, in turn, without waiting for each.
 */
void test_fill_partitions(const char *bootstrap, const char *topic, int32_t partitions, int count);
/* The next record, at most TEST_TIMEOUT_MS away; ends the test when there is none. */
rd_kafka_message_t *test_next(struct consumer *consumer);
/* Polls until the consumer has that many partitions. */
void test_await_assigned(struct consumer *consumer, size_t partitions);

/* A text record; key NULL: none. */
struct kafka_record test_record(const char *topic, const char *key, const char *value);

/* The committed values of a topic that are in it now, each read as a decimal number: counts[n] is how often n
   occurs. Other values, and numbers outside of the array, count in *strays. Returns how many records there
   are. */
size_t test_count_values(const char *bootstrap, const char *topic, int *counts, size_t count, size_t *strays);
