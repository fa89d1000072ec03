/* crypto/at_rest: what certswap keeps encrypted outside of its memory, AES-256-GCM under a keyring that
   rotates: the first key seals, every key opens. A keyring is read-only once parsed and may be used by all
   threads. */
#pragma once

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

enum { KEYRING_KID_MAX = 64 };

struct keyring;

/* Reads lines `<kid>:<base64 of 32 bytes>`. A kid is 1 to KEYRING_KID_MAX letters, digits, '.', '_' or '-',
   each only once. Blank lines and spaces around a line are skipped. NULL and ERR_CONFIG_INVALID for any other
   text, naming the line, never the key. */
struct keyring *keyring_parse(struct span text, struct err *err);
/* Wipes the keys. */
void keyring_free(struct keyring *keyring);
AUTO_DEFINE(keyring, struct keyring, keyring_free);
/* The kid of the key that seals. */
const char *keyring_sealing_kid(const struct keyring *keyring);

/* Appends to `out`: version byte 1, length of the kid (1 byte), kid, nonce (12 random bytes), ciphertext, tag
   (16). Authenticated with it: version and kid, and `aad`, which says where the value belongs. */
bool at_rest_seal(const struct keyring *keyring, struct span aad, struct span plain, struct buf *out,
                  struct err *err);
/* Opens into an empty secret. ERR_CREDENTIAL_INVALID when the kid is in no keyring, or when the value was
   altered or belongs elsewhere (other `aad`). */
bool at_rest_open(const struct keyring *keyring, struct span aad, struct span sealed, struct secret *plain,
                  struct err *err);
