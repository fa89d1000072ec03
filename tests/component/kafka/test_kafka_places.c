/* How far a consumer has come, and partitions that stand still alone, against librdkafka's mock cluster. */
#include "kafka/deadline.h"
#include "kafka/ends.h"
#include "kafka/topics.h"
#include "support/kafka_helpers.h"
#include "support/kafka_scenarios.h"
#include "support/mock_cluster.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

enum { API_HEARTBEAT = 12 };

static void start(void)
{
    mock_cluster_start();
    rd_kafka_mock_topic_create(cluster, "in", 1, 1);
    rd_kafka_mock_topic_create(cluster, "four", SCENARIO_PARTITIONS, 1);
}

TestSuite(kafka_places, .init = start, .fini = mock_cluster_stop, .timeout = 90);

Test(kafka_places, no_record_is_lost_or_doubled_by_pauses)
{
    scenario_pauses(bootstrap, "four", 1);
}

static void take_one(struct consumer *consumer, struct offset_table *batch, int64_t offset)
{
    rd_kafka_message_t *message = test_next(consumer);
    cr_expect_eq(message->offset, offset);
    cr_assert(offset_table_add(batch, message));
    rd_kafka_message_destroy(message);
}

static void await_reached(struct consumer *consumer, int64_t offset)
{
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while (consumer_reached(consumer, "in", 0) < offset && deadline_left(deadline, 1) > 0)
        cr_assert_null(consumer_poll(consumer, 100));
    cr_expect_eq(consumer_reached(consumer, "in", 0), offset);
}

