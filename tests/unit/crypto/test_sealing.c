#include "base/secret.h"
#include "crypto/certificate.h"
#include "crypto/library.h"
#include "crypto/sealing.h"
#include "unit/crypto/cases.h"
#include "unit/crypto/sealing_cases.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct sealing_pairs *pairs;

static void start(void)
{
    start_library();
    pairs = sealing_all_pairs();
}

static void stop(void)
{
    sealing_pairs_free(pairs);
    crypto_library_stop();
}

TestSuite(sealing, .init = start, .fini = stop);

static void open_valid(const char *name, struct span cms, const char *words)
{
    AUTO(buf) struct buf content = {0};
    struct err err = {0};
    (void)words;
    buf_put_text(&content, "before ");
    cr_assert(sealing_open(pairs, cms, &content, &err), "%s: %s", name, err.text);
    const char *wanted = strcmp(name, "empty") == 0 ? "before " : "before " SEALING_CONTENT;
    cr_assert(span_equal(buf_span(&content), span_text(wanted)), "%s: %.*s", name,
              SPAN_ARG(buf_span(&content)));
}

Test(sealing, opens_what_others_sealed)
{
    cr_assert_geq(sealing_each_case("valid", open_valid), 30);
}

static void refuse_invalid(const char *name, struct span cms, const char *words)
{
    AUTO(buf) struct buf content = {0};
    struct err err = {0};
    buf_put_text(&content, "before");
    cr_assert_not(sealing_open(pairs, cms, &content, &err), "%s", name);
    cr_assert_eq(err.code, ERR_SEAL_INVALID, "%s: %s", name, err_name(err.code));
    cr_assert_not_null(strstr(err.text, words), "%s: \"%s\" without \"%s\"", name, err.text, words);
    cr_assert(span_equal(buf_span(&content), SPAN_LITERAL("before")), "%s", name);
}

Test(sealing, refuses_what_it_should)
{
    cr_assert_geq(sealing_each_case("invalid", refuse_invalid), 40);
}

/* A bit of every third byte, or every bit with TEST_LONG (script/test --long). For messages to one recipient:
 * infos of others are nobody's to authenticate. */
static void refuse_flipped(const char *name, struct span cms)
{
    AUTO(buf) struct buf copy = {0};
    bool all = getenv("TEST_LONG") != NULL;
    buf_put(&copy, cms.data, cms.len);
    for (size_t i = 0; i < cms.len; i += all ? 1 : 3) {
        for (int bit = all ? 0 : (int)(i % 8); bit < 8; bit += all ? 1 : 8) {
            AUTO(buf) struct buf content = {0};
            struct err err = {0};
            copy.data[i] ^= (uint8_t)(1 << bit);
            cr_assert_not(sealing_open(pairs, buf_span(&copy), &content, &err),
                          "%s opens with bit %d of byte %zu of %zu flipped", name, bit, i, cms.len);
            cr_assert_eq(err.code, ERR_SEAL_INVALID, "%s: %s", name, err_name(err.code));
            cr_assert_eq(content.len, 0);
            copy.data[i] ^= (uint8_t)(1 << bit);
        }
    }
}

Test(sealing, refuses_a_flipped_bit_anywhere)
{
    const char *names[] = {"oaep-sha256", "pkcs1", "p256", "p256-ukm", "attributes"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[64];
        AUTO(buf) struct buf cms = {0};
        snprintf(path, sizeof path, "valid/%s.cms", names[i]);
        sealing_file(path, &cms);
        refuse_flipped(names[i], buf_span(&cms));
    }
}

static void refuse_cut(const char *name, struct span cms, const char *words)
{
    (void)words;
    for (size_t len = 0; len < cms.len; len += 1 + len / 64) {
        AUTO(buf) struct buf content = {0};
        struct err err = {0};
        uint8_t *exact = malloc(len > 0 ? len : 1);
        memcpy(exact, cms.data, len);
        cr_assert_not(sealing_open(pairs, span_of(exact, len), &content, &err), "%s cut to %zu", name, len);
        cr_assert_eq(err.code, ERR_SEAL_INVALID);
        free(exact);
    }
}

Test(sealing, refuses_what_was_cut)
{
    sealing_each_case("valid", refuse_cut);
}

