/* Key agreement with EC keys: ECDH of an ephemeral key with the recipient's, X9.63's key derivation, AES key
   wrap (RFC 5753, section 3.1; RFC 3394). */
#include "crypto/sealing_wrap.h"

#include "base/auto.h"
#include "base/secret.h"
#include "crypto/der.h"
#include "crypto/library.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

AUTO_DEFINE(evp_pkey, EVP_PKEY, EVP_PKEY_free);
AUTO_DEFINE(evp_pkey_ctx, EVP_PKEY_CTX, EVP_PKEY_CTX_free);
AUTO_DEFINE(evp_cipher_ctx, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free);

#define ID_EC "\x2a\x86\x48\xce\x3d\x02\x01"
#define ID_STD_DH_SHA256 "\x2b\x81\x04\x01\x0b\x01"
#define ID_AES_256_WRAP "\x60\x86\x48\x01\x65\x03\x04\x01\x2d"

enum { WRAPPED_LEN = GCM_KEY_LEN + 8, POINT_MAX = 1 + 2 * SEALING_EC_COORDINATE_MAX };

/* dhSinglePass-stdDH schemes. With SHA-1 too: as a key derivation it is sound, and OpenSSL's default. Not the
   cofactor ones: on our curves they are the same under another name. */
static const struct {
    struct span oid;
    enum crypto_digest digest;
} schemes[] = {
    {SPAN_LITERAL("\x2b\x81\x05\x10\x86\x48\x3f\x00\x02"), DIGEST_SHA1},
    {SPAN_LITERAL("\x2b\x81\x04\x01\x0b\x00"), DIGEST_SHA224},
    {SPAN_LITERAL(ID_STD_DH_SHA256), DIGEST_SHA256},
    {SPAN_LITERAL("\x2b\x81\x04\x01\x0b\x02"), DIGEST_SHA384},
    {SPAN_LITERAL("\x2b\x81\x04\x01\x0b\x03"), DIGEST_SHA512},
};

static const struct wrap_cipher {
    struct span oid;
    enum crypto_cipher cipher;
    size_t key_len;
} wraps[] = {
    {SPAN_LITERAL("\x60\x86\x48\x01\x65\x03\x04\x01\x05"), CIPHER_AES_128_WRAP, 16},
    {SPAN_LITERAL("\x60\x86\x48\x01\x65\x03\x04\x01\x19"), CIPHER_AES_192_WRAP, 24},
    {SPAN_LITERAL(ID_AES_256_WRAP), CIPHER_AES_256_WRAP, 32},
};

struct agreement {
    enum crypto_digest digest;
    const struct wrap_cipher *wrap;
    struct span wrap_algorithm; /* AlgorithmIdentifier, DER, as it stands in the message */
    struct span ukm;            /* DER; may be empty */
};

/* What came of a step. */
enum step { STEP_DONE, STEP_WRONG, STEP_NO_MEMORY };

/* After a call of OpenSSL's. */
static enum step step_if(bool done)
{
    if (done)
        return STEP_DONE;
    return crypto_ran_out_of_memory() ? STEP_NO_MEMORY : STEP_WRONG;
}

static bool is_null(struct span params)
{
    static const uint8_t null[] = {DER_NULL, 0};
    return span_equal(params, span_of(null, sizeof null));
}

/* The content of a keyEncryptionAlgorithm: the scheme, and the wrap as its parameter. */
static bool read_algorithm(struct span content, struct agreement *agreement)
{
    struct span oid, wrap, rest;
    if (!der_take(&content, DER_OID, &oid))
        return false;
    rest = content;
    if (!der_take_whole(&content, DER_SEQUENCE, &agreement->wrap_algorithm) || content.len > 0 ||
        !der_take(&rest, DER_SEQUENCE, &wrap))
        return false;
    size_t i = 0, count = sizeof schemes / sizeof schemes[0];
    while (i < count && !span_equal(schemes[i].oid, oid))
        i++;
    if (i == count || !der_take(&wrap, DER_OID, &oid) || (wrap.len > 0 && !is_null(wrap)))
        return false;
    agreement->digest = schemes[i].digest;
    for (i = 0; i < sizeof wraps / sizeof wraps[0]; i++) {
        if (span_equal(wraps[i].oid, oid)) {
            agreement->wrap = &wraps[i];
            return true;
        }
    }
    return false;
}

/* OriginatorPublicKey's content: a point on our key's curve. Hybrid points are refused (RFC 5480,
 * section 2.2). */
static bool read_point(struct span originator, const struct sealing_key *key, struct span *point)
{
    struct span algorithm, oid, bits;
    if (!der_take(&originator, DER_SEQUENCE, &algorithm) || !der_take(&originator, DER_BIT_STRING, &bits) ||
        originator.len > 0 || !der_take(&algorithm, DER_OID, &oid) || !span_equal(oid, SPAN_LITERAL(ID_EC)))
        return false;
    if (algorithm.len > 0 && !is_null(algorithm) && !span_equal(algorithm, key->curve))
        return false;
    if (bits.len < 2 || bits.data[0] != 0)
        return false;
    *point = span_of(bits.data + 1, bits.len - 1);
    size_t wanted = point->data[0] == 4 ? 1 + 2 * key->size : 1 + key->size;
    return point->data[0] >= 2 && point->data[0] <= 4 && point->len == wanted;
}

