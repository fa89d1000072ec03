#include "crypto/pem_open.h"

#include "crypto/certificate.h"
#include "crypto/pem_read.h"
#include "crypto/private_key.h"

/* The certificate that fits the key. */
static bool find_leaf(const struct pem_reader *reader, const struct span *certs, size_t *leaf,
                      struct err *err)
{
    for (size_t i = 0; i < reader->cert_count; i++) {
        struct certificate certificate;
        if (!certificate_read(certs[i], &certificate))
            return err_set(err, ERR_CREDENTIAL_INVALID,
                           "a certificate of the PEM text cannot be read: send it as it was issued");
        enum key_fit fit = private_key_fit(secret_span(&reader->key), &certificate, err);
        if (fit == KEY_UNKNOWN)
            return false;
        *leaf = i;
        if (fit == KEY_FITS)
            return true;
    }
    return err_set(
        err, ERR_CREDENTIAL_INVALID,
        "no certificate of the PEM text belongs to its private key: send both from the same enrollment");
}

static bool read_text(struct pem_reader *reader, struct span text, struct material *out, struct err *err)
{
    if (!pem_read(reader, text, err))
        return false;
    if (reader->key_count == 0 || reader->cert_count == 0)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the PEM text has no %s: send the certificate, its chain and its private key",
                       reader->cert_count == 0 ? "certificate" : "private key");
    struct span certs[PEM_CERTS_MAX];
    for (size_t i = 0; i < reader->cert_count; i++)
        certs[i] = buf_span(&reader->certs[i]);
    size_t leaf = 0;
    return find_leaf(reader, certs, &leaf, err) &&
           material_set(out, secret_span(&reader->key), certs[leaf], certs, reader->cert_count, err);
}

bool pem_open(const struct pfx_limits *limits, struct span text, bool has_password, struct span password,
              struct material *out, struct err *err)
{
    if (text.len > limits->max_bytes)
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "the PEM text has %zu bytes, more than the %zu accepted: send the certificate, its key and its "
            "chain alone",
            text.len, limits->max_bytes);
    struct pem_reader reader = {.limits = limits, .has_password = has_password, .password = password};
    bool opened = read_text(&reader, text, out, err);
    pem_reader_free(&reader);
    return opened;
}
