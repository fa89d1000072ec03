/* crypto/sha256_kdf: the two derivations that nearly every store asks for, thousands of SHA-256 each: PBKDF2
   with HMAC-SHA-256 (RFC 8018, section 5.2) and PKCS#12's own (RFC 7292, appendix B.2). OpenSSL allocates,
   copies and wipes contexts for each of these hashes, which costs more than they do; here its compression
   function alone is called. */
#pragma once

#include "base/span.h"

enum { SHA256_LEN = 32 };

/* `len` bytes of a key; iterations from 1. */
void sha256_pbkdf2(struct span password, struct span salt, int64_t iterations, uint8_t *out, size_t len);
/* Likewise, of at most SHA256_LEN bytes, for the purpose that `id` stands for; the password in UTF-16 with
   two zero bytes behind, or empty. */
void sha256_pkcs12(uint8_t id, struct span password, struct span salt, int64_t iterations, uint8_t *out,
                   size_t len);
