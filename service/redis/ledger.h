/* redis/ledger: whose each command id is, and what was decided. The owner is the origin that was seen first;
   its decision is kept before its transaction commits, and counts once that has committed. */
#pragma once

#include "base/arena.h"
#include "base/uuid.h"
#include "redis/connection.h"

enum { LEDGER_HASH_LEN = 32, LEDGER_PLACE_MAX = 320 };

enum ledger_state {
    LEDGER_OWNER,    /* the record decides, whatever is kept: it is new, or its own replay */
    LEDGER_CONFLICT, /* the id belongs to another payload */
    LEDGER_WAITING,  /* a duplicate, and the owner has not decided yet */
    LEDGER_DECIDED,  /* a duplicate, and a decision is kept: good once `decider` is committed */
    LEDGER_OUTDATED, /* its own record, but a later generation of the group has claimed it */
};

struct ledger_claim {
    struct uuid command_id;
    struct span origin;            /* "topic/partition/offset" where the record came from first */
    uint8_t hash[LEDGER_HASH_LEN]; /* SHA-256 of its value */
    int32_t generation;            /* of the consumer group, as the asking member knows it */
    int32_t gone_generation;       /* a stored one that is proven to be of a deleted group; 0: none */

    /* The answer; spans in the arena. */
    enum ledger_state state;
    int64_t attempt;     /* the fencing token of an owner; of a decision, whose it is; LEDGER_OUTDATED: the
                            generation that is stored */
    struct span result;  /* LEDGER_DECIDED: the encoded result */
    struct span decider; /* LEDGER_DECIDED: the record that decided it, "topic/partition/offset" */
};

/* Queues the claim; the answers come in the order of the questions. retention_s: how long the id is
 * remembered. */
bool ledger_ask(struct redis *redis, const struct ledger_claim *claim, int retention_s, struct err *err);
bool ledger_answer(struct redis *redis, struct arena *arena, struct ledger_claim *claim, struct err *err);

/* A decision to be kept. */
struct ledger_decision {
    const struct ledger_claim *claim; /* of LEDGER_OWNER */
    struct span result;
    struct span decider;
};

/* Keeps `count` decisions in one round trip. False with ERR_REDIS_UNAVAILABLE (again, with the same claims),
   or with ERR_KAFKA_ABORTABLE when another instance has claimed one of the ids since: its decision counts. */
bool ledger_keep(struct redis *redis, const struct ledger_decision *decisions, size_t count, int retention_s,
                 struct err *err);

/* "topic/partition/offset", as origins and deciders are written. */
struct span place_text(struct arena *arena, const char *topic, int32_t partition, int64_t offset);
/* Takes it apart; *topic borrows from the text. False for any other text. */
bool place_split(struct span text, struct span *topic, int32_t *partition, int64_t *offset);
/* The same with *topic in the arena, NUL-terminated. False also when out of memory. */
bool place_read(struct arena *arena, struct span text, const char **topic, int32_t *partition,
                int64_t *offset);
