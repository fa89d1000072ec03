/* crypto/pbe: encryption under a password: PBES2 (RFC 8018) with PBKDF2 or scrypt, and PKCS#12's own PBE (RFC
   7292, appendix B and C). Reading an algorithm costs nothing; pbe_spend judges what it would cost before it
   is derived. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"
#include "crypto/library.h"
#include "crypto/pfx_open.h"

#include <openssl/x509.h>

enum { PBE_SALT_MAX = 256, PBE_KEY_MAX = 32, PBE_IV_MAX = 16 };

/* A password in the two forms that derivations take. */
struct pbe_password {
    struct span utf8;  /* PBKDF2, scrypt; borrowed */
    struct secret bmp; /* PKCS#12: UTF-16 with two zero bytes behind; empty for "no password" */
};

/* Fills an empty one. `present`: false makes the PKCS#12 form of no password. False when it is no UTF-8
   (`err` says so with `code`) or out of memory. */
bool pbe_password_set(struct pbe_password *password, bool present, struct span utf8, enum err_code code,
                      struct err *err);
void pbe_password_free(struct pbe_password *password);
static inline void auto_pbe_password(struct pbe_password *password)
{
    pbe_password_free(password);
}

/* What may still be derived for one credential. */
struct pbe_budget {
    int64_t max_iterations; /* of one derivation */
    int64_t left;           /* of all together */
};

struct pbe_budget pbe_budget_of(const struct pfx_limits *limits);

/* A derivation: which, and its parameters. */
struct pbe_kdf {
    enum crypto_kdf kind;
    enum crypto_digest digest;
    uint8_t salt[PBE_SALT_MAX];
    size_t salt_len;
    int64_t iterations;
    uint64_t scrypt_n, scrypt_r, scrypt_p;
    size_t key_len; /* as PBKDF2-params or scrypt-params ask for; 0: not said */
};

struct pbe {
    struct pbe_kdf kdf;
    enum crypto_cipher cipher;
    size_t key_len;
    uint8_t iv[PBE_IV_MAX]; /* PBES2's; PKCS#12's PBE derives it */
    size_t iv_len;
};

/* PKCS#12's purposes of a derivation (RFC 7292, appendix B.3). */
enum pbe_purpose { PBE_PURPOSE_KEY = 1, PBE_PURPOSE_IV = 2, PBE_PURPOSE_MAC = 3 };

/* Reads a key derivation function's AlgorithmIdentifier (PBKDF2 or scrypt). `what` names the part of the
 * file. */
bool pbe_read_kdf(const X509_ALGOR *algorithm, const char *what, struct pbe_kdf *kdf, struct err *err);
/* Reads an encryption's AlgorithmIdentifier. ERR_CREDENTIAL_INVALID for those that certswap does not take. */
bool pbe_read(const X509_ALGOR *algorithm, const char *what, struct pbe *pbe, struct err *err);
/* A HMAC's algorithm as PBKDF2 and PBMAC1 name it; false when it is none of SHA-1 and SHA-2. */
bool pbe_hmac_digest(const X509_ALGOR *algorithm, enum crypto_digest *digest);
/* A salt into the fixed field. */
bool pbe_set_salt(struct pbe_kdf *kdf, struct span salt, const char *what, struct err *err);
/* Takes the derivation's cost from the budget; ERR_CREDENTIAL_INVALID when it is more than accepted. */
bool pbe_spend(struct pbe_budget *budget, const struct pbe_kdf *kdf, const char *what, struct err *err);

/* Derives `len` bytes. What was read or spent before leaves nothing to fail but memory: ERR_NO_MEMORY. */
bool pbe_derive(const struct pbe_kdf *kdf, enum pbe_purpose purpose, const struct pbe_password *password,
                uint8_t *out, size_t len, struct err *err);
/* Decrypts into an empty secret. ERR_CREDENTIAL_INVALID when the password does not fit. */
bool pbe_decrypt(const struct pbe *pbe, const char *what, const struct pbe_password *password,
                 struct span encrypted, struct secret *plain, struct err *err);
/* Encrypts with the key and the IV given, as pbe->cipher; appends to `out`. */
bool pbe_encrypt(enum crypto_cipher cipher, const uint8_t *key, const uint8_t *iv, struct span plain,
                 struct buf *out, struct err *err);
