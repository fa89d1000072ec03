/* crypto/sealing_wrap: how a content key travels to its recipient: to RSA keys by key transport, to EC keys
   by key agreement. */
#pragma once

#include "crypto/certificate.h"
#include "crypto/sealing_cms.h"
#include "crypto/sealing_key.h"

/* Appends a RecipientInfo (DER) with the content key for the certificate's key. ERR_SEALING_FAILED,
 * ERR_NO_MEMORY. */
bool sealing_wrap(const struct certificate *certificate, const struct sealing_key *key,
                  const uint8_t content_key[GCM_KEY_LEN], struct buf *info, struct err *err);

/* Takes the content key out of a recipient info that names our key. What does not give one (altered, meant
   for another key) gives random bytes and true: the content then does not open, and whoever sent it learns no
   more than that (RFC 3218). False for algorithms that are unsupported (ERR_SEAL_INVALID), ERR_NO_MEMORY. */
bool sealing_unwrap(const struct sealed_recipient *recipient, const struct sealing_key *key,
                    uint8_t content_key[GCM_KEY_LEN], struct err *err);

/* The parts of both by kind of key. `content_key` holds random bytes, which stay where nothing is found. */
bool sealing_transport_wrap(const struct certificate *certificate, const struct sealing_key *key,
                            const uint8_t content_key[GCM_KEY_LEN], struct buf *info, struct err *err);
bool sealing_transport_unwrap(const struct sealed_recipient *recipient, const struct sealing_key *key,
                              uint8_t content_key[GCM_KEY_LEN], struct err *err);
bool sealing_agreement_wrap(const struct certificate *certificate, const struct sealing_key *key,
                            const uint8_t content_key[GCM_KEY_LEN], struct buf *info, struct err *err);
bool sealing_agreement_unwrap(const struct sealed_recipient *recipient, const struct sealing_key *key,
                              uint8_t content_key[GCM_KEY_LEN], struct err *err);