Test(kafka_places, reached_follows_records_rewinds_and_commits)
{
    struct err err = {0};
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    cr_expect_eq(consumer_reached(consumer, "in", 0), -1);
    test_await_assigned(consumer, 1);
    await_reached(consumer, 0);
    cr_expect_eq(consumer_reached(consumer, "in", 1), -1);
    cr_expect_eq(consumer_reached(consumer, "other", 0), -1);
    const rd_kafka_topic_partition_list_t *assigned = NULL;
    cr_assert_eq(consumer_assigned(consumer, &assigned), 1);
    cr_expect_str_eq(assigned->elems[0].topic, "in");
    test_fill(bootstrap, "in", 5);
    for (int i = 0; i < 5; i++) {
        take_one(consumer, batch, i);
        cr_expect_eq(consumer_reached(consumer, "in", 0), i + 1);
    }
    cr_assert(consumer_rewind(consumer, batch, &err), "%s", err.text);
    cr_expect_eq(consumer_reached(consumer, "in", 0), 0);
    offset_table_clear(batch);
    for (int i = 0; i < 3; i++)
        take_one(consumer, batch, i);
    cr_expect_eq(consumer_reached(consumer, "in", 0), 3);
    int64_t committed = 0;
    cr_assert(consumer_committed(consumer, "in", 0, TEST_TIMEOUT_MS, &committed, &err), "%s", err.text);
    cr_expect_eq(committed, -1);
    cr_assert(consumer_commit_sync(consumer, batch, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_assert(consumer_committed(consumer, "in", 0, TEST_TIMEOUT_MS, &committed, &err), "%s", err.text);
    cr_expect_eq(committed, 3);
    cr_assert(consumer_committed(consumer, "four", 2, TEST_TIMEOUT_MS, &committed, &err), "%s", err.text);
    cr_expect_eq(committed, -1);
    consumer_free(consumer);

    /* The heir knows from where it starts before anything comes. */
    AUTO(consumer) struct consumer *heir = test_consumer(bootstrap, "g", "in", NULL);
    cr_assert(consumer_pause_all(heir, &err), "%s", err.text);
    test_await_assigned(heir, 1);
    cr_expect_eq(consumer_reached(heir, "in", 0), 3);
    rd_kafka_mock_broker_set_down(cluster, 1);
    int64_t before = monotonic_ms();
    cr_expect_not(consumer_committed(heir, "in", 0, 500, &committed, &err));
    cr_expect_eq(err.code, ERR_KAFKA_RETRIABLE, "%s", err.text);
    cr_expect_lt(monotonic_ms() - before, 2000);
    rd_kafka_mock_broker_set_up(cluster, 1);
}

Test(kafka_places, one_partition_alone_stays_paused_until_it_is_resumed_or_revoked)
{
    struct err err = {0};
    test_fill(bootstrap, "in", 3);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    cr_expect(consumer_pause_partition(consumer, "in", 0, &err), "of a partition that is not assigned");
    take_one(consumer, batch, 0);
    cr_assert(consumer_pause_partition(consumer, "in", 0, &err), "%s", err.text);
    cr_assert(consumer_pause_partition(consumer, "in", 0, &err), "%s", err.text);
    cr_assert(consumer_pause_all(consumer, &err), "%s", err.text);
    cr_assert(consumer_resume_all(consumer, &err), "%s", err.text);
    cr_expect_not(consumer_is_paused(consumer));
    cr_expect_null(consumer_poll(consumer, 300));
    cr_expect_eq(consumer_reached(consumer, "in", 0), 1);
    cr_assert(consumer_pause_all(consumer, &err), "%s", err.text);
    cr_assert(consumer_resume_partition(consumer, "in", 0, &err), "%s", err.text);
    cr_expect_null(consumer_poll(consumer, 300));
    cr_assert(consumer_resume_all(consumer, &err), "%s", err.text);
    take_one(consumer, batch, 1);
    take_one(consumer, batch, 2);

    /* The member is thrown out and joins again: it begins at what is committed, and the pause is forgotten.
     */
    cr_assert(consumer_pause_partition(consumer, "in", 0, &err), "%s", err.text);
    rd_kafka_mock_push_request_errors(cluster, API_HEARTBEAT, 1, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    offset_table_clear(batch);
    take_one(consumer, batch, 0);
    cr_expect_eq(consumer_reached(consumer, "in", 0), 1);
}

/* The resume meets librdkafka's look-up of the offset where to start. */
Test(kafka_places, a_pause_that_ends_just_after_the_assignment_leaves_nothing_behind)
{
    test_fill(bootstrap, "in", 1);
    for (int i = 0; i < 4; i++) {
        struct err err = {0};
        char group[] = {(char)('a' + i), '\0'};
        AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, group, "in", NULL);
        AUTO(offset_table) struct offset_table *batch = offset_table_new();
        cr_assert(consumer_pause_all(consumer, &err), "%s", err.text);
        test_await_assigned(consumer, 1);
        cr_assert(consumer_resume_all(consumer, &err), "%s", err.text);
        take_one(consumer, batch, 0);
    }
}

/* As when a topic was made anew: librdkafka would go on at its beginning. */
Test(kafka_places, a_partition_that_goes_back_by_itself_ends_the_consumer)
{
    test_fill(bootstrap, "in", 3);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    for (int i = 0; i < 3; i++)
        take_one(consumer, batch, i);
    rd_kafka_topic_partition_list_t *back = offset_table_first_list(batch);
    rd_kafka_error_t *error = rd_kafka_seek_partitions(consumer_handle(consumer), back, -1);
    cr_assert_null(error);
    rd_kafka_topic_partition_list_destroy(back);
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while (!consumer_is_fatal(consumer) && deadline_left(deadline, 1) > 0)
        cr_assert_null(consumer_poll(consumer, 100), "a record was handed out twice");
    cr_assert(consumer_is_fatal(consumer));
    cr_expect(strstr(consumer_trouble(consumer), "went back to offset 0") != NULL, "%s",
              consumer_trouble(consumer));
}

/* librdkafka keeps the pause of a partition that was given up: it would stand still for ever when it comes
 * back. */
Test(kafka_places, a_pause_ends_with_the_revocation)
{
    struct err err = {0};
    test_fill(bootstrap, "in", 3);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    take_one(consumer, batch, 0);
    cr_assert(consumer_pause_partition(consumer, "in", 0, &err), "%s", err.text);
    rd_kafka_message_t *message = NULL;
    struct consumer *guest = test_consumer(bootstrap, "g", "in", NULL);
    while (message == NULL) {
        message = guest != NULL ? consumer_poll(guest, 20) : NULL;
        if (message != NULL)
            rd_kafka_message_destroy(message);
        if (guest != NULL && consumer_is_joined(guest)) {
            consumer_free(guest);
            guest = NULL;
        }
        message = consumer_poll(consumer, 50);
    }
    consumer_free(guest);
    cr_expect_eq(message->offset, 0, "nothing was committed");
    rd_kafka_message_destroy(message);
}

Test(kafka_places, ends_are_asked_from_the_leader_of_now)
{
    struct err err = {0};
    rd_kafka_mock_cluster_t *two = rd_kafka_mock_cluster_new(mock_host, 2);
    const char *servers = rd_kafka_mock_cluster_bootstraps(two);
    rd_kafka_mock_topic_create(two, "moves", 1, 2);
    rd_kafka_mock_partition_set_leader(two, "moves", 0, 1);
    AUTO(ends) struct ends *ends = ends_new(test_conf(servers, KAFKA_ENDS, NULL, NULL), &err);
    int64_t end = -1;
    cr_assert(ends_query(ends, "moves", 0, TEST_TIMEOUT_MS, &end, &err), "%s", err.text);
    rd_kafka_mock_partition_set_leader(two, "moves", 0, 2);
    bool told = false;
    for (int64_t until = monotonic_ms() + TEST_TIMEOUT_MS; !told && monotonic_ms() < until;) {
        err = (struct err){0};
        told = ends_query(ends, "moves", 0, 500, &end, &err);
    }
    cr_expect(told, "%s", err.text);
    ends_free(ends);
    ends = NULL;
    rd_kafka_mock_cluster_destroy(two);
}

Test(kafka_places, ends_are_told_and_an_outage_is_bounded)
{
    struct err err = {0};
    test_fill_partitions(bootstrap, "four", 2, 7);
    AUTO(ends) struct ends *ends = ends_new(test_conf(bootstrap, KAFKA_ENDS, NULL, NULL), &err);
    cr_assert(ends != NULL, "%s", err.text);
    size_t count = 0;
    cr_assert(ends_partition_count(ends, "four", TEST_TIMEOUT_MS, &count, &err), "%s", err.text);
    cr_assert_eq(count, SCENARIO_PARTITIONS);
    int64_t offsets[SCENARIO_PARTITIONS] = {0};
    cr_assert(ends_query_all(ends, "four", offsets, count, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_expect(offsets[0] == 7 && offsets[1] == 7 && offsets[2] == 0 && offsets[3] == 0);
    int64_t end = -1;
    cr_assert(ends_query(ends, "four", 1, TEST_TIMEOUT_MS, &end, &err), "%s", err.text);
    cr_expect_eq(end, 7);
    rd_kafka_mock_broker_set_down(cluster, 1);
    int64_t before = monotonic_ms();
    err = (struct err){0};
    cr_expect_not(ends_query(ends, "four", 1, 500, &end, &err));
    cr_expect_eq(err.code, ERR_KAFKA_RETRIABLE, "%s", err.text);
    cr_expect_lt(monotonic_ms() - before, 2000);
    cr_expect_not_null(ends_trouble(ends));
    rd_kafka_mock_broker_set_up(cluster, 1);
    err = (struct err){0};
    cr_assert(ends_query(ends, "four", 1, TEST_TIMEOUT_MS, &end, &err), "%s", err.text);
    cr_expect_null(ends_trouble(ends));
}
