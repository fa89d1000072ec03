/* Dead letters as a consumer gets them: the original whole, or its value encrypted, and why it was refused.
 */
#include "crypto/library.h"
#include "kafka/dead_letter.h"
#include "support/kafka_helpers.h"
#include "support/mock_cluster.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static struct keyring *keyring;

static void start(void)
{
    struct err err = {0};
    mock_cluster_start();
    rd_kafka_mock_topic_create(cluster, "in", 1, 1);
    cr_assert(crypto_library_start(&err), "%s", err.text);
    keyring = keyring_parse(SPAN_LITERAL("k2:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
                                         "k1://////////////////////////////////////////8=\n"),
                            &err);
    cr_assert_not_null(keyring, "%s", err.text);
}

static void stop(void)
{
    keyring_free(keyring);
    crypto_library_stop();
    mock_cluster_stop();
}

TestSuite(dead_letter, .init = start, .fini = stop, .timeout = 60);

static void expect_header(const rd_kafka_message_t *message, const char *name, const char *value)
{
    struct span found = {0};
    cr_assert(message_header(message, name, &found), "no header %s", name);
    cr_expect(span_equal(found, span_text(value)), "%s: %.*s", name, SPAN_ARG(found));
}

Test(dead_letter, a_dead_letter_keeps_the_original_and_says_why)
{
    AUTO(producer) struct producer *producer = test_producer(bootstrap);
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(consumer) struct consumer *dead = test_consumer(bootstrap, "d", "dead", NULL);
    AUTO(record_headers) struct record_headers headers = {0};
    struct err err = {0};
    record_headers_add_text(&headers, "theirs", "kept");
    record_headers_add(&headers, "null", (struct span){0});
    record_headers_add_text(&headers, "__connect.errors.topic", "of an earlier failure");
    struct kafka_record original = {
        .topic = "in", .key = SPAN_LITERAL("a\0b"), .value = {0}, .headers = &headers};
    cr_assert(producer_send_wait(producer, &original, TEST_TIMEOUT_MS, NULL, &err), "%s", err.text);
    rd_kafka_message_t *message = test_next(consumer);

    AUTO(record_headers) struct record_headers dead_headers = {0};
    struct kafka_record letter;
    struct err why = {0};
    err_set(&why, ERR_AVRO_INVALID, "the record is empty \xe2\x80\x93 send one with a value");
    const struct dead_letter_form form = {.topic = "dead", .group_id = "certswap"};
    cr_assert(dead_letter_make(&letter, &dead_headers, message, &form, &why, &err));
    cr_assert(producer_send_wait(producer, &letter, TEST_TIMEOUT_MS, NULL, &err), "%s", err.text);
    struct kafka_record again;
    struct err refused = {0};
    err_set(&refused, ERR_EVENT_INVALID, "refused");
    AUTO(record_headers) struct record_headers refused_headers = {0};
    cr_assert(dead_letter_make(&again, &refused_headers, message, &form, &refused, &err));
    struct span stage = {0};
    cr_expect(record_headers_find(&refused_headers, "__connect.errors.stage", &stage) &&
              span_equal(stage, SPAN_LITERAL("TRANSFORMATION")));
    rd_kafka_message_destroy(message);

    message = test_next(dead);
    cr_expect(span_equal(span_of(message->key, message->key_len), SPAN_LITERAL("a\0b")));
    cr_expect_null(message->payload);
    expect_header(message, "theirs", "kept");
    struct span null = SPAN_LITERAL("x");
    cr_expect(message_header(message, "null", &null) && null.data == NULL);
    expect_header(message, "__connect.errors.topic", "in");
    expect_header(message, "__connect.errors.partition", "0");
    expect_header(message, "__connect.errors.offset", "0");
    expect_header(message, "__connect.errors.connector.name", "certswap");
    expect_header(message, "__connect.errors.stage", "VALUE_CONVERTER");
    expect_header(message, "__connect.errors.exception.class.name", "AVRO_INVALID");
    expect_header(message, "__connect.errors.exception.message",
                  "the record is empty \xe2\x80\x93 send one with a value");
    rd_kafka_headers_t *native = NULL;
    rd_kafka_message_headers(message, &native);
    cr_expect_eq(rd_kafka_header_cnt(native), 9);
    rd_kafka_message_destroy(message);
}

static void send_one(const struct kafka_record *record)
{
    AUTO(producer) struct producer *producer = test_producer(bootstrap);
    struct err err = {0};
    cr_assert(producer_send_wait(producer, record, TEST_TIMEOUT_MS, NULL, &err), "%s", err.text);
}

static const struct err why = {.code = ERR_CREDENTIAL_INVALID, .text = "it is not sealed"};

