/* crypto/jwt: tokens that say who sends a command (JSON Web Token, RFC 7519, in JWS compact form), judged as
   RFC 8725 advises: the algorithm must be one of ours and fit the key, which comes from the key set alone. */
#pragma once

#include "base/arena.h"
#include "crypto/jwk_set.h"
#include "domain/record.h"

enum { JWT_BYTES_MAX = 16 * 1024, JWT_LEEWAY_S = 60 };

/* A token taken apart; nothing of it is proven. Borrows the text that it was read from, and the arena. */
struct jwt {
    const struct jws_algorithm *algorithm;
    bool has_kid;
    struct span kid;
    struct span signed_text; /* header, dot, payload, as the signature covers them */
    struct span payload;     /* base64url */
    struct span signature;   /* base64url */
};

/* What tokens must say, and where. */
struct jwt_rules {
    struct span issuer;
    struct span audience;
    const char *user_claim;
    const char *permissions_claim;
};

enum jwt_key_state {
    JWT_KEY_GOOD,    /* a key of the set made the signature */
    JWT_KEY_UNKNOWN, /* no key of the set is the one that the token names, or could have meant: a newer set
                        may have it */
    JWT_KEY_BAD      /* it is not signed by the key that it names, or that key must not be used so */
};

/* Reads "Bearer <token>" or the token alone, up to its claims. False with UNAUTHENTICATED or NO_MEMORY. */
bool jwt_read(struct arena *arena, struct span authorization, struct jwt *jwt, struct err *err);
/* Checks the signature. A token without kid is by the set's only usable key. Of several keys of one kid those
   that fit the algorithm are tried. Fills *err unless JWT_KEY_GOOD: UNAUTHENTICATED, or NO_MEMORY
   (JWT_KEY_BAD). */
enum jwt_key_state jwt_check_key(const struct jwt *jwt, const struct jwk_set *set, struct err *err);
/* Reads the claims of a token whose signature was found good, and judges them at a moment. The principal
   borrows the arena. False with UNAUTHENTICATED or NO_MEMORY. */
bool jwt_read_claims(struct arena *arena, const struct jwt *jwt, const struct jwt_rules *rules,
                     int64_t moment_ms, struct principal *principal, struct err *err);
