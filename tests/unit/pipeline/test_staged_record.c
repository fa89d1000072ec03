/* What stands in Redis: opened only for the certificate and requester that it was sealed for. */
#include "crypto/library.h"
#include "pipeline/staged_record.h"

#include <criterion/criterion.h>

static struct arena *arena;
static struct keyring *keyring;

static const uint8_t key_bytes[] = "a private key, for once in clear";
static const uint8_t leaf_bytes[] = "a leaf";

static void start(void)
{
    struct err err = {0};
    cr_assert(crypto_library_start(&err), "%s", err.text);
    arena = arena_new(0);
    keyring = keyring_parse(span_text("k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"), &err);
    cr_assert_not_null(keyring, "%s", err.text);
}

static void stop(void)
{
    keyring_free(keyring);
    arena_free(arena);
    crypto_library_stop();
}

TestSuite(staged_record, .init = start, .fini = stop);

static const struct staged_life life = {.event_id = {{1, 2, 3}}, .occurred_at_ms = 1000, .ends_ms = 301000};

static struct span seal(int32_t certificate_id, const char *requester)
{
    AUTO(material) struct material material = {0};
    cr_assert(secret_copy(&material.key, span_of(key_bytes, sizeof key_bytes)));
    cr_assert(secret_copy(&material.certificates, span_of(leaf_bytes, sizeof leaf_bytes)));
    material.leaf.der = secret_span(&material.certificates);
    struct span record;
    struct err err = {0};
    cr_assert(staged_record_seal(arena, keyring, certificate_id, span_text(requester), &life, &material,
                                 &record, &err),
              "%s", err.text);
    return record;
}

static void expect_material(const struct material *material)
{
    cr_assert(span_equal(secret_span(&material->key), span_of(key_bytes, sizeof key_bytes)));
    cr_assert(span_equal(material->leaf.der, span_of(leaf_bytes, sizeof leaf_bytes)));
}

static bool open_as(int32_t certificate_id, struct span record, struct span *requester, struct err *err)
{
    AUTO(material) struct material material = {0};
    struct staged_life sealed;
    bool opened =
        staged_record_open(arena, keyring, certificate_id, record, requester, &sealed, &material, err);
    if (opened) {
        expect_material(&material);
        cr_assert(uuid_equal(&sealed.event_id, &life.event_id));
        cr_assert_eq(sealed.occurred_at_ms, life.occurred_at_ms);
        cr_assert_eq(sealed.ends_ms, life.ends_ms);
    }
    return opened;
}

Test(staged_record, opens_what_it_sealed)
{
    struct span record = seal(456, "alice");
    struct span requester;
    struct err err = {0};
    cr_assert(open_as(456, record, &requester, &err), "%s", err.text);
    cr_assert(span_equal(requester, SPAN_LITERAL("alice")));
    cr_assert_null(memmem(record.data, record.len, key_bytes, sizeof key_bytes - 1));
}

Test(staged_record, is_refused_under_another_certificate)
{
    struct span requester;
    struct err err = {0};
    cr_assert_not(open_as(457, seal(456, "alice"), &requester, &err));
    cr_assert_eq(err.code, ERR_CREDENTIAL_INVALID);
}

Test(staged_record, is_refused_when_any_byte_was_altered_or_the_end_is_cut)
{
    struct span record = seal(456, "alice");
    uint8_t *bytes = arena_alloc(arena, record.len);
    for (size_t i = 0; i < record.len; i++) {
        memcpy(bytes, record.data, record.len);
        bytes[i] ^= 1;
        struct span requester;
        struct err err = {0};
        cr_assert_not(open_as(456, span_of(bytes, record.len), &requester, &err), "byte %zu", i);
        err = (struct err){0};
        cr_assert_not(open_as(456, span_of(record.data, i), &requester, &err), "length %zu", i);
        cr_assert_eq(err.code, ERR_CREDENTIAL_INVALID);
    }
}

