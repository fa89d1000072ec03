/* What comes sealed to the service, and what goes sealed to agents. */
#include "crypto/library.h"
#include "identity.h"
#include "pipeline/job_seal.h"
#include "pipeline/unseal.h"

#include <criterion/criterion.h>

enum { NOW_S = 1790000000, YEAR_S = 365 * 24 * 3600 };

static const int64_t now_ms = (int64_t)NOW_S * 1000;
static const struct credential sample = {.format = CREDENTIAL_PEM,
                                         .content = SPAN_LITERAL("a certificate and its key"),
                                         .has_password = true,
                                         .password = SPAN_LITERAL("open sesame")};

static struct arena *arena;
static struct schema_set *schemas;
static struct codec *codec;
static struct identity identity;
static struct unsealer *unsealer;

static void start(void)
{
    struct err err = {0};
    cr_assert(crypto_library_start(&err), "%s", err.text);
    arena = arena_new(0);
    schemas = schema_set_new(NULL, &err);
    codec = codec_new(schemas);
    identity_make(arena, NOW_S - YEAR_S, NOW_S + YEAR_S, &identity);
    unsealer = unsealer_new(identity.folder, &err);
    cr_assert_not_null(unsealer, "%s", err.text);
}

static void stop(void)
{
    unsealer_free(unsealer);
    identity_free(&identity);
    codec_free(codec);
    schema_set_free(schemas);
    arena_free(arena);
    crypto_library_stop();
}

TestSuite(unseal, .init = start, .fini = stop);
TestSuite(job_seal, .init = start, .fini = stop);

static struct sealed seal(struct span content)
{
    AUTO(buf) struct buf cms = {0};
    char recipient[SEALING_RECIPIENT_LEN + 1];
    struct err err = {0};
    cr_assert(sealing_seal(identity.certificate, content, now_ms, &cms, recipient, &err), "%s", err.text);
    return (struct sealed){.cms = arena_copy(arena, buf_span(&cms))};
}

static struct span body_of_sample(void)
{
    AUTO(buf) struct buf body = {0};
    cr_assert(codec_encode_credential_body(codec, &sample, &body, NULL));
    return arena_copy(arena, buf_span(&body));
}

static void assert_is_sample(const struct credential *credential)
{
    cr_assert_eq(credential->format, sample.format);
    cr_assert(span_equal(credential->content, sample.content));
    cr_assert(credential->has_password);
    cr_assert(span_equal(credential->password, sample.password));
}

Test(unseal, a_credential_is_the_avro_body)
{
    struct sealed sealed = seal(body_of_sample());
    AUTO(buf) struct buf plain = {0};
    struct credential credential;
    struct err err = {0};
    cr_assert(unseal_credential(unsealer, codec, arena, &sealed, &plain, &credential, &err), "%s", err.text);
    assert_is_sample(&credential);
}

Test(unseal, what_is_no_avro_body_is_no_credential)
{
    struct span body = body_of_sample();
    uint8_t *longer = arena_alloc(arena, body.len + 1);
    memcpy(longer, body.data, body.len);
    for (size_t len = 0; len <= body.len + 1; len++) {
        if (len == body.len)
            continue;
        struct sealed sealed = seal(span_of(longer, len));
        AUTO(buf) struct buf plain = {0};
        struct credential credential;
        struct err err = {0};
        cr_assert_not(unseal_credential(unsealer, codec, arena, &sealed, &plain, &credential, &err));
        cr_assert_eq(err.code, ERR_CREDENTIAL_INVALID, "%zu bytes: %s", len, err.text);
        cr_assert_null(strstr(err.text, "sesame"));
    }
}

Test(unseal, what_does_not_open_is_an_invalid_seal)
{
    struct sealed sealed = {.cms = SPAN_LITERAL("no CMS")};
    AUTO(buf) struct buf plain = {0};
    struct credential credential;
    struct span password;
    struct err err = {0};
    cr_assert_not(unseal_credential(unsealer, codec, arena, &sealed, &plain, &credential, &err));
    cr_assert_eq(err.code, ERR_SEAL_INVALID);
    err = (struct err){0};
    cr_assert_not(unseal_password(unsealer, arena, &sealed, &password, &err));
    cr_assert_eq(err.code, ERR_SEAL_INVALID);
}

