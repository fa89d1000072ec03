#include "crypto/sealing_cms.h"

#include "base/auto.h"
#include "crypto/der.h"
#include "crypto/library.h"

#define ID_DATA "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define ID_ENVELOPED_DATA "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"
#define ID_AUTH_ENVELOPED_DATA "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"
#define ID_AES_256_GCM "\x60\x86\x48\x01\x65\x03\x04\x01\x2e"

static bool malformed(struct err *err)
{
    return err_set(err, ERR_SEAL_INVALID,
                   "the sealed message is no well-formed CMS AuthEnvelopedData in DER: seal it anew");
}

static bool take_version(struct span *in, uint8_t version)
{
    struct span number;
    return der_take(in, DER_INTEGER, &number) && number.len == 1 && number.data[0] == version;
}

/* The fields of an IssuerAndSerialNumber. */
static bool read_issuer(struct span fields, struct sealed_recipient *recipient)
{
    return der_take_whole(&fields, DER_SEQUENCE, &recipient->issuer) &&
           der_take_whole(&fields, DER_INTEGER, &recipient->serial) && fields.len == 0;
}

/* KeyTransRecipientInfo. */
static bool read_transport(struct span fields, struct sealed_recipient *recipient)
{
    struct span version, name;
    *recipient = (struct sealed_recipient){.is_agreement = false};
    if (!der_take(&fields, DER_INTEGER, &version) || version.len != 1)
        return false;
    if (der_take(&fields, DER_CONTEXT_0_PRIMITIVE, &recipient->key_id)) {
        if (version.data[0] != 2)
            return false;
    } else if (!der_take(&fields, DER_SEQUENCE, &name) || !read_issuer(name, recipient) ||
               version.data[0] != 0) {
        return false;
    }
    return der_take(&fields, DER_SEQUENCE, &recipient->algorithm) &&
           der_take(&fields, DER_OCTET_STRING, &recipient->encrypted_key) && fields.len == 0;
}

/* RecipientEncryptedKey. */
static bool read_encrypted_key(struct span fields, struct sealed_recipient *recipient)
{
    struct span name;
    if (der_take(&fields, DER_CONTEXT_0, &name)) {
        if (!der_take(&name, DER_OCTET_STRING, &recipient->key_id) || name.len > 0)
            return false;
    } else if (!der_take(&fields, DER_SEQUENCE, &name) || !read_issuer(name, recipient)) {
        return false;
    }
    return der_take(&fields, DER_OCTET_STRING, &recipient->encrypted_key) && fields.len == 0;
}

static bool add_recipient(struct sealed_message *message, const struct sealed_recipient *recipient,
                          struct err *err)
{
    if (message->recipient_count == SEALED_RECIPIENTS_MAX)
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed message has more than %d recipients: seal it to those who need it",
                       SEALED_RECIPIENTS_MAX);
    message->recipients[message->recipient_count++] = *recipient;
    return true;
}

/* KeyAgreeRecipientInfo: one of our recipients for each RecipientEncryptedKey. */
static bool read_agreement(struct span fields, struct sealed_message *message, struct err *err)
{
    struct sealed_recipient common = {.is_agreement = true};
    struct span originator, ukm, keys, key;
    if (!take_version(&fields, 3) || !der_take(&fields, DER_CONTEXT_0, &originator))
        return malformed(err);
    if (!der_take(&originator, DER_CONTEXT_1, &common.originator)) {
        uint8_t tag;
        if (!der_next(&originator, &tag, NULL, NULL))
            return malformed(err);
    }
    if (originator.len > 0)
        return malformed(err);
    if (der_take(&fields, DER_CONTEXT_1, &ukm) &&
        (!der_take_whole(&ukm, DER_OCTET_STRING, &common.ukm) || ukm.len > 0))
        return malformed(err);
    if (!der_take(&fields, DER_SEQUENCE, &common.algorithm) || !der_take(&fields, DER_SEQUENCE, &keys) ||
        fields.len > 0 || keys.len == 0)
        return malformed(err);
    while (keys.len > 0) {
        struct sealed_recipient recipient = common;
        if (!der_take(&keys, DER_SEQUENCE, &key) || !read_encrypted_key(key, &recipient))
            return malformed(err);
        if (!add_recipient(message, &recipient, err))
            return false;
    }
    return true;
}

