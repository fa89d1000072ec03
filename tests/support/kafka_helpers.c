/* See kafka_helpers.h. */
#include "support/kafka_helpers.h"
#include "kafka/deadline.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rd_kafka_conf_t *test_conf(const char *bootstrap, enum kafka_role role, const char *name, const char *value)
{
    struct kafka_property properties[] = {{"bootstrap.servers", bootstrap}, {name, value}};
    struct err err = {0};
    rd_kafka_conf_t *conf = kafka_conf_new(properties, name != NULL ? 2 : 1, role, &err);
    cr_assert(conf != NULL, "%s", err.text);
    return conf;
}

struct transaction *test_transaction(const char *bootstrap, const char *transactional_id)
{
    struct err err = {0};
    struct transaction *transaction = transaction_new(
        test_conf(bootstrap, KAFKA_TRANSACTIONAL_PRODUCER, NULL, NULL), transactional_id, &err);
    cr_assert(transaction != NULL, "%s", err.text);
    cr_assert(transaction_init(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    return transaction;
}

struct consumer *test_consumer(const char *bootstrap, const char *group, const char *topic,
                               const struct consumer_hooks *hooks)
{
    struct err err = {0};
    struct consumer *consumer =
        consumer_new(test_conf(bootstrap, KAFKA_REPLACE_CONSUMER, NULL, NULL), group, hooks, &err);
    cr_assert(consumer != NULL && consumer_join(consumer, &topic, 1, &err), "%s", err.text);
    return consumer;
}

struct producer *test_producer(const char *bootstrap)
{
    struct err err = {0};
    struct producer *producer = producer_new(test_conf(bootstrap, KAFKA_PLAIN_PRODUCER, NULL, NULL), &err);
    cr_assert(producer != NULL, "%s", err.text);
    return producer;
}

struct kafka_record test_record(const char *topic, const char *key, const char *value)
{
    return (struct kafka_record){.topic = topic, .key = span_text(key), .value = span_text(value)};
}

void test_fill(const char *bootstrap, const char *topic, int count)
{
    AUTO(producer) struct producer *producer = test_producer(bootstrap);
    for (int i = 0; i < count; i++) {
        char key[16];
        char value[16];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "%d", i);
        struct kafka_record record = test_record(topic, key, value);
        struct err err = {0};
        cr_assert(producer_send_wait(producer, &record, TEST_TIMEOUT_MS, NULL, &err), "%s", err.text);
    }
}

void test_fill_partitions(const char *bootstrap, const char *topic, int32_t partitions, int count)
{
    AUTO(producer) struct producer *producer = test_producer(bootstrap);
    rd_kafka_t *client = producer_handle(producer);
    char value[] = "1";
    for (int i = 0; i < count; i++)
        for (int32_t partition = 0; partition < partitions; partition++)
            cr_assert_eq(rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                           RD_KAFKA_V_VALUE(value, 1), RD_KAFKA_V_END),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert_eq(rd_kafka_flush(client, TEST_TIMEOUT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
}

rd_kafka_message_t *test_next(struct consumer *consumer)
{
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    rd_kafka_message_t *message = NULL;
    while (message == NULL && deadline_left(deadline, 1) > 0)
        message = consumer_poll(consumer, 100);
    const char *trouble = consumer_trouble(consumer);
    cr_assert(message != NULL, "no record came (%s)", trouble != NULL ? trouble : "no trouble known");
    return message;
}

void test_await_assigned(struct consumer *consumer, size_t partitions)
{
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while (!(consumer_is_joined(consumer) && consumer_assigned_count(consumer) == partitions)) {
        cr_assert(deadline_left(deadline, 1) > 0, "the consumer has %zu partitions, not %zu",
                  consumer_assigned_count(consumer), partitions);
        rd_kafka_message_t *message = consumer_poll(consumer, 50);
        cr_assert(message == NULL, "a record came while partitions were awaited");
    }
}

static void count_value(const rd_kafka_message_t *message, int *counts, size_t count, size_t *strays)
{
    char text[16] = "";
    char *end = text;
    unsigned long number = 0;
    if (message->len > 0 && message->len < sizeof text) {
        memcpy(text, message->payload, message->len);
        number = strtoul(text, &end, 10);
    }
    if (end == text || *end != '\0' || number >= count)
        ++*strays;
    else
        counts[number]++;
}

size_t test_count_values(const char *bootstrap, const char *topic, int *counts, size_t count, size_t *strays)
{
    struct err err = {0};
    AUTO(reader)
    struct reader *reader = reader_new(test_conf(bootstrap, KAFKA_INVENTORY_CONSUMER, NULL, NULL),
                                       "test-read", topic, READER_FROM_BEGINNING, &err);
    cr_assert(reader != NULL, "%s", err.text);
    cr_assert(reader_begin(reader, TEST_TIMEOUT_MS, &err), "%s", err.text);
    size_t total = 0;
    *strays = 0;
    memset(counts, 0, count * sizeof *counts);
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while (!reader_is_caught_up(reader)) {
        cr_assert(deadline_left(deadline, 1) > 0, "topic %s cannot be read to its end", topic);
        rd_kafka_message_t *message = reader_poll(reader, 100);
        if (message == NULL)
            continue;
        total++;
        count_value(message, counts, count, strays);
        rd_kafka_message_destroy(message);
    }
    return total;
}
