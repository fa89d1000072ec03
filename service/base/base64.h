/* base/base64: RFC 4648, sections 4 and 5. */
#pragma once

#include "base/buf.h"

/* Appends the digits, padded, on one line. */
void base64_put(struct buf *out, struct span bytes);
/* The same in lines of 64 characters, each with a line feed (RFC 7468, section 2). */
void base64_put_lines(struct buf *out, struct span bytes);
/* How many bytes a text without spaces stands for, in *len; false unless it is whole groups of four. */
bool base64_length(struct span text, size_t *len);
/* Appends what the text says. Padding is required, bits behind the last byte must be zero; white space is an
   error unless skip_space. False for any other text; memory shows in `out`. Takes no time that depends on the
   digits. */
bool base64_decode(struct buf *out, struct span text, bool skip_space);
/* Appends what a base64url text (section 5) without padding says, as JOSE writes it: the one text that these
   bytes have. False for any other text; memory shows in `out`. */
bool base64url_decode(struct buf *out, struct span text);
