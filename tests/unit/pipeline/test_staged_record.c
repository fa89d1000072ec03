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

static struct span seal(int32_t certificate_id, const char *requester)
{
    AUTO(material) struct material material = {0};
    cr_assert(secret_copy(&material.key, span_of(key_bytes, sizeof key_bytes)));
    cr_assert(secret_copy(&material.certificates, span_of(leaf_bytes, sizeof leaf_bytes)));
    material.leaf.der = secret_span(&material.certificates);
    struct span record;
    struct err err = {0};
    cr_assert(
        staged_record_seal(arena, keyring, certificate_id, span_text(requester), &material, &record, &err),
        "%s", err.text);
    return record;
}

static bool open_as(int32_t certificate_id, struct span record, struct span *requester, struct err *err)
{
    AUTO(material) struct material material = {0};
    bool opened = staged_record_open(arena, keyring, certificate_id, record, requester, &material, err);
    if (opened) {
        cr_assert(span_equal(secret_span(&material.key), span_of(key_bytes, sizeof key_bytes)));
        cr_assert(span_equal(material.leaf.der, span_of(leaf_bytes, sizeof leaf_bytes)));
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
