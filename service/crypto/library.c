#include "crypto/library.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name;
    size_t size;
} digest_table[DIGEST_COUNT] = {
    [DIGEST_SHA1] = {"SHA1", 20},
    [DIGEST_SHA224] = {"SHA2-224", 28},
    [DIGEST_SHA256] = {"SHA2-256", 32},
    [DIGEST_SHA384] = {"SHA2-384", 48},
    [DIGEST_SHA512] = {"SHA2-512", 64},
    [DIGEST_SHA512_224] = {"SHA2-512/224", 28},
    [DIGEST_SHA512_256] = {"SHA2-512/256", 32},
};

static const struct {
    const char *name;
    bool is_legacy;
} cipher_table[CIPHER_COUNT] = {
    [CIPHER_AES_128_CBC] = {"AES-128-CBC", false},   [CIPHER_AES_192_CBC] = {"AES-192-CBC", false},
    [CIPHER_AES_256_CBC] = {"AES-256-CBC", false},   [CIPHER_DES_EDE3_CBC] = {"DES-EDE3-CBC", false},
    [CIPHER_DES_EDE_CBC] = {"DES-EDE-CBC", false},   [CIPHER_RC2_40_CBC] = {"RC2-40-CBC", true},
    [CIPHER_RC2_128_CBC] = {"RC2-CBC", true},        [CIPHER_AES_256_GCM] = {"AES-256-GCM", false},
    [CIPHER_AES_128_WRAP] = {"AES-128-WRAP", false}, [CIPHER_AES_192_WRAP] = {"AES-192-WRAP", false},
    [CIPHER_AES_256_WRAP] = {"AES-256-WRAP", false},
};

static const char *const kdf_table[KDF_COUNT] = {
    [KDF_PBKDF2] = "PBKDF2",
    [KDF_PKCS12] = "PKCS12KDF",
    [KDF_SCRYPT] = "SCRYPT",
};

static struct {
    struct crypto_library library;
    OSSL_PROVIDER *default_provider;
    OSSL_PROVIDER *legacy_provider;
    bool started;
} state;

static bool missing(struct err *err, const char *what)
{
    crypto_fault(err, ERR_INTERNAL, "OpenSSL's default provider has no %s: install a complete OpenSSL 3",
                 what);
    crypto_library_stop();
    return false;
}

static bool fetch_ciphers(struct crypto_library *library, struct err *err)
{
    for (int i = 0; i < CIPHER_COUNT; i++) {
        if (cipher_table[i].is_legacy && state.legacy_provider == NULL)
            continue;
        library->ciphers[i] = EVP_CIPHER_fetch(library->context, cipher_table[i].name, NULL);
        if (library->ciphers[i] == NULL && !cipher_table[i].is_legacy)
            return missing(err, cipher_table[i].name);
    }
    ERR_clear_error();
    return true;
}

bool crypto_library_start(struct err *err)
{
    assert(!state.started);
    struct crypto_library *library = &state.library;
    state.started = true;
    library->context = OSSL_LIB_CTX_new();
    if (library->context == NULL)
        return missing(err, "room for a library context");
    state.default_provider = OSSL_PROVIDER_load(library->context, "default");
    if (state.default_provider == NULL)
        return missing(err, "loadable form");
    state.legacy_provider = OSSL_PROVIDER_load(library->context, "legacy");
    ERR_clear_error();
    for (int i = 0; i < DIGEST_COUNT; i++) {
        library->digests[i] = EVP_MD_fetch(library->context, digest_table[i].name, NULL);
        if (library->digests[i] == NULL)
            return missing(err, digest_table[i].name);
    }
    for (int i = 0; i < KDF_COUNT; i++) {
        library->kdfs[i] = EVP_KDF_fetch(library->context, kdf_table[i], NULL);
        if (library->kdfs[i] == NULL)
            return missing(err, kdf_table[i]);
    }
    library->hmac = EVP_MAC_fetch(library->context, "HMAC", NULL);
    if (library->hmac == NULL)
        return missing(err, "HMAC");
    return fetch_ciphers(library, err);
}

