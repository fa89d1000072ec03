/* pipeline/replace_item: one command record on its way through a batch, and what becomes of it. */
#pragma once

#include "avro/codec.h"
#include "crypto/jwt.h"
#include "crypto/material.h"
#include "domain/plan.h"
#include "domain/result.h"
#include "pipeline/context.h"
#include "pipeline/outbox.h"
#include "pipeline/staging_keys.h"
#include "pipeline/unseal.h"
#include "redis/ledger.h"
#include "redis/staging.h"

enum item_fate {
    ITEM_DEAD,     /* it is no command: its dead letter is all that comes of it */
    ITEM_DECIDED,  /* jobs and result; kept in the ledger */
    ITEM_CONFLICT, /* a result that says so; not kept */
    ITEM_REPEATED, /* a duplicate: the kept result again, no job */
    ITEM_RETRIED,  /* its certificate, the owner's decision, or its token's key may still come */
    ITEM_COPY, /* another record of the batch is the same command record: what becomes of that one counts */
};

struct replace_item {
    const rd_kafka_message_t *message;
    struct trace_context trace; /* of the message: its outputs continue it */
    struct err refusal;         /* set: it is no command */
    struct replace_command command;
    struct plan plan;

    struct ledger_claim claim;
    int64_t retries;       /* how often it went through the retry topic */
    int64_t first_seen_ms; /* Redis' clock; 0: now, in this batch */
    bool repeatable;       /* LEDGER_DECIDED, and that decision is committed */
    bool is_copy;          /* it claims nothing and asks for nothing, see replace_items_find_copies() */

    bool key_may_come; /* its token names a key that is not known, and that the source may have now */

    struct staged_lookup lookup; /* asked unless the precheck rejected the command */
    struct staged_outcome staged;
    struct material material; /* of staged.state STAGED_FOUND */
    bool may_still_come;      /* of material that is missing or expired: not all watermarks have passed
                                 first_seen_ms */

    enum item_fate fate; /* once decided */
    struct replace_result result;
    struct span encoded_result; /* ITEM_DECIDED */
};

/* What making a command's records needs; the pipeline thread's own. */
struct replace_tools {
    struct pipeline_context *context;
    struct arena *arena;
    struct codec *codec;
    struct registry_client *registry; /* of the codec; NULL: none is set */
    struct inventory_reader *reader;
    struct unsealer *unsealer;
    struct sealing_recipients *recipients;
    struct staging_keys *keys;
    struct buf scratch;
    struct plan_policy policy;
    struct jwt_rules token_rules; /* where policy.token_decides; as is the next */
    struct key_view key_view;     /* of the batch */
    int64_t now_ms;               /* of the batch, wall clock */
    int64_t redis_now_ms;         /* of the batch, Redis' clock */
    int64_t redis_ahead_ms;       /* Redis' clock less the monotonic one; 0: not known yet */
};

/* Decodes, prechecks, and reads where the record came from first. False with NO_MEMORY or INTERNAL only: what
   is wrong with the record goes into the item. */
bool replace_item_read(struct replace_tools *tools, const rd_kafka_message_t *message,
                       struct replace_item *item, struct err *err);
/* A group that begins anew reads a command and the retry records that it once became again. Each of them is
   the same command record, of one origin, and would outdate the claim of the one before. Of those in one
   batch the first that was first seen the earliest stays, and the others become copies of it. */
void replace_items_find_copies(struct replace_item *items, size_t count);
/* Whether it goes through the ledger: it is a command, and no copy of another. */
bool replace_item_counts(const struct replace_item *item);
/* Whether the staging must be asked for it: nothing rejects it yet. */
bool replace_item_wants_lookup(const struct replace_item *item);
/* Takes the answer in item->lookup up: opens the staged record. False only with NO_MEMORY. */
bool replace_item_take_lookup(struct replace_tools *tools, struct replace_item *item, struct err *err);
/* Whether it would be rejected for want of material, if no more came. */
bool replace_item_lacks_material(const struct replace_item *item);
/* Decides, in an open inventory section, and adds the command's records to the outbox. */
bool replace_item_decide(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                         struct err *err);
/* Wipes what it holds outside of the arena. */
void replace_item_free(struct replace_item *item);

/* A header of the record in decimal digits; false when there is none that is. */
bool message_header_number(const rd_kafka_message_t *message, const char *name, int64_t *number);
