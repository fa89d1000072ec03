#include "pipeline/unseal.h"

#include "avro/wire.h"
#include "pipeline/batch.h"
#include "pipeline/refresh.h"

#include <stdlib.h>

struct unsealer {
    struct sealing_pairs *pairs; /* NULL: nothing sealed can be opened */
    struct err trouble;          /* of the last refresh */
};

struct unsealer *unsealer_new(const char *folder, struct err *err)
{
    struct unsealer *unsealer = calloc(1, sizeof *unsealer);
    if (unsealer == NULL) {
        err_set(err, ERR_NO_MEMORY, "out of memory for the sealing keys");
        return NULL;
    }
    if (folder == NULL || sealing_pairs_load(folder, &unsealer->pairs, err))
        return unsealer;
    free(unsealer);
    return NULL;
}

void unsealer_free(struct unsealer *unsealer)
{
    if (unsealer == NULL)
        return;
    if (unsealer->pairs != NULL)
        sealing_pairs_free(unsealer->pairs);
    free(unsealer);
}

void unsealer_refresh(struct unsealer *unsealer)
{
    struct err err = {0};
    if (unsealer->pairs == NULL)
        return;
    sealing_pairs_refresh(unsealer->pairs, monotonic_us() / 1000, &err);
    refresh_note("CERTSWAP_SEALING_DIR", METRIC_SEALING_REFRESH_FAILURES, &unsealer->trouble, &err);
}

static bool open_seal(const struct unsealer *unsealer, const struct sealed *sealed, struct buf *plain,
                      struct err *err)
{
    if (unsealer->pairs == NULL)
        return err_set(err, ERR_SEAL_INVALID,
                       "sealed input is refused: no key opens it; set CERTSWAP_SEALING_DIR at the service");
    return sealing_open(unsealer->pairs, sealed->cms, plain, err);
}

bool unseal_credential(const struct unsealer *unsealer, struct codec *codec, struct arena *arena,
                       const struct sealed *sealed, struct buf *plain, struct credential *credential,
                       struct err *err)
{
    struct err why = {0};
    if (!open_seal(unsealer, sealed, plain, err))
        return false;
    if (codec_decode_credential_body(codec, buf_span(plain), arena, credential, &why))
        return true;
    if (why.code == ERR_NO_MEMORY)
        return err_set(err, why.code, "%s", why.text);
    return err_set(err, ERR_CREDENTIAL_INVALID,
                   "what the seal holds is no Credential's Avro body (%s); seal the body alone, without "
                   "framing, and publish the event again",
                   why.text);
}

bool unseal_password(const struct unsealer *unsealer, struct arena *arena, const struct sealed *sealed,
                     struct span *password, struct err *err)
{
    AUTO(buf) struct buf plain = {0};
    if (!open_seal(unsealer, sealed, &plain, err))
        return false;
    if (plain.len > UNSEAL_PASSWORD_MAX)
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed password is longer than %d bytes; seal a shorter one, and send it under a "
                       "new id",
                       UNSEAL_PASSWORD_MAX);
    if (!utf8_valid(buf_span(&plain)))
        return err_set(err, ERR_SEAL_INVALID,
                       "the sealed password is no UTF-8 text; seal it in UTF-8, and send it under a new id");
    *password = arena_copy(arena, buf_span(&plain));
    return password->data != NULL || err_set(err, ERR_NO_MEMORY, "out of memory for a password");
}
