#include "crypto/pbe.h"

#include "base/auto.h"
#include "crypto/encoding.h"
#include "crypto/sha256_kdf.h"

#include <assert.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

bool pbe_password_set(struct pbe_password *password, bool present, struct span utf8, enum err_code code,
                      struct err *err)
{
    *password = (struct pbe_password){.utf8 = utf8};
    if (!present)
        return secret_alloc(&password->bmp, 0) || crypto_no_memory(err);
    AUTO(buf) struct buf bmp = {0};
    if (!bmp_encode(utf8, &bmp) && !bmp.failed)
        return err_set(err, code, "the password is not UTF-8 text: send it in UTF-8");
    buf_put(&bmp, "\0", 2);
    if (bmp.failed || !secret_copy(&password->bmp, buf_span(&bmp)))
        return crypto_no_memory(err);
    return true;
}

void pbe_password_free(struct pbe_password *password)
{
    secret_free(&password->bmp);
}

struct pbe_budget pbe_budget_of(const struct pfx_limits *limits)
{
    int64_t max = limits->max_iterations;
    return (struct pbe_budget){max, max > INT64_MAX / 5 ? INT64_MAX : 5 * max};
}

/* scrypt's cost is memory and N*r*p blocks; OpenSSL's own default is N 2^14, r 8, p 1 (16 MiB). */
static bool scrypt_is_affordable(const struct pbe_kdf *kdf)
{
    const uint64_t max_blocks = UINT64_C(1) << 19; /* 128 bytes each: 64 MiB */
    uint64_t n = kdf->scrypt_n, r = kdf->scrypt_r, p = kdf->scrypt_p;
    /* RFC 7914, section 2: a power of two below 2^(128 * r / 8). */
    if (n < 2 || (n & (n - 1)) != 0 || r < 1 || (r < 4 && n >> (16 * r) != 0))
        return false;
    return p > 0 && n <= max_blocks && r <= max_blocks / n && p <= max_blocks / n / r;
}

bool pbe_spend(struct pbe_budget *budget, const struct pbe_kdf *kdf, const char *what, struct err *err)
{
    if (kdf->kind == KDF_SCRYPT) {
        if (scrypt_is_affordable(kdf))
            return true;
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "%s asks for scrypt with other parameters than are accepted (64 MiB at most): write "
                       "it again with a smaller N",
                       what);
    }
    if (kdf->iterations < 1)
        return err_set(err, ERR_CREDENTIAL_INVALID, "%s has an iteration count below 1: export it again",
                       what);
    if (kdf->iterations > budget->max_iterations)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "%s asks for %lld iterations, more than the %lld accepted: export it again with fewer",
                       what, (long long)kdf->iterations, (long long)budget->max_iterations);
    if (kdf->iterations > budget->left)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "all derivations of the credential together ask for more iterations than accepted: "
                       "export it again with one entry, or with fewer iterations");
    budget->left -= kdf->iterations;
    return true;
}

static OSSL_PARAM octets(const char *name, const void *data, size_t len)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)data, len);
}

static OSSL_PARAM digest_param(enum crypto_digest digest)
{
    return OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                            (char *)(uintptr_t)crypto_digest_name(digest), 0);
}

static bool derive_by_openssl(const struct pbe_kdf *kdf, enum pbe_purpose purpose,
                              const struct pbe_password *password, uint8_t *out, size_t len, struct err *err)
{
    bool pkcs12 = kdf->kind == KDF_PKCS12;
    struct span pass = pkcs12 ? secret_span(&password->bmp) : password->utf8;
    uint64_t iterations = (uint64_t)kdf->iterations, n = kdf->scrypt_n, r = kdf->scrypt_r, p = kdf->scrypt_p;
    uint64_t max_memory = UINT64_C(96) << 20;
    int id = (int)purpose;
    OSSL_PARAM params[8];
    size_t count = 0;
    params[count++] =
        octets(OSSL_KDF_PARAM_PASSWORD, pass.len > 0 ? pass.data : (const uint8_t *)"", pass.len);
    params[count++] = octets(OSSL_KDF_PARAM_SALT, kdf->salt, kdf->salt_len);
    if (kdf->kind == KDF_SCRYPT) {
        params[count++] = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n);
        params[count++] = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_R, &r);
        params[count++] = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_P, &p);
        params[count++] = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &max_memory);
    } else {
        params[count++] = digest_param(kdf->digest);
        params[count++] = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &iterations);
        if (pkcs12)
            params[count++] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS12_ID, &id);
    }
    params[count] = OSSL_PARAM_construct_end();
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(crypto_library()->kdfs[kdf->kind]);
    bool done = context != NULL && EVP_KDF_derive(context, out, len, params) == 1;
    EVP_KDF_CTX_free(context);
    return done || crypto_no_memory(err);
}

