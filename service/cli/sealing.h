/* cli/sealing: what the tool seals, so that only the holder of one certificate's key can read it. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "cli/options.h"
#include "crypto/sealing.h"
#include "domain/record.h"

#include <jansson.h>

#define SEAL_TO_ROW                                                                                          \
    {                                                                                                        \
        .name = "seal-to", .kind = OPTION_FILE, .of_record = true, .value = "FILE",                          \
        .help = "seal it to this certificate (PEM or DER): only its key's holder can read it"                \
    }

/* A CMS and to whom. */
struct sealed_output {
    struct buf cms;
    char recipient[SEALING_RECIPIENT_LEN + 1];
};

static inline void auto_sealed_output(struct sealed_output *output)
{
    buf_free(&output->cms);
}

/* These need the cryptographic library started. They fill an empty *out, which is to be freed in any case;
   false with ERR_INPUT_UNREADABLE, ERR_CREDENTIAL_INVALID (the certificate, with the reason) or
   ERR_NO_MEMORY. */
bool seal_credential(const char *certificate_path, const struct credential *credential,
                     struct sealed_output *out, struct err *err);
bool seal_password(const char *certificate_path, struct span password, struct sealed_output *out,
                   struct err *err);

/* Appends the DER of the first certificate of a PEM file, or the file as it is. Errors as above. */
bool seal_certificate_read(const char *path, struct buf *der, struct err *err);

/* The SealedCredential or SealedPassword as JSON. NULL with ERR_NO_MEMORY. */
json_t *sealed_json(const struct sealed_output *sealed, struct err *err);
