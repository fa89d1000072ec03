#include "crypto/pem_read.h"

#include "base/base64.h"

#include "base/auto.h"
#include "crypto/library.h"
#include "crypto/pbe.h"
#include "crypto/private_key.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509.h>

AUTO_DEFINE(x509_sig, X509_SIG, X509_SIG_free);

void pem_reader_free(struct pem_reader *reader)
{
    for (size_t i = 0; i < reader->cert_count; i++)
        buf_free(&reader->certs[i]);
    buf_free(&reader->curve);
    secret_free(&reader->key);
}

/* A block between its BEGIN and END lines. */
struct pem_block {
    struct span label;
    struct span body;
};

/* Where `needle` begins in the text, or NULL. */
static const uint8_t *find(struct span text, struct span needle)
{
    return text.len > 0 ? memmem(text.data, text.len, needle.data, needle.len) : NULL;
}

static struct span from(struct span text, const uint8_t *at)
{
    return span_of(at, (size_t)(text.data + text.len - at));
}

/* Takes the next block off *text; *found says whether there was one. False when it has no end. */
static bool next_block(struct span *text, struct pem_block *block, bool *found, struct err *err)
{
    static const struct span begin = SPAN_LITERAL("-----BEGIN "), dashes = SPAN_LITERAL("-----"),
                             end = SPAN_LITERAL("-----END ");
    const uint8_t *at = find(*text, begin);
    *found = at != NULL;
    if (at == NULL)
        return true;
    struct span rest = from(*text, at + begin.len);
    const uint8_t *label_end = find(rest, dashes);
    if (label_end != NULL) {
        block->label = span_of(rest.data, (size_t)(label_end - rest.data));
        rest = from(rest, label_end + dashes.len);
        const uint8_t *body_end = find(rest, end);
        if (body_end != NULL) {
            block->body = span_of(rest.data, (size_t)(body_end - rest.data));
            rest = from(rest, body_end + end.len);
            size_t closing = block->label.len + dashes.len;
            if (rest.len >= closing && memcmp(rest.data, block->label.data, block->label.len) == 0 &&
                memcmp(rest.data + block->label.len, dashes.data, dashes.len) == 0) {
                *text = from(rest, rest.data + closing);
                return true;
            }
        }
    }
    return err_set(err, ERR_CREDENTIAL_INVALID,
                   "a PEM block has no END line that matches its BEGIN line: send the whole text");
}

static bool read_encrypted_key(struct pem_reader *reader, struct span der, struct err *err)
{
    const char *what = "the encrypted private key";
    const unsigned char *at = der.data;
    AUTO(x509_sig) X509_SIG *shrouded = der.len <= INT_MAX ? d2i_X509_SIG(NULL, &at, (long)der.len) : NULL;
    if (shrouded == NULL || at != der.data + der.len)
        return crypto_fault(err, ERR_CREDENTIAL_INVALID, "%s cannot be read: send the whole PEM text", what);
    if (!reader->has_password || reader->password.len == 0)
        return err_set(err, ERR_CREDENTIAL_INVALID, "the private key is encrypted: send its password");
    const X509_ALGOR *algorithm = NULL;
    const ASN1_OCTET_STRING *bytes = NULL;
    X509_SIG_get0(shrouded, &algorithm, &bytes);
    struct pbe pbe;
    struct pbe_budget budget = pbe_budget_of(reader->limits);
    AUTO(pbe_password) struct pbe_password password = {0};
    AUTO(secret) struct secret plain = {0};
    if (!pbe_read(algorithm, what, &pbe, err) || !pbe_spend(&budget, &pbe.kdf, what, err) ||
        !pbe_password_set(&password, true, reader->password, ERR_CREDENTIAL_INVALID, err) ||
        !pbe_decrypt(&pbe, what, &password,
                     span_of(ASN1_STRING_get0_data(bytes), (size_t)ASN1_STRING_length(bytes)), &plain, err))
        return false;
    struct err fault = {0};
    if (private_key_normalise(secret_span(&plain), &reader->key, &fault))
        return true;
    /* One wrong password in 256 leaves good padding around noise. */
    bool noise = fault.code == ERR_CREDENTIAL_INVALID && (plain.len == 0 || plain.data[0] != 0x30);
    return err_set(err, fault.code, "%s",
                   noise ? "the password does not open the encrypted private key: check the password"
                         : fault.text);
}

