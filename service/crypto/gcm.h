/* crypto/gcm: AES-256-GCM (NIST SP 800-38D) in one go, with a nonce of 12 bytes and a tag of 16. */
#pragma once

#include "base/span.h"

enum { GCM_KEY_LEN = 32, GCM_NONCE_LEN = 12, GCM_TAG_LEN = 16 };

enum gcm_result {
    GCM_DONE,
    GCM_NO_MEMORY,
    GCM_ALTERED, /* decrypting: the tag is not that of key, nonce, associated data and content */
};

/* Encrypts or decrypts `in` into `out`, which has its length, with both spans of `aad` as associated data.
   The tag is written when encrypting and checked when decrypting; what `out` holds after GCM_ALTERED is not
   to be used, only wiped. Until the tag is checked only memory can fail. */
enum gcm_result gcm_encrypt(const uint8_t key[GCM_KEY_LEN], const uint8_t nonce[GCM_NONCE_LEN],
                            const struct span aad[2], struct span in, uint8_t *out, uint8_t tag[GCM_TAG_LEN]);
enum gcm_result gcm_decrypt(const uint8_t key[GCM_KEY_LEN], const uint8_t nonce[GCM_NONCE_LEN],
                            const struct span aad[2], struct span in, uint8_t *out,
                            const uint8_t tag[GCM_TAG_LEN]);
