/* pipeline/job_seal: the credentials of a command's jobs as they go out: sealed where the agent has a
   certificate, once for each certificate and variant, whatever the number of stores. */
#pragma once

#include "avro/codec.h"
#include "pipeline/package.h"

struct job_recipient;
struct sealing_recipients;

/* Zero-initialise; job_sealer_free wipes it. */
struct job_sealer {
    struct arena *arena;
    struct codec *codec;
    struct sealing_recipients *known;
    const struct plan *plan;
    const struct package *package;
    int64_t now_ms;
    struct job_recipient **of_store;             /* by the plan's stores; NULL: it gets no sealed job */
    struct buf bodies[CREDENTIAL_VARIANT_COUNT]; /* Credentials in clear, made when they are needed */
    struct buf cms;                              /* of the seal being made */
};

/* Finds the recipients of the stores that have not failed. Borrows all, and the inventory's section. False
   with NO_MEMORY. `now_ms`: the moment at which the agents' certificates must hold. */
bool job_sealer_begin(struct job_sealer *sealer, struct arena *arena, struct codec *codec,
                      struct sealing_recipients *known, const struct plan *plan,
                      const struct package *package, int64_t now_ms, struct err *err);
void job_sealer_free(struct job_sealer *sealer);
static inline void auto_job_sealer(struct job_sealer *sealer)
{
    job_sealer_free(sealer);
}

/* The credential of a variant for the plan's store, which has not failed; in the arena. False with
   SEALING_FAILED, and the reason and what to do, or NO_MEMORY. */
bool job_sealer_credential(struct job_sealer *sealer, size_t store, unsigned variant,
                           struct credential_or_sealed *out, struct err *err);
