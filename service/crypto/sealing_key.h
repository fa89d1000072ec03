/* crypto/sealing_key: the RSA and EC keys that secrets are sealed to, as OpenSSL's handles. They are made of
   their numbers: OpenSSL's decoder takes 90 us a key and leaves private ones behind in freed memory. */
#pragma once

#include "base/span.h"

#include <openssl/types.h>

enum sealing_kind { SEALING_RSA, SEALING_EC };

enum { SEALING_RSA_MIN_BITS = 2048, SEALING_RSA_MAX_BITS = 16384, SEALING_EC_COORDINATE_MAX = 66 };

struct sealing_key {
    EVP_PKEY *handle;
    enum sealing_kind kind;
    size_t size;       /* RSA: bytes of the modulus; EC: bytes of a coordinate */
    struct span curve; /* EC: its OID, DER; static */
};

void sealing_key_free(struct sealing_key *key);
static inline void auto_sealing_key(struct sealing_key *key)
{
    sealing_key_free(key);
}

/* Makes a key of a SubjectPublicKeyInfo (DER). RSA of 2048 to 16384 bits and EC on P-256, P-384 and P-521 can
   be sealed to. False, with *why pointing to what is wrong with it ("its key is ...", static), or to NULL
   when out of memory. Free with sealing_key_free. */
bool sealing_key_public(struct span spki, struct sealing_key *out, const char **why);
/* Likewise a key pair, of a PrivateKeyInfo that is known to fit the SubjectPublicKeyInfo. */
bool sealing_key_private(struct span pkcs8, struct span spki, struct sealing_key *out, const char **why);
