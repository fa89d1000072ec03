/* crypto/sealing_cms: the structure of a CMS AuthEnvelopedData (RFC 5083) with AES-256-GCM (RFC 5084), read
   and written as DER. Strict: what is neither used nor authenticated is refused, so that nothing in a message
   to one recipient can be altered unnoticed. OpenSSL's CMS functions hide tag and parameters, and take a tag
   of 4 bytes. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "crypto/gcm.h"

enum { SEALED_RECIPIENTS_MAX = 32 };

/* Of a KeyTransRecipientInfo, or one RecipientEncryptedKey of a KeyAgreeRecipientInfo (RFC 5652,
 * section 6.2). */
struct sealed_recipient {
    bool is_agreement;
    struct span issuer;        /* Name, DER; empty when named by key_id */
    struct span serial;        /* INTEGER, DER */
    struct span key_id;        /* subject key identifier */
    struct span algorithm;     /* content of the keyEncryptionAlgorithm */
    struct span encrypted_key; /* the content key, transported or wrapped */
    /* Agreement only. */
    struct span
        originator;  /* content of the OriginatorPublicKey; empty when it names a certificate instead */
    struct span ukm; /* UserKeyingMaterial, DER; empty without */
};

/* Spans borrow from the message. */
struct sealed_message {
    struct sealed_recipient recipients[SEALED_RECIPIENTS_MAX];
    size_t recipient_count;
    size_t other_count;     /* recipient infos by password, by a shared key, or of other kinds */
    struct span nonce;      /* GCM_NONCE_LEN bytes */
    struct span content;    /* encrypted */
    struct span attributes; /* authenticated ones with tag [1] and length; empty without */
    struct span tag;        /* GCM_TAG_LEN bytes */
};

/* ERR_SEAL_INVALID with what is wrong and what to do. */
bool sealed_message_read(struct span cms, struct sealed_message *message, struct err *err);

/* Appends a message to one recipient; `recipient_info` is a whole RecipientInfo, DER. The content is
   encrypted by `key` and `nonce`. False with ERR_NO_MEMORY, and *cms as it was. */
bool sealed_message_write(struct span recipient_info, const uint8_t key[GCM_KEY_LEN],
                          const uint8_t nonce[GCM_NONCE_LEN], struct span content, struct buf *cms,
                          struct err *err);
