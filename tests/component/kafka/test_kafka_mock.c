/* The Kafka room against librdkafka's mock cluster: control flow under injected errors. What the mock cannot
   show (isolation, fencing, transactional offsets) is in tests/broker. */
#include "kafka/deadline.h"
#include "kafka/errors.h"
#include "support/kafka_helpers.h"
#include "support/mock_cluster.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    API_PRODUCE = 0,
    API_OFFSET_COMMIT = 8,
    API_ADD_PARTITIONS = 24,
    API_END_TXN = 26,
    API_TXN_OFFSETS = 28
};

static void start(void)
{
    mock_cluster_start();
    rd_kafka_mock_topic_create(cluster, "in", 1, 1);
    rd_kafka_mock_topic_create(cluster, "out", 4, 1);
}

TestSuite(kafka_mock, .init = start, .fini = mock_cluster_stop, .timeout = 60);

static void begin_and_produce(struct transaction *transaction, const char *value)
{
    struct err err = {0};
    struct kafka_record record = test_record("out", "key", value);
    cr_assert(transaction_begin(transaction, &err), "%s", err.text);
    cr_assert(transaction_produce(transaction, &record, TEST_TIMEOUT_MS, &err), "%s", err.text);
}

static void commit(struct transaction *transaction)
{
    struct err err = {0};
    cr_assert(transaction_commit(transaction, TEST_TIMEOUT_MS, &err), "%s: %s", err_name(err.code), err.text);
    cr_assert_not(transaction_is_open(transaction));
}

static void abort_it(struct transaction *transaction)
{
    struct err err = {0};
    cr_assert(transaction_abort(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_assert_not(transaction_is_open(transaction));
}

/* Adds the next `count` records to the batch, checking that they are the ones from `first` on. */
static void take(struct consumer *consumer, struct offset_table *batch, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        rd_kafka_message_t *message = test_next(consumer);
        cr_expect_eq(message->offset, i);
        cr_assert(offset_table_add(batch, message));
        rd_kafka_message_destroy(message);
    }
}

static void test_poll_and_drop(struct consumer *consumer)
{
    rd_kafka_message_t *message = consumer_poll(consumer, 50);
    if (message != NULL)
        rd_kafka_message_destroy(message);
}

Test(kafka_mock, commits_records_and_offsets)
{
    test_fill(bootstrap, "in", 3);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "t");
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    struct err err = {0};
    take(consumer, batch, 0, 3);
    begin_and_produce(transaction, "7");
    cr_assert(transaction_send_offsets(transaction, batch, consumer, TEST_TIMEOUT_MS, &err), "%s", err.text);
    commit(transaction);
    int counts[10];
    size_t strays = 0;
    cr_expect_eq(test_count_values(bootstrap, "out", counts, 10, &strays), 1);
    cr_expect_eq(counts[7], 1);
}

Test(kafka_mock, the_generation_grows_when_a_member_joins)
{
    test_fill(bootstrap, "in", 3);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    struct err err = {0};
    int32_t first;
    int32_t next;
    cr_assert_not(consumer_generation(consumer, &first, &err), "no member of the group yet");
    cr_assert_eq(err.code, ERR_KAFKA_RETRIABLE);
    take(consumer, batch, 0, 3);
    err = (struct err){0};
    cr_assert(consumer_generation(consumer, &first, &err), "%s", err.text);
    cr_assert_geq(first, 0);
    AUTO(consumer) struct consumer *other = test_consumer(bootstrap, "g", "in", NULL);
    do {
        test_poll_and_drop(consumer);
        test_poll_and_drop(other);
        err = (struct err){0};
    } while (!consumer_generation(other, &next, &err));
    cr_assert_gt(next, first);
}

Test(kafka_mock, an_aborted_batch_comes_again)
{
    test_fill(bootstrap, "in", 12);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "t");
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    struct err err = {0};
    take(consumer, batch, 0, 5);
    offset_table_clear(batch);
    for (int round = 0; round < 3; round++) {
        take(consumer, batch, 5, 4);
        begin_and_produce(transaction, "1");
        abort_it(transaction);
        cr_assert(consumer_rewind(consumer, batch, &err), "%s", err.text);
        offset_table_clear(batch);
    }
    take(consumer, batch, 5, 7);
}

