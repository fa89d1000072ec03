/* Staged values that somebody with access to Redis altered, swapped, put back or prolonged: none is used, and
   each is told. */
#include "crypto/library.h"
#include "pipeline/staged_record.h"
#include "redis/watermark.h"
#include "support/redis_fixture.h"

#include <hiredis/hiredis.h>

enum { CERTIFICATE = 456, LIFE_MS = 300000 };

#define NAME "certswap:staged:456"
#define OLD "old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define NEW "new://////////////////////////////////////////8="

static struct keyring *keyring;

static struct keyring *ring_of(const char *lines)
{
    struct err err = {0};
    struct keyring *ring = keyring_parse(span_text(lines), &err);
    cr_assert_not_null(ring, "%s", err.text);
    return ring;
}

static void start(void)
{
    struct err err = {0};
    cr_assert(crypto_library_start(&err), "%s", err.text);
    keyring = ring_of(OLD);
    redis_fixture_start();
}

static void stop(void)
{
    redis_fixture_stop();
    keyring_free(keyring);
    crypto_library_stop();
}

TestSuite(tampering, .init = start, .fini = stop, .timeout = 30);

static int64_t now_ms(void)
{
    int64_t now;
    struct err err = {0};
    cr_assert(redis_time(redis, &now, &err), "%s", err.text);
    return now;
}

/* A record whose key is the id. */
static struct span seal(const struct keyring *ring, uint8_t id, int32_t certificate_id,
                        const struct staged_life *life)
{
    AUTO(material) struct material material = {0};
    struct span record;
    struct err err = {0};
    cr_assert(secret_copy(&material.key, span_of(&id, 1)));
    cr_assert(secret_copy(&material.certificates, SPAN_LITERAL("leaf")));
    material.leaf.der = secret_span(&material.certificates);
    cr_assert(staged_record_seal(arena, ring, certificate_id, SPAN_LITERAL("alice"), life, &material, &record,
                                 &err),
              "%s", err.text);
    return record;
}

/* Stages such a record as of `age_ms` ago. */
static struct staged_life stage_as(const struct keyring *ring, uint8_t id, int32_t certificate_id,
                                   int64_t age_ms)
{
    struct certificate_event event = {.event_id.bytes = {id},
                                      .occurred_at_ms = now_ms() - age_ms,
                                      .certificate_id = certificate_id,
                                      .request_id = certificate_id,
                                      .requester = SPAN_LITERAL("alice")};
    struct staged_life life = {event.event_id, event.occurred_at_ms, event.occurred_at_ms + LIFE_MS};
    struct stage_request request = {
        .event = &event, .ends_ms = life.ends_ms, .record = seal(ring, id, certificate_id, &life)};
    enum stage_outcome outcome;
    struct err err = {0};
    cr_assert(staging_write(redis, &request, 1, &outcome, &err), "%s", err.text);
    cr_assert_eq(outcome, STAGE_STAGED);
    return life;
}

static struct staged_life stage(uint8_t id, int32_t certificate_id, int64_t age_ms)
{
    return stage_as(keyring, id, certificate_id, age_ms);
}

static void tell(const char *const *words, size_t count, struct span value)
{
    const char *arguments[8];
    size_t lengths[8];
    for (size_t i = 0; i < count; i++) {
        arguments[i] = words[i] != NULL ? words[i] : (const char *)value.data;
        lengths[i] = words[i] != NULL ? strlen(words[i]) : value.len;
    }
    redisContext *context = redisConnectUnix(server.socket);
    redisReply *reply = redisCommandArgv(context, (int)count, arguments, lengths);
    cr_assert(reply != NULL && reply->type != REDIS_REPLY_ERROR, "%s", arguments[0]);
    freeReplyObject(reply);
    redisFree(context);
}

#define TELL(value, ...)                                                                                     \
    tell((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),    \
         value)

static struct staged_lookup look(int32_t certificate_id)
{
    struct staged_lookup lookup = {.id = certificate_id};
    struct err err = {0};
    cr_assert(staging_ask(redis, &lookup, &err) && staging_answer(redis, arena, &lookup, &err), "%s",
              err.text);
    return lookup;
}

/* What a command finds. Expects the state and `words` in what is told; NULL: nothing is. */
static void expect(const struct keyring *ring, enum staged_state expected, uint8_t id, const char *words)
{
    struct staged_lookup lookup = look(CERTIFICATE);
    AUTO(material) struct material material = {0};
    enum staged_state state = lookup.state;
    struct span requester;
    struct err why = {0};
    struct err err = {0};
    if (state == STAGED_FOUND)
        cr_assert(staged_record_judge(arena, ring, &lookup, &state, &requester, &material, &why, &err));
    cr_assert_eq(state, expected, "%d, not %d: %s", state, expected, why.text);
    cr_assert(words != NULL ? strstr(why.text, words) != NULL : why.code == ERR_NONE, "\"%s\"", why.text);
    if (state == STAGED_FOUND)
        cr_assert(span_equal(secret_span(&material.key), span_of(&id, 1)));
}

