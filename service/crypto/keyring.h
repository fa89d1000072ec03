/* crypto/keyring: the keys of what certswap keeps encrypted outside of its memory. It rotates: the first key
   seals, every key opens. One a thread, where it follows a file. */
#pragma once

#include "base/auto.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/gcm.h"

enum { KEYRING_KID_MAX = 64 };

struct keyring;

struct ring_key {
    char kid[KEYRING_KID_MAX + 1];
    uint8_t bytes[GCM_KEY_LEN];
};

/* Reads lines `<kid>:<base64 of 32 bytes>`. A kid is 1 to KEYRING_KID_MAX letters, digits, '.', '_' or '-',
   each only once. Blank lines and spaces around a line are skipped. NULL and ERR_CONFIG_INVALID for any other
   text, naming the line, never the key. */
struct keyring *keyring_parse(struct span text, struct err *err);
/* Wipes the keys. */
void keyring_free(struct keyring *keyring);
AUTO_DEFINE(keyring, struct keyring, keyring_free);

/* From now on the keyring is what stands in the file, as of the next keyring_refresh(). Once a keyring. */
bool keyring_follow(struct keyring *keyring, const char *path, struct err *err);
/* Reads the file that it follows again if it changed; looks at most every few seconds by clock_ms (monotonic,
   milliseconds). *changed: there are other keys, or in another order; what was borrowed is gone then. False
   with ERR_CONFIG_INVALID or ERR_NO_MEMORY when the new keys cannot be read: those of before stay, and it is
   tried again at the next look. */
bool keyring_refresh(struct keyring *keyring, int64_t clock_ms, bool *changed, struct err *err);

/* The key that seals. */
const struct ring_key *keyring_sealing_key(const struct keyring *keyring);
/* How many keys open. */
size_t keyring_count(const struct keyring *keyring);
/* The key of that kid; NULL where there is none. */
const struct ring_key *keyring_find(const struct keyring *keyring, struct span kid);
bool keyring_is_kid(struct span kid);
