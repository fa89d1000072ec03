/* base/uuid: GUIDs as 16 bytes; text is 8-4-4-4-12 hexadecimal digits, read in either case, written in lower.
 */
#pragma once

#include "base/span.h"

#include <endian.h>

enum { UUID_TEXT_LEN = 36 };

struct uuid {
    uint8_t bytes[16];
};

/* False for any other form than 8-4-4-4-12 (no braces, no urn:uuid:). */
bool uuid_parse(struct uuid *uuid, struct span text);
/* Writes UUID_TEXT_LEN characters and a NUL. */
void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_LEN + 1]);
/* Order of the bytes, which is that of the lower-case texts. */
static inline int uuid_compare(const struct uuid *a, const struct uuid *b)
{
    for (size_t at = 0; at < sizeof a->bytes; at += sizeof(uint64_t)) {
        uint64_t left, right;
        memcpy(&left, a->bytes + at, sizeof left);
        memcpy(&right, b->bytes + at, sizeof right);
        if (left != right)
            return be64toh(left) < be64toh(right) ? -1 : 1;
    }
    return 0;
}
static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
/* Version 4 (RFC 9562, section 5.4), made of 16 random bytes of the caller's. */
struct uuid uuid_v4(const uint8_t random[16]);
/* Version 5 (RFC 9562, section 5.5): SHA-1 of the namespace's bytes and the name. */
struct uuid uuid_v5(const struct uuid *namespace, struct span name);
