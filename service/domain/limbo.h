/* domain/limbo: objects that the newest inventory no longer reaches, until no reader can hold them either.
   They go in during a change, get the version that is without them at its commit, and come out in that order.
 */
#pragma once

#include "domain/memory.h"

#include <stdbool.h>
#include <stdint.h>

enum limbo_kind { LIMBO_NODE, LIMBO_STORE };

struct limbo_item {
    void *object;
    enum limbo_kind kind;
    uint64_t version; /* from this one on nobody finds it */
};

/* Zero-initialise, then set `memory`. */
struct limbo {
    struct memory *memory;
    struct limbo_item *items;
    size_t head;      /* the oldest */
    size_t committed; /* behind the last that has a version */
    size_t count;     /* behind the last */
    size_t cap;
};

void limbo_free(struct limbo *limbo);
/* False when out of memory. */
bool limbo_add(struct limbo *limbo, void *object, enum limbo_kind kind);
/* What was added since the last commit is out of reach from `version` on, which is greater than before. */
void limbo_commit(struct limbo *limbo, uint64_t version);
/* Forgets what was added since the last commit: it is still reached. */
void limbo_rollback(struct limbo *limbo);
/* Takes the oldest out if it is out of reach from `version` or an earlier one on. */
bool limbo_take(struct limbo *limbo, uint64_t version, struct limbo_item *item);
