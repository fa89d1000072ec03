/* domain/plan: the heart. A pure function from (command, staged outcome, inventory, policy, now) to who gets
   a job, who fails and why, or why the command is rejected.

   A plan borrows the command, the staged outcome, the arena and the reader's open section: read the jobs off
   it before inventory_read_end. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "domain/command.h"
#include "domain/inventory.h"
#include "domain/permission.h"
#include "domain/record.h"

enum staged_state {
    STAGED_MISSING, /* neither material nor marker */
    STAGED_EXPIRED, /* a marker says that there was some */
    STAGED_REFUSED, /* a marker says that the credential was refused, or the value cannot be decrypted */
    STAGED_FOUND
};

/* What the staging says about the command's certificate. */
struct staged_outcome {
    enum staged_state state;
    bool has_certificate_id; /* the command's requestId led to a certificate (also an expired or refused one)
                              */
    int32_t certificate_id;  /* of that; a command with certificateId needs neither field */
    struct span requester;   /* STAGED_FOUND */
    struct span thumbprint;  /* STAGED_FOUND: of the new certificate */
    struct span reason;      /* STAGED_REFUSED: why, no secret in it; may be empty */
};

/* What came of opening a command's SealedPassword. */
struct opened_password {
    bool opened;
    struct span text;   /* opened: UTF-8; may be empty */
    struct span reason; /* not opened: why, and what to do; no secret in it */
};

struct plan_policy {
    size_t max_stores_per_command;
    bool require_sealed; /* CERTSWAP_REQUIRE_SEALED */
    bool can_unseal;     /* sealed input can be opened: CERTSWAP_SEALING_DIR is set */
    bool token_decides;  /* CERTSWAP_AUTH=jwt: the principal is a token's, and not known in the precheck */
};

struct plan_input {
    const struct replace_command *command;
    const struct staged_outcome *staged;    /* plan_decide only */
    const struct inventory_reader *reader;  /* plan_decide only; in an open section */
    const struct opened_password *password; /* plan_decide only; where the command's is sealed */
    const struct plan_policy *policy;
    int64_t now_ms;
};

/* What a job's content is: wrap once for each that a plan uses. The profile is MODERN for PEM, which has
 * none. */
struct credential_variant {
    enum credential_format format;
    enum pkcs12_profile profile;
    bool with_key;
};
enum { CREDENTIAL_VARIANT_COUNT = 6 };
struct credential_variant credential_variant(unsigned index);

/* One management job: one alias of one store. */
struct plan_job {
    uint32_t entry;   /* of the store's entries */
    uint32_t variant; /* index of its credential_variant */
};

/* One store that the result lists. */
struct plan_store {
    struct uuid id;
    const struct inventory_store *store; /* NULL where it does not hold the certificate */
    enum err_code failure;               /* ERR_NONE: it gets jobs */
    struct span message;                 /* of the failure */
    uint32_t first_entry;                /* of its jobs, in the store's entries */
    size_t first_job;                    /* in plan.jobs */
    size_t job_count;                    /* 0 where it had failed before it got any */
    unsigned variants; /* bit set over variant indexes: what it needs, also where sealing failed */
};

struct plan {
    const struct replace_command *command;
    struct command_view view;
    struct permission_set permissions;

    enum err_code rejection; /* ERR_NONE: the command is carried out */
    struct span rejection_message;

    bool has_certificate_id; /* of the new certificate, as given or found */
    int32_t certificate_id;
    struct span thumbprint; /* of the new certificate; empty when rejected */

    struct plan_store *stores; /* in the order of their GUIDs; none when rejected */
    size_t store_count;
    size_t failed_count;
    struct plan_job *jobs; /* of all stores; skip those of stores that failed since */
    size_t job_count;      /* of the stores that did not fail */
    unsigned variants;     /* what must be wrapped: bit set over variant indexes */
};

/* First step, needing neither staging nor inventory nor a key. Fills the plan, and its rejection where
   INVALID_COMMAND or, unless a token decides, one of plan_authorize's applies. False only with NO_MEMORY.
 */
bool plan_precheck(struct arena *arena, const struct plan_input *input, struct plan *plan, struct err *err);
/* Where a token decides, between the two steps, once it is verified and its principal is the command's: the
   rejection where FORBIDDEN or, for how the password came, SEAL_INVALID applies. False only with NO_MEMORY.
 */
bool plan_authorize(struct arena *arena, const struct plan_input *input, struct plan *plan, struct err *err);
/* Second step, on a plan whose precheck found nothing: the other rejections, the stores, their failures and
   jobs. False only with NO_MEMORY. */
bool plan_decide(struct arena *arena, const struct plan_input *input, struct plan *plan, struct err *err);
/* Both steps, of a command whose principal counts as written. */
bool plan_make(struct arena *arena, const struct plan_input *input, struct plan *plan, struct err *err);

enum replace_status plan_status(const struct plan *plan);

/* What comes out only while jobs are made. `message` is borrowed, says what to do next and holds no secret.
   A store fails by the code that comes first in the contract's order: a later one does not replace an
   earlier. */
void plan_fail_store(struct plan *plan, size_t store, enum err_code code, struct span message);
/* The same for every store that needs the variant: PACKAGING_FAILED for one. */
void plan_fail_variant(struct plan *plan, unsigned variant, enum err_code code, struct span message);
/* Rejects a command after all: a result that is too large for one. It has no stores and jobs then. */
void plan_reject(struct plan *plan, enum err_code code, struct span message);
