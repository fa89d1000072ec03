/* crypto/key_math: whether a private and a public key are one pair, a function a kind. */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "crypto/private_key.h"

/* AlgorithmIdentifiers' parameters (DER, may be empty), PrivateKeyInfo's octets, SubjectPublicKeyInfo's bits.
 */
struct key_pair {
    struct span private_params;
    struct span private_key;
    struct span public_params;
    struct span public_key;
};

typedef enum key_fit key_math_fit(const struct key_pair *pair, struct err *err);

/* The private key's n is p*q and the certificate's, e is the certificate's, d and the CRT's numbers are their
   inverses (RFC 8017, section 3.2). Whether p and q are prime is not asked. */
key_math_fit key_math_rsa;
/* Both name one curve, and the private number times its generator is the certificate's point. */
key_math_fit key_math_ec;
/* The public key derived from the private one is the certificate's. */
key_math_fit key_math_ed25519;
key_math_fit key_math_ed448;
