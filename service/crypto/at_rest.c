#include "crypto/at_rest.h"

#include "base/base64.h"

#include "base/auto.h"
#include "crypto/gcm.h"
#include "crypto/library.h"

#include <stdlib.h>

enum { FORMAT_VERSION = 1 };

struct ring_key {
    char kid[KEYRING_KID_MAX + 1];
    uint8_t bytes[GCM_KEY_LEN];
};

struct keyring {
    size_t count;
    struct ring_key *keys; /* the first one seals */
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span line)
{
    while (line.len > 0 && is_blank(line.data[0]))
        line = span_of(line.data + 1, line.len - 1);
    while (line.len > 0 && is_blank(line.data[line.len - 1]))
        line.len--;
    return line;
}

static bool is_kid(struct span kid)
{
    if (kid.len == 0 || kid.len > KEYRING_KID_MAX)
        return false;
    for (size_t i = 0; i < kid.len; i++) {
        uint8_t c = kid.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
              c == '_' || c == '-'))
            return false;
    }
    return true;
}

static const struct ring_key *find_key(const struct keyring *keyring, struct span kid)
{
    for (size_t i = 0; i < keyring->count; i++) {
        if (span_equal(span_text(keyring->keys[i].kid), kid))
            return &keyring->keys[i];
    }
    return NULL;
}

static bool add_line(struct keyring *keyring, struct span line, size_t number, struct err *err)
{
    const uint8_t *colon = memchr(line.data, ':', line.len);
    if (colon == NULL)
        return err_set(err, ERR_CONFIG_INVALID, "staging keys, line %zu: write <kid>:<base64 of 32 bytes>",
                       number);
    struct span kid = span_of(line.data, (size_t)(colon - line.data));
    struct span base64 = span_of(colon + 1, line.len - kid.len - 1);
    if (!is_kid(kid))
        return err_set(err, ERR_CONFIG_INVALID,
                       "staging keys, line %zu: the kid must be 1 to %d letters, digits, '.', '_' or '-'",
                       number, KEYRING_KID_MAX);
    if (find_key(keyring, kid) != NULL)
        return err_set(err, ERR_CONFIG_INVALID,
                       "staging keys, line %zu: its kid stands on an earlier line too: rename one of them",
                       number);
    AUTO(buf) struct buf bytes = {0};
    bool decoded = base64_decode(&bytes, base64, true);
    if (bytes.failed)
        return crypto_no_memory(err);
    if (!decoded || bytes.len != GCM_KEY_LEN)
        return err_set(
            err, ERR_CONFIG_INVALID,
            "staging keys, line %zu: behind the colon must be the base64 of %d bytes, as `openssl rand "
            "-base64 32` makes it",
            number, GCM_KEY_LEN);
    struct ring_key *key = &keyring->keys[keyring->count++];
    memcpy(key->kid, kid.data, kid.len);
    memcpy(key->bytes, bytes.data, GCM_KEY_LEN);
    return true;
}

static bool add_lines(struct keyring *keyring, struct span text, struct err *err)
{
    for (size_t number = 1; text.len > 0; number++) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
        struct span line = trim(span_of(text.data, len));
        if (line.len > 0 && !add_line(keyring, line, number, err))
            return false;
        size_t used = end != NULL ? len + 1 : len;
        text = span_of(text.data + used, text.len - used);
    }
    if (keyring->count == 0)
        return err_set(err, ERR_CONFIG_INVALID,
                       "staging keys: there is none: write at least one line <kid>:<base64 of 32 bytes>");
    return true;
}

struct keyring *keyring_parse(struct span text, struct err *err)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    struct keyring *keyring = calloc(1, sizeof *keyring);
    if (keyring != NULL)
        keyring->keys = calloc(lines, sizeof *keyring->keys);
    if (keyring == NULL || keyring->keys == NULL) {
        keyring_free(keyring);
        crypto_no_memory(err);
        return NULL;
    }
    if (!add_lines(keyring, text, err)) {
        keyring_free(keyring);
        return NULL;
    }
    return keyring;
}

void keyring_free(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    secret_wipe(keyring->keys, keyring->count * sizeof *keyring->keys);
    free(keyring->keys);
    free(keyring);
}

const char *keyring_sealing_kid(const struct keyring *keyring)
{
    return keyring->keys[0].kid;
}

bool at_rest_seal(const struct keyring *keyring, struct span aad, struct span plain, struct buf *out,
                  struct err *err)
{
    const struct ring_key *key = &keyring->keys[0];
    size_t start = out->len, kid_len = strlen(key->kid), head_len = 2 + kid_len;
    uint8_t *sealed = buf_reserve(out, head_len + GCM_NONCE_LEN + plain.len + GCM_TAG_LEN);
    if (sealed == NULL)
        return crypto_no_memory(err);
    uint8_t *nonce = sealed + head_len, *body = nonce + GCM_NONCE_LEN;
    sealed[0] = FORMAT_VERSION;
    sealed[1] = (uint8_t)kid_len;
    memcpy(sealed + 2, key->kid, kid_len);
    if (!crypto_random(nonce, GCM_NONCE_LEN, err))
        return false;
    const struct span associated[2] = {span_of(sealed, head_len), aad};
    if (gcm_encrypt(key->bytes, nonce, associated, plain, body, body + plain.len) != GCM_DONE)
        return crypto_no_memory(err);
    out->len = start + head_len + GCM_NONCE_LEN + plain.len + GCM_TAG_LEN;
    return true;
}

bool at_rest_open(const struct keyring *keyring, struct span aad, struct span sealed, struct secret *plain,
                  struct err *err)
{
    size_t kid_len = sealed.len >= 2 ? sealed.data[1] : 0, head_len = 2 + kid_len;
    if (sealed.len < head_len + GCM_NONCE_LEN + GCM_TAG_LEN || sealed.data[0] != FORMAT_VERSION ||
        !is_kid(span_of(sealed.data + 2, kid_len)))
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "the staged value is not as this version writes it: enroll or renew the certificate again");
    struct span kid = span_of(sealed.data + 2, kid_len);
    const struct ring_key *key = find_key(keyring, kid);
    if (key == NULL)
        return err_set(
            err, ERR_CREDENTIAL_INVALID,
            "the staged value is under the staging key %.*s, which is not in the keyring: add it, or enroll "
            "or renew the certificate again",
            SPAN_ARG(kid));
    size_t len = sealed.len - head_len - GCM_NONCE_LEN - GCM_TAG_LEN;
    const uint8_t *nonce = sealed.data + head_len, *body = nonce + GCM_NONCE_LEN;
    uint8_t tag[GCM_TAG_LEN];
    memcpy(tag, body + len, GCM_TAG_LEN);
    if (!secret_alloc(plain, len))
        return crypto_no_memory(err);
    const struct span associated[2] = {span_of(sealed.data, head_len), aad};
    enum gcm_result result = gcm_decrypt(key->bytes, nonce, associated, span_of(body, len), plain->data, tag);
    if (result == GCM_DONE)
        return true;
    secret_free(plain);
    if (result == GCM_NO_MEMORY)
        return crypto_no_memory(err);
    return err_set(
        err, ERR_CREDENTIAL_INVALID,
        "the staged value was altered, or belongs to another certificate (staging key %.*s): enroll or "
        "renew the certificate again",
        SPAN_ARG(kid));
}
