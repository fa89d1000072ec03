/* crypto/jws: the signatures of tokens (JSON Web Signature, RFC 7515; its algorithms, RFC 7518, section 3):
   RSASSA with PKCS #1 and PSS, and ECDSA, each with SHA-256, SHA-384 and SHA-512. There is no `none` and no
   HMAC here. */
#pragma once

#include "base/err.h"
#include "crypto/library.h"
#include "crypto/sealing_key.h"

struct jws_algorithm {
    const char *name; /* "RS256" */
    enum sealing_kind kind;
    enum crypto_digest digest;
    bool is_pss;
    size_t size; /* EC: bytes of a coordinate, so that each algorithm has its one curve */
};

/* NULL for what is none of the nine. */
const struct jws_algorithm *jws_algorithm_find(struct span name);
/* Whether the key is of the algorithm's kind, and on its curve. */
bool jws_algorithm_fits(const struct jws_algorithm *algorithm, const struct sealing_key *key);
/* Whether the signature of the text is by the key, which fits the algorithm. Any thread, one key in several
   at once. False with UNAUTHENTICATED for another signature, or NO_MEMORY. */
bool jws_verify(const struct jws_algorithm *algorithm, const struct sealing_key *key, struct span text,
                struct span signature, struct err *err);