Test(unseal, without_a_folder_nothing_opens)
{
    struct err err = {0};
    struct unsealer *none = unsealer_new(NULL, &err);
    cr_assert_not_null(none);
    unsealer_refresh(none);
    struct sealed sealed = seal(SPAN_LITERAL("password"));
    struct span password;
    cr_assert_not(unseal_password(none, arena, &sealed, &password, &err));
    cr_assert_eq(err.code, ERR_SEAL_INVALID);
    cr_assert_not_null(strstr(err.text, "CERTSWAP_SEALING_DIR"));
    unsealer_free(none);
}

Test(unseal, a_folder_that_cannot_be_read_refuses_the_start)
{
    struct err err = {0};
    cr_assert_null(unsealer_new("/nowhere/certswap", &err));
    cr_assert_eq(err.code, ERR_CONFIG_INVALID);
}

Test(unseal, a_password_is_utf_8_and_not_too_long)
{
    uint8_t *many = arena_alloc(arena, UNSEAL_PASSWORD_MAX + 1);
    memset(many, 'x', UNSEAL_PASSWORD_MAX + 1);
    const struct {
        struct span content;
        const char *refused; /* NULL: it is taken */
    } cases[] = {
        {SPAN_LITERAL("correct horse"), NULL},
        {SPAN_LITERAL("p\xc3\xa4ssw\xc3\xb6rd"), NULL},
        {SPAN_LITERAL(""), NULL},
        {span_of(many, UNSEAL_PASSWORD_MAX), NULL},
        {span_of(many, UNSEAL_PASSWORD_MAX + 1), "longer than 4096 bytes"},
        {SPAN_LITERAL("p\xe4ssword"), "no UTF-8"},
        {SPAN_LITERAL("pass\xc3"), "no UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sealed sealed = seal(cases[i].content);
        struct span password = {0};
        struct err err = {0};
        bool taken = unseal_password(unsealer, arena, &sealed, &password, &err);
        cr_assert_eq(taken, cases[i].refused == NULL, "case %zu: %s", i, err.text);
        if (taken) {
            cr_assert(span_equal(password, cases[i].content));
            continue;
        }
        cr_assert_eq(err.code, ERR_SEAL_INVALID);
        cr_assert_not_null(strstr(err.text, cases[i].refused), "%s", err.text);
        cr_assert_null(strstr(err.text, "ssword\""), "%s", err.text);
    }
}

/* A plan of stores with these agents; of NULL a store that has failed. All want variants 1 and 5. */
static struct plan *plan_for(const struct agent *const *agents, size_t count)
{
    struct plan *plan = arena_alloc(arena, sizeof *plan);
    plan->stores = arena_array(arena, count, sizeof *plan->stores);
    plan->store_count = count;
    for (size_t i = 0; i < count; i++) {
        struct inventory_store *store = arena_alloc(arena, sizeof *store);
        store->agent = agents[i];
        plan->stores[i] = (struct plan_store){.store = store,
                                              .failure = agents[i] == NULL ? ERR_NO_AGENT : ERR_NONE,
                                              .variants = 1U << 1 | 1U << 5};
    }
    return plan;
}

static struct agent agent_of(struct span certificate)
{
    return (struct agent){.has_certificate = true, .certificate = arena_copy(arena, certificate)};
}

static const struct package package = {
    .contents = {[1] = {.format = CREDENTIAL_PKCS12, .content = SPAN_LITERAL("another content")},
                 [5] = {.format = CREDENTIAL_PEM,
                        .content = SPAN_LITERAL("a certificate and its key"),
                        .has_password = true,
                        .password = SPAN_LITERAL("open sesame")}}};

static struct credential_or_sealed credential_for(struct job_sealer *sealer, size_t store, unsigned variant)
{
    struct credential_or_sealed out = {0};
    struct err err = {0};
    cr_assert(job_sealer_credential(sealer, store, variant, &out, &err), "%s", err.text);
    return out;
}

Test(job_seal, each_certificate_and_variant_is_sealed_once)
{
    struct identity other;
    identity_make(arena, NOW_S - YEAR_S, NOW_S + YEAR_S, &other);
    struct agent agents[] = {agent_of(identity.certificate),
                             agent_of(other.certificate),
                             {{{0}}, false, {0}},
                             agent_of(identity.certificate)};
    const struct agent *of[] = {&agents[0], &agents[1], NULL, &agents[2], &agents[3], &agents[0]};
    AUTO(sealing_recipients) struct sealing_recipients *known = sealing_recipients_new();
    AUTO(job_sealer) struct job_sealer sealer = {0};
    cr_assert(job_sealer_begin(&sealer, arena, codec, known, plan_for(of, 6), &package, now_ms, NULL));
    struct credential_or_sealed first = credential_for(&sealer, 0, 5);
    cr_assert(first.is_sealed);
    cr_assert_eq(credential_for(&sealer, 4, 5).sealed.cms.data, first.sealed.cms.data, "the same bytes");
    cr_assert_eq(credential_for(&sealer, 5, 5).sealed.cms.data, first.sealed.cms.data, "the same bytes");
    cr_assert_not(span_equal(credential_for(&sealer, 1, 5).sealed.cms, first.sealed.cms));
    cr_assert_not(span_equal(credential_for(&sealer, 1, 5).sealed.recipient, first.sealed.recipient));
    cr_assert_not(span_equal(credential_for(&sealer, 0, 1).sealed.cms, first.sealed.cms));
    cr_assert_not(credential_for(&sealer, 3, 5).is_sealed, "its agent has no certificate");
    assert_is_sample(&(struct credential){.format = package.contents[5].format,
                                          .content = credential_for(&sealer, 3, 5).plain.content,
                                          .has_password = true,
                                          .password = package.contents[5].password});
    AUTO(buf) struct buf plain = {0};
    struct credential opened;
    struct err err = {0};
    cr_assert(unseal_credential(unsealer, codec, arena, &first.sealed, &plain, &opened, &err), "%s",
              err.text);
    assert_is_sample(&opened);
    identity_free(&other);
}

Test(job_seal, a_certificate_that_cannot_be_used_fails_its_stores_alone)
{
    struct identity expired;
    identity_make(arena, NOW_S - YEAR_S, NOW_S - 1, &expired);
    struct agent agents[] = {agent_of(SPAN_LITERAL("no certificate")), agent_of(expired.certificate),
                             agent_of(identity.certificate)};
    const struct agent *of[] = {&agents[0], &agents[1], &agents[2], &agents[1], &agents[0]};
    AUTO(sealing_recipients) struct sealing_recipients *known = sealing_recipients_new();
    AUTO(job_sealer) struct job_sealer sealer = {0};
    cr_assert(job_sealer_begin(&sealer, arena, codec, known, plan_for(of, 5), &package, now_ms, NULL));
    for (size_t store = 0; store < 5; store++) {
        struct credential_or_sealed out;
        struct err err = {0};
        bool sealed = job_sealer_credential(&sealer, store, 1, &out, &err);
        cr_assert_eq(sealed, store == 2, "store %zu: %s", store, err.text);
        cr_assert_eq(err.code, store == 2 ? ERR_NONE : ERR_SEALING_FAILED);
        cr_assert(of[store] != &agents[1] || strstr(err.text, "expired") != NULL, "%s", err.text);
    }
    identity_free(&expired);
}

/* As many as a command may reach, each with another agent: found by sorting, not one by one. */
Test(job_seal, many_certificates_are_told_apart)
{
    enum { COUNT = 20000 };
    struct agent *agents = arena_array(arena, COUNT, sizeof *agents);
    const struct agent **of = arena_array(arena, COUNT, sizeof(const struct agent *));
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t bytes[1024] = {0};
        memcpy(bytes + sizeof bytes - sizeof i, &i, sizeof i);
        agents[i] = agent_of(span_of(bytes, sizeof bytes));
        of[i] = &agents[i];
    }
    AUTO(sealing_recipients) struct sealing_recipients *known = sealing_recipients_new();
    AUTO(job_sealer) struct job_sealer sealer = {0};
    cr_assert(job_sealer_begin(&sealer, arena, codec, known, plan_for(of, COUNT), &package, now_ms, NULL));
    for (size_t i = 0; i < COUNT; i++)
        cr_assert(i == 0 || sealer.of_store[i] != sealer.of_store[i - 1]);
}