Test(dead_letter, an_encrypted_value_opens_at_its_place_alone)
{
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(consumer) struct consumer *dead = test_consumer(bootstrap, "d", "dead", NULL);
    AUTO(record_headers) struct record_headers headers = {0};
    AUTO(record_headers) struct record_headers dead_headers = {0};
    AUTO(buf) struct buf sealed = {0};
    const struct dead_letter_form form = {"dead", "certswap", keyring, &sealed};
    static const char secret[] = "a password, in clear";
    record_headers_add_text(&headers, "theirs", "kept");
    record_headers_add_text(&headers, DEAD_LETTER_ENCRYPTED, "of an earlier dead letter");
    struct kafka_record original = test_record("in", "key", secret), letter;
    original.headers = &headers;
    send_one(&original);
    rd_kafka_message_t *message = test_next(consumer);
    struct err err = {0};
    cr_assert(dead_letter_make(&letter, &dead_headers, message, &form, &why, &err), "%s", err.text);
    send_one(&letter);
    rd_kafka_message_destroy(message); /* the letter's key is the message's */

    message = test_next(dead);
    struct span value = span_of(message->payload, message->len);
    cr_expect_eq(value.len, strlen(secret) + 28);
    cr_expect_null(memmem(value.data, value.len, "password", 8));
    expect_header(message, DEAD_LETTER_ENCRYPTED, "k2");
    expect_header(message, "theirs", "kept");
    cr_expect(span_equal(span_of(message->key, message->key_len), SPAN_LITERAL("key")));
    rd_kafka_headers_t *native = NULL;
    rd_kafka_message_headers(message, &native);
    cr_expect_eq(rd_kafka_header_cnt(native), 9, "theirs, the error headers, and one that names the key");
    AUTO(secret) struct secret plain = {0};
    cr_assert(at_rest_open_bare(keyring, SPAN_LITERAL("k2"), SPAN_LITERAL("in/0/0"), value, &plain, &err),
              "%s", err.text);
    cr_expect(span_equal(secret_span(&plain), span_text(secret)));
    secret_free(&plain);
    cr_expect_not(
        at_rest_open_bare(keyring, SPAN_LITERAL("k2"), SPAN_LITERAL("in/0/1"), value, &plain, &err));
    cr_expect_eq(err.code, ERR_CREDENTIAL_INVALID);
    rd_kafka_message_destroy(message);
}

Test(dead_letter, a_null_value_stays_null_and_an_empty_one_is_encrypted)
{
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(record_headers) struct record_headers headers = {0};
    AUTO(buf) struct buf sealed = {0};
    const struct dead_letter_form form = {"dead", "certswap", keyring, &sealed};
    struct kafka_record record = {.topic = "in", .key = SPAN_LITERAL("k")}, letter;
    struct err err = {0};
    struct span kid;
    send_one(&record);
    record.value = SPAN_LITERAL("");
    send_one(&record);
    rd_kafka_message_t *message = test_next(consumer);
    cr_assert(dead_letter_make(&letter, &headers, message, &form, &why, &err), "%s", err.text);
    cr_expect_null(letter.value.data);
    cr_expect_not(record_headers_find(&headers, DEAD_LETTER_ENCRYPTED, &kid));
    rd_kafka_message_destroy(message);

    message = test_next(consumer);
    cr_assert(dead_letter_make(&letter, &headers, message, &form, &why, &err), "%s", err.text);
    cr_expect_eq(letter.value.len, 28);
    cr_expect(record_headers_find(&headers, DEAD_LETTER_ENCRYPTED, &kid));
    rd_kafka_message_destroy(message);
}

/* The 28 bytes and the header count too: what does not fit is left where it was, and is not encrypted. */
Test(dead_letter, what_does_not_fit_when_encrypted_leaves_its_value_behind)
{
    AUTO(consumer) struct consumer *consumer = test_consumer(bootstrap, "g", "in", NULL);
    AUTO(record_headers) struct record_headers headers = {0};
    AUTO(buf) struct buf sealed = {0};
    struct dead_letter_form form = {.topic = "dead", .group_id = "certswap"};
    struct kafka_record original = test_record("in", "key", "a value of some length");
    struct kafka_record letter = {0};
    struct err err = {0};
    struct span found;
    size_t least = 0;
    send_one(&original);
    rd_kafka_message_t *message = test_next(consumer);
    for (; letter.value.data == NULL; least++)
        cr_assert(dead_letter_make_within(&letter, &headers, message, &form, &why, least, &err));
    form.keyring = keyring;
    form.sealed = &sealed;
    size_t more = 28 + 10 + strlen(DEAD_LETTER_ENCRYPTED) + strlen("k2");
    cr_assert(dead_letter_make_within(&letter, &headers, message, &form, &why, least - 1 + more - 1, &err));
    cr_expect_null(letter.value.data);
    cr_expect_not(record_headers_find(&headers, DEAD_LETTER_ENCRYPTED, &found));
    cr_assert(record_headers_find(&headers, "__connect.errors.exception.message", &found));
    cr_expect_not_null(memmem(found.data, found.len, "does not fit", 12));
    cr_assert(dead_letter_make_within(&letter, &headers, message, &form, &why, least - 1 + more, &err));
    cr_expect_eq(letter.value.len, strlen("a value of some length") + 28);
    cr_expect(record_headers_find(&headers, DEAD_LETTER_ENCRYPTED, &found));
    rd_kafka_message_destroy(message);
}
