/* What a client suffers from shows, with the remedy, for as long as its cause stands, and no longer: errors
   that the mock cluster is told to give. */
#include "kafka/deadline.h"
#include "support/kafka_helpers.h"
#include "support/mock_cluster.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

enum { API_FETCH = 1, API_HEARTBEAT = 12, API_ADD_PARTITIONS = 24, MANY = 200 };

static void start(void)
{
    mock_cluster_start();
    rd_kafka_mock_topic_create(cluster, "in", 1, 1);
    rd_kafka_mock_topic_create(cluster, "out", 1, 1);
}

TestSuite(kafka_trouble, .init = start, .fini = mock_cluster_stop, .timeout = 90);

static void push(int16_t api, rd_kafka_resp_err_t error, size_t count)
{
    rd_kafka_resp_err_t errors[MANY];
    for (size_t i = 0; i < count; i++)
        errors[i] = error;
    rd_kafka_mock_push_request_errors_array(cluster, api, count, errors);
}

static void expect_told(const char *trouble, const char *remedy)
{
    cr_assert(trouble != NULL, "no trouble is told");
    cr_expect(strstr(trouble, remedy) != NULL, "%s", trouble);
}

/* Polls an idle consumer until its trouble is told, or over. */
static void await(struct consumer *consumer, bool trouble)
{
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while ((consumer_trouble(consumer) != NULL) != trouble) {
        cr_assert(deadline_left(deadline, 1) > 0, "trouble: %s",
                  trouble ? "not told" : consumer_trouble(consumer));
        cr_assert_null(consumer_poll(consumer, 100));
    }
}

Test(kafka_trouble, a_fetch_that_is_refused_shows_until_it_is_allowed_without_any_record)
{
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    test_await_assigned(consumer, 1);
    push(API_FETCH, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 100);
    await(consumer, true);
    expect_told(consumer_trouble(consumer), "ACLs");
    cr_expect_not(consumer_is_fatal(consumer));
    rd_kafka_mock_clear_request_errors(cluster, API_FETCH);
    await(consumer, false);
    test_fill(bootstrap, "in", 1);
    rd_kafka_message_destroy(test_next(consumer));
}

Test(kafka_trouble, a_missing_topic_shows_although_the_other_one_is_read)
{
    static const char *const topics[] = {"in", "later"};
    rd_kafka_mock_topic_set_error(cluster, "later", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    struct err err = {0};
    /* The mock answers a member that joins after 3 s, later ones after 9: a refresh at that very moment makes
       librdkafka join once more, so that the interval is no divisor of them. */
    AUTO(consumer)
    struct consumer *consumer = consumer_new(
        test_conf(bootstrap, KAFKA_STAGING_CONSUMER, "topic.metadata.refresh.interval.ms", "770"), "g", NULL,
        &err);
    cr_assert(consumer != NULL && consumer_join(consumer, topics, 2, &err), "%s", err.text);
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while (consumer_assigned_count(consumer) == 0 && deadline_left(deadline, 1) > 0)
        cr_assert_null(consumer_poll(consumer, 100));
    await(consumer, true);
    test_fill(bootstrap, "in", 1);
    rd_kafka_message_destroy(test_next(consumer));
    int64_t until = deadline_in(3000);
    while (deadline_left(until, 1) > 0)
        cr_assert_null(consumer_poll(consumer, 100));
    expect_told(consumer_trouble(consumer), "certswap topics create");
    rd_kafka_mock_topic_set_error(cluster, "later", RD_KAFKA_RESP_ERR_NO_ERROR);
    await(consumer, false);
}

Test(kafka_trouble, an_outage_is_over_when_the_broker_is_back_without_any_record)
{
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "t");
    test_await_assigned(consumer, 1);
    rd_kafka_mock_broker_set_down(cluster, 1);
    struct err err = {0};
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while (transaction_trouble(transaction) == NULL && deadline_left(deadline, 1) > 0)
        cr_assert(transaction_poll(transaction, &err), "%s", err.text);
    cr_expect_not_null(transaction_trouble(transaction));
    await(consumer, true);
    rd_kafka_mock_broker_set_up(cluster, 1);
    await(consumer, false);
    while (transaction_trouble(transaction) != NULL && deadline_left(deadline, 1) > 0)
        cr_assert(transaction_poll(transaction, &err), "%s", err.text);
    cr_expect_null(transaction_trouble(transaction));
}

Test(kafka_trouble, a_member_that_the_group_has_forgotten_joins_again_by_itself)
{
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    test_await_assigned(consumer, 1);
    push(API_HEARTBEAT, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, 1);
    test_fill(bootstrap, "in", 2);
    rd_kafka_message_destroy(test_next(consumer));
    rd_kafka_message_destroy(test_next(consumer));
    test_await_assigned(consumer, 1);
    await(consumer, false);
    cr_expect_not(consumer_is_fatal(consumer));
}

Test(kafka_trouble, a_refused_write_shows_until_a_transaction_goes_through)
{
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "t");
    struct kafka_record record = test_record("out", "k", "1");
    for (int round = 0; round < 3; round++) {
        struct err err = {0};
        if (round < 2)
            push(API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
        cr_assert(transaction_begin(transaction, &err), "%s", err.text);
        cr_assert(transaction_produce(transaction, &record, TEST_TIMEOUT_MS, &err), "%s", err.text);
        cr_expect_eq(transaction_commit(transaction, TEST_TIMEOUT_MS, &err), round == 2);
        if (round == 2)
            break;
        err = (struct err){0};
        cr_assert(transaction_abort(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
        cr_assert(transaction_poll(transaction, &err), "%s", err.text);
        expect_told(transaction_trouble(transaction), "ACLs");
        cr_expect_not(transaction_was_too_large(transaction) || transaction_timed_out(transaction));
    }
    cr_expect_null(transaction_trouble(transaction));
}

Test(kafka_trouble, a_missing_output_topic_shows_until_it_is_there)
{
    static const char *const topics[] = {"out", "missing"};
    rd_kafka_mock_topic_set_error(cluster, "missing", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "t");
    struct err err = {0};
    cr_expect_not(transaction_prime(transaction, topics, 2, TEST_TIMEOUT_MS, &err));
    expect_told(transaction_trouble(transaction), "certswap topics create");
    rd_kafka_mock_topic_set_error(cluster, "missing", RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_mock_topic_create(cluster, "missing", 1, 1);
    err = (struct err){0};
    cr_expect(transaction_prime(transaction, topics, 2, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_expect_null(transaction_trouble(transaction));
}
