/* pipeline/replace_output: the records that a decided command gives: jobs, results, retries, dead letters. */
#pragma once

#include "pipeline/replace_item.h"

/* Adds the jobs of the stores that did not fail, wrapped once a variant, and sealed once an agent certificate
   and variant. Stores whose content cannot be wrapped or sealed, or whose job turns out too large, fail in
   the plan. A dry run goes the whole way but for the jobs themselves. */
bool output_add_jobs(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                     struct err *err);
/* Adds the plan's result, after its jobs. One that is over the producer's limit loses its messages; if that
   is not enough the command is rejected, and what stands in the outbox after the first `mark` records goes.
 */
bool output_add_result(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                       size_t mark, struct err *err);
/* Adds a result that says that the id belongs to another payload. */
bool output_add_conflict(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                         struct err *err);
/* Adds the kept result again, byte for byte, with the trace of the record that asks. */
bool output_add_repeat(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                       struct err *err);
/* Adds the record itself, for the retry topic, due CERTSWAP_RETRY_DELAY_MS later. */
bool output_add_retry(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                      struct err *err);
bool output_add_dead_letter(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                            struct err *err);