static bool read_recipients(struct span infos, struct sealed_message *message, struct err *err)
{
    while (infos.len > 0) {
        struct span fields;
        struct sealed_recipient recipient;
        uint8_t tag;
        if (!der_next(&infos, &tag, &fields, NULL))
            return malformed(err);
        if (tag == DER_SEQUENCE) {
            if (!read_transport(fields, &recipient))
                return malformed(err);
            if (!add_recipient(message, &recipient, err))
                return false;
        } else if (tag == DER_CONTEXT_1) {
            if (!read_agreement(fields, message, err))
                return false;
        } else if (tag == DER_CONTEXT_2 || tag == DER_CONTEXT_3 || tag == DER_CONTEXT_4) {
            message->other_count++;
        } else {
            return malformed(err);
        }
    }
    return message->recipient_count + message->other_count > 0 || malformed(err);
}

static bool wrong_tag(size_t len, struct err *err)
{
    return err_set(err, ERR_SEAL_INVALID,
                   "the sealed message has an authentication tag of %zu bytes: seal it anew with AES-256-GCM "
                   "and a tag of %d",
                   len, GCM_TAG_LEN);
}

/* GCMParameters (RFC 5084, section 3.2): a tag of 12 bytes where they do not say. */
static bool read_cipher(struct span algorithm, struct sealed_message *message, struct err *err)
{
    struct span oid, params, length;
    if (!der_take(&algorithm, DER_OID, &oid))
        return malformed(err);
    if (!span_equal(oid, SPAN_LITERAL(ID_AES_256_GCM)))
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed message uses another content cipher than AES-256-GCM: seal it anew with "
                       "AES-256-GCM");
    if (!der_take(&algorithm, DER_SEQUENCE, &params) || algorithm.len > 0 ||
        !der_take(&params, DER_OCTET_STRING, &message->nonce))
        return malformed(err);
    if (message->nonce.len != GCM_NONCE_LEN)
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed message has a nonce of %zu bytes: seal it anew with one of %d",
                       message->nonce.len, GCM_NONCE_LEN);
    if (params.len == 0)
        return wrong_tag(12, err);
    if (!der_take(&params, DER_INTEGER, &length) || length.len != 1 || params.len > 0)
        return malformed(err);
    return length.data[0] == GCM_TAG_LEN || wrong_tag(length.data[0], err);
}

/* EncryptedContentInfo. */
static bool read_content(struct span fields, struct sealed_message *message, struct err *err)
{
    struct span type, algorithm;
    if (!der_take(&fields, DER_OID, &type) || !der_take(&fields, DER_SEQUENCE, &algorithm))
        return malformed(err);
    if (!span_equal(type, SPAN_LITERAL(ID_DATA)))
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed message holds another type of content than data: seal the bytes alone, "
                       "not signed and not as MIME");
    if (!read_cipher(algorithm, message, err))
        return false;
    if (fields.len == 0)
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed message comes without its content (detached): seal it with the content "
                       "in it");
    if (!der_take(&fields, DER_CONTEXT_0_PRIMITIVE, &message->content) || fields.len > 0)
        return malformed(err);
    return true;
}

/* AuthEnvelopedData. */
static bool read_envelope(struct span fields, struct sealed_message *message, struct err *err)
{
    struct span infos, content;
    if (!take_version(&fields, 0))
        return malformed(err);
    if (der_peek(fields, DER_CONTEXT_0))
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed message carries certificates of its originator: seal it without them");
    if (!der_take(&fields, DER_SET, &infos) || !der_take(&fields, DER_SEQUENCE, &content))
        return malformed(err);
    if (!read_recipients(infos, message, err) || !read_content(content, message, err))
        return false;
    if (der_peek(fields, DER_CONTEXT_1) && !der_take_whole(&fields, DER_CONTEXT_1, &message->attributes))
        return malformed(err);
    if (!der_take(&fields, DER_OCTET_STRING, &message->tag))
        return malformed(err);
    if (der_peek(fields, DER_CONTEXT_2))
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed message carries attributes that are not authenticated: seal it without "
                       "them");
    if (fields.len > 0)
        return malformed(err);
    return message->tag.len == GCM_TAG_LEN || wrong_tag(message->tag.len, err);
}

