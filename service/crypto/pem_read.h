/* crypto/pem_read: the blocks of a PEM text (RFC 7468): certificates, and one private key of whatever kind.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/pfx_open.h"

enum { PEM_CERTS_MAX = 100 };

/* The first three are the caller's, the rest zero before and found by pem_read. */
struct pem_reader {
    const struct pfx_limits *limits;
    bool has_password;
    struct span password;
    struct buf certs[PEM_CERTS_MAX]; /* DER */
    size_t cert_count;
    struct buf curve;  /* DER of the EC PARAMETERS block */
    struct secret key; /* PKCS#8 */
    size_t key_count;
};

/* Reads all blocks; what is neither certificate nor key is passed over. ERR_CREDENTIAL_INVALID for more than
   one key, more than PEM_CERTS_MAX certificates, a block that cannot be read, or a key that does not open;
   ERR_NO_MEMORY. Free with pem_reader_free in any case. */
bool pem_read(struct pem_reader *reader, struct span text, struct err *err);
void pem_reader_free(struct pem_reader *reader);
static inline void auto_pem_reader(struct pem_reader *reader)
{
    pem_reader_free(reader);
}
