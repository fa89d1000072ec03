/* domain/permission: what the principal may do (rule 7). Permissions are compared exactly, as text. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "domain/record.h"

/* The permissions that matter here, read once a command. It borrows the arena. */
struct permission_set {
    bool enrollment;     /* /certificates/enrollment/pfx/ */
    bool all_stores;     /* /certificate_stores/schedule/ */
    int32_t *containers; /* of /certificate_stores/schedule/<containerId>/, sorted */
    size_t container_count;
};

/* False only with NO_MEMORY. A containerId counts only as it would be written: no sign +, no leading zero. */
bool permission_read(struct arena *arena, const struct principal *principal, struct permission_set *set,
                     struct err *err);
/* Whether the user may replace certificates at all; false with FORBIDDEN. */
bool permission_check(const struct permission_set *set, struct err *err);
/* Whether jobs may be scheduled for a store of this container; without one it takes the permission for all.
 */
bool permission_for_store(const struct permission_set *set, bool has_container_id, int32_t container_id);
