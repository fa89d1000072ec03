/* crypto/at_rest: what certswap keeps encrypted outside of its memory, AES-256-GCM under a keyring: staged
   values, which say which key it was, and dead letters, where a header does. */
#pragma once

#include "base/buf.h"
#include "crypto/keyring.h"

/* Appends to `out`: version byte 1, length of the kid (1 byte), kid, nonce (12 random bytes), ciphertext, tag
   (16). Authenticated with it: version and kid, and `aad`, which says where the value belongs. */
bool at_rest_seal(const struct keyring *keyring, struct span aad, struct span plain, struct buf *out,
                  struct err *err);
/* Opens into an empty secret. ERR_CREDENTIAL_INVALID when the kid is in no keyring, or when the value was
   altered or belongs elsewhere (other `aad`). */
bool at_rest_open(const struct keyring *keyring, struct span aad, struct span sealed, struct secret *plain,
                  struct err *err);

/* What encrypting adds to a value that does not name its key: nonce and tag. */
enum { AT_REST_BARE_EXTRA = GCM_NONCE_LEN + GCM_TAG_LEN };

/* Appends to `out`: nonce (12 random bytes), ciphertext, tag (16), under the keyring's sealing key.
   Authenticated with it: `aad`. */
bool at_rest_seal_bare(const struct keyring *keyring, struct span aad, struct span plain, struct buf *out,
                       struct err *err);
/* Opens into an empty secret. ERR_CREDENTIAL_INVALID when the kid is not in the keyring, or when the value
   was altered or belongs elsewhere. */
bool at_rest_open_bare(const struct keyring *keyring, struct span kid, struct span aad, struct span sealed,
                       struct secret *plain, struct err *err);
