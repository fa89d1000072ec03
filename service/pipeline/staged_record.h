/* pipeline/staged_record: what stands in Redis for a staged certificate: the requester in clear, then which
   event the material is of, when its life ends and the packed material, encrypted (AES-256-GCM) and bound to
   key name and requester. */
#pragma once

#include "crypto/at_rest.h"
#include "crypto/material.h"
#include "redis/staging.h"

/* The record, in the arena. ERR_NO_MEMORY, or what at_rest_seal() gives. */
bool staged_record_seal(struct arena *arena, const struct keyring *keyring, int32_t certificate_id,
                        struct span requester, const struct staged_life *life,
                        const struct material *material, struct span *record, struct err *err);

/* Opens it into an empty material; *requester borrows from the record. ERR_CREDENTIAL_INVALID when it is not
   what was sealed for this certificate: unknown kid, altered, swapped. */
bool staged_record_open(struct arena *arena, const struct keyring *keyring, int32_t certificate_id,
                        struct span record, struct span *requester, struct staged_life *life,
                        struct material *material, struct err *err);

/* Opens the record of a lookup, and holds it against the marker and Redis' clock, which were read with it:
   stage.lua writes record and marker together, so that a record that does not fit its marker was put there by
   somebody else. *state is
   STAGED_FOUND   *requester and *material are to be used;
   STAGED_EXPIRED its life is over, by its marker or by what is sealed with it;
   STAGED_REFUSED it does not open, is of another event than the newest, or of a refused credential.
   *why is filled where that should not have happened, and is to be told. False only with ERR_NO_MEMORY. */
bool staged_record_judge(struct arena *arena, const struct keyring *keyring,
                         const struct staged_lookup *lookup, enum staged_state *state, struct span *requester,
                         struct material *material, struct err *why, struct err *err);
