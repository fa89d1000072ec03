/* How far a consumer has come, partition ends and reasons of an abort on a real Apache Kafka: what depends on
   isolation and on the broker's own clock. Run by tests/support/with_kafka. */
#include "kafka/deadline.h"
#include "kafka/ends.h"
#include "kafka/topics.h"
#include "support/kafka_helpers.h"
#include "support/kafka_scenarios.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *bootstrap;

static void find_broker(void)
{
    bootstrap = getenv("KAFKA_BOOTSTRAP");
    cr_assert(bootstrap != NULL, "run this program by tests/support/with_kafka");
}

TestSuite(kafka_places, .init = find_broker, .timeout = 120);

/* setting: "name=value" of the topic, or NULL. */
static void create_topic(const char *name, int partitions, const char *setting, const char *value)
{
    char text[512];
    AUTO(producer) struct producer *producer = test_producer(bootstrap);
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, text, sizeof text);
    if (setting != NULL)
        rd_kafka_NewTopic_set_config(topic, setting, value);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(producer_handle(producer));
    rd_kafka_CreateTopics(producer_handle(producer), &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TEST_TIMEOUT_MS);
    cr_assert(event != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
}

Test(kafka_places, no_record_is_lost_or_doubled_by_pauses)
{
    for (uint32_t seed = 1; seed <= 3; seed++) {
        char topic[32];
        snprintf(topic, sizeof topic, "pauses-%u", seed);
        create_topic(topic, SCENARIO_PARTITIONS, NULL, NULL);
        scenario_pauses(bootstrap, topic, seed);
    }
}

