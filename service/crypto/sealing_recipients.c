/* What was learnt of a recipient's certificate is kept: reading it costs as much as sealing to it. */
#include "base/secret.h"
#include "crypto/library.h"
#include "crypto/sealing.h"
#include "crypto/sealing_recipient.h"

#include <stdlib.h>

/* Each certificate has one place that it can be kept in, by its SHA-256: two that share one take turns. */
enum { PLACES = 1024, SHA256_BYTES = 32 };

struct kept {
    uint8_t sha256[SHA256_BYTES];
    struct buf der;
    struct sealing_recipient recipient;
};

struct sealing_recipients {
    struct kept *places[PLACES];
};

struct sealing_recipients *sealing_recipients_new(void)
{
    return calloc(1, sizeof(struct sealing_recipients));
}

static void free_kept(struct kept *kept)
{
    if (kept == NULL)
        return;
    sealing_recipient_free(&kept->recipient);
    buf_free(&kept->der);
    free(kept);
}

void sealing_recipients_free(struct sealing_recipients *recipients)
{
    if (recipients == NULL)
        return;
    for (size_t i = 0; i < PLACES; i++)
        free_kept(recipients->places[i]);
    free(recipients);
}

static bool name(struct span certificate, uint8_t digest[CRYPTO_DIGEST_MAX],
                 char recipient[SEALING_RECIPIENT_LEN + 1], struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    if (!crypto_hash(DIGEST_SHA256, certificate, digest, err))
        return false;
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        recipient[2 * i] = digits[digest[i] >> 4];
        recipient[2 * i + 1] = digits[digest[i] & 15];
    }
    recipient[SEALING_RECIPIENT_LEN] = '\0';
    return true;
}

bool sealing_seal(struct span certificate, struct span content, int64_t now_ms, struct buf *cms,
                  char recipient[SEALING_RECIPIENT_LEN + 1], struct err *err)
{
    uint8_t digest[CRYPTO_DIGEST_MAX];
    AUTO(sealing_recipient) struct sealing_recipient read = {0};
    return sealing_recipient_read(certificate, now_ms, &read, err) &&
           name(certificate, digest, recipient, err) && sealing_recipient_seal(&read, content, cms, err);
}

static struct kept *read_anew(struct span certificate, const uint8_t *sha256, int64_t now_ms, struct err *err)
{
    struct kept *kept = calloc(1, sizeof *kept);
    if (kept != NULL)
        buf_put(&kept->der, certificate.data, certificate.len);
    if (kept == NULL || kept->der.failed) {
        free_kept(kept);
        crypto_no_memory(err);
        return NULL;
    }
    memcpy(kept->sha256, sha256, SHA256_BYTES);
    if (sealing_recipient_read(buf_span(&kept->der), now_ms, &kept->recipient, err))
        return kept;
    free_kept(kept);
    return NULL;
}

bool sealing_recipients_seal(struct sealing_recipients *recipients, struct span certificate,
                             struct span content, int64_t now_ms, struct buf *cms,
                             char recipient[SEALING_RECIPIENT_LEN + 1], struct err *err)
{
    uint8_t digest[CRYPTO_DIGEST_MAX];
    if (!name(certificate, digest, recipient, err))
        return false;
    struct kept **place = &recipients->places[(digest[0] << 8 | digest[1]) % PLACES];
    if (*place == NULL || memcmp((*place)->sha256, digest, SHA256_BYTES) != 0) {
        struct kept *kept = read_anew(certificate, digest, now_ms, err);
        if (kept == NULL)
            return false;
        free_kept(*place);
        *place = kept;
    }
    const struct sealing_recipient *of = &(*place)->recipient;
    return sealing_recipient_is_valid(of, now_ms, err) && sealing_recipient_seal(of, content, cms, err);
}
