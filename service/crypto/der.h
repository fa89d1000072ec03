/* crypto/der: DER (X.690) by hand, for what OpenSSL decodes slowly (certificates, keys) and for what certswap
   writes. Reading borrows from the input; writing goes into a struct buf, which remembers if memory ran out.
 */
#pragma once

#include "base/buf.h"
#include "base/span.h"

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_BMP_STRING = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT_0 = 0xa0, /* constructed; as are the next */
    DER_CONTEXT_1 = 0xa1,
    DER_CONTEXT_2 = 0xa2,
    DER_CONTEXT_3 = 0xa3,
    DER_CONTEXT_4 = 0xa4,
    DER_CONTEXT_0_PRIMITIVE = 0x80,
    DER_CONTEXT_1_PRIMITIVE = 0x81,
    DER_CONTEXT_2_PRIMITIVE = 0x82,
};

/* Takes the next element off *in. `tag` is its first byte; high tag numbers and indefinite lengths are
   refused. `content` and `whole` (with tag and length) may be NULL. False, and *in untouched, when there is
   none. */
bool der_next(struct span *in, uint8_t *tag, struct span *content, struct span *whole);
/* Takes the next element off *in if it has this tag. */
bool der_take(struct span *in, uint8_t tag, struct span *content);
/* The same, with its tag and length. */
bool der_take_whole(struct span *in, uint8_t tag, struct span *whole);
/* Whether the next element has this tag. */
bool der_peek(struct span in, uint8_t tag);

/* Starts a constructed element; returns what der_end needs. The elements written between are its content. */
size_t der_begin(struct buf *out, uint8_t tag);
void der_end(struct buf *out, size_t start);
void der_put(struct buf *out, uint8_t tag, struct span content);
/* A non-negative INTEGER. */
void der_put_integer(struct buf *out, uint32_t value);
