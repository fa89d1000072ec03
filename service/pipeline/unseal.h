/* pipeline/unseal: opens what producers sealed to the service, and judges what came out. Each thread has its
   own key pairs, and notices when those in CERTSWAP_SEALING_DIR change. */
#pragma once

#include "avro/codec.h"
#include "crypto/sealing.h"
#include "domain/record.h"

enum { UNSEAL_PASSWORD_MAX = 4096 }; /* bytes of a sealed password */

struct unsealer;

/* Reads the pairs of the folder; NULL: there is none, and nothing sealed can be opened. NULL with
   CONFIG_INVALID, which names the file and what to do, or NO_MEMORY. */
struct unsealer *unsealer_new(const char *folder, struct err *err);
void unsealer_free(struct unsealer *unsealer);
/* Before each batch: takes up pairs that have changed, at most every few seconds. Where they cannot be read
   those of before stay; that is logged and counted. */
void unsealer_refresh(struct unsealer *unsealer);

/* Opens a SealedCredential. *credential borrows from *plain, an empty buffer that holds it in clear then.
   False with SEAL_INVALID where it cannot be opened, CREDENTIAL_INVALID where it holds no Credential, or
   NO_MEMORY.
 */
bool unseal_credential(const struct unsealer *unsealer, struct codec *codec, struct arena *arena,
                       const struct sealed *sealed, struct buf *plain, struct credential *credential,
                       struct err *err);
/* Opens a SealedPassword into the arena; it may be empty. False with SEAL_INVALID (it cannot be opened, is no
   UTF-8, or is longer than UNSEAL_PASSWORD_MAX), or NO_MEMORY. */
bool unseal_password(const struct unsealer *unsealer, struct arena *arena, const struct sealed *sealed,
                     struct span *password, struct err *err);
