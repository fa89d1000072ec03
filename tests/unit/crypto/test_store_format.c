/* What is built for stores: our reader opens it, and OpenSSL's own PKCS#12 types show the algorithms and
   counts that the contract names. Other readers are asked by tests/component/crypto. */
#include "crypto/credential_open.h"
#include "crypto/store_format.h"
#include "unit/crypto/cases.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <stdio.h>

TestSuite(store_format, .init = start_library);

#define PASSWORD "Grüße 密码 🔑"

static struct material open_case(const char *name)
{
    struct credential_case one;
    struct material material = {0};
    case_load(&one, "valid", name);
    cr_assert(credential_open(&case_limits, &one.credential, &material, NULL));
    case_free(&one);
    return material;
}

static struct buf build(const struct store_format_request *request, bool *encrypted)
{
    struct buf out = {0};
    struct err err = {0};
    cr_assert(store_format_build(request, &out, encrypted, &err), "%s", err.text);
    return out;
}

static void opens_again(const struct store_format_request *request)
{
    bool encrypted = false;
    struct buf content = build(request, &encrypted), expected = {0}, actual = {0};
    struct material back = {0};
    struct err err = {0};
    struct credential credential = {request->format, buf_span(&content), encrypted, request->password};
    cr_assert_eq(encrypted, request->with_key || request->format == CREDENTIAL_PKCS12);
    bool opened = credential_open(&case_limits, &credential, &back, &err);
    if (request->with_key) {
        cr_assert(opened, "%s", err.text);
        cr_assert(material_pack(request->material, &expected));
        cr_assert(material_pack(&back, &actual));
        cr_assert(span_equal(buf_span(&expected), buf_span(&actual)));
    } else {
        cr_assert_not(opened);
        cr_assert_not_null(strstr(err.text, "no private key"), "%s", err.text);
    }
    material_free(&back);
    buf_free(&content);
    buf_free(&expected);
    buf_free(&actual);
}

Test(store_format, our_reader_opens_all)
{
    const char *names[] = {"openssl3-rsa",     "openssl3-p256", "openssl3-p384",
                           "openssl3-ed25519", "unicode-name",  "openssl3-self-signed"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct material material = open_case(names[i]);
        for (int shape = 0; shape < 6; shape++) {
            struct store_format_request request = {
                .format = shape % 3 == 2 ? CREDENTIAL_PEM : CREDENTIAL_PKCS12,
                .profile = shape % 3 == 1 ? PKCS12_LEGACY : PKCS12_MODERN,
                .material = &material,
                .with_key = shape >= 3,
                .password = SPAN_LITERAL(PASSWORD),
                .iterations = 3,
            };
            opens_again(&request);
        }
        material_free(&material);
    }
}

/* The algorithm and the iterations of a PBE AlgorithmIdentifier. */
static void check_algorithm(const X509_ALGOR *algorithm, enum pkcs12_profile profile, long iterations)
{
    const ASN1_OBJECT *object;
    int type;
    const void *value;
    X509_ALGOR_get0(&object, &type, &value, algorithm);
    const ASN1_STRING *sequence = value;
    const unsigned char *at = ASN1_STRING_get0_data(sequence);
    if (profile == PKCS12_LEGACY) {
        cr_assert_eq(OBJ_obj2nid(object), NID_pbe_WithSHA1And3_Key_TripleDES_CBC);
        PBEPARAM *params = d2i_PBEPARAM(NULL, &at, ASN1_STRING_length(sequence));
        cr_assert_eq(ASN1_INTEGER_get(params->iter), iterations);
        PBEPARAM_free(params);
        return;
    }
    cr_assert_eq(OBJ_obj2nid(object), NID_pbes2);
    PBE2PARAM *params = d2i_PBE2PARAM(NULL, &at, ASN1_STRING_length(sequence));
    X509_ALGOR_get0(&object, NULL, NULL, params->encryption);
    cr_assert_eq(OBJ_obj2nid(object), NID_aes_256_cbc);
    X509_ALGOR_get0(&object, &type, &value, params->keyfunc);
    cr_assert_eq(OBJ_obj2nid(object), NID_id_pbkdf2);
    sequence = value;
    at = ASN1_STRING_get0_data(sequence);
    PBKDF2PARAM *kdf = d2i_PBKDF2PARAM(NULL, &at, ASN1_STRING_length(sequence));
    X509_ALGOR_get0(&object, NULL, NULL, kdf->prf);
    cr_assert_eq(OBJ_obj2nid(object), NID_hmacWithSHA256);
    cr_assert_eq(ASN1_INTEGER_get(kdf->iter), iterations);
    PBKDF2PARAM_free(kdf);
    PBE2PARAM_free(params);
}

