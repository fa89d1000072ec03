/* Key transport to RSA keys: RSAES-OAEP (RFC 3560) and, to open only, RSAES-PKCS1-v1_5 (RFC 3370,
 * section 4.2.1). */
#include "crypto/sealing_wrap.h"

#include "base/auto.h"
#include "base/secret.h"
#include "crypto/der.h"
#include "crypto/library.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

AUTO_DEFINE(evp_pkey_ctx, EVP_PKEY_CTX, EVP_PKEY_CTX_free);

#define ID_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define ID_OAEP "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07"
#define ID_MGF1 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
#define ID_P_SPECIFIED "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x09"
#define ID_SHA256 "\x60\x86\x48\x01\x65\x03\x04\x02\x01"

/* OAEP's hashes, each for the label and for MGF1. SHA-1 is among them: nothing here needs it to be free of
   collisions (RFC 8017, appendix B.1), and it is what OpenSSL and Java use unless told otherwise. */
static const struct {
    struct span oid;
    enum crypto_digest digest;
} hashes[] = {
    {SPAN_LITERAL("\x2b\x0e\x03\x02\x1a"), DIGEST_SHA1},
    {SPAN_LITERAL(ID_SHA256), DIGEST_SHA256},
    {SPAN_LITERAL("\x60\x86\x48\x01\x65\x03\x04\x02\x02"), DIGEST_SHA384},
    {SPAN_LITERAL("\x60\x86\x48\x01\x65\x03\x04\x02\x03"), DIGEST_SHA512},
};

struct oaep {
    enum crypto_digest hash, mask;
};

/* Whether algorithm parameters are absent or NULL. */
static bool are_none(struct span params)
{
    static const uint8_t null[] = {DER_NULL, 0};
    return params.len == 0 || span_equal(params, span_of(null, sizeof null));
}

/* The content of a hash's AlgorithmIdentifier. */
static bool read_hash(struct span algorithm, enum crypto_digest *digest)
{
    struct span oid;
    if (!der_take(&algorithm, DER_OID, &oid) || !are_none(algorithm))
        return false;
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        if (span_equal(hashes[i].oid, oid)) {
            *digest = hashes[i].digest;
            return true;
        }
    }
    return false;
}

/* A SEQUENCE in an explicit tag, if that stands next. False when it stands there and is none. */
static bool take_tagged(struct span *in, uint8_t tag, bool *there, struct span *content)
{
    struct span explicit;
    *there = der_peek(*in, tag);
    return !*there ||
           (der_take(in, tag, &explicit) && der_take(&explicit, DER_SEQUENCE, content) && explicit.len == 0);
}

/* RSAES-OAEP-params (RFC 4055, section 4.1). The label must be empty. */
static bool read_oaep(struct span params, struct oaep *oaep)
{
    struct span fields, content, oid, hash;
    bool there;
    *oaep = (struct oaep){DIGEST_SHA1, DIGEST_SHA1};
    if (!der_take(&params, DER_SEQUENCE, &fields) || params.len > 0)
        return false;
    if (!take_tagged(&fields, DER_CONTEXT_0, &there, &content) || (there && !read_hash(content, &oaep->hash)))
        return false;
    if (!take_tagged(&fields, DER_CONTEXT_1, &there, &content))
        return false;
    if (there &&
        (!der_take(&content, DER_OID, &oid) || !span_equal(oid, SPAN_LITERAL(ID_MGF1)) ||
         !der_take(&content, DER_SEQUENCE, &hash) || content.len > 0 || !read_hash(hash, &oaep->mask)))
        return false;
    if (!take_tagged(&fields, DER_CONTEXT_2, &there, &content))
        return false;
    if (there && (!der_take(&content, DER_OID, &oid) || !span_equal(oid, SPAN_LITERAL(ID_P_SPECIFIED)) ||
                  !der_take(&content, DER_OCTET_STRING, &hash) || hash.len > 0 || content.len > 0))
        return false;
    return fields.len == 0;
}

static bool set_oaep(EVP_PKEY_CTX *context, const struct oaep *oaep)
{
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md_name(context, crypto_digest_name(oaep->hash), NULL) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, crypto_digest_name(oaep->mask), NULL) == 1;
}

static bool unwrap_oaep(const struct oaep *oaep, struct span encrypted, const struct sealing_key *key,
                        uint8_t *content_key, struct err *err)
{
    uint8_t plain[SEALING_RSA_MAX_BITS / 8];
    size_t len = sizeof plain;
    AUTO(evp_pkey_ctx)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(crypto_library()->context, key->handle, NULL);
    if (context == NULL || EVP_PKEY_decrypt_init(context) != 1 || !set_oaep(context, oaep)) {
        crypto_ran_out_of_memory();
        return crypto_no_memory(err);
    }
    bool done = EVP_PKEY_decrypt(context, plain, &len, encrypted.data, encrypted.len) == 1;
    if (done && len == GCM_KEY_LEN)
        memcpy(content_key, plain, GCM_KEY_LEN);
    secret_wipe(plain, sizeof plain);
    return !crypto_ran_out_of_memory() || crypto_no_memory(err);
}

