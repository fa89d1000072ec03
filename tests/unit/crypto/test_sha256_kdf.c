#include "crypto/library.h"
#include "crypto/pbe.h"
#include "crypto/sha256_kdf.h"
#include "unit/crypto/cases.h"

#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>

enum { OUT_MAX = 150 };

TestSuite(sha256_kdf, .init = start_library, .fini = crypto_library_stop);

/* RFC 7914, section 11. */
Test(sha256_kdf, pbkdf2_of_the_rfc)
{
    static const char one[] =
        "\x55\xac\x04\x6e\x56\xe3\x08\x9f\xec\x16\x91\xc2\x25\x44\xb6\x05\xf9\x41\x85\x21\x6d\xde\x04\x65"
        "\xe6\x8b\x9d\x57\xc2\x0d\xac\xbc\x49\xca\x9c\xcc\xf1\x79\xb6\x45\x99\x16\x64\xb3\x9d\x77\xef\x31"
        "\x7c\x71\xb8\x45\xb1\xe3\x0b\xd5\x09\x11\x20\x41\xd3\xa1\x97\x83";
    uint8_t out[64];
    sha256_pbkdf2(SPAN_LITERAL("passwd"), SPAN_LITERAL("salt"), 1, out, sizeof out);
    cr_assert_arr_eq(out, one, sizeof out);
}

/* As OpenSSL derives it. */
static void derive(enum crypto_kdf kind, int id, struct span password, struct span salt, int64_t iterations,
                   uint8_t *out, size_t len)
{
    uint64_t count = (uint64_t)iterations;
    char digest[] = "SHA2-256";
    uint8_t none[1];
    OSSL_PARAM params[6] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
                                          password.len > 0 ? (void *)(uintptr_t)password.data : none,
                                          password.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.data, salt.len),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &count),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        kind == KDF_PKCS12 ? OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS12_ID, &id)
                           : OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end()};
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(crypto_library()->kdfs[kind]);
    cr_assert_eq(EVP_KDF_derive(context, out, len, params), 1);
    EVP_KDF_CTX_free(context);
}

/* Around the lengths at which a key is hashed, a block is full, or a message needs one more block. */
static const size_t lengths[] = {0, 1, 2, 31, 32, 33, 51, 52, 55, 56, 63, 64, 65, 127, 128, 129, 200};
enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

Test(sha256_kdf, is_what_openssl_derives)
{
    uint8_t password[200], salt[200], out[OUT_MAX], theirs[OUT_MAX];
    srand(7);
    for (size_t i = 0; i < LENGTHS; i++) {
        for (size_t j = 1; j < LENGTHS; j++) {
            int64_t iterations = 1 + rand() % 5;
            size_t len = 1 + (size_t)rand() % OUT_MAX, short_len = 1 + (size_t)rand() % SHA256_LEN;
            int id = 1 + rand() % 3;
            for (size_t at = 0; at < sizeof password; at++) {
                password[at] = (uint8_t)rand();
                salt[at] = (uint8_t)rand();
            }
            struct span pass = span_of(password, lengths[i]), grain = span_of(salt, lengths[j]);
            sha256_pbkdf2(pass, grain, iterations, out, len);
            derive(KDF_PBKDF2, 0, pass, grain, iterations, theirs, len);
            cr_assert_arr_eq(out, theirs, len, "PBKDF2 of %zu, %zu, %zu", pass.len, grain.len, len);
            sha256_pkcs12((uint8_t)id, pass, grain, iterations, out, short_len);
            derive(KDF_PKCS12, id, pass, grain, iterations, theirs, short_len);
            cr_assert_arr_eq(out, theirs, short_len, "PKCS#12 of %zu, %zu, %zu", pass.len, grain.len,
                             short_len);
        }
    }
}

Test(sha256_kdf, many_iterations)
{
    uint8_t out[64], theirs[64];
    struct span password = SPAN_LITERAL("Password"), salt = SPAN_LITERAL("NaCl");
    sha256_pbkdf2(password, salt, 80000, out, sizeof out);
    cr_assert_arr_eq(out, "\x4d\xdc\xd8\xf6\x0b\x98\xbe\x21\x83\x0c\xee\x5e\xf2\x27\x01\xf9", 16);
    sha256_pkcs12(3, password, salt, 2048, out, SHA256_LEN);
    derive(KDF_PKCS12, 3, password, salt, 2048, theirs, SHA256_LEN);
    cr_assert_arr_eq(out, theirs, SHA256_LEN);
}