Test(kafka_mock, a_rewind_holds_over_a_pause)
{
    test_fill(bootstrap, "in", 10);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    struct err err = {0};
    for (int order = 0; order < 2; order++) {
        take(consumer, batch, 0, 4);
        if (order == 0)
            cr_assert(consumer_rewind(consumer, batch, &err), "%s", err.text);
        cr_assert(consumer_pause_all(consumer, &err), "%s", err.text);
        if (order == 1)
            cr_assert(consumer_rewind(consumer, batch, &err), "%s", err.text);
        cr_expect_null(consumer_poll(consumer, 300), "a record came from a paused partition");
        cr_assert(consumer_resume_all(consumer, &err), "%s", err.text);
        offset_table_clear(batch);
    }
    take(consumer, batch, 0, 10);
}

Test(kafka_mock, retriable_errors_are_ridden_out)
{
    static const int16_t apis[] = {API_ADD_PARTITIONS, API_TXN_OFFSETS, API_END_TXN, API_PRODUCE};
    test_fill(bootstrap, "in", 4);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "t");
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    for (int i = 0; i < 4; i++) {
        struct err err = {0};
        take(consumer, batch, i, 1);
        rd_kafka_resp_err_t error = apis[i] == API_PRODUCE ? RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION
                                                           : RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
        rd_kafka_mock_push_request_errors(cluster, apis[i], 2, error, error);
        begin_and_produce(transaction, "1");
        cr_assert(transaction_send_offsets(transaction, batch, consumer, TEST_TIMEOUT_MS, &err), "%d: %s", i,
                  err.text);
        cr_assert(transaction_commit(transaction, TEST_TIMEOUT_MS, &err), "%d: %s", i, err.text);
        offset_table_clear(batch);
    }
}

/* Aborts and goes again until it commits: after a refused record librdkafka can notice only in the next
   transaction that its sequence numbers must begin anew, and asks for one more abort. */
static void go_through(struct transaction *transaction)
{
    for (int attempt = 0; attempt < 5; attempt++) {
        struct err err = {0};
        begin_and_produce(transaction, "2");
        if (transaction_commit(transaction, TEST_TIMEOUT_MS, &err))
            return;
        cr_assert_eq(err.code, ERR_KAFKA_ABORTABLE, "%s: %s", err_name(err.code), err.text);
        abort_it(transaction);
    }
    cr_assert(0, "no transaction went through");
}

Test(kafka_mock, abortable_errors_ask_for_an_abort_and_the_next_transaction_works)
{
    static const struct {
        int16_t api;
        rd_kafka_resp_err_t error;
    } cases[] = {
        {API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED},
        {API_TXN_OFFSETS, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION},
        {API_TXN_OFFSETS, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED},
        {API_PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE},
    };
    test_fill(bootstrap, "in", 1);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "t");
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    take(consumer, batch, 0, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        rd_kafka_mock_push_request_errors(cluster, cases[i].api, 1, cases[i].error);
        begin_and_produce(transaction, "1");
        if (transaction_send_offsets(transaction, batch, consumer, TEST_TIMEOUT_MS, &err))
            cr_expect_not(transaction_commit(transaction, TEST_TIMEOUT_MS, &err));
        cr_expect_eq(err.code, ERR_KAFKA_ABORTABLE, "case %zu: %s %s", i, err_name(err.code), err.text);
        abort_it(transaction);
        go_through(transaction);
    }
}

Test(kafka_mock, a_refused_record_is_named_with_its_remedy)
{
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "t");
    struct err err = {0};
    rd_kafka_mock_push_request_errors(cluster, API_PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    begin_and_produce(transaction, "1");
    cr_expect_not(transaction_commit(transaction, TEST_TIMEOUT_MS, &err));
    cr_expect_eq(err.code, ERR_KAFKA_ABORTABLE);
    cr_expect(strstr(err.text, "topic out") != NULL && strstr(err.text, "max.message.bytes") != NULL, "%s",
              err.text);
    abort_it(transaction);
}

