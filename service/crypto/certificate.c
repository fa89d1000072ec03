#include "crypto/certificate.h"

#include "base/auto.h"
#include "base/iso8601.h"
#include "crypto/der.h"
#include "crypto/library.h"

#include <limits.h>
#include <openssl/asn1.h>
#include <openssl/x509.h>

AUTO_DEFINE(x509, X509, X509_free);
AUTO_DEFINE(x509_name, X509_NAME, X509_NAME_free);

static bool take_sequence(struct span *in, struct span *whole)
{
    return der_take_whole(in, DER_SEQUENCE, whole);
}

bool certificate_read(struct span der, struct certificate *certificate)
{
    struct span rest = der, fields, body, ignored;
    *certificate = (struct certificate){.der = der};
    if (der.len > INT_MAX || !der_take(&rest, DER_SEQUENCE, &fields) || rest.len > 0)
        return false;
    if (!der_take(&fields, DER_SEQUENCE, &body) || !der_take(&fields, DER_SEQUENCE, &ignored) ||
        !der_take(&fields, DER_BIT_STRING, &ignored) || fields.len > 0)
        return false;
    if (der_peek(body, DER_CONTEXT_0))
        der_take(&body, DER_CONTEXT_0, &ignored);
    if (!der_take_whole(&body, DER_INTEGER, &certificate->serial) || !take_sequence(&body, &ignored) ||
        !take_sequence(&body, &certificate->issuer) || !take_sequence(&body, &certificate->validity) ||
        !take_sequence(&body, &certificate->subject) || !take_sequence(&body, &certificate->public_key))
        return false;
    certificate->behind_key = body;
    return true;
}

/* Takes a UTCTime (two digits of the year, 1950 to 2049) or a GeneralizedTime off *in, to the second and in
   UTC. */
static bool take_time(struct span *in, int64_t *ms)
{
    struct span digits;
    uint8_t tag;
    char text[ISO8601_TEXT_MAX] = "20YY-MM-DDTHH:MM:SSZ";
    if (!der_next(in, &tag, &digits, NULL) || (tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME))
        return false;
    size_t year_digits = tag == DER_UTC_TIME ? 2 : 4;
    if (digits.len != year_digits + 11 || digits.data[digits.len - 1] != 'Z')
        return false;
    if (tag == DER_UTC_TIME && digits.data[0] >= '5')
        memcpy(text, "19", 2);
    memcpy(text + 4 - year_digits, digits.data, year_digits);
    for (size_t i = 0; i < 5; i++)
        memcpy(text + 5 + 3 * i, digits.data + year_digits + 2 * i, 2);
    return iso8601_parse(ms, span_text(text));
}

bool certificate_validity(const struct certificate *certificate, int64_t *first_ms, int64_t *last_ms)
{
    struct span rest = certificate->validity, times;
    return der_take(&rest, DER_SEQUENCE, &times) && take_time(&times, first_ms) &&
           take_time(&times, last_ms) && times.len == 0;
}

/* One Extension: its OID and the octets in it. */
static bool take_extension(struct span *in, struct span *oid, struct span *octets)
{
    struct span fields, critical;
    if (!der_take(in, DER_SEQUENCE, &fields) || !der_take(&fields, DER_OID, oid))
        return false;
    if (der_peek(fields, DER_BOOLEAN) && !der_take(&fields, DER_BOOLEAN, &critical))
        return false;
    return der_take(&fields, DER_OCTET_STRING, octets) && fields.len == 0 && octets->len > 0;
}

bool certificate_extension(const struct certificate *certificate, struct span oid, struct span *value)
{
    struct span rest = certificate->behind_key, unique, explicit, list;
    *value = (struct span){0};
    if (der_peek(rest, DER_CONTEXT_1_PRIMITIVE) && !der_take(&rest, DER_CONTEXT_1_PRIMITIVE, &unique))
        return false;
    if (der_peek(rest, DER_CONTEXT_2_PRIMITIVE) && !der_take(&rest, DER_CONTEXT_2_PRIMITIVE, &unique))
        return false;
    if (rest.len == 0)
        return true;
    if (!der_take(&rest, DER_CONTEXT_3, &explicit) || rest.len > 0 ||
        !der_take(&explicit, DER_SEQUENCE, &list) || explicit.len > 0)
        return false;
    while (list.len > 0) {
        struct span found, octets;
        if (!take_extension(&list, &found, &octets))
            return false;
        if (!span_equal(found, oid))
            continue;
        if (value->len > 0)
            return false;
        *value = octets;
    }
    return true;
}

static X509_NAME *decode_name(struct span der)
{
    const unsigned char *at = der.data;
    return d2i_X509_NAME(NULL, &at, (long)der.len);
}

/* After a comparison: OpenSSL may have failed for want of memory on the way. */
static bool answer(bool yes, struct err *err)
{
    return crypto_ran_out_of_memory() ? crypto_no_memory(err) : yes;
}

bool certificate_names_equal(struct span a, struct span b, struct err *err)
{
    if (span_equal(a, b))
        return true;
    AUTO(x509_name) X509_NAME *left = decode_name(a);
    AUTO(x509_name) X509_NAME *right = decode_name(b);
    return answer(left != NULL && right != NULL && X509_NAME_cmp(left, right) == 0, err);
}

static X509 *decode(struct span der)
{
    X509 *x509 = X509_new_ex(crypto_library()->context, NULL);
    const unsigned char *at = der.data;
    if (x509 != NULL && d2i_X509(&x509, &at, (long)der.len) != NULL)
        return x509;
    X509_free(x509);
    return NULL;
}

bool certificate_is_signed_by(const struct certificate *certificate, const struct certificate *issuer,
                              struct err *err)
{
    AUTO(x509) X509 *child = decode(certificate->der);
    AUTO(x509) X509 *parent = decode(issuer->der);
    EVP_PKEY *key = parent != NULL ? X509_get0_pubkey(parent) : NULL;
    int verified = child != NULL && key != NULL ? X509_verify(child, key) : -1;
    if (crypto_ran_out_of_memory())
        return crypto_no_memory(err);
    if (verified < 0)
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "of several certificates with the issuer's name one cannot be read: send the certificate, its "
            "key and its own chain alone");
    return verified == 1;
}

bool certificate_common_name(const struct certificate *certificate, struct buf *out)
{
    AUTO(x509_name) X509_NAME *subject = decode_name(certificate->subject);
    int last = -1;
    for (int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); at >= 0;
         at = X509_NAME_get_index_by_NID(subject, NID_commonName, at))
        last = at;
    unsigned char *text = NULL;
    int len = -1;
    if (last >= 0)
        len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
    if (len > 0)
        buf_put(out, text, (size_t)len);
    OPENSSL_free(text);
    if (crypto_ran_out_of_memory())
        out->failed = true;
    return len > 0 && !out->failed;
}