static void check_mac(PKCS12 *p12, enum pkcs12_profile profile, long iterations)
{
    const X509_ALGOR *algorithm;
    const ASN1_INTEGER *count;
    const ASN1_OBJECT *object;
    PKCS12_get0_mac(NULL, &algorithm, NULL, &count, p12);
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    cr_assert_eq(OBJ_obj2nid(object), profile == PKCS12_LEGACY ? NID_sha1 : NID_sha256);
    cr_assert_eq(ASN1_INTEGER_get(count), iterations);
    cr_assert_eq(PKCS12_verify_mac(p12, PASSWORD, -1), 1);
    cr_assert_eq(PKCS12_verify_mac(p12, "another", -1), 0);
}

static void check_bag(const PKCS12_SAFEBAG *bag, const struct store_format_request *request, const char *name,
                      int index, int *keys)
{
    char *friendly = PKCS12_get_friendlyname((PKCS12_SAFEBAG *)(uintptr_t)bag);
    const ASN1_TYPE *key_id = PKCS12_SAFEBAG_get0_attr(bag, NID_localKeyID);
    bool trusted = false;
    for (int i = 0; i < X509at_get_attr_count(PKCS12_SAFEBAG_get0_attrs(bag)); i++) {
        char oid[80];
        X509_ATTRIBUTE *attribute = X509at_get_attr(PKCS12_SAFEBAG_get0_attrs(bag), i);
        OBJ_obj2txt(oid, sizeof oid, X509_ATTRIBUTE_get0_object(attribute), 1);
        trusted = trusted || strcmp(oid, "2.16.840.1.113894.746875.1.1") == 0;
    }
    if (PKCS12_SAFEBAG_get_nid(bag) == NID_pkcs8ShroudedKeyBag) {
        const X509_ALGOR *algorithm;
        X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, NULL);
        check_algorithm(algorithm, request->profile, request->iterations);
        ++*keys;
    }
    cr_assert_eq(trusted, index == 0 && !request->with_key);
    cr_assert_eq(key_id != NULL, index == 0);
    if (index == 0) {
        uint8_t sha1[20];
        EVP_Digest(request->material->leaf.der.data, request->material->leaf.der.len, sha1, NULL, EVP_sha1(),
                   NULL);
        cr_assert(span_equal(span_of(sha1, 20), span_of(key_id->value.octet_string->data,
                                                        (size_t)key_id->value.octet_string->length)));
        cr_assert_str_eq(friendly, name);
    }
    OPENSSL_free(friendly);
}

