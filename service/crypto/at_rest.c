#include "crypto/at_rest.h"

#include "base/base64.h"

#include "base/auto.h"
#include "crypto/library.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { FORMAT_VERSION = 1, KEY_LEN = 32, NONCE_LEN = 12, TAG_LEN = 16 };

struct ring_key {
    char kid[KEYRING_KID_MAX + 1];
    uint8_t bytes[KEY_LEN];
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
    if (!decoded || bytes.len != KEY_LEN)
        return err_set(
            err, ERR_CONFIG_INVALID,
            "staging keys, line %zu: behind the colon must be the base64 of %d bytes, as `openssl rand "
            "-base64 32` makes it",
            number, KEY_LEN);
    struct ring_key *key = &keyring->keys[keyring->count++];
    memcpy(key->kid, kid.data, kid.len);
    memcpy(key->bytes, bytes.data, KEY_LEN);
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

enum run { RUN_DONE, RUN_NO_MEMORY, RUN_ALTERED };

/* AES-256-GCM (NIST SP 800-38D) in one go, over both spans of `aad` as associated data. `tag` is written when
   encrypting and checked when decrypting. Before it is checked, only memory can fail. */
static enum run run_gcm(bool encrypt, const uint8_t *key, const uint8_t *nonce, const struct span aad[2],
                        struct span in, uint8_t *out, uint8_t *tag)
{
    int len = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool fed = context != NULL && in.len <= INT_MAX && aad[0].len <= INT_MAX && aad[1].len <= INT_MAX &&
               EVP_CipherInit_ex2(context, crypto_library()->ciphers[CIPHER_AES_256_GCM], key, nonce, encrypt,
                                  NULL) == 1;
    for (int i = 0; fed && i < 2; i++)
        fed = aad[i].len == 0 || EVP_CipherUpdate(context, NULL, &len, aad[i].data, (int)aad[i].len) == 1;
    fed = fed && (in.len == 0 || EVP_CipherUpdate(context, out, &len, in.data, (int)in.len) == 1) &&
          (encrypt || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) == 1);
    enum run run = RUN_NO_MEMORY;
    if (fed)
        run = EVP_CipherFinal_ex(context, out + in.len, &len) == 1 ? RUN_DONE : RUN_ALTERED;
    if (run == RUN_DONE && encrypt && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag) != 1)
        run = RUN_NO_MEMORY;
    EVP_CIPHER_CTX_free(context);
    ERR_clear_error();
    return run;
}

bool at_rest_seal(const struct keyring *keyring, struct span aad, struct span plain, struct buf *out,
                  struct err *err)
{
    const struct ring_key *key = &keyring->keys[0];
    size_t start = out->len, kid_len = strlen(key->kid), head_len = 2 + kid_len;
    uint8_t *sealed = buf_reserve(out, head_len + NONCE_LEN + plain.len + TAG_LEN);
    if (sealed == NULL)
        return crypto_no_memory(err);
    uint8_t *nonce = sealed + head_len, *body = nonce + NONCE_LEN;
    sealed[0] = FORMAT_VERSION;
    sealed[1] = (uint8_t)kid_len;
    memcpy(sealed + 2, key->kid, kid_len);
    if (!crypto_random(nonce, NONCE_LEN, err))
        return false;
    const struct span associated[2] = {span_of(sealed, head_len), aad};
    if (run_gcm(true, key->bytes, nonce, associated, plain, body, body + plain.len) != RUN_DONE)
        return crypto_no_memory(err);
    out->len = start + head_len + NONCE_LEN + plain.len + TAG_LEN;
    return true;
}

bool at_rest_open(const struct keyring *keyring, struct span aad, struct span sealed, struct secret *plain,
                  struct err *err)
{
    size_t kid_len = sealed.len >= 2 ? sealed.data[1] : 0, head_len = 2 + kid_len;
    if (sealed.len < head_len + NONCE_LEN + TAG_LEN || sealed.data[0] != FORMAT_VERSION ||
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
    size_t len = sealed.len - head_len - NONCE_LEN - TAG_LEN;
    const uint8_t *nonce = sealed.data + head_len, *body = nonce + NONCE_LEN;
    uint8_t tag[TAG_LEN];
    memcpy(tag, body + len, TAG_LEN);
    if (!secret_alloc(plain, len))
        return crypto_no_memory(err);
    const struct span associated[2] = {span_of(sealed.data, head_len), aad};
    enum run run = run_gcm(false, key->bytes, nonce, associated, span_of(body, len), plain->data, tag);
    if (run == RUN_DONE)
        return true;
    secret_free(plain);
    if (run == RUN_NO_MEMORY)
        return crypto_no_memory(err);
    return err_set(
        err, ERR_CREDENTIAL_INVALID,
        "the staged value was altered, or belongs to another certificate (staging key %.*s): enroll or "
        "renew the certificate again",
        SPAN_ARG(kid));
}
