/* Every allocation of an operation fails in turn, OpenSSL's as well as ours (linked with --wrap=malloc). The
   operation then either says ERR_NO_MEMORY and leaves nothing behind, or got along without and does the very
   same. */
#include "crypto/at_rest.h"
#include "crypto/credential_open.h"
#include "crypto/jwt.h"
#include "crypto/library.h"
#include "crypto/sealing.h"
#include "crypto/store_format.h"
#include "unit/crypto/cases.h"
#include "unit/crypto/jwt_cases.h"
#include "unit/crypto/sealing_cases.h"

#include <criterion/criterion.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    long countdown; /* allocations until the one that fails; negative: none does */
    bool all_after; /* those after it fail too */
    bool failed;
    long live;
} heap = {.countdown = -1};

static bool is_refused(void)
{
    if (heap.countdown < 0)
        return false;
    if (heap.countdown > 0) {
        heap.countdown--;
        return false;
    }
    heap.failed = true;
    if (!heap.all_after)
        heap.countdown = -1;
    return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void __real_free(void *at);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *at);

void *__wrap_malloc(size_t size)
{
    void *at = is_refused() ? NULL : __real_malloc(size);
    heap.live += at != NULL;
    return at;
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *at = is_refused() ? NULL : __real_calloc(count, size);
    heap.live += at != NULL;
    return at;
}

void __wrap_free(void *at)
{
    heap.live -= at != NULL;
    __real_free(at);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return __wrap_malloc(size);
}

static void openssl_free(void *at, const char *file, int line)
{
    (void)file, (void)line;
    __wrap_free(at);
}

static void *openssl_realloc(void *at, size_t size, const char *file, int line)
{
    /* As OpenSSL's own does: from 3.2 on it is CRYPTO_malloc that says what failed. */
    if (at == NULL)
        return CRYPTO_malloc(size, file, line);
    return is_refused() ? NULL : realloc(at, size);
}

/* OpenSSL takes them before its first allocation only, and a library under Criterion makes one while it is
 * loaded. */
static int hooks_taken;

