/* base/secret: keys, passwords and the bytes that hold them. A struct secret owns its bytes and wipes them
   when it goes; no log function takes one. */
#pragma once

#include "base/span.h"

struct secret {
    uint8_t *data;
    size_t len;
};

/* Overwrites the bytes so that no compiler leaves them out. */
void secret_wipe(void *data, size_t len);
/* free(), with all that malloc gave wiped first; for libraries that ask for a free of their own. */
void secret_free_memory(void *memory);
/* A copy of the bytes, with a NUL behind it that is not counted. False when out of memory: *secret is empty
 * then. */
bool secret_copy(struct secret *secret, struct span bytes);
/* An uninitialised secret of `len` bytes, with a NUL behind it. False when out of memory. */
bool secret_alloc(struct secret *secret, size_t len);
/* Wipes and frees; leaves it empty. */
void secret_free(struct secret *secret);
static inline void auto_secret(struct secret *secret)
{
    secret_free(secret);
}
static inline struct span secret_span(const struct secret *secret)
{
    return span_of(secret->data, secret->len);
}