static void check_pfx(const struct store_format_request *request, const char *name)
{
    bool encrypted;
    struct buf content = build(request, &encrypted);
    const unsigned char *at = content.data;
    PKCS12 *p12 = d2i_PKCS12(NULL, &at, (long)content.len);
    cr_assert_not_null(p12);
    check_mac(p12, request->profile, request->iterations);
    STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
    int keys = 0, certs = 0;
    for (int i = 0; i < sk_PKCS7_num(safes); i++) {
        PKCS7 *safe = sk_PKCS7_value(safes, i);
        if (PKCS7_type_is_encrypted(safe))
            check_algorithm(safe->d.encrypted->enc_data->algorithm, request->profile, request->iterations);
        STACK_OF(PKCS12_SAFEBAG) *bags = PKCS7_type_is_encrypted(safe)
                                             ? PKCS12_unpack_p7encdata(safe, PASSWORD, -1)
                                             : PKCS12_unpack_p7data(safe);
        cr_assert_not_null(bags);
        for (int j = 0; j < sk_PKCS12_SAFEBAG_num(bags); j++) {
            check_bag(sk_PKCS12_SAFEBAG_value(bags, j), request, name, j, &keys);
            certs += PKCS12_SAFEBAG_get_nid(sk_PKCS12_SAFEBAG_value(bags, j)) == NID_certBag;
            cr_assert(PKCS7_type_is_encrypted(safe) || keys == 1, "a certificate in clear");
        }
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    }
    cr_assert_eq(keys, request->with_key);
    cr_assert_eq(certs, 3);
    sk_PKCS7_pop_free(safes, PKCS7_free);
    PKCS12_free(p12);
    buf_free(&content);
}

Test(store_format, pkcs12_is_made_as_the_contract_says)
{
    struct material material = open_case("openssl3-rsa");
    for (int shape = 0; shape < 4; shape++) {
        struct store_format_request request = {.format = CREDENTIAL_PKCS12,
                                               .profile = shape & 1 ? PKCS12_LEGACY : PKCS12_MODERN,
                                               .material = &material,
                                               .with_key = shape >= 2,
                                               .password = SPAN_LITERAL(PASSWORD),
                                               .iterations = 2048 + shape};
        check_pfx(&request, "rsa.shop.example");
    }
    material_free(&material);
    material = open_case("unicode-name");
    struct store_format_request request = {
        CREDENTIAL_PKCS12, PKCS12_MODERN, &material, true, SPAN_LITERAL(PASSWORD), 2};
    check_pfx(&request, "Straße 中文 shop");
    material_free(&material);
}

Test(store_format, pem_holds_leaf_chain_and_encrypted_key_in_this_order)
{
    struct material material = open_case("openssl3-p256");
    bool encrypted = true;
    struct store_format_request request = {CREDENTIAL_PEM, PKCS12_MODERN,    &material,
                                           false,          span_of(NULL, 0), 2048};
    struct buf bare = build(&request, &encrypted);
    cr_assert_not(encrypted);
    request.with_key = true;
    request.password = SPAN_LITERAL(PASSWORD);
    struct buf whole = build(&request, &encrypted);
    cr_assert(encrypted);
    cr_assert(span_equal(span_of(whole.data, bare.len), buf_span(&bare)));
    static const char begin[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";
    cr_assert_eq(memcmp(whole.data + bare.len, begin, sizeof begin - 1), 0);
    buf_free(&bare);
    buf_free(&whole);
    material_free(&material);
}

static void is_refused(const struct store_format_request *request, const char *words)
{
    struct buf out = {0};
    struct err err = {0};
    bool encrypted;
    cr_assert_not(store_format_build(request, &out, &encrypted, &err));
    cr_assert_eq(err.code, ERR_PACKAGING_FAILED);
    cr_assert_not_null(strstr(err.text, words), "%s", err.text);
    buf_free(&out);
}

Test(store_format, says_what_it_cannot_carry)
{
    struct material material = open_case("openssl3-p256"), bare = {0};
    cr_assert(material_set(&bare, span_of(NULL, 0), material.leaf.der, NULL, 0, NULL));
    struct store_format_request request = {
        CREDENTIAL_PKCS12, PKCS12_MODERN, &bare, true, SPAN_LITERAL("p"), 1};
    is_refused(&request, "none is staged");
    request.material = &material;
    request.password = span_of(NULL, 0);
    is_refused(&request, "no password");
    request.with_key = false;
    is_refused(&request, "no password");
    request.format = CREDENTIAL_PEM;
    request.with_key = true;
    is_refused(&request, "no password");
    request.password = SPAN_LITERAL("a\0b");
    is_refused(&request, "zero character");
    request.password = SPAN_LITERAL("\xff");
    is_refused(&request, "not UTF-8");
    material_free(&material);
    material_free(&bare);
}
