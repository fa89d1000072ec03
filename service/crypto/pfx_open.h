/* crypto/pfx_open: reads PKCS#12 (RFC 7292), bag by bag, without OpenSSL's PKCS12_parse, which has no limits
   and decodes keys nobody asked for. */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "crypto/material.h"

#include <stdint.h>

/* What a credential may cost. Judged before anything is derived. */
struct pfx_limits {
    int64_t max_iterations; /* of each single derivation; all together at most five times that */
    size_t max_bytes;       /* of the file */
};

/* Opens the file into an empty material. Its MAC is required: SHA-1 to SHA-512, or PBMAC1 (RFC 9579).
   Encryption: PBES2 with AES or 3DES and HMAC-SHA, PBE with 3DES, and with RC2 where OpenSSL has its legacy
   provider. Exactly one private key; its certificate is the one with its localKeyId if that fits, else the
   first that fits. No password and the empty one are the same: both encodings of it are tried. The password
   is UTF-8. Any fault is ERR_CREDENTIAL_INVALID (or ERR_NO_MEMORY); *out is empty then. */
bool pfx_open(const struct pfx_limits *limits, struct span der, bool has_password, struct span password,
              struct material *out, struct err *err);
