/* avro/encode: a record's C struct, by certswap's own schema, into its Avro body; and the pieces such a body
   is made of. All append to a buffer that remembers when it finds no memory. */
#pragma once

#include "avro/layout.h"
#include "base/buf.h"

/* A zigzag varint: an int, a long, a length, a count, a union's branch. */
void encode_long(struct buf *out, int64_t value);
void encode_boolean(struct buf *out, bool value);
/* Length and bytes, of string and bytes alike. */
void encode_bytes(struct buf *out, struct span bytes);
/* The body of the struct that the layout describes. */
void encode_body(struct buf *out, const struct record_layout *layout, const void *record);
