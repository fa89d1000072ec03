#include "crypto/no_dump.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void forbid_core_dumps(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    /* Both: a core_pattern that is a pipe does not ask for the limit. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_DUMPABLE, 0);
#endif
}
