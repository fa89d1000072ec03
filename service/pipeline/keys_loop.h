/* pipeline/keys_loop: one thread that keeps the key set which tokens are verified by, and tells /readyz of
 * it. */
#pragma once

#include "pipeline/context.h"

struct keys_loop;

/* Makes the store, which context->keys points to then, and its part of /readyz. Borrows the context. NULL
   with NO_MEMORY. */
struct keys_loop *keys_loop_new(struct pipeline_context *context, struct err *err);
bool keys_loop_start(struct keys_loop *loop);
void keys_loop_join(struct keys_loop *loop);
void keys_loop_free(struct keys_loop *loop);
