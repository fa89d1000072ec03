#include "crypto/sealing.h"

#include "base/secret.h"
#include "crypto/der.h"
#include "crypto/library.h"
#include "crypto/sealing_pairs.h"
#include "crypto/sealing_wrap.h"

#include <stdio.h>

/* Recipient infos that name one of our certificates and do not open, before we give up. */
enum { ATTEMPTS_MAX = 8 };

/* KeyUsage (RFC 5280, section 4.2.1.3): bits of its first byte. */
enum { USAGE_KEY_ENCIPHERMENT = 0x20, USAGE_DATA_ENCIPHERMENT = 0x10, USAGE_KEY_AGREEMENT = 0x08 };

static bool refuse(struct err *err, const char *why)
{
    return err_set(err, ERR_SEALING_FAILED,
                   "the recipient's certificate: %s: seal to one for encryption, with an RSA key of at "
                   "least 2048 bits or an EC key on P-256, P-384 or P-521",
                   why);
}

static bool check_validity(const struct certificate *certificate, int64_t now_ms, struct err *err)
{
    int64_t first_ms, last_ms;
    if (!certificate_validity(certificate, &first_ms, &last_ms))
        return refuse(err, "its validity cannot be read");
    if (now_ms < first_ms)
        return refuse(err, "it is not yet valid");
    /* The last second counts whole. */
    return now_ms < last_ms + 1000 || refuse(err, "it has expired");
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

static bool read_recipient(struct span der, int64_t now_ms, struct certificate *certificate,
                           struct sealing_key *key, struct err *err)
{
    const char *why;
    if (!certificate_read(der, certificate))
        return refuse(err, "it cannot be read as X.509 in DER");
    if (!check_validity(certificate, now_ms, err))
        return false;
    if (!sealing_key_public(certificate->public_key, key, &why))
        return why == NULL ? crypto_no_memory(err) : refuse(err, why);
    return check_usage(certificate, key, err);
}

static bool name_recipient(struct span certificate, char recipient[SEALING_RECIPIENT_LEN + 1],
                           struct err *err)
{
    uint8_t digest[CRYPTO_DIGEST_MAX];
    if (!crypto_hash(DIGEST_SHA256, certificate, digest, err))
        return false;
    for (size_t i = 0; i < SEALING_RECIPIENT_LEN / 2; i++)
        snprintf(recipient + 2 * i, 3, "%02x", digest[i]);
    return true;
}

bool sealing_wrap(const struct certificate *certificate, const struct sealing_key *key,
                  const uint8_t content_key[GCM_KEY_LEN], struct buf *info, struct err *err)
{
    return key->kind == SEALING_RSA ? sealing_transport_wrap(certificate, key, content_key, info, err)
                                    : sealing_agreement_wrap(certificate, key, content_key, info, err);
}

/* A content key and a nonce, wiped by the caller. */
struct content_secrets {
    uint8_t key[GCM_KEY_LEN];
    uint8_t nonce[GCM_NONCE_LEN];
};

bool sealing_seal(struct span certificate, struct span content, int64_t now_ms, struct buf *cms,
                  char recipient[SEALING_RECIPIENT_LEN + 1], struct err *err)
{
    struct certificate read;
    AUTO(sealing_key) struct sealing_key key = {0};
    AUTO(buf) struct buf info = {0};
    struct content_secrets secrets;
    if (content.len > SEALING_CONTENT_MAX)
        return err_set(err, ERR_SEALING_FAILED,
                       "%zu bytes are more than the %d that are sealed at once: send less", content.len,
                       SEALING_CONTENT_MAX);
    if (!read_recipient(certificate, now_ms, &read, &key, err) ||
        !name_recipient(certificate, recipient, err))
        return false;
    bool done = crypto_random(&secrets, sizeof secrets, err) &&
                sealing_wrap(&read, &key, secrets.key, &info, err) &&
                sealed_message_write(buf_span(&info), secrets.key, secrets.nonce, content, cms, err);
    secret_wipe(&secrets, sizeof secrets);
    return done;
}

bool sealing_unwrap(const struct sealed_recipient *recipient, const struct sealing_key *key,
                    uint8_t content_key[GCM_KEY_LEN], struct err *err)
{
    if (!crypto_random(content_key, GCM_KEY_LEN, err))
        return false;
    return key->kind == SEALING_RSA ? sealing_transport_unwrap(recipient, key, content_key, err)
                                    : sealing_agreement_unwrap(recipient, key, content_key, err);
}

/* Whether the recipient info names the pair's certificate, byte for byte, and is for its kind of key. */
static bool names(const struct sealed_recipient *recipient, const struct sealing_pair *pair)
{
    if (recipient->is_agreement != (pair->key.kind == SEALING_EC))
        return false;
    if (recipient->issuer.len > 0)
        return span_equal(recipient->issuer, pair->certificate.issuer) &&
               span_equal(recipient->serial, pair->certificate.serial);
    return pair->key_id.len > 0 && span_equal(recipient->key_id, pair->key_id);
}

enum attempt { ATTEMPT_OPENED, ATTEMPT_FAILED, ATTEMPT_FAULT };

/* Opens the message by one recipient info. ATTEMPT_FAILED whether key or content are wrong; ATTEMPT_FAULT
 *fills err: unsupported, or out of memory. */
static enum attempt attempt(const struct sealed_message *message, const struct sealed_recipient *recipient,
                            const struct sealing_key *key, struct buf *content, struct err *err)
{
    /* As a SET OF, not as the message has it (RFC 5083, section 2.2). */
    static const uint8_t set_tag = DER_SET;
    struct span aad[2] = {{0}, {0}};
    if (message->attributes.len > 0) {
        aad[0] = span_of(&set_tag, 1);
        aad[1] = span_of(message->attributes.data + 1, message->attributes.len - 1);
    }
    uint8_t content_key[GCM_KEY_LEN];
    enum gcm_result result = GCM_NO_MEMORY;
    size_t len = message->content.len;
    uint8_t *room = buf_reserve(content, len + 1);
    if (room != NULL && sealing_unwrap(recipient, key, content_key, err))
        result =
            gcm_decrypt(content_key, message->nonce.data, aad, message->content, room, message->tag.data);
    secret_wipe(content_key, sizeof content_key);
    if (result == GCM_DONE) {
        content->len += len;
        return ATTEMPT_OPENED;
    }
    secret_wipe(room, room != NULL ? len : 0);
    if (result == GCM_ALTERED)
        return ATTEMPT_FAILED;
    crypto_no_memory(err);
    return ATTEMPT_FAULT;
}

/* Opens the message with a pair. Before it is said not to open, it is tried with a fresh handle of the key:
   OpenSSL's RSA, once out of memory, may compute wrongly until its blinding is made anew. */
static bool open_with(const struct sealed_message *message, const struct sealed_recipient *recipient,
                      struct sealing_pair *pair, struct buf *content, struct err *fault)
{
    enum attempt result = attempt(message, recipient, &pair->key, content, fault);
    if (result == ATTEMPT_FAILED) {
        if (!sealing_pair_renew(pair))
            return crypto_no_memory(fault);
        result = attempt(message, recipient, &pair->key, content, fault);
    }
    if (result == ATTEMPT_FAILED)
        err_set(
            fault, ERR_SEAL_INVALID,
            "the sealed message does not open: it was altered, or was made for another key: seal it anew");
    return result == ATTEMPT_OPENED;
}

static bool not_for_us(const struct sealed_message *message, struct err *err)
{
    if (message->recipient_count == 0)
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed message is for whoever has a password or a shared key: seal it to our "
                       "certificate instead");
    return err_set(err, ERR_SEAL_INVALID,
                   "the sealed message names none of our certificates as recipient: seal it to the present "
                   "one");
}

bool sealing_open(const struct sealing_pairs *pairs, struct span cms, struct buf *content, struct err *err)
{
    struct sealed_message message;
    size_t attempts = 0;
    if (cms.len > SEALING_CMS_MAX)
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed message has %zu bytes, more than the %d accepted: seal less", cms.len,
                       SEALING_CMS_MAX);
    if (!sealed_message_read(cms, &message, err))
        return false;
    struct err fault = {0};
    for (size_t i = 0; i < message.recipient_count; i++) {
        for (size_t j = 0; j < pairs->count && attempts < ATTEMPTS_MAX; j++) {
            if (!names(&message.recipients[i], pairs->pairs[j]))
                continue;
            attempts++;
            fault = (struct err){0};
            if (open_with(&message, &message.recipients[i], pairs->pairs[j], content, &fault))
                return true;
            if (fault.code != ERR_SEAL_INVALID)
                return err_set(err, fault.code, "%s", fault.text);
        }
    }
    return attempts > 0 ? err_set(err, fault.code, "%s", fault.text) : not_for_us(&message, err);
}