/* What does not open says the same, whatever is wrong with it: a flipped bit of the encrypted key, of the
   content, of the tag; with good padding around a key of another size, and with bad padding. */
Test(sealing, says_no_more_than_that_it_does_not_open)
{
    const char *names[] = {"pkcs1-another-key",     "pkcs1-short-key", "pkcs1-long-key",
                           "pkcs1-zero-in-padding", "pkcs1-type-1",    "pkcs1-first-byte",
                           "pkcs1-no-separator",    "rsa-too-large",   "another-key",
                           "ec-another-key",        "oaep-cek-16",     "not-on-curve"};
    char first[ERR_TEXT_MAX] = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[64];
        AUTO(buf) struct buf cms = {0};
        AUTO(buf) struct buf content = {0};
        struct err err = {0};
        snprintf(path, sizeof path, "invalid/%s.cms", names[i]);
        sealing_file(path, &cms);
        cr_assert_not(sealing_open(pairs, buf_span(&cms), &content, &err));
        if (i == 0)
            memcpy(first, err.text, sizeof first);
        cr_assert_str_eq(err.text, first, "%s", names[i]);
    }
}

static void seal_to(const char *path, struct span content, struct buf *cms)
{
    AUTO(buf) struct buf certificate = {0};
    struct err err = {0};
    char recipient[SEALING_RECIPIENT_LEN + 1];
    sealing_certificate(path, &certificate);
    cr_assert(sealing_seal(buf_span(&certificate), content, SEALING_NOW_MS, cms, recipient, &err), "%s: %s",
              path, err.text);
    uint8_t digest[CRYPTO_DIGEST_MAX];
    char hex[SEALING_RECIPIENT_LEN + 1];
    cr_assert(crypto_hash(DIGEST_SHA256, buf_span(&certificate), digest, NULL));
    for (int i = 0; i < SEALING_RECIPIENT_LEN / 2; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    cr_assert_str_eq(recipient, hex);
}

Test(sealing, opens_what_it_sealed)
{
    const char *paths[] = {"pairs/rsa.crt", "pairs/rsa-other.crt", "pairs/p256.crt", "pairs/p384.crt",
                           "pairs/p521.crt"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        for (size_t len = 0; len < 100000; len = len * 7 + 1) {
            AUTO(buf) struct buf content = {0};
            AUTO(buf) struct buf cms = {0};
            AUTO(buf) struct buf opened = {0};
            struct err err = {0};
            for (size_t j = 0; j < len; j++)
                buf_put_byte(&content, (uint8_t)(j * 31));
            seal_to(paths[i], buf_span(&content), &cms);
            cr_assert(sealing_open(pairs, buf_span(&cms), &opened, &err), "%s: %s", paths[i], err.text);
            cr_assert(span_equal(buf_span(&opened), buf_span(&content)));
        }
    }
}

Test(sealing, is_never_the_same_twice_and_never_altered)
{
    AUTO(buf) struct buf one = {0};
    AUTO(buf) struct buf two = {0};
    seal_to("pairs/p256.crt", SPAN_LITERAL("x"), &one);
    seal_to("pairs/p256.crt", SPAN_LITERAL("x"), &two);
    cr_assert_not(span_equal(buf_span(&one), buf_span(&two)));
    refuse_flipped("p256", buf_span(&one));
    buf_reset(&one);
    seal_to("pairs/rsa.crt", SPAN_LITERAL("x"), &one);
    refuse_flipped("rsa", buf_span(&one));
}

Test(sealing, appends_and_keeps_what_was_there)
{
    AUTO(buf) struct buf cms = {0};
    AUTO(buf) struct buf opened = {0};
    buf_put_text(&cms, "head");
    seal_to("pairs/rsa.crt", SPAN_LITERAL("x"), &cms);
    cr_assert_eq(memcmp(cms.data, "head", 4), 0);
    cr_assert(sealing_open(pairs, span_of(cms.data + 4, cms.len - 4), &opened, NULL));
}

static void expect_refusal(struct span certificate, int64_t now_ms, struct span content, const char *words)
{
    AUTO(buf) struct buf cms = {0};
    struct err err = {0};
    char recipient[SEALING_RECIPIENT_LEN + 1];
    buf_put_text(&cms, "head");
    cr_assert_not(sealing_seal(certificate, content, now_ms, &cms, recipient, &err), "%s", words);
    cr_assert_eq(err.code, ERR_SEALING_FAILED, "%s: %s", err_name(err.code), err.text);
    cr_assert_not_null(strstr(err.text, words), "\"%s\" without \"%s\"", err.text, words);
    cr_assert_eq(cms.len, 4);
}

Test(sealing, refuses_certificates_with_the_reason)
{
    const struct {
        const char *path;
        const char *words;
    } cases[] = {
        {"certificates/refused-rsa-usage.crt", "no keyEncipherment"},
        {"certificates/refused-ec-usage.crt", "no keyAgreement"},
        {"certificates/refused-ed25519.crt", "(Ed25519) is for signatures only"},
        {"certificates/refused-pss.crt", "(RSASSA-PSS) is for signatures only"},
        {"certificates/refused-short.crt", "shorter than 2048 bits"},
        {"certificates/refused-curve.crt", "another curve"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(buf) struct buf der = {0};
        sealing_certificate(cases[i].path, &der);
        expect_refusal(buf_span(&der), SEALING_NOW_MS, SPAN_LITERAL("x"), cases[i].words);
    }
}

Test(sealing, takes_certificates_for_encryption)
{
    const char *paths[] = {"certificates/accepted-rsa-key-encipherment.crt",
                           "certificates/accepted-rsa-data-encipherment.crt",
                           "certificates/accepted-ec-key-agreement.crt"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        AUTO(buf) struct buf cms = {0};
        seal_to(paths[i], SPAN_LITERAL("x"), &cms);
    }
}

/* The cases' certificates are valid from 2020-01-01T00:00:00Z to 2120-01-01T00:00:00Z, the last second
 * included. */
Test(sealing, asks_whether_the_certificate_is_valid_now)
{
    AUTO(buf) struct buf der = {0};
    AUTO(buf) struct buf cms = {0};
    char recipient[SEALING_RECIPIENT_LEN + 1];
    const int64_t first = INT64_C(1577836800000), last = INT64_C(4733510400000);
    sealing_certificate("pairs/p256.crt", &der);
    expect_refusal(buf_span(&der), first - 1, SPAN_LITERAL("x"), "not yet valid");
    cr_assert(sealing_seal(buf_span(&der), SPAN_LITERAL("x"), first, &cms, recipient, NULL));
    cr_assert(sealing_seal(buf_span(&der), SPAN_LITERAL("x"), last + 999, &cms, recipient, NULL));
    expect_refusal(buf_span(&der), last + 1000, SPAN_LITERAL("x"), "expired");
}

static bool seal_known(struct sealing_recipients *known, struct span certificate, int64_t now_ms,
                       struct buf *cms, struct err *err)
{
    char recipient[SEALING_RECIPIENT_LEN + 1], alone[SEALING_RECIPIENT_LEN + 1];
    AUTO(buf) struct buf other = {0};
    buf_reset(cms);
    *err = (struct err){0};
    if (!sealing_recipients_seal(known, certificate, SPAN_LITERAL(SEALING_CONTENT), now_ms, cms, recipient,
                                 err))
        return false;
    cr_assert(sealing_seal(certificate, SPAN_LITERAL("x"), now_ms, &other, alone, err));
    cr_assert_str_eq(recipient, alone);
    return true;
}

/* Certificates that differ in their serial number, more than are kept: each is sealed to by its own name. */
Test(sealing, a_recipient_that_is_known_is_judged_again)
{
    AUTO(sealing_recipients) struct sealing_recipients *known = sealing_recipients_new();
    AUTO(buf) struct buf der = {0};
    AUTO(buf) struct buf cms = {0};
    struct err err;
    const int64_t first = INT64_C(1577836800000), last = INT64_C(4733510400000);
    sealing_certificate("pairs/p256.crt", &der);
    for (int i = 0; i < 3; i++) {
        cr_assert(seal_known(known, buf_span(&der), SEALING_NOW_MS, &cms, &err), "%s", err.text);
        open_valid("known", buf_span(&cms), "");
        cr_assert_not(seal_known(known, buf_span(&der), first - 1, &cms, &err));
        cr_assert_not_null(strstr(err.text, "not yet valid"));
        cr_assert_not(seal_known(known, buf_span(&der), last + 1000, &cms, &err));
        cr_assert_not_null(strstr(err.text, "expired"));
        cr_assert_not(seal_known(known, span_of(der.data, der.len - 1), SEALING_NOW_MS, &cms, &err));
        cr_assert_eq(err.code, ERR_SEALING_FAILED);
        cr_assert_eq(cms.len, 0);
    }
    struct certificate certificate;
    cr_assert(certificate_read(buf_span(&der), &certificate));
    uint8_t *serial = der.data + (certificate.serial.data + certificate.serial.len - 1 - der.data);
    for (int i = 0; i < 1100; i++) {
        serial[0] = (uint8_t)i;
        serial[-1] = (uint8_t)(i >> 8 & 0x7f);
        char recipient[SEALING_RECIPIENT_LEN + 1];
        buf_reset(&cms);
        cr_assert(sealing_recipients_seal(known, buf_span(&der), SPAN_LITERAL("x"), SEALING_NOW_MS, &cms,
                                          recipient, &err));
        cr_assert_not_null(memmem(cms.data, cms.len, certificate.serial.data, certificate.serial.len), "%d",
                           i);
    }
}

/* Cut anywhere, and with a bit of any byte flipped, it is sealed to or refused with a reason; never anything
 * else. */
Test(sealing, survives_hostile_certificates)
{
    const char *paths[] = {"pairs/rsa.crt", "certificates/accepted-ec-key-agreement.crt"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        AUTO(buf) struct buf der = {0};
        sealing_certificate(paths[i], &der);
        for (size_t len = 0; len < der.len; len++) {
            uint8_t *exact = malloc(len > 0 ? len : 1);
            memcpy(exact, der.data, len);
            expect_refusal(span_of(exact, len), SEALING_NOW_MS, SPAN_LITERAL("x"), "cannot be read");
            free(exact);
        }
        for (size_t at = 0; at < der.len; at++) {
            AUTO(buf) struct buf cms = {0};
            struct err err = {0};
            char recipient[SEALING_RECIPIENT_LEN + 1];
            der.data[at] ^= (uint8_t)(1 << at % 8);
            if (!sealing_seal(buf_span(&der), SPAN_LITERAL("x"), SEALING_NOW_MS, &cms, recipient, &err))
                cr_assert_eq(err.code, ERR_SEALING_FAILED, "byte %zu: %s", at, err.text);
            der.data[at] ^= (uint8_t)(1 << at % 8);
        }
        buf_put_byte(&der, 0);
        expect_refusal(buf_span(&der), SEALING_NOW_MS, SPAN_LITERAL("x"), "cannot be read");
    }
}

Test(sealing, refuses_what_is_too_large)
{
    AUTO(buf) struct buf der = {0};
    AUTO(buf) struct buf cms = {0};
    AUTO(buf) struct buf content = {0};
    AUTO(buf) struct buf opened = {0};
    struct err err = {0};
    sealing_certificate("pairs/p256.crt", &der);
    buf_reserve(&content, SEALING_CONTENT_MAX + 1);
    memset(content.data, 'x', SEALING_CONTENT_MAX + 1);
    content.len = SEALING_CONTENT_MAX + 1;
    expect_refusal(buf_span(&der), SEALING_NOW_MS, buf_span(&content), "more than the");
    content.len = SEALING_CONTENT_MAX;
    seal_to("pairs/p256.crt", buf_span(&content), &cms);
    cr_assert(sealing_open(pairs, buf_span(&cms), &opened, &err), "%s", err.text);
    cr_assert(span_equal(buf_span(&opened), buf_span(&content)));
    buf_reserve(&cms, SEALING_CMS_MAX);
    memset(cms.data + cms.len, 0, SEALING_CMS_MAX - cms.len + 1);
    cms.len = SEALING_CMS_MAX + 1;
    cr_assert_not(sealing_open(pairs, buf_span(&cms), &opened, &err));
    cr_assert_not_null(strstr(err.text, "more than the"), "%s", err.text);
}
