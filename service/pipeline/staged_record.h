/* pipeline/staged_record: what stands in Redis for a staged certificate: the requester in clear, then the
   packed material encrypted (AES-256-GCM) and bound to key name and requester. */
#pragma once

#include "crypto/at_rest.h"
#include "crypto/material.h"
#include "redis/staging.h"

/* The record, in the arena. ERR_NO_MEMORY, or what at_rest_seal() gives. */
bool staged_record_seal(struct arena *arena, const struct keyring *keyring, int32_t certificate_id,
                        struct span requester, const struct material *material, struct span *record,
                        struct err *err);

/* Opens it into an empty material; *requester borrows from the record. ERR_CREDENTIAL_INVALID when it is not
   what was sealed for this certificate: unknown kid, altered, swapped. */
bool staged_record_open(struct arena *arena, const struct keyring *keyring, int32_t certificate_id,
                        struct span record, struct span *requester, struct material *material,
                        struct err *err);