static void begin_and_produce(struct transaction *transaction, const char *topic, int count)
{
    struct err err = {0};
    struct kafka_record record = test_record(topic, "k", "1");
    cr_assert(transaction_begin(transaction, &err), "%s", err.text);
    for (int i = 0; i < count; i++)
        cr_assert(transaction_produce(transaction, &record, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_assert_eq(rd_kafka_flush(transaction_handle(transaction), TEST_TIMEOUT_MS),
                 RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* Polls until the offset is reached; returns how many records came. */
static int read_to(struct consumer *consumer, const char *topic, int64_t offset)
{
    int count = 0;
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while (consumer_reached(consumer, topic, 0) < offset) {
        cr_assert(deadline_left(deadline, 1) > 0, "%s has reached %ld, not %ld", topic,
                  (long)consumer_reached(consumer, topic, 0), (long)offset);
        rd_kafka_message_t *message = consumer_poll(consumer, 100);
        if (message == NULL)
            continue;
        count++;
        rd_kafka_message_destroy(message);
    }
    cr_expect_eq(consumer_reached(consumer, topic, 0), offset);
    return count;
}

/* The end counts what an open transaction has appended, while what was reached stays below; markers and
   aborted records at the end are passed. */
Test(kafka_places, an_open_transaction_is_below_the_end_and_not_reached)
{
    create_topic("open", 1, NULL, NULL);
    struct err err = {0};
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "open");
    AUTO(ends) struct ends *ends = ends_new(test_conf(bootstrap, KAFKA_ENDS, NULL, NULL), &err);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "open", "open", NULL);
    test_await_assigned(consumer, 1);
    cr_expect_eq(read_to(consumer, "open", 0), 0);

    int64_t end = -1;
    begin_and_produce(transaction, "open", 5);
    cr_assert(ends_query(ends, "open", 0, TEST_TIMEOUT_MS, &end, &err), "%s", err.text);
    cr_expect_eq(end, 5, "the end is %ld", (long)end);
    int64_t low = -1;
    int64_t high = -1;
    rd_kafka_query_watermark_offsets(consumer_handle(consumer), "open", 0, &low, &high, TEST_TIMEOUT_MS);
    cr_expect_eq(high, 0, "a read_committed client is told the last stable offset, not %ld", (long)high);
    cr_expect_null(consumer_poll(consumer, 500));
    cr_expect_eq(consumer_reached(consumer, "open", 0), 0);
    cr_assert(transaction_commit(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_expect_eq(read_to(consumer, "open", 6), 5);
    cr_assert(ends_query(ends, "open", 0, TEST_TIMEOUT_MS, &end, &err), "%s", err.text);
    cr_expect_eq(end, 6);

    begin_and_produce(transaction, "open", 3);
    cr_assert(transaction_abort(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_expect_eq(read_to(consumer, "open", 10), 0);
    cr_assert(ends_query(ends, "open", 0, TEST_TIMEOUT_MS, &end, &err), "%s", err.text);
    cr_expect_eq(end, 10);
    begin_and_produce(transaction, "open", 1);
    cr_assert(transaction_commit(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_expect_eq(read_to(consumer, "open", 12), 1);
}

Test(kafka_places, ends_follow_the_partitions)
{
    create_topic("ends", 3, NULL, NULL);
    struct err err = {0};
    test_fill_partitions(bootstrap, "ends", 2, 11);
    AUTO(ends) struct ends *ends = ends_new(test_conf(bootstrap, KAFKA_ENDS, NULL, NULL), &err);
    size_t count = 0;
    cr_assert(ends_partition_count(ends, "ends", TEST_TIMEOUT_MS, &count, &err), "%s", err.text);
    cr_assert_eq(count, 3);
    int64_t offsets[3] = {-1, -1, -1};
    cr_assert(ends_query_all(ends, "ends", offsets, 3, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_expect(offsets[0] == 11 && offsets[1] == 11 && offsets[2] == 0);
    cr_expect_not(ends_partition_count(ends, "no-such", TEST_TIMEOUT_MS, &count, &err));
    cr_expect_eq(err.code, ERR_KAFKA_RETRIABLE);
    cr_expect(strstr(err.text, "certswap topics create") != NULL, "%s", err.text);
    cr_expect_not_null(ends_trouble(ends));
    err = (struct err){0};
    int64_t end = 0;
    cr_expect_not(ends_query(ends, "ends", 3, 2000, &end, &err));
    cr_expect_eq(err.code, ERR_KAFKA_RETRIABLE, "%s", err.text);
}

/* What a transaction adds is no committed offset before it is committed, and nobody is told an older one
   meanwhile. */
Test(kafka_places, committed_offsets_are_stable)
{
    create_topic("stable", 1, NULL, NULL);
    create_topic("stable-out", 1, NULL, NULL);
    test_fill(bootstrap, "stable", 4);
    struct err err = {0};
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "stable");
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "stable", "stable", NULL);
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    for (int i = 0; i < 4; i++) {
        rd_kafka_message_t *message = test_next(consumer);
        cr_assert(offset_table_add(batch, message));
        rd_kafka_message_destroy(message);
    }
    int64_t offset = 0;
    cr_assert(consumer_committed(consumer, "stable", 0, TEST_TIMEOUT_MS, &offset, &err), "%s", err.text);
    cr_expect_eq(offset, -1);
    begin_and_produce(transaction, "stable-out", 1);
    cr_assert(transaction_send_offsets(transaction, batch, consumer, TEST_TIMEOUT_MS, &err), "%s", err.text);
    int64_t before = monotonic_ms();
    bool told = consumer_committed(consumer, "stable", 0, 1000, &offset, &err);
    cr_expect_not(told, "an offset (%ld) was told while a transaction was open", (long)offset);
    cr_expect_eq(err.code, ERR_KAFKA_RETRIABLE, "%s", err.text);
    cr_expect_lt(monotonic_ms() - before, 3000);
    err = (struct err){0};
    cr_assert(transaction_commit(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_assert(consumer_committed(consumer, "stable", 0, TEST_TIMEOUT_MS, &offset, &err), "%s", err.text);
    cr_expect_eq(offset, 4);
}

Test(kafka_places, a_record_over_the_topics_limit_is_told_from_other_failures)
{
    create_topic("small", 1, "max.message.bytes", "2000");
    struct err err = {0};
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "small");
    size_t bytes = 0;
    cr_assert(
        topic_message_max_bytes(transaction_handle(transaction), "small", TEST_TIMEOUT_MS, &bytes, &err),
        "%s", err.text);
    cr_expect_eq(bytes, 2000);
    cr_expect_not(
        topic_message_max_bytes(transaction_handle(transaction), "no-such", TEST_TIMEOUT_MS, &bytes, &err));
    cr_expect_eq(err.code, ERR_KAFKA_RETRIABLE, "%s", err.text);
    static char large[3000];
    memset(large, 'x', sizeof large - 1);
    struct kafka_record record = test_record("small", "k", large);
    err = (struct err){0};
    cr_assert(transaction_begin(transaction, &err), "%s", err.text);
    cr_assert(transaction_produce(transaction, &record, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_expect_not(transaction_commit(transaction, TEST_TIMEOUT_MS, &err));
    cr_expect_eq(err.code, ERR_KAFKA_ABORTABLE, "%s", err.text);
    cr_expect(transaction_was_too_large(transaction));
    cr_expect_not(transaction_timed_out(transaction));
    err = (struct err){0};
    cr_assert(transaction_abort(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_expect(transaction_was_too_large(transaction), "the abort has forgotten the reason");
    for (int attempt = 0; attempt < 5; attempt++) {
        begin_and_produce(transaction, "small", 1);
        cr_expect_not(transaction_was_too_large(transaction));
        err = (struct err){0};
        if (transaction_commit(transaction, TEST_TIMEOUT_MS, &err))
            break;
        cr_assert(transaction_abort(transaction, TEST_TIMEOUT_MS, &(struct err){0}));
    }
    cr_expect_eq(err.code, ERR_NONE, "%s", err.text);
}

/* The broker looks for such transactions every ten seconds. */
Test(kafka_places, a_transaction_that_took_too_long_says_so)
{
    create_topic("slow", 1, NULL, NULL);
    struct err err = {0};
    rd_kafka_conf_t *conf = test_conf(bootstrap, KAFKA_TRANSACTIONAL_PRODUCER, NULL, NULL);
    cr_expect_not(kafka_conf_transaction_timeout(conf, -5, &err));
    cr_expect_eq(err.code, ERR_CONFIG_INVALID);
    cr_assert(kafka_conf_transaction_timeout(conf, 1000, &err));
    AUTO(transaction) struct transaction *transaction = transaction_new(conf, "slow", &err);
    cr_assert(transaction_init(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    begin_and_produce(transaction, "slow", 2);
    AUTO(ends) struct ends *ends = ends_new(test_conf(bootstrap, KAFKA_ENDS, NULL, NULL), &err);
    int64_t deadline = deadline_in(2 * TEST_TIMEOUT_MS);
    int64_t end = 0;
    while (end < 3 && deadline_left(deadline, 1) > 0) /* the abort's marker */
        cr_assert(ends_query(ends, "slow", 0, TEST_TIMEOUT_MS, &end, &err), "%s", err.text);
    cr_assert_eq(end, 3);
    cr_expect_not(transaction_timed_out(transaction));
    err = (struct err){0};
    cr_expect_not(transaction_commit(transaction, TEST_TIMEOUT_MS, &err));
    cr_expect_neq(err.code, ERR_KAFKA_RETRIABLE, "%s", err.text);
    cr_expect(strstr(err.text, "CERTSWAP_KAFKA_TRANSACTION_TIMEOUT_MS") != NULL, "%s", err.text);
    cr_expect(transaction_timed_out(transaction));
    cr_expect_not(transaction_was_too_large(transaction));
}

/* Commits, or has a transaction that stays open commit, an offset of each partition for the group. */
static void send_offsets(struct transaction *transaction, const char *group, const char *topic,
                         int32_t partitions, int64_t offset, bool commit)
{
    struct err err = {0};
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int32_t i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = offset;
    rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata_new(group);
    cr_assert(transaction_begin(transaction, &err), "%s", err.text);
    rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(transaction_handle(transaction), list,
                                                                   metadata, TEST_TIMEOUT_MS);
    cr_assert(error == NULL, "%s", rd_kafka_error_string(error));
    if (commit)
        cr_assert(transaction_commit(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    rd_kafka_consumer_group_metadata_destroy(metadata);
    rd_kafka_topic_partition_list_destroy(list);
}

static void expect_nothing(struct consumer *one, struct consumer *other, int for_ms)
{
    int64_t until = deadline_in(for_ms);
    while (deadline_left(until, 1) > 0) {
        struct consumer *const both[] = {one, other};
        for (size_t i = 0; i < 2 && both[i] != NULL; i++) {
            rd_kafka_message_t *message = consumer_poll(both[i], 20);
            cr_assert(message == NULL, "offset %" PRId64 " came, which was read before", message->offset);
        }
    }
}

/* While a transaction that commits a partition's offset is open, nobody may read that partition; when members
   join meanwhile, they begin where that transaction ends, and not at the beginning. */
Test(kafka_places, offsets_of_an_open_transaction_are_waited_for_over_a_rebalance)
{
    enum { PARTITIONS = 4, COUNT = 8, FIRST = 3, NEXT = 5 };
    static const char topic[] = "unstable";
    struct err err = {0};
    create_topic(topic, PARTITIONS, NULL, NULL);
    test_fill_partitions(bootstrap, topic, PARTITIONS, COUNT);
    struct consumer *founder = test_consumer(bootstrap, "unstable", topic, NULL);
    rd_kafka_message_destroy(test_next(founder));
    consumer_free(founder); /* the group has its coordinator now */
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "unstable");
    send_offsets(transaction, "unstable", topic, PARTITIONS, FIRST, true);
    send_offsets(transaction, "unstable", topic, PARTITIONS, NEXT, false);
    AUTO(consumer) struct consumer *one = test_consumer(bootstrap, "unstable", topic, NULL);
    expect_nothing(one, NULL, 1500);
    AUTO(consumer) struct consumer *other = test_consumer(bootstrap, "unstable", topic, NULL);
    expect_nothing(one, other, 4000);
    cr_assert(transaction_commit(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    int64_t next[PARTITIONS] = {NEXT, NEXT, NEXT, NEXT};
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    for (int left = PARTITIONS * (COUNT - NEXT); left > 0;) {
        cr_assert(deadline_left(deadline, 1) > 0, "%d records did not come", left);
        rd_kafka_message_t *message = consumer_poll(left % 2 != 0 ? one : other, 20);
        message = message != NULL ? message : consumer_poll(left % 2 != 0 ? other : one, 20);
        if (message == NULL)
            continue;
        cr_assert_eq(message->offset, next[message->partition]++);
        rd_kafka_message_destroy(message);
        left--;
    }
}
