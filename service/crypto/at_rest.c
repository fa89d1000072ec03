#include "crypto/at_rest.h"

#include "crypto/library.h"

enum { FORMAT_VERSION = 1 };

/* Appends nonce, ciphertext and tag. */
static bool encrypt(const struct ring_key *key, const struct span aad[2], struct span plain, struct buf *out,
                    struct err *err)
{
    size_t len = GCM_NONCE_LEN + plain.len + GCM_TAG_LEN;
    uint8_t *nonce = buf_reserve(out, len);
    if (nonce == NULL)
        return crypto_no_memory(err);
    uint8_t *body = nonce + GCM_NONCE_LEN;
    if (!crypto_random(nonce, GCM_NONCE_LEN, err))
        return false;
    if (gcm_encrypt(key->bytes, nonce, aad, plain, body, body + plain.len) != GCM_DONE)
        return crypto_no_memory(err);
    out->len += len;
    return true;
}

/* Of at least nonce and tag. */
static enum gcm_result decrypt(const struct ring_key *key, const struct span aad[2], struct span sealed,
                               struct secret *plain)
{
    size_t len = sealed.len - GCM_NONCE_LEN - GCM_TAG_LEN;
    const uint8_t *nonce = sealed.data, *body = nonce + GCM_NONCE_LEN;
    if (!secret_alloc(plain, len))
        return GCM_NO_MEMORY;
    enum gcm_result result = gcm_decrypt(key->bytes, nonce, aad, span_of(body, len), plain->data, body + len);
    if (result != GCM_DONE)
        secret_free(plain);
    return result;
}

bool at_rest_seal(const struct keyring *keyring, struct span aad, struct span plain, struct buf *out,
                  struct err *err)
{
    const struct ring_key *key = keyring_sealing_key(keyring);
    uint8_t head[2 + KEYRING_KID_MAX] = {FORMAT_VERSION, (uint8_t)strlen(key->kid)};
    size_t start = out->len, head_len = 2 + strlen(key->kid);
    memcpy(head + 2, key->kid, head_len - 2);
    buf_put(out, head, head_len);
    if (out->failed)
        return crypto_no_memory(err);
    if (encrypt(key, (const struct span[2]){span_of(head, head_len), aad}, plain, out, err))
        return true;
    out->len = start;
    return false;
}

bool at_rest_open(const struct keyring *keyring, struct span aad, struct span sealed, struct secret *plain,
                  struct err *err)
{
    size_t kid_len = sealed.len >= 2 ? sealed.data[1] : 0, head_len = 2 + kid_len;
    if (sealed.len < head_len + AT_REST_BARE_EXTRA || sealed.data[0] != FORMAT_VERSION ||
        !keyring_is_kid(span_of(sealed.data + 2, kid_len)))
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "the staged value is not as this version writes it: enroll or renew the certificate again");
    struct span kid = span_of(sealed.data + 2, kid_len);
    const struct ring_key *key = keyring_find(keyring, kid);
    if (key == NULL)
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "the staged value is under the staging key %.*s, which is not in the keyring: add it, or enroll "
            "or renew the certificate again",
            SPAN_ARG(kid));
    struct span body = span_of(sealed.data + head_len, sealed.len - head_len);
    switch (decrypt(key, (const struct span[2]){span_of(sealed.data, head_len), aad}, body, plain)) {
    case GCM_DONE:
        return true;
    case GCM_NO_MEMORY:
        return crypto_no_memory(err);
    case GCM_ALTERED:
        break;
    }
    return err_set(
        err, ERR_CREDENTIAL_INVALID,
        "the staged value was altered, or belongs to another certificate (staging key %.*s): enroll or "
        "renew the certificate again",
        SPAN_ARG(kid));
}

bool at_rest_seal_bare(const struct keyring *keyring, struct span aad, struct span plain, struct buf *out,
                       struct err *err)
{
    return encrypt(keyring_sealing_key(keyring), (const struct span[2]){aad}, plain, out, err);
}

bool at_rest_open_bare(const struct keyring *keyring, struct span kid, struct span aad, struct span sealed,
                       struct secret *plain, struct err *err)
{
    if (!keyring_is_kid(kid))
        return err_set(err, ERR_CREDENTIAL_INVALID, "what should name the key is no kid");
    const struct ring_key *key = keyring_find(keyring, kid);
    if (key == NULL)
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "it is under the staging key %.*s, which is not in the keyring: add the line of that kid, as the "
            "service had it when it wrote",
            SPAN_ARG(kid));
    if (sealed.len < AT_REST_BARE_EXTRA)
        return err_set(err, ERR_CREDENTIAL_INVALID, "it is shorter than nonce and tag: it was cut");
    switch (decrypt(key, (const struct span[2]){aad}, sealed, plain)) {
    case GCM_DONE:
        return true;
    case GCM_NO_MEMORY:
        return crypto_no_memory(err);
    case GCM_ALTERED:
        break;
    }
    return err_set(err, ERR_CREDENTIAL_INVALID,
                   "it was altered, or belongs elsewhere, or the key that the keyring calls %.*s is another "
                   "than it was encrypted with",
                   SPAN_ARG(kid));
}
