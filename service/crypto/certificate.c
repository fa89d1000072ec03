#include "crypto/certificate.h"

#include "base/auto.h"
#include "crypto/der.h"
#include "crypto/library.h"

#include <limits.h>
#include <openssl/asn1.h>
#include <openssl/x509.h>

AUTO_DEFINE(x509, X509, X509_free);
AUTO_DEFINE(x509_name, X509_NAME, X509_NAME_free);

/* Takes a SEQUENCE off *in, whole. */
static bool take_sequence(struct span *in, struct span *whole)
{
    uint8_t tag;
    return der_peek(*in, DER_SEQUENCE) && der_next(in, &tag, NULL, whole);
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
    return der_take(&body, DER_INTEGER, &ignored) && take_sequence(&body, &ignored) &&
           take_sequence(&body, &certificate->issuer) && take_sequence(&body, &ignored) &&
           take_sequence(&body, &certificate->subject) && take_sequence(&body, &certificate->public_key);
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