/* The other party's public key. */
static enum step make_peer(struct span point, const struct sealing_key *key, EVP_PKEY **peer)
{
    *peer = EVP_PKEY_new();
    if (*peer == NULL || EVP_PKEY_copy_parameters(*peer, key->handle) != 1) {
        crypto_ran_out_of_memory();
        return STEP_NO_MEMORY;
    }
    return step_if(EVP_PKEY_set1_encoded_public_key(*peer, point.data, point.len) == 1);
}

/* The peer's point is on the curve, as OpenSSL saw when it was decoded, and not at infinity, which has no
   encoding of this length: on curves of cofactor 1 no more is to be validated (SP 800-56A revision 3,
   section 5.6.2.3.4). OpenSSL would also multiply it by the group's order, at the price of another agreement.
 */
static enum step derive_shared(EVP_PKEY *own, EVP_PKEY *peer, uint8_t shared[SEALING_EC_COORDINATE_MAX],
                               size_t *len)
{
    *len = SEALING_EC_COORDINATE_MAX;
    AUTO(evp_pkey_ctx)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(crypto_library()->context, own, NULL);
    if (context == NULL || EVP_PKEY_derive_init(context) != 1) {
        crypto_ran_out_of_memory();
        return STEP_NO_MEMORY;
    }
    return step_if(EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1 &&
                   EVP_PKEY_derive(context, shared, len) == 1);
}

/* ECC-CMS-SharedInfo (RFC 5753, section 7.2). */
static void put_shared_info(const struct agreement *agreement, struct buf *info)
{
    const uint8_t bits[4] = {0, 0, (uint8_t)(agreement->wrap->key_len * 8 >> 8),
                             (uint8_t)(agreement->wrap->key_len * 8)};
    size_t whole = der_begin(info, DER_SEQUENCE);
    buf_put(info, agreement->wrap_algorithm.data, agreement->wrap_algorithm.len);
    if (agreement->ukm.len > 0)
        der_put(info, DER_CONTEXT_0, agreement->ukm);
    size_t public = der_begin(info, DER_CONTEXT_2);
    der_put(info, DER_OCTET_STRING, span_of(bits, sizeof bits));
    der_end(info, public);
    der_end(info, whole);
}

/* ANSI X9.63's key derivation (SEC 1, section 3.6.1) by hand: OpenSSL 3.0's follows a null pointer when it is
   out of memory. */
static bool derive_wrap_key(const struct agreement *agreement, struct span shared, uint8_t wrap_key[32])
{
    AUTO(buf) struct buf input = {0};
    uint8_t digest[CRYPTO_DIGEST_MAX];
    size_t step = crypto_digest_size(agreement->digest), len = agreement->wrap->key_len;
    const uint8_t counter[4] = {0};
    buf_put(&input, shared.data, shared.len);
    buf_put(&input, counter, sizeof counter);
    put_shared_info(agreement, &input);
    if (input.failed)
        return false;
    bool done = true;
    for (size_t at = 0; done && at < len; at += step) {
        input.data[shared.len + 3]++;
        done = crypto_hash(agreement->digest, buf_span(&input), digest, NULL);
        memcpy(wrap_key + at, digest, len - at < step ? len - at : step);
    }
    secret_wipe(digest, sizeof digest);
    return done;
}

/* AES key wrap of `in` into `out`, or the reverse. */
static enum step run_wrap(bool encrypt, const struct wrap_cipher *wrap, const uint8_t *wrap_key,
                          struct span in, uint8_t *out)
{
    int len = 0;
    AUTO(evp_cipher_ctx) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL)
        return STEP_NO_MEMORY;
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_CipherInit_ex2(context, crypto_library()->ciphers[wrap->cipher], wrap_key, NULL, encrypt, NULL) !=
        1)
        return STEP_NO_MEMORY;
    return step_if(EVP_CipherUpdate(context, out, &len, in.data, (int)in.len) == 1);
}

/* From both keys to the key that wraps the content key. */
static enum step agree(const struct agreement *agreement, EVP_PKEY *own, EVP_PKEY *peer, uint8_t wrap_key[32])
{
    uint8_t shared[SEALING_EC_COORDINATE_MAX];
    size_t len;
    enum step step = derive_shared(own, peer, shared, &len);
    if (step == STEP_DONE && !derive_wrap_key(agreement, span_of(shared, len), wrap_key)) {
        crypto_ran_out_of_memory();
        step = STEP_NO_MEMORY;
    }
    secret_wipe(shared, sizeof shared);
    return step;
}

