/* The Kafka room on a real Apache Kafka: what the mock cluster cannot show. Run by tests/support/with_kafka,
   which sets KAFKA_BOOTSTRAP. Each test has topics of its own. */
#include "kafka/deadline.h"
#include "kafka/topics.h"
#include "support/kafka_helpers.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORDS = 200, BATCH = 7 };

static const char *bootstrap;

static void find_broker(void)
{
    bootstrap = getenv("KAFKA_BOOTSTRAP");
    cr_assert(bootstrap != NULL, "run this program by tests/support/with_kafka");
}

TestSuite(kafka_broker, .init = find_broker, .timeout = 120);

struct outcomes {
    int created, existed, failed;
    char text[ERR_TEXT_MAX];
};

static void note_outcome(void *arg, const struct topic_plan *plan, enum topic_outcome outcome,
                         const char *text)
{
    (void)plan;
    struct outcomes *outcomes = arg;
    *(outcome == TOPIC_CREATED   ? &outcomes->created
      : outcome == TOPIC_EXISTED ? &outcomes->existed
                                 : &outcomes->failed) += 1;
    if (text != NULL)
        snprintf(outcomes->text, sizeof outcomes->text, "%s", text);
}

static void create_topic(const char *name, int partitions)
{
    struct topic_plan plan = {.name = name, .partitions = partitions, .replication = 1};
    struct outcomes outcomes = {0};
    struct err err = {0};
    cr_assert(topics_create(test_conf(bootstrap, KAFKA_ADMIN, NULL, NULL), &plan, 1, TEST_TIMEOUT_MS,
                            note_outcome, &outcomes, &err),
              "%s", err.text);
    cr_assert_eq(outcomes.created, 1);
}

static void produce(struct transaction *transaction, const char *topic, const char *key, const char *value)
{
    struct err err = {0};
    struct kafka_record record = test_record(topic, key, value);
    cr_assert(transaction_produce(transaction, &record, TEST_TIMEOUT_MS, &err), "%s", err.text);
}

static void begin(struct transaction *transaction)
{
    struct err err = {0};
    cr_assert(transaction_begin(transaction, &err), "%s", err.text);
}

/* Copies one batch from the consumer to a topic in a transaction that is left open. Returns how many records.
 */
static int copy_batch(struct consumer *consumer, struct transaction *transaction, const char *to,
                      struct offset_table *batch)
{
    int count = 0;
    rd_kafka_message_t *message = test_next(consumer);
    begin(transaction);
    while (message != NULL) {
        char value[16];
        snprintf(value, sizeof value, "%.*s", (int)message->len, (const char *)message->payload);
        produce(transaction, to, value, value);
        cr_assert(offset_table_add(batch, message));
        rd_kafka_message_destroy(message);
        message = ++count < BATCH ? consumer_poll(consumer, 0) : NULL;
    }
    return count;
}

static void expect_each_once(const char *topic, int count)
{
    int *counts = calloc((size_t)count, sizeof *counts);
    size_t strays = 0;
    size_t total = test_count_values(bootstrap, topic, counts, (size_t)count, &strays);
    cr_expect_eq(total, (size_t)count, "%zu records, not %d", total, count);
    cr_expect_eq(strays, 0);
    for (int i = 0; i < count; i++)
        cr_expect_eq(counts[i], 1, "record %d is there %d times", i, counts[i]);
    free(counts);
}

/* Consume, transform, produce: every third batch is aborted and comes again; half way a rival with the same
   transactional id fences the producer, which is rebuilt with its consumer. */