/* 1 for 0, 0 for 1 to 255, without a branch. */
static unsigned is_zero(unsigned byte)
{
    return (byte - 1) >> 8 & 1;
}

/* Replaces the content key by the one in the padded block (00 02, bytes other than 00, 00, the key) if the
   block is that. Which it is shows neither in branches nor in addresses (RFC 3218, section 2.3.2). */
static void select_content_key(const uint8_t *block, size_t size, uint8_t *content_key)
{
    size_t end = size - GCM_KEY_LEN - 1;
    unsigned wrong = block[0] | (block[1] ^ 2U) | block[end];
    for (size_t i = 2; i < end; i++)
        wrong |= is_zero(block[i]);
    uint8_t mask = (uint8_t)(0 - is_zero(wrong));
    for (size_t i = 0; i < GCM_KEY_LEN; i++)
        content_key[i] = (uint8_t)((block[end + 1 + i] & mask) | (content_key[i] & ~mask));
}

/* The padding is judged here: OpenSSL before 3.2 says whether it was right. */
static bool unwrap_pkcs1(struct span encrypted, const struct sealing_key *key, uint8_t *content_key,
                         struct err *err)
{
    uint8_t block[SEALING_RSA_MAX_BITS / 8];
    size_t len = sizeof block;
    AUTO(evp_pkey_ctx)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(crypto_library()->context, key->handle, NULL);
    if (context == NULL || EVP_PKEY_decrypt_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) != 1) {
        crypto_ran_out_of_memory();
        return crypto_no_memory(err);
    }
    bool done = EVP_PKEY_decrypt(context, block, &len, encrypted.data, encrypted.len) == 1;
    if (done && len == key->size)
        select_content_key(block, len, content_key);
    secret_wipe(block, sizeof block);
    return !crypto_ran_out_of_memory() || crypto_no_memory(err);
}

bool sealing_transport_unwrap(const struct sealed_recipient *recipient, const struct sealing_key *key,
                              uint8_t content_key[GCM_KEY_LEN], struct err *err)
{
    struct span params = recipient->algorithm, oid;
    struct oaep oaep;
    if (!der_take(&params, DER_OID, &oid))
        oid = (struct span){0};
    bool is_pkcs1 = span_equal(oid, SPAN_LITERAL(ID_RSA)) && are_none(params);
    bool is_oaep = span_equal(oid, SPAN_LITERAL(ID_OAEP)) && read_oaep(params, &oaep);
    if (!is_pkcs1 && !is_oaep)
        return err_set(err, ERR_SEAL_INVALID,
                       "the content key is encrypted in an unsupported way: seal it anew with RSAES-OAEP "
                       "(SHA-256) and no label");
    if (recipient->encrypted_key.len != key->size)
        return true;
    return is_oaep ? unwrap_oaep(&oaep, recipient->encrypted_key, key, content_key, err)
                   : unwrap_pkcs1(recipient->encrypted_key, key, content_key, err);
}

/* AlgorithmIdentifier: RSAES-OAEP with SHA-256, for the label and in MGF1. */
static const uint8_t oaep_sha256[] =
    "\x30\x3c\x06\x09" ID_OAEP "\x30\x2f"
    "\xa0\x0f\x30\x0d\x06\x09" ID_SHA256 "\x05\x00"
    "\xa1\x1c\x30\x1a\x06\x09" ID_MGF1 "\x30\x0d\x06\x09" ID_SHA256 "\x05\x00";

/* KeyTransRecipientInfo. */
bool sealing_transport_wrap(const struct certificate *certificate, const struct sealing_key *key,
                            const uint8_t content_key[GCM_KEY_LEN], struct buf *info, struct err *err)
{
    static const struct oaep oaep = {DIGEST_SHA256, DIGEST_SHA256};
    uint8_t encrypted[SEALING_RSA_MAX_BITS / 8];
    size_t len = sizeof encrypted;
    AUTO(evp_pkey_ctx)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(crypto_library()->context, key->handle, NULL);
    if (context == NULL || EVP_PKEY_encrypt_init(context) != 1 || !set_oaep(context, &oaep)) {
        crypto_ran_out_of_memory();
        return crypto_no_memory(err);
    }
    if (EVP_PKEY_encrypt(context, encrypted, &len, content_key, GCM_KEY_LEN) != 1)
        return crypto_fault(
            err, ERR_SEALING_FAILED,
            "the recipient's certificate: its RSA key does not encrypt: issue one with a key made anew");
    size_t whole = der_begin(info, DER_SEQUENCE);
    der_put_integer(info, 0);
    size_t name = der_begin(info, DER_SEQUENCE);
    buf_put(info, certificate->issuer.data, certificate->issuer.len);
    buf_put(info, certificate->serial.data, certificate->serial.len);
    der_end(info, name);
    buf_put(info, oaep_sha256, sizeof oaep_sha256 - 1);
    der_put(info, DER_OCTET_STRING, span_of(encrypted, len));
    der_end(info, whole);
    return !info->failed || crypto_no_memory(err);
}
