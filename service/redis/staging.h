/* redis/staging: staged certificates by id. The rules of replay, order and expiry are in stage.lua, one
   atomic step a record; this room only speaks to it, many records a round trip. */
#pragma once

#include "base/arena.h"
#include "domain/plan.h"
#include "domain/record.h"
#include "redis/connection.h"

/* One event's staging. */
struct stage_request {
    const struct certificate_event *event;
    struct span record;  /* the sealed staged record; empty when refused */
    struct span refused; /* why the credential was refused; empty when it was not */
};

enum stage_outcome {
    STAGE_STAGED,
    STAGE_REPLAYED, /* the same event again: its life was not lengthened */
    STAGE_OVER,     /* its life had ended: marker and request key only */
    STAGE_REFUSED,  /* marker and request key only */
    STAGE_OLDER,    /* a newer event decides */
};

/* Stages `count` events in their order, in one round trip; life is min(occurredAt, Redis' now) + ttl_ms.
   False: ERR_REDIS_UNAVAILABLE, any number of them may have been staged; doing it again is safe. */
bool staging_write(struct redis *redis, const struct stage_request *requests, size_t count, int64_t ttl_ms,
                   enum stage_outcome *outcomes, struct err *err);

/* Asked with by_request and id; the rest is the answer, in the arena. */
struct staged_lookup {
    bool by_request;
    int32_t id;

    enum staged_state state;
    int32_t certificate_id; /* 0 where the request id is unknown */
    struct span record;     /* STAGED_FOUND: still sealed */
    struct span refused;    /* STAGED_REFUSED: why */
};

/* Queues the question; several, and of other rooms, make one round trip. The answers come in the order of the
   questions. */
bool staging_ask(struct redis *redis, const struct staged_lookup *lookup, struct err *err);
bool staging_answer(struct redis *redis, struct arena *arena, struct staged_lookup *lookup, struct err *err);

/* What the staged record of a certificate is bound to besides its content: key name and requester. */
struct span staging_binding(struct arena *arena, int32_t certificate_id, struct span requester);
