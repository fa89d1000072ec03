/* crypto/private_key: private keys as PKCS#8 (RFC 5958): RSA (RFC 8017), EC on named curves (RFC 5915),
   Ed25519 and Ed448 (RFC 8410), read without OpenSSL's decoder, which takes a third of a millisecond a key.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"
#include "crypto/certificate.h"

/* Copies a PrivateKeyInfo into an empty secret as DER of version 1: BER is converted, attributes and a public
   key beside the private one are dropped. ERR_CREDENTIAL_INVALID when it is none, has bytes behind it or
   holds a kind of key that certswap does not take; ERR_NO_MEMORY. */
bool private_key_normalise(struct span pkcs8, struct secret *out, struct err *err);
/* Parts of a PrivateKeyInfo or a SubjectPublicKeyInfo; borrowed. */
struct key_parts {
    struct span oid;    /* of the algorithm, content octets */
    struct span params; /* of the algorithm, DER; may be empty */
    struct span key;    /* the octets of the private key, the bits of the public one */
};

/* False when it is none, or has bytes behind it. */
bool key_parts_of_private(struct span pkcs8, struct key_parts *parts);
bool key_parts_of_public(struct span spki, struct key_parts *parts);

/* PKCS#8 around an RSAPrivateKey, into an empty secret; what is in it, private_key_fit reads. */
bool private_key_from_pkcs1(struct span rsa, struct secret *out, struct err *err);
/* PKCS#8 around an ECPrivateKey, into an empty secret. `curve` is the DER of an EC PARAMETERS block, empty
   when there was none: the key itself must name its curve then. */
bool private_key_from_sec1(struct span ec, struct span curve, struct secret *out, struct err *err);

enum key_fit { KEY_FITS, KEY_DIFFERS, KEY_UNKNOWN };

/* Whether the certificate's public key belongs to the private one (normalised), by the private numbers and
   not by the public ones that may stand beside them. KEY_UNKNOWN fills *err (ERR_NO_MEMORY, or
   ERR_CREDENTIAL_INVALID for a key that cannot be read). */
enum key_fit private_key_fit(struct span pkcs8, const struct certificate *certificate, struct err *err);
