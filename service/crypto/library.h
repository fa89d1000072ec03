/* crypto/library: the process's one cryptographic context. OpenSSL's default and legacy providers are loaded
   into a private OSSL_LIB_CTX (no openssl.cnf is read), and what the room needs is fetched from it once,
   before threads start; afterwards it is only read. */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <openssl/types.h>
#include <stdint.h>

/* Call once, before any other function of this room and before threads start. Without the legacy provider the
   start still works and PKCS#12 files with RC2 are refused. ERR_INTERNAL when OpenSSL lacks an algorithm,
   ERR_NO_MEMORY. */
bool crypto_library_start(struct err *err);
/* Call when no thread uses the room any more. Does nothing when it was not started. */
void crypto_library_stop(void);

/* Fills `out` from OpenSSL's generator. ERR_INTERNAL when it has no entropy: do not use `out` then. */
bool crypto_random(void *out, size_t len, struct err *err);

enum crypto_digest {
    DIGEST_SHA1,
    DIGEST_SHA224,
    DIGEST_SHA256,
    DIGEST_SHA384,
    DIGEST_SHA512,
    DIGEST_SHA512_224,
    DIGEST_SHA512_256,
    DIGEST_COUNT
};

enum crypto_cipher {
    CIPHER_AES_128_CBC,
    CIPHER_AES_192_CBC,
    CIPHER_AES_256_CBC,
    CIPHER_DES_EDE3_CBC,
    CIPHER_DES_EDE_CBC,
    CIPHER_RC2_40_CBC,
    CIPHER_RC2_128_CBC,
    CIPHER_AES_256_GCM,
    CIPHER_AES_128_WRAP, /* RFC 3394, as are the next */
    CIPHER_AES_192_WRAP,
    CIPHER_AES_256_WRAP,
    CIPHER_COUNT
};

enum crypto_kdf { KDF_PBKDF2, KDF_PKCS12, KDF_SCRYPT, KDF_COUNT };

enum { CRYPTO_DIGEST_MAX = 64 };

/* Read-only after the start. Both RC2 ciphers are NULL without the legacy provider. */
struct crypto_library {
    OSSL_LIB_CTX *context;
    EVP_MD *digests[DIGEST_COUNT];
    EVP_CIPHER *ciphers[CIPHER_COUNT];
    EVP_KDF *kdfs[KDF_COUNT];
    EVP_MAC *hmac;
};

/* Asserts that crypto_library_start succeeded. */
const struct crypto_library *crypto_library(void);
/* OpenSSL's name of a digest, "SHA2-256" for one. */
const char *crypto_digest_name(enum crypto_digest digest);
/* The digest's size in bytes. */
size_t crypto_digest_size(enum crypto_digest digest);

/* The digest of the bytes: crypto_digest_size(digest) bytes in `out`. Only memory can fail: ERR_NO_MEMORY. */
bool crypto_hash(enum crypto_digest digest, struct span bytes, uint8_t out[CRYPTO_DIGEST_MAX],
                 struct err *err);
/* HMAC (RFC 2104): likewise. */
bool crypto_hmac(enum crypto_digest digest, struct span key, struct span bytes,
                 uint8_t out[CRYPTO_DIGEST_MAX], struct err *err);

/* What to say after an OpenSSL call failed: ERR_NO_MEMORY if OpenSSL's error queue says so, else the code and
   text given. Empties the queue. Returns false. */
bool crypto_fault(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether OpenSSL's error queue says that memory ran out. Empties the queue. */
bool crypto_ran_out_of_memory(void);
/* Whether OpenSSL gets as much memory as judging a signature takes: asked before a judgement that a want of
   memory could falsify, since OpenSSL 3.0 does not always say that it gave up for it. */
bool crypto_memory_at_hand(void);
/* ERR_NO_MEMORY, with a text. Returns false. */
bool crypto_no_memory(struct err *err);