Test(kafka_broker, a_loop_copies_each_record_exactly_once)
{
    create_topic("eos-in", 4);
    create_topic("eos-out", 4);
    test_fill(bootstrap, "eos-in", RECORDS);
    struct consumer *consumer = test_consumer(bootstrap, "eos", "eos-in", NULL);
    struct transaction *transaction = test_transaction(bootstrap, "eos");
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    bool fenced = false;
    int done = 0;
    for (int round = 1; done < RECORDS; round++) {
        struct err err = {0};
        int count = copy_batch(consumer, transaction, "eos-out", batch);
        bool fence = !fenced && done > RECORDS / 2;
        if (fence)
            transaction_free(test_transaction(bootstrap, "eos"));
        bool good = transaction_send_offsets(transaction, batch, consumer, TEST_TIMEOUT_MS, &err);
        if (round % 3 == 0 && !fence) {
            cr_assert(transaction_abort(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
            cr_assert(consumer_rewind(consumer, batch, &err), "%s", err.text);
        } else if (good && transaction_commit(transaction, TEST_TIMEOUT_MS, &err)) {
            done += count;
            consumer_note_committed(consumer, batch);
        } else {
            cr_assert(fence, "%s", err.text);
            cr_assert_eq(err.code, ERR_KAFKA_FATAL, "%s: %s", err_name(err.code), err.text);
            fenced = true;
            transaction_free(transaction);
            consumer_free(consumer);
            transaction = test_transaction(bootstrap, "eos");
            consumer = test_consumer(bootstrap, "eos", "eos-in", NULL);
        }
        offset_table_clear(batch);
    }
    cr_expect(fenced);
    expect_each_once("eos-out", RECORDS);
    transaction_free(transaction);
    consumer_free(consumer);
}

Test(kafka_broker, a_zombie_is_fenced_and_writes_nothing)
{
    create_topic("zombie", 2);
    struct transaction *zombie = test_transaction(bootstrap, "zombie");
    begin(zombie);
    produce(zombie, "zombie", "k", "0");
    rd_kafka_flush(transaction_handle(zombie), TEST_TIMEOUT_MS);
    AUTO(transaction) struct transaction *heir = test_transaction(bootstrap, "zombie");
    struct err err = {0};
    cr_expect_not(transaction_commit(zombie, TEST_TIMEOUT_MS, &err));
    cr_expect_eq(err.code, ERR_KAFKA_FATAL, "%s: %s", err_name(err.code), err.text);
    transaction_free(zombie);
    begin(heir);
    produce(heir, "zombie", "k", "1");
    cr_assert(transaction_commit(heir, TEST_TIMEOUT_MS, &(struct err){0}));
    int counts[2];
    size_t strays = 0;
    cr_expect_eq(test_count_values(bootstrap, "zombie", counts, 2, &strays), 1);
    cr_expect_eq(counts[1], 1);
}

/* Hashes from Apache Kafka's own test of Utils.murmur2; the partition is the positive hash modulo their
 * number. */
Test(kafka_broker, keys_land_where_java_clients_put_them)
{
    static const struct {
        const char *key;
        int32_t hash;
    } cases[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
        {"", 275646681},
    };
    enum { PARTITIONS = 11 };
    create_topic("murmur", PARTITIONS);
    AUTO(producer) struct producer *producer = test_producer(bootstrap);
    struct err err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kafka_record record = test_record("murmur", cases[i].key, "x");
        struct kafka_place place = {-1, -1};
        cr_assert(producer_send_wait(producer, &record, TEST_TIMEOUT_MS, &place, &err), "%s", err.text);
        cr_expect_eq(place.partition, (cases[i].hash & 0x7fffffff) % PARTITIONS, "key \"%s\" is in %d",
                     cases[i].key, place.partition);
    }
    struct kafka_record keyless = test_record("murmur", NULL, "x");
    struct kafka_place place = {-1, -1};
    cr_assert(producer_send_wait(producer, &keyless, TEST_TIMEOUT_MS, &place, &err), "%s", err.text);
    cr_expect(place.partition >= 0 && place.partition < PARTITIONS);
}

Test(kafka_broker, topics_are_created_once_and_a_missing_one_is_named)
{
    static const struct topic_plan plans[] = {
        {.name = "plan-a", .partitions = 3, .replication = -1, .retention_ms = 3600000},
        {.name = "plan-b", .partitions = 1, .replication = 1, .compacted = true},
    };
    static const struct topic_plan wrong = {.name = "plan-c", .partitions = 1, .replication = 9};
    static const char *const names[] = {"plan-a", "plan-b"};
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "prime");
    struct err err = {0};
    cr_expect_not(transaction_prime(transaction, names, 2, TEST_TIMEOUT_MS, &err));
    cr_expect_eq(err.code, ERR_KAFKA_RETRIABLE);
    cr_expect(strstr(err.text, "plan-a, plan-b") != NULL &&
                  strstr(err.text, "certswap topics create") != NULL,
              "%s", err.text);
    for (int round = 0; round < 2; round++) {
        struct outcomes outcomes = {0};
        err = (struct err){0};
        cr_expect(topics_create(test_conf(bootstrap, KAFKA_ADMIN, NULL, NULL), plans, 2, TEST_TIMEOUT_MS,
                                note_outcome, &outcomes, &err),
                  "%s", err.text);
        cr_expect_eq(round == 0 ? outcomes.created : outcomes.existed, 2);
    }
    err = (struct err){0};
    cr_expect(transaction_prime(transaction, names, 2, TEST_TIMEOUT_MS, &err), "%s", err.text);
    struct outcomes outcomes = {0};
    cr_expect_not(topics_create(test_conf(bootstrap, KAFKA_ADMIN, NULL, NULL), &wrong, 1, TEST_TIMEOUT_MS,
                                note_outcome, &outcomes, &err));
    cr_expect_eq(outcomes.failed, 1);
    cr_expect(outcomes.text[0] != '\0' && strstr(err.text, "plan-c") != NULL, "%s", err.text);
}

