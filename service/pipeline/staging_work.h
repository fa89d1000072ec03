/* pipeline/staging_work: enrollments and renewals into Redis. Opens each credential once, checks it, encrypts
   what it holds; a refused one leaves a marker and goes to the dead letters. */
#pragma once

#include "pipeline/runner.h"

struct staging_work;

/* Borrows the context. NULL with NO_MEMORY, or CONFIG_INVALID where the sealing keys cannot be read. */
struct staging_work *staging_work_new(struct pipeline_context *context, struct err *err);
void staging_work_free(struct staging_work *work);
/* The runner's view of it. */
struct work staging_work(struct staging_work *work);