static bool refuse_type(struct span type, struct err *err)
{
    if (span_equal(type, SPAN_LITERAL(ID_ENVELOPED_DATA)))
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed message is EnvelopedData, which can be altered unnoticed: seal it anew as "
                       "AuthEnvelopedData with AES-256-GCM");
    return err_set(err, ERR_SEAL_INVALID,
                   "the CMS is of another type than AuthEnvelopedData: seal it with AES-256-GCM");
}

bool sealed_message_read(struct span cms, struct sealed_message *message, struct err *err)
{
    struct span info, type, explicit, envelope;
    *message = (struct sealed_message){.recipient_count = 0};
    if (cms.len > 1 && cms.data[0] == DER_SEQUENCE && cms.data[1] == 0x80)
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed message is in BER with indefinite lengths: encode it as DER");
    if (!der_take(&cms, DER_SEQUENCE, &info) || cms.len > 0 || !der_take(&info, DER_OID, &type))
        return malformed(err);
    if (!span_equal(type, SPAN_LITERAL(ID_AUTH_ENVELOPED_DATA)))
        return refuse_type(type, err);
    if (!der_take(&info, DER_CONTEXT_0, &explicit) || info.len > 0 ||
        !der_take(&explicit, DER_SEQUENCE, &envelope) || explicit.len > 0)
        return malformed(err);
    return read_envelope(envelope, message, err);
}

/* EncryptedContentInfo. */
static void put_content(const uint8_t *nonce, struct span encrypted, struct buf *cms)
{
    size_t info = der_begin(cms, DER_SEQUENCE);
    der_put(cms, DER_OID, SPAN_LITERAL(ID_DATA));
    size_t algorithm = der_begin(cms, DER_SEQUENCE);
    der_put(cms, DER_OID, SPAN_LITERAL(ID_AES_256_GCM));
    size_t params = der_begin(cms, DER_SEQUENCE);
    der_put(cms, DER_OCTET_STRING, span_of(nonce, GCM_NONCE_LEN));
    der_put_integer(cms, GCM_TAG_LEN);
    der_end(cms, params);
    der_end(cms, algorithm);
    der_put(cms, DER_CONTEXT_0_PRIMITIVE, encrypted);
    der_end(cms, info);
}

bool sealed_message_write(struct span recipient_info, const uint8_t key[GCM_KEY_LEN],
                          const uint8_t nonce[GCM_NONCE_LEN], struct span content, struct buf *cms,
                          struct err *err)
{
    static const struct span no_attributes[2];
    size_t before = cms->len;
    uint8_t tag[GCM_TAG_LEN];
    AUTO(buf) struct buf encrypted = {0};
    uint8_t *room = buf_reserve(&encrypted, content.len + 1);
    if (room == NULL || gcm_encrypt(key, nonce, no_attributes, content, room, tag) != GCM_DONE)
        return crypto_no_memory(err);
    encrypted.len = content.len;
    size_t info = der_begin(cms, DER_SEQUENCE);
    der_put(cms, DER_OID, SPAN_LITERAL(ID_AUTH_ENVELOPED_DATA));
    size_t explicit = der_begin(cms, DER_CONTEXT_0);
    size_t envelope = der_begin(cms, DER_SEQUENCE);
    der_put_integer(cms, 0);
    der_put(cms, DER_SET, recipient_info);
    put_content(nonce, buf_span(&encrypted), cms);
    der_put(cms, DER_OCTET_STRING, span_of(tag, sizeof tag));
    der_end(cms, envelope);
    der_end(cms, explicit);
    der_end(cms, info);
    if (!cms->failed)
        return true;
    cms->len = before;
    return crypto_no_memory(err);
}
