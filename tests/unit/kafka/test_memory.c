/* Headers, dead letters and offsets while each allocation of ours fails in turn: they say so, or are the very
   same as with memory. */
#include "crypto/library.h"
#include "kafka/dead_letter.h"
#include "kafka/offsets.h"
#include "support/consumed_message.h"
#include "support/failing_malloc.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

enum { HEADERS = 20 };

static rd_kafka_message_t message;
static struct keyring *keyring;

static void start(void)
{
    cr_assert(crypto_library_start(NULL));
    keyring = keyring_parse(SPAN_LITERAL("k:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), NULL);
    static char key[] = "key", value[] = "value";
    rd_kafka_headers_t *headers = rd_kafka_headers_new(HEADERS);
    for (int i = 0; i < HEADERS; i++) {
        char name[24];
        snprintf(name, sizeof name, "header-%d", i);
        rd_kafka_header_add(headers, name, -1, "value", i % 3 == 0 ? 0 : 5);
    }
    rd_kafka_header_add(headers, "traceparent", -1, TRACE, -1);
    rd_kafka_header_add(headers, "tracestate", -1, "vendor=1", -1);
    rd_kafka_header_add(headers, "correlation-id", -1, "order-7", -1);
    rd_kafka_header_add(headers, "__connect.errors.topic", -1, "of another", -1);
    consumed_headers(headers);
    consumed_topic("certificate.replace.commands");
    message = (rd_kafka_message_t){
        .key = key, .key_len = 3, .payload = value, .len = 5, .partition = 3, .offset = 41};
}

static void stop(void)
{
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_message_headers(&message, &headers);
    rd_kafka_headers_destroy(headers);
    keyring_free(keyring);
    crypto_library_stop();
}

TestSuite(kafka_memory, .init = start, .fini = stop);

/* Runs the step with the first, the second, … allocation failing until it has all that it asks for; how many
   there were. */
static long in_turn(bool (*step)(struct err *err))
{
    for (long nth = 1;; nth++) {
        struct err err = {0};
        fail_allocation(nth);
        bool made = step(&err);
        bool failed = fail_allocation_end();
        cr_assert_eq(made, !failed, "allocation %ld", nth);
        cr_assert(made || err.code == ERR_NO_MEMORY, "allocation %ld: %s", nth, err.text);
        if (made)
            return nth - 1;
    }
}

/* What an output of a command carries. */
static bool make_output(struct err *err)
{
    static const uint8_t span_id[TRACE_SPAN_ID_LEN] = {1};
    static const struct cloud_event event = {SPAN_LITERAL("id"), SPAN_LITERAL("type"), SPAN_LITERAL("source"),
                                             SPAN_LITERAL("subject"), 1790000000000};
    AUTO(record_headers) struct record_headers list = {0};
    struct trace_context trace;
    trace_context_from_message(&trace, &message);
    record_headers_add_cloud_event(&list, &event);
    record_headers_add_trace(&list, &trace, span_id);
    rd_kafka_headers_t *native = record_headers_native(&list);
    cr_assert_eq(native == NULL, list.failed, "a list that is not whole was handed on");
    if (native == NULL)
        return err_set(err, ERR_NO_MEMORY, "no headers");
    cr_assert_eq(rd_kafka_header_cnt(native), 10);
    rd_kafka_headers_destroy(native);
    return true;
}

Test(kafka_memory, an_output_has_all_its_headers_or_is_not_sent)
{
    cr_assert_geq(in_turn(make_output), 3);
}

static bool make_dead_letter_within(const struct keyring *ring, size_t most_bytes, size_t headers,
                                    struct err *err)
{
    AUTO(record_headers) struct record_headers list = {0};
    AUTO(buf) struct buf sealed = {0};
    const struct dead_letter_form form = {"dead", "group", ring, &sealed};
    struct kafka_record record;
    struct err why = {.code = ERR_AVRO_INVALID, .text = "why"};
    if (!dead_letter_make_within(&record, &list, &message, &form, &why, most_bytes, err))
        return false;
    cr_assert_eq(list.count, headers);
    return true;
}

static bool make_dead_letter(struct err *err)
{
    return make_dead_letter_within(NULL, 1000000, HEADERS + 3 + 7, err);
}

static bool make_encrypted_dead_letter(struct err *err)
{
    return make_dead_letter_within(keyring, 1000000, HEADERS + 3 + 7 + 1, err);
}

/* One that is left without its headers, for want of room and not of memory. */
static bool make_bare_dead_letter(struct err *err)
{
    return make_dead_letter_within(NULL, 600, 7, err);
}

Test(kafka_memory, a_dead_letter_is_whole_or_is_none)
{
    cr_assert_geq(in_turn(make_dead_letter), 3);
    cr_assert_geq(in_turn(make_encrypted_dead_letter), 4);
    cr_assert_geq(in_turn(make_bare_dead_letter), 3);
}

static bool note_offsets(struct err *err)
{
    AUTO(offset_table) struct offset_table *table = offset_table_new();
    for (int32_t partition = 0; table != NULL && partition < 20; partition++) {
        size_t before = offset_table_count(table);
        if (offset_table_add_place(table, "commands", partition, 7))
            continue;
        cr_assert_eq(offset_table_count(table), before);
        return err_set(err, ERR_NO_MEMORY, "no range");
    }
    return table != NULL || err_set(err, ERR_NO_MEMORY, "no table");
}

Test(kafka_memory, a_batch_that_cannot_be_noted_says_so)
{
    cr_assert_geq(in_turn(note_offsets), 20);
}
