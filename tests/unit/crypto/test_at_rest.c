#include "crypto/at_rest.h"
#include "unit/crypto/cases.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "/////////////////////////////////////////////w=="
#define KEY_B_OK "//////////////////////////////////////////8="

TestSuite(at_rest, .init = start_library);
TestSuite(keyring, .init = start_library);

static struct keyring *parse(const char *text)
{
    struct err err = {0};
    struct keyring *ring = keyring_parse(span_text(text), &err);
    cr_assert_not_null(ring, "%s", err.text);
    return ring;
}

Test(keyring, reads_lines_and_seals_with_the_first)
{
    const char *texts[] = {"k2:" KEY_A, "k2:" KEY_A "\n", "\n\r\n  k2:" KEY_A "  \r\n\nk1:" KEY_B_OK "\n\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct keyring *ring = parse(texts[i]);
        cr_assert_str_eq(keyring_sealing_key(ring)->kid, "k2");
        keyring_free(ring);
    }
}

Test(keyring, refuses_a_wrong_line_by_its_number)
{
    char long_kid[128] = "";
    for (int i = 0; i < 65; i++)
        strcat(long_kid, "k");
    strcat(long_kid, ":" KEY_A);
    const struct {
        const char *text;
        const char *words;
    } bad[] = {
        {"", "there is none"},
        {"\n \n", "there is none"},
        {KEY_A, "line 1: write <kid>"},
        {"k1:" KEY_A "\n\nk1:" KEY_B_OK, "line 3: its kid stands on an earlier line"},
        {"k1:" KEY_A "\nk2:" KEY_B, "line 2: behind the colon"},
        {"k1:AAEC", "line 1: behind the colon"},
        {"k1:", "line 1: behind the colon"},
        {"k1:!" KEY_A, "line 1: behind the colon"},
        {":" KEY_A, "line 1: the kid"},
        {"a b:" KEY_A, "line 1: the kid"},
        {long_kid, "line 1: the kid"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = {0};
        cr_assert_null(keyring_parse(span_text(bad[i].text), &err), "%zu", i);
        cr_assert_eq(err.code, ERR_CONFIG_INVALID);
        cr_assert_not_null(strstr(err.text, bad[i].words), "%s", err.text);
        cr_assert_null(strstr(err.text, "AAEC"), "%s", err.text);
        cr_assert_null(strstr(err.text, "////"), "%s", err.text);
    }
}

static struct buf sealed_with(const char *ring_text, const char *aad, struct span plain)
{
    struct keyring *ring = parse(ring_text);
    struct buf out = {0};
    struct err err = {0};
    cr_assert(at_rest_seal(ring, span_text(aad), plain, &out, &err), "%s", err.text);
    keyring_free(ring);
    return out;
}

Test(at_rest, opens_what_it_sealed_also_after_rotation)
{
    const struct span plains[] = {SPAN_LITERAL(""), SPAN_LITERAL("x"), SPAN_LITERAL("the private key")};
    for (size_t i = 0; i < 3; i++) {
        struct buf sealed = sealed_with("old:" KEY_A, "certswap:staged:7", plains[i]);
        cr_assert_eq(sealed.len, 2 + 3 + 12 + plains[i].len + 16);
        struct keyring *ring = parse("new:" KEY_B_OK "\nold:" KEY_A);
        struct secret plain = {0};
        struct err err = {0};
        cr_assert(at_rest_open(ring, SPAN_LITERAL("certswap:staged:7"), buf_span(&sealed), &plain, &err),
                  "%s", err.text);
        cr_assert(span_equal(secret_span(&plain), plains[i]));
        secret_free(&plain);
        keyring_free(ring);
        buf_free(&sealed);
    }
}

Test(at_rest, appends_and_never_repeats_a_nonce)
{
    struct keyring *ring = parse("k:" KEY_A);
    struct buf out = {0};
    buf_put_text(&out, "head");
    cr_assert(at_rest_seal(ring, SPAN_LITERAL("a"), SPAN_LITERAL("plain"), &out, NULL));
    size_t len = out.len;
    cr_assert(at_rest_seal(ring, SPAN_LITERAL("a"), SPAN_LITERAL("plain"), &out, NULL));
    cr_assert_eq(out.len - len, len - 4);
    cr_assert(span_equal(span_of(out.data, 4), SPAN_LITERAL("head")));
    cr_assert_neq(memcmp(out.data + 4 + 3, out.data + len + 3, 12), 0);
    buf_free(&out);
    keyring_free(ring);
}

static void refuses(const struct keyring *ring, const char *aad, struct span sealed, const char *words)
{
    struct secret plain = {0};
    struct err err = {0};
    cr_assert_not(at_rest_open(ring, span_text(aad), sealed, &plain, &err));
    cr_assert_eq(err.code, ERR_CREDENTIAL_INVALID);
    cr_assert_not_null(strstr(err.text, words), "%s", err.text);
    cr_assert_null(plain.data);
}

static void refuses_bare(const struct keyring *ring, const char *kid, const char *aad, struct span sealed,
                         const char *words)
{
    struct secret plain = {0};
    struct err err = {0};
    cr_assert_not(at_rest_open_bare(ring, span_text(kid), span_text(aad), sealed, &plain, &err));
    cr_assert_eq(err.code, ERR_CREDENTIAL_INVALID);
    cr_assert_not_null(strstr(err.text, words), "%s", err.text);
    cr_assert_null(plain.data);
}

/* A fixed vector, made by Python's cryptography: AESGCM(bytes(range(32))), nonce 12 times 7, associated data
   version, length of the kid, kid and "aad". */
Test(at_rest, opens_another_implementations_value)
{
    static const char sealed[] =
        "\x01\x01k\7\7\7\7\7\7\7\7\7\7\7\7"
        "\x7f\x06\xc7\x35\x01\x99\x9f\x78\x46\x26\x64\x50\xd1\x5e\xa8\x27\x1f\xff\x14\x34\x82";
    struct keyring *ring = parse("k:" KEY_A);
    struct secret plain = {0};
    struct err err = {0};
    cr_assert(at_rest_open(ring, SPAN_LITERAL("aad"), span_of(sealed, sizeof sealed - 1), &plain, &err), "%s",
              err.text);
    cr_assert(span_equal(secret_span(&plain), SPAN_LITERAL("plain")));
    secret_free(&plain);
    keyring_free(ring);
}

Test(at_rest, says_what_is_wrong)
{
    struct buf sealed = sealed_with("k1:" KEY_A, "certswap:staged:7", SPAN_LITERAL("plain"));
    struct keyring *ring = parse("k2:" KEY_B_OK);
    struct keyring *same_kid = parse("k1:" KEY_B_OK);
    struct keyring *right = parse("k1:" KEY_A);
    struct span value = buf_span(&sealed);
    refuses(ring, "certswap:staged:7", value, "staging key k1, which is not in the keyring");
    refuses(same_kid, "certswap:staged:7", value, "was altered");
    refuses(right, "certswap:staged:8", value, "belongs to another");
    for (size_t len = 0; len < value.len; len++)
        refuses(right, "certswap:staged:7", span_of(value.data, len), ":");
    keyring_free(ring);
    keyring_free(same_kid);
    keyring_free(right);
    buf_free(&sealed);
}

/* A dead letter's value: no head, the kid stands in a header. The vector is Python's cryptography's: the same
   key and nonce as above, associated data "t/0/7". */
Test(at_rest, a_bare_value_is_nonce_ciphertext_and_tag)
{
    struct keyring *ring = parse("new:" KEY_B_OK "\nk:" KEY_A);
    struct buf sealed = {0};
    struct secret plain = {0};
    struct err err = {0};
    const struct span place = SPAN_LITERAL("t/0/7"), text = SPAN_LITERAL("plain");
    static const char vector[] =
        "\7\7\7\7\7\7\7\7\7\7\7\7"
        "\x7f\x06\xc7\x35\x01\x1b\x92\x27\x3a\xa4\xa8\x48\xb0\x08\x2a\x72\x0c\x70\x36\x8d\xb4";
    cr_assert(
        at_rest_open_bare(ring, SPAN_LITERAL("k"), place, span_of(vector, sizeof vector - 1), &plain, &err),
        "%s", err.text);
    cr_assert(span_equal(secret_span(&plain), text));
    secret_free(&plain);
    cr_assert(at_rest_seal_bare(ring, place, text, &sealed, &err), "%s", err.text);
    cr_assert_eq(sealed.len, text.len + AT_REST_BARE_EXTRA);
    cr_assert(at_rest_open_bare(ring, SPAN_LITERAL("new"), place, buf_span(&sealed), &plain, &err), "%s",
              err.text);
    cr_assert(span_equal(secret_span(&plain), text));
    secret_free(&plain);
    refuses_bare(ring, "k", "t/0/7", buf_span(&sealed), "another than it was encrypted with");
    refuses_bare(ring, "new", "t/0/8", buf_span(&sealed), "was altered");
    refuses_bare(ring, "gone", "t/0/7", buf_span(&sealed), "staging key gone, which is not in the keyring");
    refuses_bare(ring, "no kid", "t/0/7", buf_span(&sealed), "is no kid");
    for (size_t len = 0; len < sealed.len; len++)
        refuses_bare(ring, "new", "t/0/7", span_of(sealed.data, len), "it was");
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refuses_bare(ring, "new", "t/0/7", buf_span(&sealed), "was altered");
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    keyring_free(ring);
    buf_free(&sealed);
}

/* Each bit of each byte: version, kid, nonce, ciphertext and tag are all authenticated. */
Test(at_rest, refuses_any_altered_bit)
{
    struct buf sealed = sealed_with("k1:" KEY_A, "a", SPAN_LITERAL("plain"));
    struct keyring *ring = parse("k1:" KEY_A "\nk0:" KEY_A "\nk3:" KEY_A);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refuses(ring, "a", buf_span(&sealed), ":");
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    keyring_free(ring);
    buf_free(&sealed);
}
