#include "crypto/sealing.h"

#include "base/secret.h"
#include "crypto/der.h"
#include "crypto/library.h"
#include "crypto/sealing_pairs.h"
#include "crypto/sealing_wrap.h"

/* Recipient infos that name one of our certificates and do not open, before we give up. */
enum { ATTEMPTS_MAX = 8 };

bool sealing_wrap(const struct certificate *certificate, const struct sealing_key *key,
                  const uint8_t content_key[GCM_KEY_LEN], struct buf *info, struct err *err)
{
    return key->kind == SEALING_RSA ? sealing_transport_wrap(certificate, key, content_key, info, err)
                                    : sealing_agreement_wrap(certificate, key, content_key, info, err);
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
