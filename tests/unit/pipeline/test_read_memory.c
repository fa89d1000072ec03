/* What comes from Kafka and Redis is read while each allocation of ours fails in turn: NO_MEMORY, which is
   tried again, or the very same as with memory. Never another answer: a command of the retry topic that took
   itself for a new one would wait for its own decision. */
#include "crypto/library.h"
#include "pipeline/replace_item.h"
#include "pipeline/staged_record.h"
#include "support/consumed_message.h"
#include "support/failing_malloc.h"

#include <criterion/criterion.h>

#define RETRY_TOPIC "certificate.replace.commands.retry"
#define ORIGIN "certificate.replace.commands/3/41"

static char retry_topic[] = RETRY_TOPIC;
static const struct settings settings = {.topics = {.retry = retry_topic}};
static struct pipeline_context context = {.settings = &settings};
static struct replace_tools tools = {.context = &context, .policy = {.max_stores_per_command = 1}};
static rd_kafka_message_t message;
static rd_kafka_headers_t *headers, *made;

static void start(void)
{
    static struct span permissions[] = {SPAN_LITERAL("/certificates/enrollment/pfx/"),
                                        SPAN_LITERAL("/certificate_stores/schedule/")};
    static struct span store_ids[] = {SPAN_LITERAL("aaaaaaaa-0000-4000-8000-000000000001")};
    static const struct replace_command command = {
        .existing_certificate_id = 1,
        .has_certificate_id = true,
        .certificate_id = 2,
        .principal = {SPAN_LITERAL("ada"), permissions, 2},
        .has_store_ids = true,
        .store_ids = store_ids,
        .store_id_count = 1,
    };
    static struct buf value;
    struct err err = {0};
    cr_assert(crypto_library_start(&err), "%s", err.text);
    struct schema_set *schemas = schema_set_new(NULL, &err);
    tools.codec = codec_new(schemas);
    cr_assert(codec_encode_replace_command(tools.codec, &command, &value, &err), "%s", err.text);
    headers = made = rd_kafka_headers_new(4);
    rd_kafka_header_add(headers, RETRY_HEADER_ORIGIN, -1, ORIGIN, -1);
    rd_kafka_header_add(headers, RETRY_HEADER_ATTEMPT, -1, "2", -1);
    rd_kafka_header_add(headers, RETRY_HEADER_FIRST_SEEN, -1, "1790000000000", -1);
    consumed_headers(headers);
    consumed_topic(RETRY_TOPIC);
    message = (rd_kafka_message_t){.payload = value.data, .len = value.len, .partition = 1, .offset = 5};
}

static void stop(void)
{
    rd_kafka_headers_destroy(made);
}

TestSuite(read_memory, .init = start, .fini = stop);

/* With the first `used` bytes of the arena taken, so that it asks for its second chunk at another place each.
 */
static bool read_command(size_t used, struct span origin, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new(0);
    struct replace_item item = {0};
    tools.arena = arena;
    if (arena == NULL || arena_alloc(arena, used) == NULL)
        return err_set(err, ERR_NO_MEMORY, "no arena");
    bool done = replace_item_read(&tools, &message, &item, err);
    if (done) {
        cr_assert_eq(item.refusal.code, ERR_NONE, "%s", item.refusal.text);
        cr_assert_eq(item.plan.rejection, ERR_NONE);
        cr_assert(span_equal(item.claim.origin, origin), "%.*s", SPAN_ARG(item.claim.origin));
        cr_assert_eq(item.retries, headers != NULL ? 2 : 0);
    }
    replace_item_free(&item);
    return done;
}

/* Certswap writes no such moment: two records with it could not be told as copies of one. */
Test(read_memory, a_retry_record_that_was_first_seen_at_zero_is_its_own_origin)
{
    AUTO(arena) struct arena *arena = arena_new(0);
    struct replace_item item = {0};
    struct err err = {0};
    tools.arena = arena;
    rd_kafka_header_remove(headers, RETRY_HEADER_FIRST_SEEN);
    rd_kafka_header_add(headers, RETRY_HEADER_FIRST_SEEN, -1, "0", -1);
    cr_assert(replace_item_read(&tools, &message, &item, &err), "%s", err.text);
    cr_assert(span_equal(item.claim.origin, SPAN_LITERAL(RETRY_TOPIC "/1/5")), "%.*s",
              SPAN_ARG(item.claim.origin));
    cr_assert_eq(item.retries, 0);
    replace_item_free(&item);
}

static void command_in_turn(struct span origin)
{
    enum { CHUNK = 64 * 1024, LAST = 1024 };
    long most = 0;
    for (size_t used = CHUNK - LAST; used <= CHUNK; used += 16) {
        long nth = 1;
        for (bool failed = true; failed; nth++) {
            struct err err = {0};
            fail_allocation(nth);
            bool done = read_command(used, origin, &err);
            failed = fail_allocation_end();
            cr_assert_eq(done, !failed, "%zu bytes, allocation %ld: %s", used, nth, err.text);
            cr_assert(done || err.code == ERR_NO_MEMORY, "%s", err.text);
        }
        most = nth - 2 > most ? nth - 2 : most;
    }
    cr_assert_geq(most, 3, "the arena and its two chunks");
}

Test(read_memory, a_retried_command_keeps_its_origin)
{
    command_in_turn(SPAN_LITERAL(ORIGIN));
}

Test(read_memory, a_new_command_gets_its_place)
{
    headers = NULL;
    consumed_headers(NULL);
    command_in_turn(SPAN_LITERAL(RETRY_TOPIC "/1/5"));
}

/* The staged value of one certificate, from Redis. */
static bool open_staged(const struct keyring *keyring, struct span record, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new(0);
    AUTO(material) struct material material = {0};
    struct staged_life life;
    struct span requester;
    if (arena == NULL)
        return err_set(err, ERR_NO_MEMORY, "no arena");
    if (!staged_record_open(arena, keyring, 456, record, &requester, &life, &material, err))
        return false;
    cr_assert(span_equal(requester, SPAN_LITERAL("ada")) &&
              span_equal(secret_span(&material.key), SPAN_LITERAL("key")));
    return true;
}

Test(read_memory, a_staged_value_opens_or_says_that_there_is_no_memory)
{
    AUTO(arena) struct arena *arena = arena_new(0);
    AUTO(material) struct material material = {0};
    AUTO(keyring)
    struct keyring *keyring =
        keyring_parse(SPAN_LITERAL("k:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), NULL);
    const struct staged_life life = {.occurred_at_ms = 1, .ends_ms = 2};
    struct span record;
    cr_assert(secret_copy(&material.key, SPAN_LITERAL("key")) &&
              secret_copy(&material.certificates, SPAN_LITERAL("leaf")));
    material.leaf.der = secret_span(&material.certificates);
    cr_assert(staged_record_seal(arena, keyring, 456, SPAN_LITERAL("ada"), &life, &material, &record, NULL));
    long nth = 1;
    for (bool failed = true; failed; nth++) {
        struct err err = {0};
        fail_allocation(nth);
        bool done = open_staged(keyring, record, &err);
        failed = fail_allocation_end();
        cr_assert_eq(done, !failed, "allocation %ld: %s", nth, err.text);
        cr_assert(done || err.code == ERR_NO_MEMORY, "allocation %ld: %s", nth, err.text);
    }
    cr_assert_gt(nth, 5);
}