bool pbe_derive(const struct pbe_kdf *kdf, enum pbe_purpose purpose, const struct pbe_password *password,
                uint8_t *out, size_t len, struct err *err)
{
    struct span salt = span_of(kdf->salt, kdf->salt_len);
    if (kdf->kind == KDF_PBKDF2 && kdf->digest == DIGEST_SHA256)
        sha256_pbkdf2(password->utf8, salt, kdf->iterations, out, len);
    else if (kdf->kind == KDF_PKCS12 && kdf->digest == DIGEST_SHA256 && len <= SHA256_LEN)
        sha256_pkcs12((uint8_t)purpose, secret_span(&password->bmp), salt, kdf->iterations, out, len);
    else
        return derive_by_openssl(kdf, purpose, password, out, len, err);
    return true;
}

enum run { RUN_DONE, RUN_NO_MEMORY, RUN_BAD_PADDING };

/* Runs a block cipher in one go; `out` has room for in.len and one block. Before the padding is looked at,
   only memory can fail. */
static enum run run_cipher(enum crypto_cipher cipher, const uint8_t *key, const uint8_t *iv, bool encrypt,
                           struct span in, uint8_t *out, size_t *out_len)
{
    int len = 0, last = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    enum run run = RUN_NO_MEMORY;
    if (in.len > INT_MAX - PBE_IV_MAX)
        run = RUN_BAD_PADDING;
    else if (context != NULL &&
             EVP_CipherInit_ex2(context, crypto_library()->ciphers[cipher], key, iv, encrypt, NULL) == 1 &&
             EVP_CipherUpdate(context, out, &len, in.data, (int)in.len) == 1)
        run = EVP_CipherFinal_ex(context, out + len, &last) == 1 ? RUN_DONE : RUN_BAD_PADDING;
    EVP_CIPHER_CTX_free(context);
    ERR_clear_error();
    *out_len = (size_t)len + (size_t)last;
    return run;
}

bool pbe_decrypt(const struct pbe *pbe, const char *what, const struct pbe_password *password,
                 struct span encrypted, struct secret *plain, struct err *err)
{
    uint8_t key[PBE_KEY_MAX], iv[PBE_IV_MAX];
    memcpy(iv, pbe->iv, sizeof iv);
    bool derived = pbe_derive(&pbe->kdf, PBE_PURPOSE_KEY, password, key, pbe->key_len, err) &&
                   (pbe->kdf.kind != KDF_PKCS12 ||
                    pbe_derive(&pbe->kdf, PBE_PURPOSE_IV, password, iv, pbe->iv_len, err));
    enum run run = RUN_NO_MEMORY;
    size_t len = 0;
    if (derived && secret_alloc(plain, encrypted.len + PBE_IV_MAX))
        run = run_cipher(pbe->cipher, key, iv, false, encrypted, plain->data, &len);
    secret_wipe(key, sizeof key);
    secret_wipe(iv, sizeof iv);
    if (run == RUN_DONE) {
        secret_wipe(plain->data + len, plain->len - len);
        plain->len = len;
        return true;
    }
    secret_free(plain);
    if (run == RUN_NO_MEMORY)
        return crypto_no_memory(err);
    return err_set(err, ERR_CREDENTIAL_INVALID,
                   "the password does not open %s: check the password, or export it again", what);
}

bool pbe_encrypt(enum crypto_cipher cipher, const uint8_t *key, const uint8_t *iv, struct span plain,
                 struct buf *out, struct err *err)
{
    uint8_t *to = buf_reserve(out, plain.len + PBE_IV_MAX);
    if (to == NULL)
        return crypto_no_memory(err);
    size_t len = 0;
    if (run_cipher(cipher, key, iv, true, plain, to, &len) != RUN_DONE)
        return crypto_no_memory(err);
    out->len += len;
    return true;
}