Test(tampering, what_was_staged_is_found)
{
    stage(1, CERTIFICATE, 5000);
    expect(keyring, STAGED_FOUND, 1, NULL);
}

Test(tampering, swapped_and_altered_values_are_refused)
{
    stage(1, CERTIFICATE, 0);
    stage(2, 457, 0);
    struct span right = look(CERTIFICATE).record, other = look(457).record;
    TELL(other, "SET", NAME, NULL, "KEEPTTL");
    expect(keyring, STAGED_REFUSED, 0, "was altered, or belongs to another certificate");
    uint8_t *bytes = (uint8_t *)(uintptr_t)arena_copy(arena, right).data;
    bytes[right.len - 20] ^= 4;
    TELL(span_of(bytes, right.len), "SET", NAME, NULL, "KEEPTTL");
    expect(keyring, STAGED_REFUSED, 0, "was altered, or belongs to another certificate");
    TELL(right, "SET", NAME, NULL, "KEEPTTL");
    expect(keyring, STAGED_FOUND, 1, NULL);
}

Test(tampering, an_older_value_that_is_put_back_is_refused)
{
    stage(1, CERTIFICATE, 5000);
    struct span older = look(CERTIFICATE).record;
    stage(2, CERTIFICATE, 1000);
    expect(keyring, STAGED_FOUND, 2, NULL);
    TELL(older, "SET", NAME, NULL, "KEEPTTL");
    expect(keyring, STAGED_REFUSED, 0, "newest event");
    TELL(older, "DEL", "certswap:marker:456");
    expect(keyring, STAGED_REFUSED, 0, "no marker");
}

Test(tampering, a_value_that_is_put_back_after_a_refusal_is_refused)
{
    stage(1, CERTIFICATE, 5000);
    struct span older = look(CERTIFICATE).record;
    TELL(older, "HSET", "certswap:marker:456", "refused", "wrong password");
    expect(keyring, STAGED_REFUSED, 0, "of a credential that was refused");
}

Test(tampering, a_prolonged_life_ends_all_the_same)
{
    struct staged_life life = stage(1, CERTIFICATE, 5000);
    TELL((struct span){0}, "PERSIST", NAME);
    expect(keyring, STAGED_FOUND, 1, NULL);
    /* its own end is over, whatever the marker says */
    life.ends_ms = now_ms() - 2000;
    TELL(seal(keyring, 1, CERTIFICATE, &life), "SET", NAME, NULL);
    TELL((struct span){0}, "HSET", "certswap:marker:456", "expiresAt", "99999999999999");
    expect(keyring, STAGED_EXPIRED, 0, "after the end of its life");
    /* and the other way round */
    life = stage(2, CERTIFICATE, 1000);
    TELL(arena_format(arena, "%lld", (long long)now_ms() - 2000), "HSET", "certswap:marker:456", "expiresAt",
         NULL);
    expect(keyring, STAGED_EXPIRED, 0, "after the end of its life");
}

/* The order of docs/security.md: the new key second everywhere, then first, then the old one goes. */
Test(tampering, keys_rotate_without_loss_in_the_documented_order)
{
    static const char *const steps[] = {OLD, OLD "\n" NEW, NEW "\n" OLD, NEW};
    struct keyring *rings[4];
    for (size_t i = 0; i < 4; i++)
        rings[i] = ring_of(steps[i]);
    /* instances that are at most one step apart read what the others stage */
    for (size_t i = 0; i < 4; i++)
        for (size_t j = i > 0 ? i - 1 : 0; j < 4 && j <= i + 1; j++) {
            /* what is under the old key is over by the time that it goes */
            if (i == 2 && j == 3)
                continue;
            uint8_t id = (uint8_t)(10 * i + j + 1);
            stage_as(rings[i], id, CERTIFICATE, 0);
            expect(rings[j], STAGED_FOUND, id, NULL);
        }
    stage_as(rings[0], 99, CERTIFICATE, 0);
    expect(rings[2], STAGED_FOUND, 99, NULL);
    /* a step left out: the kid is named */
    stage_as(rings[2], 100, CERTIFICATE, 0);
    expect(rings[0], STAGED_REFUSED, 0, "staging key new, which is not in the keyring");
    for (size_t i = 0; i < 4; i++)
        keyring_free(rings[i]);
}
