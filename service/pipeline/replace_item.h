/* pipeline/replace_item: one command record on its way through a batch. */
#pragma once

#include "avro/codec.h"
#include "crypto/material.h"
#include "domain/plan.h"
#include "domain/result.h"
#include "pipeline/context.h"
#include "pipeline/outbox.h"
#include "redis/staging.h"

struct replace_item {
    const rd_kafka_message_t *message;
    struct err refusal; /* set: it is no command, its dead letter is all that comes of it */
    struct replace_command command;
    struct plan plan;
    struct staged_lookup lookup; /* asked unless the precheck rejected the command */
    struct staged_outcome staged;
    struct material material; /* of staged.state STAGED_FOUND */
    struct replace_result result;
};

/* What making a command's records needs; the pipeline thread's own. */
struct replace_tools {
    struct pipeline_context *context;
    struct arena *arena;
    struct codec *codec;
    struct inventory_reader *reader;
    struct buf scratch;
    struct plan_policy policy;
    int64_t now_ms; /* of the batch */
};

/* Decodes and prechecks. False only with NO_MEMORY: what is wrong with the record goes into the item. */
bool replace_item_read(struct replace_tools *tools, const rd_kafka_message_t *message,
                       struct replace_item *item, struct err *err);
/* Whether the staging must be asked for it. */
bool replace_item_wants_lookup(const struct replace_item *item);
/* Takes the answer in item->lookup up: opens the staged record. False only with NO_MEMORY. */
bool replace_item_take_lookup(struct replace_tools *tools, struct replace_item *item, struct err *err);
/* Decides, in an open inventory section, and adds the command's records to the outbox. */
bool replace_item_decide(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                         struct err *err);
/* Wipes what it holds outside of the arena. */
void replace_item_free(struct replace_item *item);
