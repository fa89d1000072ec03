#include "crypto/sealing_recipient.h"

#include "base/secret.h"
#include "crypto/der.h"
#include "crypto/library.h"
#include "crypto/sealing.h"
#include "crypto/sealing_wrap.h"

/* KeyUsage (RFC 5280, section 4.2.1.3): bits of its first byte. */
enum { USAGE_KEY_ENCIPHERMENT = 0x20, USAGE_DATA_ENCIPHERMENT = 0x10, USAGE_KEY_AGREEMENT = 0x08 };

static bool refuse(struct err *err, const char *why)
{
    return err_set(err, ERR_SEALING_FAILED,
                   "the recipient's certificate: %s: seal to one for encryption, with an RSA key of at "
                   "least 2048 bits or an EC key on P-256, P-384 or P-521",
                   why);
}

bool sealing_recipient_is_valid(const struct sealing_recipient *recipient, int64_t now_ms, struct err *err)
{
    if (now_ms < recipient->first_ms)
        return refuse(err, "it is not yet valid");
    /* The last second counts whole. */
    return now_ms < recipient->last_ms + 1000 || refuse(err, "it has expired");
}

static bool check_usage(const struct certificate *certificate, const struct sealing_key *key, struct err *err)
{
    struct span value, bits;
    if (!certificate_extension(certificate, SPAN_LITERAL("\x55\x1d\x0f"), &value))
        return refuse(err, "its extensions cannot be read");
    if (value.len == 0)
        return true;
    if (!der_take(&value, DER_BIT_STRING, &bits) || value.len > 0 || bits.len < 1)
        return refuse(err, "its key usage cannot be read");
    uint8_t usage = bits.len > 1 ? bits.data[1] : 0;
    uint8_t wanted =
        key->kind == SEALING_RSA ? USAGE_KEY_ENCIPHERMENT | USAGE_DATA_ENCIPHERMENT : USAGE_KEY_AGREEMENT;
    return (usage & wanted) != 0 ||
           refuse(err, key->kind == SEALING_RSA ? "its key usage has no keyEncipherment"
                                                : "its key usage has no keyAgreement");
}

bool sealing_recipient_read(struct span der, int64_t now_ms, struct sealing_recipient *out, struct err *err)
{
    const char *why;
    struct certificate *certificate = &out->certificate;
    *out = (struct sealing_recipient){0};
    if (!certificate_read(der, certificate))
        return refuse(err, "it cannot be read as X.509 in DER");
    if (!certificate_validity(certificate, &out->first_ms, &out->last_ms))
        return refuse(err, "its validity cannot be read");
    if (!sealing_recipient_is_valid(out, now_ms, err))
        return false;
    if (!sealing_key_public(certificate->public_key, &out->key, &why))
        return why == NULL ? crypto_no_memory(err) : refuse(err, why);
    if (check_usage(certificate, &out->key, err))
        return true;
    sealing_recipient_free(out);
    return false;
}

void sealing_recipient_free(struct sealing_recipient *recipient)
{
    sealing_key_free(&recipient->key);
}

/* A content key and a nonce, wiped by the caller. */
struct content_secrets {
    uint8_t key[GCM_KEY_LEN];
    uint8_t nonce[GCM_NONCE_LEN];
};

bool sealing_recipient_seal(const struct sealing_recipient *recipient, struct span content, struct buf *cms,
                            struct err *err)
{
    AUTO(buf) struct buf info = {0};
    struct content_secrets secrets;
    if (content.len > SEALING_CONTENT_MAX)
        return err_set(err, ERR_SEALING_FAILED,
                       "%zu bytes are more than the %d that are sealed at once: send less", content.len,
                       SEALING_CONTENT_MAX);
    bool done = crypto_random(&secrets, sizeof secrets, err) &&
                sealing_wrap(&recipient->certificate, &recipient->key, secrets.key, &info, err) &&
                sealed_message_write(buf_span(&info), secrets.key, secrets.nonce, content, cms, err);
    secret_wipe(&secrets, sizeof secrets);
    return done;
}