/* A lookup of the sealed record with its marker, in the middle of its life. */
static struct staged_lookup looked_up(void)
{
    return (struct staged_lookup){.state = STAGED_FOUND,
                                  .certificate_id = 456,
                                  .record = seal(456, "alice"),
                                  .has_marker = true,
                                  .marker = life,
                                  .now_ms = 150000};
}

/* Expects the state, and `words` in what is to be told; NULL: nothing is. */
static void expect_judged(struct staged_lookup lookup, enum staged_state expected, enum err_code code,
                          const char *words)
{
    AUTO(material) struct material material = {0};
    enum staged_state state;
    struct span requester;
    struct err why = {0};
    struct err err = {0};
    cr_assert(staged_record_judge(arena, keyring, &lookup, &state, &requester, &material, &why, &err));
    cr_assert_eq(state, expected, "%d, not %d: %s", state, expected, why.text);
    cr_assert_eq(why.code, code, "%s", why.text);
    cr_assert(words == NULL || strstr(why.text, words) != NULL, "%s", why.text);
    if (state == STAGED_FOUND) {
        expect_material(&material);
        cr_assert(span_equal(requester, SPAN_LITERAL("alice")));
    }
}

Test(staged_record, counts_while_it_fits_its_marker_and_lives)
{
    struct staged_lookup lookup = looked_up();
    expect_judged(lookup, STAGED_FOUND, ERR_NONE, NULL);
    lookup.now_ms = life.ends_ms - 1;
    expect_judged(lookup, STAGED_FOUND, ERR_NONE, NULL);
    /* the same event came twice, and its marker kept the earlier end */
    lookup.marker.ends_ms -= 5;
    lookup.now_ms -= 10;
    expect_judged(lookup, STAGED_FOUND, ERR_NONE, NULL);
}

/* At the very end Redis may still hand it out; later it does so because somebody saw to it. */
Test(staged_record, is_over_at_its_end_and_told_when_it_is_there_for_long)
{
    struct staged_lookup lookup = looked_up();
    lookup.now_ms = life.ends_ms;
    expect_judged(lookup, STAGED_EXPIRED, ERR_NONE, NULL);
    lookup.now_ms = life.ends_ms + 1000;
    expect_judged(lookup, STAGED_EXPIRED, ERR_NONE, NULL);
    lookup.now_ms++;
    expect_judged(lookup, STAGED_EXPIRED, ERR_STAGING_EXPIRED, "1001 ms after");
    lookup.marker.ends_ms += 1000000;
    expect_judged(lookup, STAGED_EXPIRED, ERR_STAGING_EXPIRED, "1001 ms after");
    lookup = looked_up();
    lookup.marker.ends_ms = 100000;
    expect_judged(lookup, STAGED_EXPIRED, ERR_STAGING_EXPIRED, "50000 ms after");
}

Test(staged_record, is_refused_where_it_does_not_fit_its_marker)
{
    struct staged_lookup lookup = looked_up();
    lookup.marker.event_id.bytes[15] ^= 1;
    expect_judged(lookup, STAGED_REFUSED, ERR_CREDENTIAL_INVALID, "newest event");
    lookup = looked_up();
    lookup.marker.occurred_at_ms++;
    expect_judged(lookup, STAGED_REFUSED, ERR_CREDENTIAL_INVALID, "newest event");
    lookup = looked_up();
    lookup.has_marker = false;
    expect_judged(lookup, STAGED_REFUSED, ERR_CREDENTIAL_INVALID, "no marker");
    lookup = looked_up();
    lookup.refused = SPAN_LITERAL("wrong password");
    expect_judged(lookup, STAGED_REFUSED, ERR_CREDENTIAL_INVALID, "was refused");
    lookup = looked_up();
    lookup.certificate_id = 457;
    expect_judged(lookup, STAGED_REFUSED, ERR_CREDENTIAL_INVALID, "altered");
}
