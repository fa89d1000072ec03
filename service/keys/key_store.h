/* keys/key_store: the key set that tokens are verified by, kept up to date from a file or a key server. One
   thread keeps it; any thread reads it, and waits for no look at the source. */
#pragma once

#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/jwk_set.h"

#include <stdatomic.h>

struct key_store;

struct key_store_options {
    const char *location;      /* an https URL, or a file's path; borrowed, as are the others */
    const char *ca_file;       /* of an https URL: the only issuers that count; NULL: the system's */
    const struct clock *clock; /* that never goes back */
    const atomic_bool *stop;   /* set: a look that is under way is given up; NULL: it is not */
};

/* A set as it was at one moment. */
struct key_view {
    const struct jwk_set *set;
    int64_t looked_ms; /* by the store's clock: when the last look began that found just this */
    struct key_snapshot *snapshot;
};

/* Whether a file holds a key set that can be used (this needs the cryptographic library), or CA certificates.
   False with CONFIG_INVALID, or NO_MEMORY. */
bool key_store_check_file(const char *path, struct err *err);
bool key_store_check_ca(const char *path, struct err *err);

/* NULL with NO_MEMORY. */
struct key_store *key_store_new(const struct key_store_options *options, struct err *err);
void key_store_free(struct key_store *store);
AUTO_DEFINE(key_store, struct key_store, key_store_free);

/* The keeping thread: looks at the source where it is time to. A file: every 5 seconds, and where a key is
   asked for every second. A key server: every 5 minutes; where a key is asked for, or the last look failed,
   after 30 seconds; before there is a set, sooner. A look that fails leaves the set of before. False while
   the last look failed, with why: KEYS_UNAVAILABLE, CONFIG_INVALID or NO_MEMORY. */
bool key_store_keep(struct key_store *store, struct err *err);
/* The keeping thread: waits for so long, or until a key is asked for. */
void key_store_rest(struct key_store *store, int milliseconds);

/* Any thread: the set of now, for key_view_release. False: none was read yet. */
bool key_store_view(struct key_store *store, struct key_view *view);
void key_view_release(struct key_view *view);
/* Any thread: a token names a key that is not in the set: have the source looked at as soon as it may be. */
void key_store_ask(struct key_store *store);
