/* pipeline/inventory_loop: one thread that keeps the whole compacted inventory topic in memory, and
   dead-letters what it cannot read, once over all instances. */
#pragma once

#include "pipeline/context.h"

struct inventory_loop;

/* Borrows the context. NULL when out of memory. */
struct inventory_loop *inventory_loop_new(struct pipeline_context *context);
bool inventory_loop_start(struct inventory_loop *loop);
void inventory_loop_join(struct inventory_loop *loop);
void inventory_loop_free(struct inventory_loop *loop);
