/* Every credential under tests/cases/credential: the valid open to what their case says, the invalid are
   refused with a text that helps, quickly, and without leaking what they hold. */
#include "crypto/credential_open.h"
#include "unit/crypto/cases.h"

#include <criterion/criterion.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

TestSuite(cases, .init = start_library);

static X509 *decode(struct span der)
{
    const unsigned char *at = der.data;
    return d2i_X509(NULL, &at, (long)der.len);
}

/* By OpenSSL's own view: each certificate issued the one before, and the last is a root. */
static void check_chain(const struct credential_case *one, const struct material *material)
{
    X509 *child = decode(material->leaf.der);
    cr_assert_not_null(child);
    for (size_t i = 0; i < material->chain_count; i++) {
        X509 *issuer = decode(material->chain[i].der);
        cr_assert_eq(X509_verify(child, X509_get0_pubkey(issuer)), 1, "%s: chain %zu did not sign", one->name,
                     i);
        X509_free(child);
        child = issuer;
    }
    if (material->chain_count > 0)
        cr_assert_eq(X509_check_issued(child, child), X509_V_OK, "%s: the chain's end is no root", one->name);
    X509_free(child);
}

static void check_round_trip(const struct credential_case *one, const struct material *material)
{
    struct buf packed = {0}, again = {0};
    struct material copy = {0};
    struct err err = {0};
    cr_assert(material_pack(material, &packed));
    cr_assert(material_unpack(buf_span(&packed), &copy, &err), "%s: %s", one->name, err.text);
    cr_assert(material_pack(&copy, &again));
    cr_assert(span_equal(buf_span(&packed), buf_span(&again)), "%s", one->name);
    cr_assert(material_check(&copy, span_text(one->thumbprint), &err));
    for (size_t len = 0; len < packed.len; len += len < 20 ? 1 : 97) {
        struct material none = {0};
        cr_assert_not(material_unpack(span_of(packed.data, len), &none, NULL));
        cr_assert_null(none.key.data);
    }
    material_free(&copy);
    buf_free(&packed);
    buf_free(&again);
}

static void opens(const struct credential_case *one, void *arg)
{
    (void)arg;
    struct material material = {0};
    struct err err = {0};
    cr_assert(credential_open(&case_limits, &one->credential, &material, &err), "%s: %s", one->name,
              err.text);
    cr_assert(material_check(&material, span_text(one->thumbprint), &err), "%s: %s", one->name, err.text);
    cr_assert_eq(material.chain_count, one->chain_count, "%s: %zu in the chain", one->name,
                 material.chain_count);
    char thumbprint[THUMBPRINT_TEXT_LEN + 1];
    cr_assert(material_thumbprint(&material, thumbprint));
    cr_assert_str_eq(thumbprint, one->thumbprint);
    check_chain(one, &material);
    check_round_trip(one, &material);
    material_free(&material);
}

Test(cases, valid_ones_open)
{
    cr_assert_geq(for_each_case("valid", opens, NULL), 60);
}

static void is_refused(const struct credential_case *one, void *arg)
{
    (void)arg;
    struct material material = {0};
    struct err err = {0};
    cr_assert_not(credential_open(&case_limits, &one->credential, &material, &err), "%s opens", one->name);
    cr_assert_eq(err.code, ERR_CREDENTIAL_INVALID, "%s: %s", one->name, err_name(err.code));
    cr_assert_not_null(strstr(err.text, one->error), "%s: %s", one->name, err.text);
    cr_assert_not_null(strchr(err.text, ':'), "%s says nothing to do: %s", one->name, err.text);
    if (one->credential.has_password)
        cr_assert_null(strstr(err.text, one->password), "%s: %s", one->name, err.text);
    cr_assert_null(material.key.data);
    cr_assert_null(material.certificates.data);
}

/* A bomb that went off would take 20 minutes. */
Test(cases, invalid_ones_are_refused_at_once)
{
    struct timespec start, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    cr_assert_geq(for_each_case("invalid", is_refused, NULL), 50);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    cr_assert_lt(end.tv_sec - start.tv_sec, 5);
}

static void is_cut_anywhere(const struct credential_case *one, void *arg)
{
    (void)arg;
    struct credential cut = one->credential;
    if (one->content.len > 6000 || cut.format != CREDENTIAL_PKCS12)
        return;
    for (size_t len = 0; len < one->content.len; len += len < 64 ? 1 : 61) {
        struct material material = {0};
        struct err err = {0};
        cut.content.len = len;
        cr_assert_not(credential_open(&case_limits, &cut, &material, &err), "%s opens when cut at %zu",
                      one->name, len);
        cr_assert_eq(err.code, ERR_CREDENTIAL_INVALID, "%s: %s", one->name, err.text);
    }
}

Test(cases, a_cut_file_is_refused)
{
    for_each_case("valid", is_cut_anywhere, NULL);
}

Test(cases, limits_are_judged_before_anything)
{
    struct credential_case one;
    struct material material = {0};
    struct err err = {0};
    case_load(&one, "valid", "openssl3-rsa");
    struct pfx_limits limits = {.max_iterations = 2047, .max_bytes = 1 << 20};
    cr_assert_not(credential_open(&limits, &one.credential, &material, &err));
    cr_assert_not_null(strstr(err.text, "asks for 2048 iterations, more than the 2047 accepted"), "%s",
                       err.text);
    err = (struct err){0};
    limits = (struct pfx_limits){.max_iterations = 2048, .max_bytes = one.content.len - 1};
    cr_assert_not(credential_open(&limits, &one.credential, &material, &err));
    cr_assert_not_null(strstr(err.text, "more than the"), "%s", err.text);
    limits.max_bytes = one.content.len;
    err = (struct err){0};
    cr_assert(credential_open(&limits, &one.credential, &material, &err), "%s", err.text);
    material_free(&material);
    case_free(&one);
}

/* OpenSSL looks for its legacy provider in this folder. */
Test(without_legacy_provider, rc2_alone_is_refused)
{
    struct credential_case rc2, des;
    struct material material = {0};
    struct err err = {0};
    setenv("OPENSSL_MODULES", "/nonexistent", 1);
    start_library();
    case_load(&rc2, "valid", "openssl11-rsa");
    case_load(&des, "valid", "openssl11-descert-p256");
    cr_assert_not(credential_open(&case_limits, &rc2.credential, &material, &err));
    cr_assert_eq(err.code, ERR_CREDENTIAL_INVALID);
    cr_assert_not_null(strstr(err.text, "legacy provider"), "%s", err.text);
    err = (struct err){0};
    cr_assert(credential_open(&case_limits, &des.credential, &material, &err), "%s", err.text);
    material_free(&material);
    case_free(&rc2);
    case_free(&des);
}