bool sealing_agreement_unwrap(const struct sealed_recipient *recipient, const struct sealing_key *key,
                              uint8_t content_key[GCM_KEY_LEN], struct err *err)
{
    struct agreement agreement = {.ukm = recipient->ukm};
    struct span point;
    if (!read_algorithm(recipient->algorithm, &agreement))
        return err_set(err, ERR_SEAL_INVALID,
                       "the content key is agreed upon or wrapped in an unsupported way: seal it anew with "
                       "ECDH (dhSinglePass-stdDH) and AES key wrap");
    if (!read_point(recipient->originator, key, &point))
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed message has no ephemeral public key on the curve of the recipient's "
                       "certificate: seal it anew");
    if (recipient->encrypted_key.len != WRAPPED_LEN)
        return true;
    AUTO(evp_pkey) EVP_PKEY *peer = NULL;
    uint8_t wrap_key[32], unwrapped[WRAPPED_LEN];
    enum step step = make_peer(point, key, &peer);
    if (step == STEP_DONE)
        step = agree(&agreement, key->handle, peer, wrap_key);
    if (step == STEP_DONE)
        step = run_wrap(false, agreement.wrap, wrap_key, recipient->encrypted_key, unwrapped);
    if (step == STEP_DONE)
        memcpy(content_key, unwrapped, GCM_KEY_LEN);
    secret_wipe(wrap_key, sizeof wrap_key);
    secret_wipe(unwrapped, sizeof unwrapped);
    return step != STEP_NO_MEMORY || crypto_no_memory(err);
}

/* AlgorithmIdentifier of AES-256 key wrap (RFC 3565, section 2.3.2: without parameters). */
static const uint8_t aes_256_wrap[] = "\x30\x0b\x06\x09" ID_AES_256_WRAP;

/* KeyAgreeRecipientInfo with one RecipientEncryptedKey. */
static void put_info(const struct certificate *certificate, struct span point, struct span wrapped,
                     struct buf *info)
{
    static const uint8_t algorithms[] =
        "\x30\x15\x06\x06" ID_STD_DH_SHA256 "\x30\x0b\x06\x09" ID_AES_256_WRAP;
    size_t whole = der_begin(info, DER_CONTEXT_1);
    der_put_integer(info, 3);
    size_t originator = der_begin(info, DER_CONTEXT_0);
    size_t public = der_begin(info, DER_CONTEXT_1);
    size_t algorithm = der_begin(info, DER_SEQUENCE);
    der_put(info, DER_OID, SPAN_LITERAL(ID_EC));
    der_end(info, algorithm);
    size_t bits = der_begin(info, DER_BIT_STRING);
    buf_put_byte(info, 0);
    buf_put(info, point.data, point.len);
    der_end(info, bits);
    der_end(info, public);
    der_end(info, originator);
    buf_put(info, algorithms, sizeof algorithms - 1);
    size_t keys = der_begin(info, DER_SEQUENCE);
    size_t key = der_begin(info, DER_SEQUENCE);
    size_t name = der_begin(info, DER_SEQUENCE);
    buf_put(info, certificate->issuer.data, certificate->issuer.len);
    buf_put(info, certificate->serial.data, certificate->serial.len);
    der_end(info, name);
    der_put(info, DER_OCTET_STRING, wrapped);
    der_end(info, key);
    der_end(info, keys);
    der_end(info, whole);
}

static EVP_PKEY *make_ephemeral(const struct sealing_key *key)
{
    EVP_PKEY *ephemeral = NULL;
    AUTO(evp_pkey_ctx)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(crypto_library()->context, key->handle, NULL);
    if (context == NULL || EVP_PKEY_keygen_init(context) != 1 || EVP_PKEY_generate(context, &ephemeral) != 1)
        return NULL;
    return ephemeral;
}

bool sealing_agreement_wrap(const struct certificate *certificate, const struct sealing_key *key,
                            const uint8_t content_key[GCM_KEY_LEN], struct buf *info, struct err *err)
{
    const struct agreement agreement = {
        .digest = DIGEST_SHA256,
        .wrap = &wraps[sizeof wraps / sizeof wraps[0] - 1],
        .wrap_algorithm = span_of(aes_256_wrap, sizeof aes_256_wrap - 1),
    };
    uint8_t wrap_key[32], wrapped[WRAPPED_LEN], point[POINT_MAX];
    size_t point_len = 0;
    AUTO(evp_pkey) EVP_PKEY *ephemeral = make_ephemeral(key);
    if (ephemeral == NULL)
        return crypto_fault(err, ERR_INTERNAL,
                            "no ephemeral key: the system's entropy source does not answer");
    enum step step = agree(&agreement, ephemeral, key->handle, wrap_key);
    if (step == STEP_DONE)
        step = run_wrap(true, agreement.wrap, wrap_key, span_of(content_key, GCM_KEY_LEN), wrapped);
    if (step == STEP_DONE)
        step = step_if(EVP_PKEY_get_octet_string_param(ephemeral, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
                                                       sizeof point, &point_len) == 1);
    secret_wipe(wrap_key, sizeof wrap_key);
    if (step == STEP_NO_MEMORY)
        return crypto_no_memory(err);
    if (step == STEP_WRONG)
        return err_set(
            err, ERR_SEALING_FAILED,
            "the recipient's certificate: no key can be agreed upon with its EC key: issue one with a "
            "key made anew");
    put_info(certificate, span_of(point, point_len), span_of(wrapped, sizeof wrapped), info);
    return !info->failed || crypto_no_memory(err);
}
