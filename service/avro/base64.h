/* avro/base64: RFC 4648, section 4: how JSON writes bytes. */
#pragma once

#include "base/buf.h"

void base64_put(struct buf *out, struct span bytes);
/* The bytes that the text stands for, in *len; false unless it is whole groups of four, padded at the end. */
bool base64_length(struct span text, size_t *len);
/* Appends the bytes of a text that base64_length took; false for a character outside of the alphabet, or for
   bits that no byte takes. */
bool base64_decode(struct buf *out, struct span text);
