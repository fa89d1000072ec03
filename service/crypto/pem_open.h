/* crypto/pem_open: reads PEM (RFC 7468): certificates and one private key in any order. */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "crypto/material.h"
#include "crypto/pfx_open.h"

/* Opens the text into an empty material. The key may be PKCS#8, plain or encrypted (RFC 5958, RFC 8018;
   scrypt up to 64 MiB), PKCS#1 (RFC 8017) or SEC1 (RFC 5915); it is normalised to PKCS#8. Traditional
   encryption (DEK-Info) is refused. The certificate that fits the key is the leaf. Any fault is
   ERR_CREDENTIAL_INVALID (or ERR_NO_MEMORY); *out is empty then. */
bool pem_open(const struct pfx_limits *limits, struct span text, bool has_password, struct span password,
              struct material *out, struct err *err);
