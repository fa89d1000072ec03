#include "crypto/keyring.h"

#include "base/base64.h"
#include "config/file_watch.h"
#include "config/source.h"
#include "crypto/library.h"

#include <errno.h>
#include <stdlib.h>

struct keyring {
    size_t count;
    struct ring_key *keys; /* the first one seals */
    char *path;            /* NULL: it came from elsewhere */
    struct file_watch watch;
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

bool keyring_is_kid(struct span kid)
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

const struct ring_key *keyring_find(const struct keyring *keyring, struct span kid)
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
    if (!keyring_is_kid(kid))
        return err_set(err, ERR_CONFIG_INVALID,
                       "staging keys, line %zu: the kid must be 1 to %d letters, digits, '.', '_' or '-'",
                       number, KEYRING_KID_MAX);
    if (keyring_find(keyring, kid) != NULL)
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

static void drop_keys(void *self)
{
    struct keyring *keyring = self;
    if (keyring->keys != NULL)
        secret_wipe(keyring->keys, keyring->count * sizeof *keyring->keys);
    free(keyring->keys);
    keyring->keys = NULL;
    keyring->count = 0;
}

static bool read_text(struct keyring *keyring, struct span text, struct err *err)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    keyring->keys = calloc(lines, sizeof *keyring->keys);
    if (keyring->keys == NULL)
        return crypto_no_memory(err);
    return add_lines(keyring, text, err);
}

struct keyring *keyring_parse(struct span text, struct err *err)
{
    struct keyring *keyring = calloc(1, sizeof *keyring);
    if (keyring == NULL) {
        crypto_no_memory(err);
        return NULL;
    }
    if (!read_text(keyring, text, err)) {
        keyring_free(keyring);
        return NULL;
    }
    return keyring;
}

void keyring_free(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    drop_keys(keyring);
    free(keyring->path);
    free(keyring);
}

static bool read_file(void *self, struct err *err)
{
    struct keyring *keyring = self;
    AUTO(secret) struct secret text = {0};
    int wrong = source_read_file(NULL, keyring->path, &text);
    if (wrong == ENOMEM)
        return crypto_no_memory(err);
    if (wrong != 0)
        return err_set(err, ERR_CONFIG_INVALID, "%.300s cannot be read: %s", keyring->path,
                       wrong == EFBIG ? "it is larger than 64 KiB" : strerror(wrong));
    return read_text(keyring, secret_span(&text), err);
}

static bool file_state(void *self, uint64_t *state, struct err *err)
{
    const struct keyring *keyring = self;
    (void)err;
    *state = file_state_add(FILE_STATE_START, keyring->path);
    return true;
}

static struct watched watched(struct keyring *keyring)
{
    return (struct watched){keyring, file_state, read_file, drop_keys};
}

bool keyring_follow(struct keyring *keyring, const char *path, struct err *err)
{
    keyring->path = strdup(path);
    return keyring->path != NULL || crypto_no_memory(err);
}

static bool same_keys(const struct keyring *a, const struct keyring *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->keys[i].kid, b->keys[i].kid) != 0 ||
            memcmp(a->keys[i].bytes, b->keys[i].bytes, GCM_KEY_LEN) != 0)
            return false;
    return true;
}

bool keyring_refresh(struct keyring *keyring, int64_t clock_ms, bool *changed, struct err *err)
{
    bool touched;
    struct watched what = watched(keyring);
    *changed = false;
    if (keyring->path == NULL)
        return true;
    if (!file_watch_look(&keyring->watch, &what, clock_ms, &touched, err))
        return false;
    if (!touched)
        return true;
    struct keyring fresh = {.path = keyring->path};
    what = watched(&fresh);
    if (!file_watch_read(&fresh.watch, &what, err))
        return false;
    *changed = !same_keys(keyring, &fresh);
    drop_keys(keyring);
    keyring->keys = fresh.keys;
    keyring->count = fresh.count;
    keyring->watch.state = fresh.watch.state;
    return true;
}

size_t keyring_count(const struct keyring *keyring)
{
    return keyring->count;
}

const struct ring_key *keyring_sealing_key(const struct keyring *keyring)
{
    return &keyring->keys[0];
}
