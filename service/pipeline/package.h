/* pipeline/package: the content of a command's jobs. Wrapped once for each variant that the plan uses
   (format, profile, with or without key), whatever the number of stores. */
#pragma once

#include "crypto/material.h"
#include "domain/plan.h"

/* Contents by variant index; format and password as in the contract's Credential. In the arena. */
struct package {
    struct credential contents[CREDENTIAL_VARIANT_COUNT];
};

/* Wraps what plan->variants asks for under the command's password (plan->view.has_password), or under a fresh
   random one of 128 bits. A variant that cannot be wrapped fails its stores (PACKAGING_FAILED). False only
   with NO_MEMORY, or INTERNAL when there is no randomness. */
bool package_build(struct arena *arena, struct plan *plan, const struct material *material, int iterations,
                   struct package *package, struct err *err);