Test(kafka_mock, a_fatal_error_needs_a_new_producer)
{
    struct err err = {0};
    struct transaction *first = test_transaction(bootstrap, "t");
    rd_kafka_mock_push_request_errors(cluster, API_END_TXN, 1, RD_KAFKA_RESP_ERR_PRODUCER_FENCED);
    begin_and_produce(first, "1");
    cr_expect_not(transaction_commit(first, TEST_TIMEOUT_MS, &err));
    cr_expect_eq(err.code, ERR_KAFKA_FATAL, "%s: %s", err_name(err.code), err.text);
    struct err again = {0};
    cr_expect_not(transaction_abort(first, TEST_TIMEOUT_MS, &again));
    cr_expect_eq(again.code, ERR_KAFKA_FATAL, "%s", again.text);
    struct err dead = {0};
    cr_expect_not(transaction_poll(first, &dead));
    cr_expect_eq(dead.code, ERR_KAFKA_FATAL);
    transaction_free(first);

    AUTO(transaction) struct transaction *second = test_transaction(bootstrap, "t");
    begin_and_produce(second, "2");
    commit(second);
}

Test(kafka_mock, initialisation_waits_in_bounds_and_goes_on_when_the_broker_is_back)
{
    struct err err = {0};
    rd_kafka_mock_broker_set_down(cluster, 1);
    AUTO(transaction)
    struct transaction *transaction =
        transaction_new(test_conf(bootstrap, KAFKA_TRANSACTIONAL_PRODUCER, NULL, NULL), "t", &err);
    cr_assert(transaction != NULL, "%s", err.text);
    int64_t before = monotonic_ms();
    cr_expect_not(transaction_init(transaction, 1500, &err));
    cr_expect_lt(monotonic_ms() - before, 3500);
    cr_expect_eq(err.code, ERR_KAFKA_RETRIABLE, "%s: %s", err_name(err.code), err.text);
    rd_kafka_mock_broker_set_up(cluster, 1);
    err = (struct err){0};
    cr_assert(transaction_init(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    begin_and_produce(transaction, "1");
    commit(transaction);
}

Test(kafka_mock, a_full_queue_is_waited_for_in_bounds)
{
    struct err err = {0};
    AUTO(transaction)
    struct transaction *transaction = transaction_new(
        test_conf(bootstrap, KAFKA_TRANSACTIONAL_PRODUCER, "queue.buffering.max.messages", "10"), "t", &err);
    cr_assert(transaction_init(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_assert(transaction_begin(transaction, &err), "%s", err.text);
    struct kafka_record record = test_record("out", "key", "1");
    for (int i = 0; i < 100; i++)
        cr_assert(transaction_produce(transaction, &record, TEST_TIMEOUT_MS, &err), "%s", err.text);
    commit(transaction);

    cr_assert(transaction_begin(transaction, &err), "%s", err.text);
    rd_kafka_mock_broker_set_down(cluster, 1);
    int64_t before = monotonic_ms();
    for (int i = 0; i < 20 && err.code == ERR_NONE; i++)
        transaction_produce(transaction, &record, 300, &err);
    cr_expect_eq(err.code, ERR_KAFKA_RETRIABLE, "%s: %s", err_name(err.code), err.text);
    cr_expect_lt(monotonic_ms() - before, 5000);
    rd_kafka_mock_broker_set_up(cluster, 1);
    abort_it(transaction);
}

Test(kafka_mock, a_record_over_the_limit_leaves_the_transaction_whole)
{
    struct err err = {0};
    struct kafka_property limit = {"message.max.bytes", "2000"};
    cr_expect_eq(kafka_message_max_bytes(&limit, 1), 2000);
    cr_expect_eq(kafka_message_max_bytes(NULL, 0), 1000000);
    AUTO(transaction)
    struct transaction *transaction = transaction_new(
        test_conf(bootstrap, KAFKA_TRANSACTIONAL_PRODUCER, limit.name, limit.value), "t", &err);
    cr_assert(transaction_init(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    begin_and_produce(transaction, "1");
    static char large[2001];
    memset(large, 'x', sizeof large - 1);
    struct kafka_record record = test_record("out", "key", large);
    cr_expect_not(transaction_produce(transaction, &record, TEST_TIMEOUT_MS, &err));
    cr_expect_eq(err.code, ERR_JOB_TOO_LARGE, "%s: %s", err_name(err.code), err.text);
    commit(transaction);
}

Test(kafka_mock, offsets_are_committed_outside_of_transactions)
{
    test_fill(bootstrap, "in", 6);
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    struct err err = {0};
    take(consumer, batch, 0, 4);
    rd_kafka_mock_push_request_errors(cluster, API_OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    cr_expect_not(consumer_commit_sync(consumer, batch, TEST_TIMEOUT_MS, &err));
    cr_expect(strstr(err.text, "ACL") != NULL, "%s", err.text);
    err = (struct err){0};
    cr_assert(consumer_commit_sync(consumer, batch, TEST_TIMEOUT_MS, &err), "%s", err.text);
    rd_kafka_topic_partition_list_t *committed = offset_table_first_list(batch);
    rd_kafka_committed(consumer_handle(consumer), committed, TEST_TIMEOUT_MS);
    cr_expect_eq(committed->elems[0].offset, 4);
    rd_kafka_topic_partition_list_destroy(committed);

    rd_kafka_mock_broker_set_down(cluster, 1);
    int64_t before = monotonic_ms();
    cr_expect_not(consumer_commit_sync(consumer, batch, 500, &err));
    cr_expect_eq(err.code, ERR_KAFKA_RETRIABLE, "%s", err.text);
    cr_expect_lt(monotonic_ms() - before, 1500);
    rd_kafka_mock_broker_set_up(cluster, 1);
    err = (struct err){0};
    cr_assert(consumer_commit_sync(consumer, batch, TEST_TIMEOUT_MS, &err), "%s", err.text);

    rd_kafka_mock_broker_set_down(cluster, 1);
    cr_expect_not(consumer_commit_sync(consumer, batch, 500, &err));
    before = monotonic_ms();
    cr_expect_not(consumer_commit_sync(consumer, batch, 500, &err));
    consumer_close(consumer, 1000);
    consumer_free(consumer);
    cr_expect_lt(monotonic_ms() - before, 4000, "a consumer without a broker cannot be ended");
}

static int revoked;
static int assigned;
static void count_assign(void *arg, const rd_kafka_topic_partition_list_t *partitions)
{
    (void)partitions;
    ++*(int *)arg;
    assigned++;
}
static void count_revoke(void *arg, const rd_kafka_topic_partition_list_t *partitions, bool lost)
{
    (void)arg;
    cr_expect_eq(partitions->cnt, 1);
    cr_expect_not(lost);
    revoked++;
}

Test(kafka_mock, hooks_see_assignment_and_the_revocation_at_the_close)
{
    int seen = 0;
    struct consumer_hooks hooks = {count_assign, count_revoke, &seen};
    struct consumer *consumer = test_consumer(bootstrap, "g", "in", &hooks);
    cr_expect_not(consumer_is_joined(consumer));
    test_await_assigned(consumer, 1);
    cr_expect_eq(seen, 1);
    cr_expect_eq(revoked, 0);
    cr_expect(consumer_close(consumer, TEST_TIMEOUT_MS));
    cr_expect_eq(revoked, 1);
    cr_expect_not(consumer_is_joined(consumer));
    consumer_free(consumer);
    cr_expect_eq(revoked, 1);
}

Test(kafka_mock, a_producer_confirms_where_a_record_was_stored)
{
    struct err err = {0};
    AUTO(producer)
    struct producer *producer =
        producer_new(test_conf(bootstrap, KAFKA_PLAIN_PRODUCER, "message.timeout.ms", "60000"), &err);
    struct kafka_record record = test_record("in", NULL, "1");
    for (int i = 0; i < 3; i++) {
        struct kafka_place place = {-1, -1};
        cr_assert(producer_send_wait(producer, &record, TEST_TIMEOUT_MS, &place, &err), "%s", err.text);
        cr_expect_eq(place.partition, 0);
        cr_expect_eq(place.offset, i);
    }
    rd_kafka_mock_broker_set_down(cluster, 1);
    int64_t before = monotonic_ms();
    cr_expect_not(producer_send_wait(producer, &record, 500, NULL, &err));
    cr_expect_lt(monotonic_ms() - before, 2000);
    cr_expect_eq(err.code, ERR_KAFKA_RETRIABLE, "%s", err.text);
    rd_kafka_mock_broker_set_up(cluster, 1);
    err = (struct err){0};
    struct kafka_place place = {-1, -1};
    cr_assert(producer_send_wait(producer, &record, TEST_TIMEOUT_MS, &place, &err), "%s", err.text);
    cr_expect_eq(place.offset, 4, "the late report of the record given up on was taken for this one's");
}

Test(kafka_mock, a_trace_is_continued_from_a_message)
{
    AUTO(producer) struct producer *producer = test_producer(bootstrap);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(record_headers) struct record_headers headers = {0};
    struct err err = {0};
    record_headers_add_text(&headers, "traceparent", "of an earlier hop");
    record_headers_add_text(&headers, "traceparent",
                            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    record_headers_add_text(&headers, "tracestate", "a=b");
    record_headers_add(&headers, "kafka_correlationId", SPAN_LITERAL("\0\1"));
    struct kafka_record record = {.topic = "in", .value = SPAN_LITERAL(""), .headers = &headers};
    cr_assert(producer_send_wait(producer, &record, TEST_TIMEOUT_MS, NULL, &err), "%s", err.text);
    rd_kafka_message_t *message = test_next(consumer);
    cr_expect(message->payload != NULL && message->len == 0, "an empty value became null");
    struct trace_context context;
    trace_context_from_message(&context, message);
    cr_expect(span_equal(context.traceparent,
                         SPAN_LITERAL("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")));
    cr_expect(span_equal(context.tracestate, SPAN_LITERAL("a=b")));
    cr_expect_null(context.correlation_id.data);
    cr_expect(span_equal(context.kafka_correlation_id, SPAN_LITERAL("\0\1")));
    rd_kafka_message_destroy(message);
}

Test(kafka_mock, a_reader_catches_up_pauses_and_starts_at_the_end)
{
    struct err err = {0};
    test_fill(bootstrap, "out", 20);
    AUTO(reader)
    struct reader *whole = reader_new(test_conf(bootstrap, KAFKA_INVENTORY_CONSUMER, NULL, NULL), "g", "out",
                                      READER_FROM_BEGINNING, &err);
    AUTO(reader)
    struct reader *tail = reader_new(test_conf(bootstrap, KAFKA_INVENTORY_CONSUMER, NULL, NULL), "g", "out",
                                     READER_FROM_END, &err);
    cr_expect_not(reader_is_caught_up(whole));
    cr_assert(reader_begin(whole, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_assert(reader_begin(tail, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_expect(reader_is_caught_up(tail));
    cr_expect_eq(reader_partition_count(whole), 4);
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while (!reader_is_caught_up(whole) && deadline_left(deadline, 1) > 0) {
        rd_kafka_message_t *message = reader_poll(whole, 100);
        if (message != NULL)
            rd_kafka_message_destroy(message);
    }
    cr_expect(reader_is_caught_up(whole));
    cr_expect_eq(reader_record_count(whole), 20);

    cr_assert(reader_pause(whole, &err), "%s", err.text);
    test_fill(bootstrap, "out", 1);
    rd_kafka_message_t *message = NULL;
    while (message == NULL && deadline_left(deadline, 1) > 0)
        message = reader_poll(tail, 100);
    cr_assert(message != NULL);
    cr_expect_eq(reader_record_count(tail), 1);
    rd_kafka_message_destroy(message);
    cr_expect_null(reader_poll(whole, 200));
    cr_assert(reader_resume(whole, &err), "%s", err.text);
    message = NULL;
    while (message == NULL && deadline_left(deadline, 1) > 0)
        message = reader_poll(whole, 100);
    cr_assert(message != NULL);
    rd_kafka_message_destroy(message);
}
