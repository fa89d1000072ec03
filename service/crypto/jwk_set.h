/* crypto/jwk_set: the public keys that tokens are verified by, as a JSON Web Key Set (RFC 7517) brings them.
   Once made it is only read. */
#pragma once

#include "base/auto.h"
#include "base/err.h"
#include "crypto/jws.h"

enum { JWK_SET_BYTES_MAX = 64 * 1024, JWK_SET_KEYS_MAX = 100 };

struct jwk {
    char *kid;                        /* NULL: it has none */
    const struct jws_algorithm *only; /* what its `alg` restricts it to; NULL: all that fit */
    struct sealing_key key;
    const char *why; /* static: why it verifies nothing ("it is ..."); NULL: it does, and has a key */
};

struct jwk_set {
    struct jwk *keys; /* also those that verify nothing, so that a token can be told why */
    size_t count;
    size_t usable; /* how many verify */
};

/* Reads a set. RSA keys of 2048 to 16384 bits and EC keys on P-256, P-384 and P-521 verify; others, and those
   for something else (`use`, `key_ops`), are kept as keys that verify nothing. Private parts are not read.
   Several keys of one kid are all kept. False with CONFIG_INVALID, whose text begins with what is wrong ("is
   no JSON ..."), also for a set of which no key verifies; or with NO_MEMORY. */
bool jwk_set_parse(struct span json, struct jwk_set **set, struct err *err);
void jwk_set_free(struct jwk_set *set);
AUTO_DEFINE(jwk_set, struct jwk_set, jwk_set_free);
