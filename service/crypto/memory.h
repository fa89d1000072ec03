/* crypto/memory: what the process holds in memory stays there: out of core dumps, of debuggers of the same
   user, of swap space, and out of freed memory. Sanitizer builds are not touched by what would keep their
   leak check from reading the process. */
#pragma once

#include "base/err.h"

/* No core dump, and no reading of the process but by root. To be called first thing in main(). */
void forbid_core_dumps(void);
/* Has OpenSSL wipe all that it frees: its PKCS#12 parser and key derivation leave files and passwords behind.
   To be called in main() before anything of OpenSSL's; false where that is too late. */
bool wipe_openssl_memory(void);
/* Locks all memory, also what is yet to be allocated, where that is allowed without a limit: under a limit
   allocations would begin to fail. MEMORY_SWAPPED where it is not and the machine has swap space. */
enum memory_lock { MEMORY_LOCKED, MEMORY_WITHOUT_SWAP, MEMORY_SWAPPED };
enum memory_lock lock_memory(void);
