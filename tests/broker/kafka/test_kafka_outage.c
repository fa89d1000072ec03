/* The only broker goes away in the middle of a transaction and comes back with its data. Run by
   tests/support/with_kafka, which sets KAFKA_BOOTSTRAP and KAFKA_DIR. */
#include "kafka/deadline.h"
#include "kafka/topics.h"
#include "support/kafka_helpers.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 10, COMMIT_LIMIT_MS = 2000, OUTAGE_LIMIT_MS = 60000 };

/* script/kafka start or stop, on this test's cluster. */
static void kafka(const char *command)
{
    char line[1024];
    snprintf(line, sizeof line, "'%s/script/kafka' %s '%s' >/dev/null", CERTSWAP_SOURCE_DIR, command,
             getenv("KAFKA_DIR"));
    cr_assert_eq(system(line), 0, "%s", line);
}

static void ignore_outcome(void *arg, const struct topic_plan *plan, enum topic_outcome outcome,
                           const char *text)
{
    (void)arg, (void)plan, (void)outcome, (void)text;
}

/* Copies the next record in a transaction that is left open. */
static void copy_one(struct consumer *consumer, struct transaction *transaction, struct offset_table *batch)
{
    struct err err = {0};
    char value[16];
    rd_kafka_message_t *message = test_next(consumer);
    snprintf(value, sizeof value, "%.*s", (int)message->len, (const char *)message->payload);
    struct kafka_record record = test_record("out", NULL, value);
    cr_assert(transaction_begin(transaction, &err), "%s", err.text);
    cr_assert(transaction_produce(transaction, &record, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_assert(offset_table_add(batch, message));
    rd_kafka_message_destroy(message);
}

Test(kafka_outage, a_commit_outlives_the_broker, .timeout = 200)
{
    const char *bootstrap = getenv("KAFKA_BOOTSTRAP");
    cr_assert(bootstrap != NULL && getenv("KAFKA_DIR") != NULL, "run this by tests/support/with_kafka");
    static const struct topic_plan plans[] = {{.name = "in", .partitions = 1, .replication = 1},
                                              {.name = "out", .partitions = 1, .replication = 1}};
    struct err err = {0};
    cr_assert(topics_create(test_conf(bootstrap, KAFKA_ADMIN, NULL, NULL), plans, 2, TEST_TIMEOUT_MS,
                            ignore_outcome, NULL, &err),
              "%s", err.text);
    test_fill(bootstrap, "in", RECORDS);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "t");
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    for (int i = 0; i < RECORDS; i++) {
        bool outage = i == RECORDS / 2;
        copy_one(consumer, transaction, batch);
        cr_assert(transaction_send_offsets(transaction, batch, consumer, TEST_TIMEOUT_MS, &err), "%s",
                  err.text);
        if (outage) {
            kafka("stop");
            int64_t before = monotonic_ms();
            cr_expect_not(transaction_commit(transaction, COMMIT_LIMIT_MS, &err));
            cr_expect_eq(err.code, ERR_KAFKA_RETRIABLE, "%s: %s", err_name(err.code), err.text);
            cr_expect_lt(monotonic_ms() - before, COMMIT_LIMIT_MS + 2000);
            kafka("start");
            err = (struct err){0};
        }
        cr_assert(transaction_commit(transaction, OUTAGE_LIMIT_MS, &err), "%s: %s", err_name(err.code),
                  err.text);
        offset_table_clear(batch);
    }
    int counts[RECORDS];
    size_t strays = 0;
    cr_expect_eq(test_count_values(bootstrap, "out", counts, RECORDS, &strays), RECORDS);
    for (int i = 0; i < RECORDS; i++)
        cr_expect_eq(counts[i], 1, "record %d is there %d times", i, counts[i]);
}
