/* domain/result: what became of a command, as the contract's ReplaceResult. */
#pragma once

#include "domain/plan.h"

/* UUIDv5(commandId, "result"). */
struct uuid result_id(const struct uuid *command_id);
/* Of the result that says COMMAND_ID_CONFLICT to a command whose value has this SHA-256: UUIDv5(commandId,
   "conflict/" and the hash in lower-case hex). */
struct uuid result_conflict_id(const struct uuid *command_id, const uint8_t value_sha256[32]);

/* Fills *result from a plan whose jobs are made (or, in a dry run, would be). It borrows the arena, the
   plan's messages and the command, but not the inventory. False only with NO_MEMORY. */
bool result_make(struct arena *arena, const struct plan *plan, int64_t now_ms, struct replace_result *result,
                 struct err *err);

/* First step for a result that is larger than the producer's limit: its failures lose their messages. True if
   that made it smaller. */
bool result_drop_messages(struct replace_result *result);
/* Last step: the plan becomes a TOO_MANY_STORES rejection; make the result anew, and no job. */
void plan_reject_too_large(struct plan *plan);
