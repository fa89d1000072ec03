/* crypto/encoding: BMPString, the UTF-16 of PKCS#12 passwords and names. */
#pragma once

#include "base/buf.h"
#include "base/secret.h"
#include "base/span.h"

/* Appends the UTF-8 text as big-endian UTF-16, characters above U+FFFF as surrogate pairs (RFC 7292, appendix
   B.1, without the terminating zero). False when it is no UTF-8. */
bool bmp_encode(struct span utf8, struct buf *out);
