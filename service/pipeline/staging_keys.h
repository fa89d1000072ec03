/* pipeline/staging_keys: the keyring of one thread, which follows CERTSWAP_STAGING_KEYS_FILE. */
#pragma once

#include "config/settings.h"
#include "crypto/keyring.h"

struct staging_keys;

/* NULL with CONFIG_INVALID or NO_MEMORY. */
struct staging_keys *staging_keys_new(const struct settings *settings, struct err *err);
void staging_keys_free(struct staging_keys *keys);
/* Before each batch: takes up a file that has changed, at most every few seconds. Where it cannot be read the
   keys of before stay; that is logged and counted. */
void staging_keys_refresh(struct staging_keys *keys);
/* The keyring; what is borrowed from it is good until the next refresh. */
const struct keyring *staging_keys_ring(const struct staging_keys *keys);
/* The keyring that encrypts dead letters of events and commands, with CERTSWAP_REQUIRE_SEALED; else NULL. */
const struct keyring *staging_keys_for_dead_letters(const struct staging_keys *keys);