Test(kafka_broker, a_consumer_names_the_topic_that_is_missing)
{
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "lost", "not-there", NULL);
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while (consumer_trouble(consumer) == NULL && deadline_left(deadline, 1) > 0)
        cr_assert_null(consumer_poll(consumer, 100));
    const char *trouble = consumer_trouble(consumer);
    cr_assert(trouble != NULL);
    cr_expect(strstr(trouble, "not-there") != NULL && strstr(trouble, "certswap topics create") != NULL, "%s",
              trouble);
    cr_expect_not(consumer_is_fatal(consumer));
}

/* Aborted records and markers at a partition's end are not handed out, and do not hold the reader up. */
Test(kafka_broker, a_reader_catches_up_over_aborted_records_and_finds_new_partitions)
{
    create_topic("inventory", 2);
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "inventory");
    struct err err = {0};
    begin(transaction);
    for (int i = 0; i < 10; i++)
        produce(transaction, "inventory", "21", "5");
    cr_assert(transaction_commit(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    begin(transaction);
    for (int i = 0; i < 10; i++)
        produce(transaction, "inventory", "21", "6");
    rd_kafka_flush(transaction_handle(transaction), TEST_TIMEOUT_MS);
    cr_assert(transaction_abort(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);

    AUTO(reader)
    struct reader *reader = reader_new(test_conf(bootstrap, KAFKA_INVENTORY_CONSUMER, NULL, NULL),
                                       "inventory", "inventory", READER_FROM_BEGINNING, &err);
    cr_assert(reader_begin(reader, TEST_TIMEOUT_MS, &err), "%s", err.text);
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while (!reader_is_caught_up(reader) && deadline_left(deadline, 1) > 0) {
        rd_kafka_message_t *message = reader_poll(reader, 100);
        if (message != NULL)
            rd_kafka_message_destroy(message);
    }
    cr_expect(reader_is_caught_up(reader), "%s", reader_trouble(reader));
    cr_expect_eq(reader_record_count(reader), 10);

    /* A third partition, with records, and more in the first two. */
    char text[256];
    rd_kafka_NewPartitions_t *more = rd_kafka_NewPartitions_new("inventory", 3, text, sizeof text);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(transaction_handle(transaction));
    rd_kafka_CreatePartitions(transaction_handle(transaction), &more, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TEST_TIMEOUT_MS);
    cr_assert(event != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_event_destroy(event);
    rd_kafka_NewPartitions_destroy(more);
    rd_kafka_queue_destroy(queue);
    AUTO(producer) struct producer *producer = test_producer(bootstrap);
    bool in_third = false;
    int sent = 0;
    for (; sent < 100 && !in_third; sent++) {
        char key[16];
        struct kafka_place place = {0};
        snprintf(key, sizeof key, "%d", sent);
        struct kafka_record record = test_record("inventory", key, "7");
        cr_assert(producer_send_wait(producer, &record, TEST_TIMEOUT_MS, &place, &err), "%s", err.text);
        in_third = place.partition == 2;
    }
    cr_assert(in_third);
    while (reader_record_count(reader) < (uint64_t)(10 + sent) && deadline_left(deadline, 1) > 0) {
        reader_look_for_partitions(reader);
        rd_kafka_message_t *message = reader_poll(reader, 100);
        if (message != NULL) {
            cr_expect(memcmp(message->payload, "7", 1) == 0, "a record was read twice");
            rd_kafka_message_destroy(message);
        }
    }
    cr_expect_eq(reader_partition_count(reader), 3);
    cr_expect_eq(reader_record_count(reader), (uint64_t)(10 + sent));
    cr_expect(reader_is_caught_up(reader));
}

struct group_log {
    int revoked;
    bool lost;
};
static void log_revoke(void *arg, const rd_kafka_topic_partition_list_t *partitions, bool lost)
{
    struct group_log *log = arg;
    log->revoked += partitions->cnt;
    log->lost |= lost;
}

static void poll_both_until(struct consumer *a, size_t a_count, struct consumer *b, size_t b_count)
{
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while (!(consumer_is_joined(a) && consumer_is_joined(b) && consumer_assigned_count(a) == a_count &&
             consumer_assigned_count(b) == b_count)) {
        cr_assert(deadline_left(deadline, 1) > 0, "%zu and %zu partitions, not %zu and %zu",
                  consumer_assigned_count(a), consumer_assigned_count(b), a_count, b_count);
        consumer_poll(a, 20);
        consumer_poll(b, 20);
    }
}

Test(kafka_broker, members_share_partitions_and_a_surplus_one_stands_by)
{
    create_topic("shared", 2);
    create_topic("single", 1);
    struct group_log log = {0};
    struct consumer_hooks hooks = {NULL, log_revoke, &log};
    AUTO(consumer) struct consumer *first = test_consumer(bootstrap, "shared", "shared", &hooks);
    test_await_assigned(first, 2);
    struct consumer *second = test_consumer(bootstrap, "shared", "shared", NULL);
    poll_both_until(first, 1, second, 1);
    cr_expect_eq(log.revoked, 2);
    cr_expect_not(log.lost);
    cr_expect(consumer_close(second, TEST_TIMEOUT_MS));
    consumer_free(second);
    test_await_assigned(first, 2);

    AUTO(consumer) struct consumer *busy = test_consumer(bootstrap, "single", "single", NULL);
    test_await_assigned(busy, 1);
    AUTO(consumer) struct consumer *idle = test_consumer(bootstrap, "single", "single", NULL);
    int64_t deadline = deadline_in(TEST_TIMEOUT_MS);
    while (!(consumer_is_joined(busy) && consumer_is_joined(idle)) && deadline_left(deadline, 1) > 0) {
        consumer_poll(busy, 20);
        consumer_poll(idle, 20);
    }
    cr_expect(consumer_is_joined(idle), "a member without partitions does not count as joined");
}

static void note_lag(void *arg, const char *topic, int64_t lag)
{
    cr_expect_str_eq(topic, "lag");
    *(int64_t *)arg = lag;
}

Test(kafka_broker, lag_counts_what_is_not_committed)
{
    create_topic("lag", 3);
    create_topic("lag-out", 1);
    test_fill(bootstrap, "lag", 30);
    struct err err = {0};
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "lag", "lag", NULL);
    cr_assert(consumer_pause_all(consumer, &err));
    test_await_assigned(consumer, 3);
    AUTO(transaction) struct transaction *transaction = test_transaction(bootstrap, "lag");
    rd_kafka_t *asker = transaction_handle(transaction);
    int64_t lag = -1;
    cr_assert(consumer_lag(consumer, asker, TEST_TIMEOUT_MS, note_lag, &lag, &err), "%s", err.text);
    cr_expect_eq(lag, 30, "%ld", (long)lag);
    cr_assert(consumer_resume_all(consumer, &err), "%s", err.text);
    AUTO(offset_table) struct offset_table *batch = offset_table_new();
    int count = copy_batch(consumer, transaction, "lag-out", batch);
    cr_assert(transaction_send_offsets(transaction, batch, consumer, TEST_TIMEOUT_MS, &err), "%s", err.text);
    cr_assert(transaction_commit(transaction, TEST_TIMEOUT_MS, &err), "%s", err.text);
    consumer_note_committed(consumer, batch);
    cr_assert(consumer_lag(consumer, asker, TEST_TIMEOUT_MS, note_lag, &lag, &err), "%s", err.text);
    cr_expect_eq(lag, 30 - count, "%ld", (long)lag);

    /* Another member finds the same by what the group has committed. */
    cr_expect(consumer_close(consumer, TEST_TIMEOUT_MS));
    AUTO(consumer) struct consumer *next = test_consumer(bootstrap, "lag", "lag", NULL);
    cr_assert(consumer_pause_all(next, &err));
    test_await_assigned(next, 3);
    cr_assert(consumer_lag(next, asker, TEST_TIMEOUT_MS, note_lag, &lag, &err), "%s", err.text);
    cr_expect_eq(lag, 30 - count, "%ld", (long)lag);
}