static bool read_plain_key(struct pem_reader *reader, struct span der, struct err *err)
{
    return private_key_normalise(der, &reader->key, err);
}

static bool read_pkcs1_key(struct pem_reader *reader, struct span der, struct err *err)
{
    return private_key_from_pkcs1(der, &reader->key, err);
}

static bool read_sec1_key(struct pem_reader *reader, struct span der, struct err *err)
{
    return private_key_from_sec1(der, buf_span(&reader->curve), &reader->key, err);
}

static bool read_curve(struct pem_reader *reader, struct span der, struct err *err)
{
    buf_reset(&reader->curve);
    buf_put(&reader->curve, der.data, der.len);
    return !reader->curve.failed || crypto_no_memory(err);
}

static bool read_certificate(struct pem_reader *reader, struct span der, struct err *err)
{
    if (reader->cert_count == PEM_CERTS_MAX)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the PEM text has more than %d certificates: send the certificate and its chain alone",
                       PEM_CERTS_MAX);
    struct buf *copy = &reader->certs[reader->cert_count++];
    buf_put(copy, der.data, der.len);
    return !copy->failed || crypto_no_memory(err);
}

/* The labels that certswap reads; others (CRLs, requests, parameters) are passed over. */
static const struct {
    struct span label;
    bool is_key;
    bool (*read)(struct pem_reader *reader, struct span der, struct err *err);
} blocks[] = {
    {SPAN_LITERAL("CERTIFICATE"), false, read_certificate},
    {SPAN_LITERAL("X509 CERTIFICATE"), false, read_certificate},
    {SPAN_LITERAL("TRUSTED CERTIFICATE"), false, NULL},
    {SPAN_LITERAL("PRIVATE KEY"), true, read_plain_key},
    {SPAN_LITERAL("ENCRYPTED PRIVATE KEY"), true, read_encrypted_key},
    {SPAN_LITERAL("RSA PRIVATE KEY"), true, read_pkcs1_key},
    {SPAN_LITERAL("EC PRIVATE KEY"), true, read_sec1_key},
    {SPAN_LITERAL("EC PARAMETERS"), false, read_curve},
    {SPAN_LITERAL("DSA PRIVATE KEY"), true, NULL},
    {SPAN_LITERAL("OPENSSH PRIVATE KEY"), true, NULL},
};

static bool read_block(struct pem_reader *reader, const struct pem_block *block, struct err *err)
{
    size_t i = 0, count = sizeof blocks / sizeof blocks[0];
    while (i < count && !span_equal(blocks[i].label, block->label))
        i++;
    if (i == count)
        return true;
    if (blocks[i].read == NULL)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "PEM blocks of type %.*s are unsupported: send CERTIFICATE blocks and a PRIVATE KEY",
                       SPAN_ARG(block->label));
    if (blocks[i].is_key && find(block->body, SPAN_LITERAL(":")) != NULL)
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "the private key is encrypted in OpenSSL's traditional way (DEK-Info), which is unsupported: "
            "convert it with `openssl pkcs8 -topk8`");
    if (blocks[i].is_key && ++reader->key_count > 1)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the PEM text holds more than one private key: send the certificate's alone");
    AUTO(buf) struct buf der = {0};
    /* Room for all, so that a growing buffer leaves no copies behind. */
    if (buf_reserve(&der, block->body.len / 4 * 3 + 3) == NULL)
        return crypto_no_memory(err);
    if (!base64_decode(&der, block->body, true) || der.len == 0)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "a PEM block of type %.*s is no base64: send the whole text", SPAN_ARG(block->label));
    return blocks[i].read(reader, buf_span(&der), err);
}

bool pem_read(struct pem_reader *reader, struct span text, struct err *err)
{
    struct pem_block block = {0};
    bool found = true;
    while (found) {
        if (!next_block(&text, &block, &found, err) || (found && !read_block(reader, &block, err)))
            return false;
    }
    return true;
}
