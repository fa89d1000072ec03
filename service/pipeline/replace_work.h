/* pipeline/replace_work: commands into jobs and results. Each record: decode, look the certificate up, plan,
   wrap, seal, encode. The decisions are the plan's (domain/plan.h); here is the I/O around it. */
#pragma once

#include "pipeline/runner.h"

struct replace_work;

/* Borrows the context. NULL with NO_MEMORY, or CONFIG_INVALID where the sealing keys cannot be read. */
struct replace_work *replace_work_new(struct pipeline_context *context, struct err *err);
void replace_work_free(struct replace_work *work);
/* The runner's view of it. */
struct work replace_work(struct replace_work *work);
