/* pipeline/health: what each loop says of itself, for /readyz and /livez. Ready: it works, or could. Live: it
   still turns, whatever its dependencies do. */
#pragma once

#include "base/auto.h"
#include "base/buf.h"

struct health;
struct health_part;

struct health *health_new(void);
void health_free(struct health *health);
AUTO_DEFINE(health, struct health, health_free);

/* A part of that name, waiting for its start. Before the threads start. NULL when out of memory. */
struct health_part *health_add(struct health *health, const char *name);

/* The part's thread: it has turned once more. To be called at least every HEALTH_STALL_MS. */
void health_beat(struct health_part *part);
/* The part's thread: it cannot work, and what it waits for. Logged when it begins, and then every half
 * minute. */
void health_waiting(struct health_part *part, const char *reason);
/* The part's thread: it works. */
void health_ready(struct health_part *part);

enum { HEALTH_STALL_MS = 120 * 1000 };

/* Any thread. Whether every part is ready (live); if not, a line each that is not: "<part>: <reason>\n". */
bool health_is_ready(struct health *health, struct buf *reasons);
bool health_is_live(struct health *health, struct buf *reasons);
