/* crypto/sealing: credentials and passwords that only one recipient can read: CMS AuthEnvelopedData (RFC
   5083) with AES-256-GCM (RFC 5084) and a 16-byte tag, to RSA recipients by RSAES-OAEP (RFC 3560), to EC
   recipients by ECDH with AES key wrap (RFC 5753). */
#pragma once

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum {
    SEALING_RECIPIENT_LEN = 64,
    SEALING_CONTENT_MAX = 4 * 1024 * 1024,             /* bytes that are sealed in one CMS */
    SEALING_CMS_MAX = SEALING_CONTENT_MAX + 64 * 1024, /* bytes of a CMS that is opened */
};

/* Seals content to a recipient's certificate (DER X.509): AES-256-GCM with a 16-byte tag; RSA: RSAES-OAEP
   with SHA-256 (hash and MGF1), EC: ECDH with AES-256 key wrap. Appends DER to *cms; `recipient` gets the
   SHA-256 of the certificate in lower-case hex and a NUL. False, and *cms as it was, with ERR_SEALING_FAILED
   and the reason (malformed, expired or not yet valid at now_ms, milliseconds since 1970, key usage not for
   encryption, kind or size of key, content over SEALING_CONTENT_MAX), or ERR_NO_MEMORY. */
bool sealing_seal(struct span certificate, struct span content, int64_t now_ms, struct buf *cms,
                  char recipient[SEALING_RECIPIENT_LEN + 1], struct err *err);

/* Recipients that were sealed to before; one a thread. It keeps at most about a thousand. */
struct sealing_recipients;

/* NULL when out of memory. */
struct sealing_recipients *sealing_recipients_new(void);
void sealing_recipients_free(struct sealing_recipients *recipients);
AUTO_DEFINE(sealing_recipients, struct sealing_recipients, sealing_recipients_free);
/* As sealing_seal(), but a certificate that was good is read and judged once; whether it is valid at now_ms
   is judged each time. */
bool sealing_recipients_seal(struct sealing_recipients *recipients, struct span certificate,
                             struct span content, int64_t now_ms, struct buf *cms,
                             char recipient[SEALING_RECIPIENT_LEN + 1], struct err *err);

/* The certificate and key pairs of a folder; one a thread. */
struct sealing_pairs;

/* Reads each <name>.crt of the folder (PEM; its first certificate counts) and its <name>.key (PEM, not
   encrypted; RSA or EC). A mounted kubernetes.io/tls secret is such a folder; a ca.crt without key is passed
   over, as is what has another name. False with ERR_CONFIG_INVALID naming the file and what to do (a
   certificate without key or the reverse, a key that does not fit, no pair at all), or ERR_NO_MEMORY; *pairs
   is NULL then. The caller frees *pairs. */
bool sealing_pairs_load(const char *folder, struct sealing_pairs **pairs, struct err *err);
/* Reads the folder again if something in it changed since; looks at most every few seconds by clock_ms
   (monotonic, milliseconds). False with ERR_CONFIG_INVALID or ERR_NO_MEMORY when the new ones cannot be read:
   the old pairs stay, and it is tried again at the next look. */
bool sealing_pairs_refresh(struct sealing_pairs *pairs, int64_t clock_ms, struct err *err);
void sealing_pairs_free(struct sealing_pairs *pairs);
AUTO_DEFINE(sealing_pairs, struct sealing_pairs, sealing_pairs_free);

/* Opens a CMS with whichever pair its recipient infos name (by issuer and serial number, or by subject key
   identifier). Appends the content, which is secret: the caller wipes it. RSA recipients: RSAES-OAEP with
   SHA-1, -256, -384 or -512 and no label, or RSAES-PKCS1-v1_5. EC recipients: ECDH (dhSinglePass-stdDH with
   SHA-1 or SHA-2) with AES key wrap. False, and *content as long as it was, with ERR_SEAL_INVALID and why (no
   CMS, no AuthEnvelopedData, another cipher than AES-256-GCM, a tag of other than 16 bytes, none of our
   pairs, over SEALING_CMS_MAX; of what does not open it is not said why), ERR_NO_MEMORY, or ERR_INTERNAL
   without entropy. */
bool sealing_open(const struct sealing_pairs *pairs, struct span cms, struct buf *content, struct err *err);
