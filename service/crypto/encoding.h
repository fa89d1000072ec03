/* crypto/encoding: base64 (RFC 4648) and BMPString, the UTF-16 of PKCS#12 passwords and names. */
#pragma once

#include "base/buf.h"
#include "base/secret.h"
#include "base/span.h"

/* Appends what the base64 says. White space is skipped, padding is required, bits behind the last byte must
   be zero. False for any other text; memory shows in `out`. Takes no time that depends on the digits' values.
 */
bool base64_decode(struct span text, struct buf *out);
/* Appends base64 in lines of 64 characters, each with a line feed (RFC 7468, section 2). */
void base64_encode_lines(struct span bytes, struct buf *out);

/* Appends the UTF-8 text as big-endian UTF-16, characters above U+FFFF as surrogate pairs (RFC 7292, appendix
   B.1, without the terminating zero). False when it is no UTF-8. */
bool bmp_encode(struct span utf8, struct buf *out);
