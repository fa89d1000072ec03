/* domain/job: one planned job as the contract's StoreJob. */
#pragma once

#include "domain/plan.h"

/* *id is UUIDv5(commandId, storeId + "/" + alias). False when the arena has no memory for a long alias. */
bool job_id(struct arena *arena, const struct uuid *command_id, const struct uuid *store_id,
            struct span alias, struct uuid *id);

/* Fills *out for plan->jobs[job] of plan->stores[store]; all but its credential, which is the caller's, and
   which credential_variant(plan->jobs[job].variant) describes. The job borrows the plan, its inventory
   section and the arena. False only with NO_MEMORY. */
bool job_fill(struct arena *arena, const struct plan *plan, size_t store, size_t job, int64_t now_ms,
              struct store_job *out, struct err *err);