static void take_hooks(void)
{
    hooks_taken = CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(void) = take_hooks;

static void start(void)
{
    cr_assert_eq(hooks_taken, 1);
    start_library();
    /* A thread's error queue keeps what it once allocated. */
    for (int i = 0; i < 20; i++)
        ERR_raise_data(ERR_LIB_USER, 1, "%300s", "");
    ERR_clear_error();
}

TestSuite(memory, .init = start);

/* Something to do once: appends to `out` what it made, if it says that it succeeded. */
typedef bool operation(void *arg, struct buf *out, struct err *err);

/* OpenSSL's decoder, and before 3.2 the rest of it, do not always say why they gave up. Then the input is
   blamed: what hostile input makes fail must never look like a lack of memory, which is tried again. */
static bool is_unsaid(const char *text)
{
    if (strstr(text, "of several certificates") != NULL)
        return true;
    return OPENSSL_VERSION_NUMBER < 0x30200000L &&
           (strstr(text, "its key cannot be read") != NULL || strstr(text, "made anew") != NULL ||
            strstr(text, "entropy source does not answer") != NULL);
}

/* The step of a series: with TEST_LONG (script/test --long) each allocation fails in turn. */
static long all_or(long step)
{
    return getenv("TEST_LONG") != NULL ? 1 : step;
}

static void fail_each(const char *name, operation *run, void *arg, bool compare, long step)
{
    struct buf expected = {0};
    struct err err = {0};
    cr_assert(run(arg, &expected, &err), "%s: %s", name, err.text);
    for (int all_after = 0; all_after < 2; all_after++) {
        heap.failed = true;
        for (long n = 0; heap.failed; n += step) {
            struct buf out = {0};
            err = (struct err){0};
            long live = heap.live;
            heap.failed = false;
            heap.all_after = all_after;
            heap.countdown = n;
            bool done = run(arg, &out, &err);
            heap.countdown = -1;
            ERR_clear_error();
            if (done && compare)
                cr_assert(span_equal(buf_span(&out), buf_span(&expected)), "%s: another result at %ld", name,
                          n);
            bool said = err.code == ERR_NO_MEMORY || is_unsaid(err.text);
            if (!done)
                cr_assert(said, "%s: %s at %ld: %s", name, err_name(err.code), n, err.text);
            buf_free(&out);
            cr_assert_leq(heap.live, live, "%s: %ld left at %ld", name, heap.live - live, n);
            cr_assert_lt(n, 100000);
        }
    }
    buf_free(&expected);
}

static bool open_credential(void *arg, struct buf *out, struct err *err)
{
    const struct credential_case *one = arg;
    struct material material = {0};
    bool done = credential_open(&case_limits, &one->credential, &material, err) &&
                material_check(&material, span_text(one->thumbprint), err);
    if (done && !material_pack(&material, out))
        done = crypto_no_memory(err);
    material_free(&material);
    return done;
}

static void fail_each_of(const char *name, long step)
{
    struct credential_case one;
    case_load(&one, "valid", name);
    fail_each(name, open_credential, &one, true, step);
    case_free(&one);
}

Test(memory, opening)
{
    const char *names[] = {
        "one-iteration",         "no-local-key-id",   "ber",      "pbmac1",   "one-iteration-rsa",
        "one-iteration-ed25519", "one-iteration-rc2", "pem-sec1", "pem-pkcs1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        fail_each_of(names[i], all_or(7));
    /* OpenSSL allocates at every iteration. */
    fail_each_of("pem-encrypted", 211);
    /* Two certificates of one name: OpenSSL's decoder, with thousands of allocations, verifies
     * signatures. */
    fail_each_of("chain-shuffled", 397);
}

static bool build_content(void *arg, struct buf *out, struct err *err)
{
    bool encrypted;
    return store_format_build(arg, out, &encrypted, err);
}

Test(memory, building)
{
    struct credential_case one;
    struct material material = {0};
    case_load(&one, "valid", "unicode-name");
    cr_assert(credential_open(&case_limits, &one.credential, &material, NULL));
    for (int shape = 0; shape < 6; shape++) {
        struct store_format_request request = {
            .format = shape % 3 == 2 ? CREDENTIAL_PEM : CREDENTIAL_PKCS12,
            .profile = shape % 3 == 1 ? PKCS12_LEGACY : PKCS12_MODERN,
            .material = &material,
            .with_key = shape >= 3,
            .password = SPAN_LITERAL("password"),
            .iterations = 1,
        };
        fail_each("building", build_content, &request, false, 1);
    }
    material_free(&material);
    case_free(&one);
}

static bool seal_and_open(void *arg, struct buf *out, struct err *err)
{
    struct span text = SPAN_LITERAL("a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    struct buf sealed = {0};
    struct secret plain = {0};
    (void)arg;
    struct keyring *ring = keyring_parse(text, err);
    bool done = ring != NULL && at_rest_seal(ring, text, text, &sealed, err) &&
                at_rest_open(ring, text, buf_span(&sealed), &plain, err);
    if (done) {
        buf_reset(&sealed);
        secret_free(&plain);
        done = at_rest_seal_bare(ring, text, text, &sealed, err) &&
               at_rest_open_bare(ring, SPAN_LITERAL("a"), text, buf_span(&sealed), &plain, err);
    }
    buf_put(out, plain.data, plain.len);
    if (done && out->failed)
        done = crypto_no_memory(err);
    secret_free(&plain);
    buf_free(&sealed);
    keyring_free(ring);
    return done;
}

Test(memory, sealing)
{
    fail_each("sealing", seal_and_open, NULL, true, 1);
}

static bool seal_to(void *arg, struct buf *out, struct err *err)
{
    const struct buf *certificate = arg;
    char recipient[SEALING_RECIPIENT_LEN + 1];
    return sealing_seal(buf_span(certificate), SPAN_LITERAL("content"), SEALING_NOW_MS, out, recipient, err);
}

/* The second time it is known, if the first kept it. */
static bool seal_twice(void *arg, struct buf *out, struct err *err)
{
    const struct buf *certificate = arg;
    char recipient[SEALING_RECIPIENT_LEN + 1];
    AUTO(sealing_recipients) struct sealing_recipients *known = sealing_recipients_new();
    bool done = known != NULL || crypto_no_memory(err);
    for (int i = 0; done && i < 2; i++)
        done = sealing_recipients_seal(known, buf_span(certificate), SPAN_LITERAL("content"), SEALING_NOW_MS,
                                       out, recipient, err);
    return done;
}

Test(memory, sealing_to_a_recipient)
{
    const char *names[] = {"pairs/rsa.crt", "pairs/p256.crt", "pairs/p521.crt"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        AUTO(buf) struct buf certificate = {0};
        sealing_certificate(names[i], &certificate);
        fail_each(names[i], seal_to, &certificate, false, all_or(7));
        fail_each(names[i], seal_twice, &certificate, false, all_or(11));
    }
}

struct sealed_case {
    struct sealing_pairs *pairs;
    struct buf cms;
};

static bool open_sealed(void *arg, struct buf *out, struct err *err)
{
    const struct sealed_case *one = arg;
    return sealing_open(one->pairs, buf_span(&one->cms), out, err);
}

Test(memory, opening_what_was_sealed)
{
    const char *names[] = {"oaep-sha256", "pkcs1", "p256", "p384", "p521", "p256-ukm", "attributes"};
    struct sealed_case one = {.pairs = sealing_all_pairs()};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "valid/%s.cms", names[i]);
        buf_reset(&one.cms);
        sealing_file(path, &one.cms);
        fail_each(names[i], open_sealed, &one, true, all_or(7));
    }
    buf_free(&one.cms);
    sealing_pairs_free(one.pairs);
}

/* With pairs of its own: what does not open makes a key handle anew, and handles keep what they once
 * computed. */
static bool load_and_open(void *arg, struct buf *out, struct err *err)
{
    const struct buf *cms = arg;
    struct sealing_pairs *pairs;
    bool done = sealing_pairs_load(SEALING_CASES "/pairs", &pairs, err) &&
                sealing_open(pairs, buf_span(cms), out, err);
    sealing_pairs_free(pairs);
    return done;
}

Test(memory, opening_by_the_second_recipient)
{
    AUTO(buf) struct buf cms = {0};
    sealing_file("valid/first-does-not-open.cms", &cms);
    fail_each("first-does-not-open", load_and_open, &cms, true, all_or(61));
}

static bool load_pairs(void *arg, struct buf *out, struct err *err)
{
    struct sealing_pairs *pairs;
    (void)arg, (void)out;
    bool done = sealing_pairs_load(SEALING_CASES "/pairs", &pairs, err);
    sealing_pairs_free(pairs);
    return done;
}

Test(memory, loading_pairs)
{
    fail_each("pairs", load_pairs, NULL, true, all_or(17));
}

static bool judge_token(void *arg, struct buf *out, struct err *err)
{
    const struct jwt_case *one = arg;
    AUTO(arena) struct arena *arena = arena_new(0);
    struct jwt jwt;
    struct principal principal;
    if (arena == NULL)
        return crypto_no_memory(err);
    if (!jwt_read(arena, one->token, &jwt, err) || jwt_check_key(&jwt, one->set, err) != JWT_KEY_GOOD ||
        !jwt_read_claims(arena, &jwt, &jwt_case_rules, JWT_CASE_MOMENT_MS, &principal, err))
        return false;
    buf_put(out, principal.user.data, principal.user.len);
    for (size_t i = 0; i < principal.permission_count; i++)
        buf_put(out, principal.permissions[i].data, principal.permissions[i].len);
    return !out->failed || crypto_no_memory(err);
}

/* A good token that is refused would be refused for ever. */
Test(memory, no_good_token_is_refused)
{
    const char *names[] = {"RS256", "PS384", "ES256", "ES512", "permissions in a text"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct jwt_case one;
        jwt_case_load(&one, names[i]);
        fail_each(names[i], judge_token, &one, true, all_or(7));
        jwt_case_free(&one);
    }
}

static bool read_key_set(void *arg, struct buf *out, struct err *err)
{
    struct jwk_set *set;
    if (!jwk_set_parse(buf_span(arg), &set, err))
        return false;
    buf_put_format(out, "%zu of %zu", set->usable, set->count);
    jwk_set_free(set);
    return !out->failed || crypto_no_memory(err);
}

Test(memory, no_key_is_lost)
{
    AUTO(buf) struct buf json = {0};
    jwt_set_text("one", &json);
    fail_each("one", read_key_set, &json, true, 1);
    buf_reset(&json);
    jwt_set_text("several", &json);
    fail_each("several", read_key_set, &json, true, all_or(5));
}
