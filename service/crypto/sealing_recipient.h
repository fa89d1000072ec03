/* crypto/sealing_recipient: whom is sealed to: a certificate that was read and judged, and its key. */
#pragma once

#include "crypto/certificate.h"
#include "crypto/sealing_key.h"

struct sealing_recipient {
    struct certificate certificate; /* borrowed, as the DER is */
    struct sealing_key key;
    int64_t first_ms; /* the first moment of its validity, in milliseconds since 1970; and the last */
    int64_t last_ms;
};

/* Reads a certificate (DER X.509). False with ERR_SEALING_FAILED and the reason (malformed, not valid at
   now_ms, key usage not for encryption, kind or size of key), or ERR_NO_MEMORY. */
bool sealing_recipient_read(struct span der, int64_t now_ms, struct sealing_recipient *out, struct err *err);
/* Whether its certificate is valid at now_ms; else ERR_SEALING_FAILED. */
bool sealing_recipient_is_valid(const struct sealing_recipient *recipient, int64_t now_ms, struct err *err);
void sealing_recipient_free(struct sealing_recipient *recipient);
static inline void auto_sealing_recipient(struct sealing_recipient *recipient)
{
    sealing_recipient_free(recipient);
}

/* Seals to it: sealing_seal() without its certificate's part. Appends to *cms. */
bool sealing_recipient_seal(const struct sealing_recipient *recipient, struct span content, struct buf *cms,
                            struct err *err);
