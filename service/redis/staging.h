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
    int64_t ends_ms;     /* of its life, by Redis' clock */
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

/* Stages `count` events in their order, in one round trip. False: ERR_REDIS_UNAVAILABLE, any number of them
   may have been staged; doing it again is safe. */
bool staging_write(struct redis *redis, const struct stage_request *requests, size_t count,
                   enum stage_outcome *outcomes, struct err *err);

/* Which event material is of, and when its life ends, by Redis' clock. */
struct staged_life {
    struct uuid event_id;
    int64_t occurred_at_ms;
    int64_t ends_ms;
};

/* Asked with by_request and id; the rest is the answer, in the arena. */
struct staged_lookup {
    bool by_request;
    int32_t id;

    enum staged_state state; /* STAGED_FOUND: there is a record, and nobody has judged it */
    int32_t certificate_id;  /* 0 where the request id is unknown */
    struct span record;      /* STAGED_FOUND: still sealed */
    struct span refused; /* why the marker says that the credential was refused; data NULL if it does not */
    bool has_marker;
    struct staged_life marker; /* of the event that decides */
    int64_t now_ms;            /* Redis' clock when it was looked up: all of this is as of one moment */
};

/* Queues the question; several, and of other rooms, make one round trip. The answers come in the order of the
   questions. */
bool staging_ask(struct redis *redis, const struct staged_lookup *lookup, struct err *err);
bool staging_answer(struct redis *redis, struct arena *arena, struct staged_lookup *lookup, struct err *err);

/* What the staged record of a certificate is bound to besides its content: key name and requester. */
struct span staging_binding(struct arena *arena, int32_t certificate_id, struct span requester);
