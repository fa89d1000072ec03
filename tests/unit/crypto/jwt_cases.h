/* The tokens and key sets under tests/cases/jwt. */
#pragma once

#include "base/buf.h"
#include "crypto/jwt.h"

#define JWT_CASE_MOMENT_MS INT64_C(1795105381000) /* 2026-11-19T16:23:01Z */

struct jwt_case {
    char *name, *expected;
    struct span token;
    struct jwk_set *set;
};

extern const struct jwt_rules jwt_case_rules;

/* Calls `check` with each case; returns how many there were. Fails the test when they cannot be read. */
size_t for_each_jwt_case(void (*check)(const struct jwt_case *one, void *arg), void *arg);
/* The case of that name. Free with jwt_case_free. */
void jwt_case_load(struct jwt_case *one, const char *name);
void jwt_case_free(struct jwt_case *one);
/* The text of a key set ("several", "one"). */
void jwt_set_text(const char *name, struct buf *json);
