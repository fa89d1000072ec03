/* crypto/material: an unpacked credential: a private key, its certificate, and the chain from the
   certificate's issuer to the root. What is staged, encrypted, in Redis and wrapped again for stores. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"

enum { MATERIAL_CHAIN_MAX = 16, THUMBPRINT_TEXT_LEN = 40 };

struct material_cert {
    struct span der; /* X.509 */
};

/* Owns all its bytes: certificates point into `certificates`. Zero-initialise; material_free leaves it empty.
 */
struct material {
    struct secret key; /* PKCS#8 PrivateKeyInfo, DER, not encrypted; empty where there is none */
    struct material_cert leaf;
    struct material_cert chain[MATERIAL_CHAIN_MAX]; /* the leaf's issuer first, the root last */
    size_t chain_count;
    struct secret certificates;
};

void material_free(struct material *material);
static inline void auto_material(struct material *material)
{
    material_free(material);
}

/* Fills an empty material with copies. The key is PKCS#8 DER; of `others`, in any order, those that lead from
   the leaf to the root are kept, in that order (material_order_chain), the rest is dropped.
   ERR_CREDENTIAL_INVALID when a certificate cannot be read or the chain is longer than MATERIAL_CHAIN_MAX,
   ERR_NO_MEMORY; *out is empty then. */
bool material_set(struct material *out, struct span key, struct span leaf, const struct span *others,
                  size_t other_count, struct err *err);

/* Orders `certs` (DER, any order, the leaf may be among them) from the leaf's issuer to the root by issuer
   name; where several fit, the one whose key verifies the signature. What does not belong to the chain is
   dropped. Writes at most MATERIAL_CHAIN_MAX spans to `chain`. */
bool material_order_chain(struct span leaf, const struct span *certs, size_t count,
                          struct span chain[MATERIAL_CHAIN_MAX], size_t *chain_count, struct err *err);

/* Whether the material can be used for the certificate that an event names: a private key is there and fits
   the leaf, and the leaf's thumbprint (SHA-1, hex digits in either case) is the one given. Else
   ERR_CREDENTIAL_INVALID. */
bool material_check(const struct material *material, struct span thumbprint, struct err *err);

/* SHA-1 of the leaf's DER in upper-case hex, with a NUL. False only when out of memory. */
bool material_thumbprint(const struct material *material, char out[THUMBPRINT_TEXT_LEN + 1]);
/* The last common name of the leaf's subject in UTF-8. False, and nothing written, when there is none (or
   none that is text), or when out of memory. */
bool material_common_name(const struct material *material, struct buf *out);

/* Serialises: version byte 1; key length (4 bytes, big-endian) and key; leaf likewise; chain count (1 byte);
   each chain certificate likewise. Appends to `out`; false when out of memory. */
bool material_pack(const struct material *material, struct buf *out);
/* The reverse, into an empty material. ERR_CREDENTIAL_INVALID for anything that material_pack does not write.
 */
bool material_unpack(struct span packed, struct material *out, struct err *err);