void crypto_library_stop(void)
{
    struct crypto_library *library = &state.library;
    for (int i = 0; i < DIGEST_COUNT; i++)
        EVP_MD_free(library->digests[i]);
    for (int i = 0; i < CIPHER_COUNT; i++)
        EVP_CIPHER_free(library->ciphers[i]);
    for (int i = 0; i < KDF_COUNT; i++)
        EVP_KDF_free(library->kdfs[i]);
    EVP_MAC_free(library->hmac);
    if (state.legacy_provider != NULL)
        OSSL_PROVIDER_unload(state.legacy_provider);
    if (state.default_provider != NULL)
        OSSL_PROVIDER_unload(state.default_provider);
    OSSL_LIB_CTX_free(library->context);
    memset(&state, 0, sizeof state);
}

const struct crypto_library *crypto_library(void)
{
    assert(state.started);
    return &state.library;
}

const char *crypto_digest_name(enum crypto_digest digest)
{
    return digest_table[digest].name;
}

size_t crypto_digest_size(enum crypto_digest digest)
{
    return digest_table[digest].size;
}

bool crypto_random(void *out, size_t len, struct err *err)
{
    if (RAND_bytes_ex(crypto_library()->context, out, len, 0) == 1)
        return true;
    return crypto_fault(err, ERR_INTERNAL, "no random bytes: the system's entropy source does not answer");
}

bool crypto_hash(enum crypto_digest digest, struct span bytes, uint8_t out[CRYPTO_DIGEST_MAX],
                 struct err *err)
{
    if (EVP_Digest(bytes.data, bytes.len, out, NULL, crypto_library()->digests[digest], NULL) == 1)
        return true;
    return crypto_no_memory(err);
}

/* OSSL_PARAM takes non-const pointers and only reads through them. */
static char *param_text(const char *text)
{
    return (char *)(uintptr_t)text;
}

bool crypto_hmac(enum crypto_digest digest, struct span key, struct span bytes,
                 uint8_t out[CRYPTO_DIGEST_MAX], struct err *err)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, param_text(digest_table[digest].name), 0),
        OSSL_PARAM_construct_end(),
    };
    size_t len = 0;
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(crypto_library()->hmac);
    bool done = mac != NULL && EVP_MAC_init(mac, key.data, key.len, params) == 1 &&
                EVP_MAC_update(mac, bytes.data, bytes.len) == 1 &&
                EVP_MAC_final(mac, out, &len, CRYPTO_DIGEST_MAX) == 1;
    EVP_MAC_CTX_free(mac);
    return done || crypto_no_memory(err);
}

/* From 3.2 on the decoder of ASN.1 says ERR_R_CRYPTO_LIB when a list of its own cannot grow, and the list
   says nothing. */
static bool says_memory(unsigned long error)
{
    return ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE ||
           (ERR_GET_LIB(error) == ERR_LIB_ASN1 && ERR_GET_REASON(error) == ERR_R_CRYPTO_LIB);
}

bool crypto_ran_out_of_memory(void)
{
    bool memory = false;
    for (unsigned long e = ERR_get_error(); e != 0; e = ERR_get_error())
        memory = says_memory(e) || memory;
    return memory;
}

bool crypto_memory_at_hand(void)
{
    enum { ENOUGH = 64 * 1024 };
    void *memory = OPENSSL_malloc(ENOUGH);
    if (memory == NULL)
        crypto_ran_out_of_memory();
    OPENSSL_free(memory);
    return memory != NULL;
}

bool crypto_fault(struct err *err, enum err_code code, const char *format, ...)
{
    if (crypto_ran_out_of_memory())
        return crypto_no_memory(err);
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_set(err, code, "%s", text);
}

bool crypto_no_memory(struct err *err)
{
    ERR_clear_error();
    return err_set(err, ERR_NO_MEMORY, "out of memory: give the process more, or less work");
}
