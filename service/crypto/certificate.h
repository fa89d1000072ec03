/* crypto/certificate: the few fields of an X.509 certificate (RFC 5280) that certswap looks at, found without
   OpenSSL's decoder, which takes 90 us a certificate because it also decodes the public key. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

/* Parts of the certificate's DER, each with its tag and length; borrowed. */
struct certificate {
    struct span der;
    struct span serial;     /* INTEGER */
    struct span issuer;     /* Name */
    struct span validity;   /* Validity */
    struct span subject;    /* Name */
    struct span public_key; /* SubjectPublicKeyInfo */
    struct span behind_key; /* unique identifiers and extensions, not looked at yet; empty without */
};

/* False when the DER is no certificate, or has bytes behind it. */
bool certificate_read(struct span der, struct certificate *certificate);
/* Whether two names (DER) are the same, by RFC 5280's comparison, section 7.1. False with *err filled when
   out of memory. */
bool certificate_names_equal(struct span a, struct span b, struct err *err);
/* Whether the key of `issuer` verifies the signature of `certificate`. False with *err filled when out of
   memory, or when OpenSSL cannot read one of them. */
bool certificate_is_signed_by(const struct certificate *certificate, const struct certificate *issuer,
                              struct err *err);
/* Appends the last common name of the subject in UTF-8; false when it has none, or none that is text. Memory
   shows in `out`. */
bool certificate_common_name(const struct certificate *certificate, struct buf *out);
/* The certificate's first and last moment, in milliseconds since 1970. False when they are not written as
   RFC 5280, section 4.1.2.5, wants them. */
bool certificate_validity(const struct certificate *certificate, int64_t *first_ms, int64_t *last_ms);
/* The octets of the extension with this OID (content octets); *value is empty when there is none. False when
   the extensions cannot be read, or name it twice. */
bool certificate_extension(const struct certificate *certificate, struct span oid, struct span *value);
