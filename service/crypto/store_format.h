/* crypto/store_format: wraps material for a certificate store. The formats are rows of a table, one file
 * each. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/material.h"
#include "domain/record.h"

struct store_format_request {
    enum credential_format format;
    enum pkcs12_profile profile; /* of CREDENTIAL_PKCS12 */
    const struct material *material;
    bool with_key;        /* false: the certificate and its chain alone */
    struct span password; /* UTF-8 */
    int iterations;       /* of every derivation, at least 1 */
};

/* Appends the job's content to `out` (PKCS#12 DER or PEM text). *content_is_encrypted: whether the password
   is needed to open it: always but for PEM without key. ERR_PACKAGING_FAILED when the format cannot carry
   what is asked (no password to encrypt with, a password that is no UTF-8, no key), ERR_NO_MEMORY. What `out`
   holds then is of no use. */
bool store_format_build(const struct store_format_request *request, struct buf *out,
                        bool *content_is_encrypted, struct err *err);
